"""Requests of persons about their data at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.schemas import Command, PlainText, UnmaskedText, View
from services.registry.rules.rights import Outcome, Requester, RightsKind, RightsStatus
from services.registry.schemas.evidence import Evidence, attachments_in
from services.registry.schemas.permit_views import ReasonView
from services.registry.schemas.record import VersionedRecord

Note = Annotated[PlainText, Field(max_length=1000, description="In the officer's words; kept encrypted.")]


class RightsRequestEntry(Command):
    """A request, as it was handed in or sent through a portal."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "019ab0c2-1111-7000-8000-000000000001",
                    "kind": "access_copy",
                    "requester": "self",
                    "wish": "请提供贵单位持有的我的全部信息",
                }
            ]
        }
    )

    person_id: UUID = Field(description="Whose data it is about.")
    kind: RightsKind
    requester: Requester
    requester_person_id: UUID | None = Field(None, description="The guardian or relative, when registered here.")
    wish: Annotated[UnmaskedText, Field(max_length=2000)] | None = Field(
        None, description="What is asked for, in the person's words; kept encrypted."
    )
    evidence: list[Evidence] = Field(default_factory=list, max_length=20)


class RightsVerification(Command):
    """The officer has seen who asks (identity document at the counter, or the portal's own check)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "窗口核验居民身份证"}]})

    note: Note


class RightsDecision(Command):
    """The decision. A refusal, also of a part, names its reasons; it is told with the ways against it (V-23)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "refused", "reason_codes": ["data_correct"]}]})

    outcome: Outcome
    reason_codes: list[Annotated[PlainText, Field(max_length=60)]] = Field(
        default_factory=list, max_length=10, description="Codes of `rights.toml`; none for what is granted whole."
    )
    note: Note | None = None


class RightsCompletion(Command):
    """What was decided is carried out, or the refusal was sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "书面答复已寄出"}]})

    note: Note | None = None


class RestrictionLift(Command):
    """The restriction ends: the person wants it so, or the data are about to be deleted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "本人申请解除"}]})

    note: Note


class RightsSecrets(View):
    """What is kept encrypted with a request, as long as the person is on file."""

    wish: str | None = Field(None, repr=False)
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = Field((), repr=False)


class RightsRequestRecord(VersionedRecord):
    """The full state of a request. Never leaves the service."""

    rights_request_id: UUID
    person_id: UUID
    kind: RightsKind
    requester: Requester
    requester_person_id: UUID | None
    division_code: str
    status: RightsStatus
    received_on: date
    due_on: date
    is_due_provisional: bool
    verified_on: date | None
    decided_on: date | None
    outcome: Outcome | None
    reasons: tuple[ReasonView, ...]
    done_on: date | None
    lifted_on: date | None
    copy_sha256: str | None
    person_version: int
    secrets: RightsSecrets | None


class RightsRequestView(PersonalView):
    """A request about one's own data, with its clock."""

    rights_request_id: UUID
    version: int
    person_id: UUID
    kind: RightsKind
    requester: Requester
    requester_person_id: UUID | None
    division_code: str = Field(description="Of the office that answers.")
    status: RightsStatus
    received_on: date
    due_on: date = Field(description="Last day for deciding (V-24 to V-26).")
    is_due_provisional: bool = Field(description="Counted before that year's calendar of working days was published.")
    is_overdue: bool
    verified_on: date | None
    decided_on: date | None
    outcome: Outcome | None
    reasons: list[ReasonView]
    remedies: str | None = Field(description="With a refusal: the ways against it, in both languages (V-23).")
    done_on: date | None
    lifted_on: date | None
    copy_sha256: str | None = Field(description="SHA-256 of the copy that was handed over.")
    wish: str | None
    evidence_types: list[str]
    attachment_ids: list[UUID]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: RightsRequestRecord, sight: Sight, *, is_overdue: bool, remedies: str | None) -> Self:
        """The request as `sight` shows it."""
        secrets = record.secrets or RightsSecrets()
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        whole = cls(
            **kept
            | {
                "is_overdue": is_overdue,
                "reasons": list(record.reasons),
                "remedies": remedies,
                "wish": secrets.wish,
                "evidence_types": [item.type for item in secrets.evidence],
                "attachment_ids": [attachment_id for _, attachment_id in attachments_in(secrets.evidence)],
            }
        )
        return sight.show(whole)


class ReadingView(View):
    """Once that somebody used the person's data: who, when, for what, which fields. Officers' names are not told."""

    at: str
    organisation: str
    client: str
    division: str
    purpose: str | None
    operation: str
    resource: str
    fields: list[str]


class HeldView(View):
    """What one table holds about the person."""

    source: str = Field(examples=["residence_registration"])
    rows: list[dict[str, Any]] = Field(description="Every row with every value, opened; digests and keys left out.")


class PersonCopyView(View):
    """Everything the registry holds about a person, and who has used it (V-17)."""

    rights_request_id: UUID
    person_id: UUID
    made_on: date
    held: list[HeldView]
    readings: list[ReadingView]
    text: str = Field(description="The same to be read and printed, in plain text.")
    sha256: str = Field(description="Of `text`; kept with the request.")
