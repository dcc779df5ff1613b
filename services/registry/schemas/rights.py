"""Requests of persons about their data at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, UnmaskedText, View
from services.registry.rules.rights import Outcome, Requester, RightsKind, RightsStatus
from services.registry.rules.rights_clock import Clock, ClockAct, ClockStep, Opinion
from services.registry.schemas.evidence import Evidence, attachments_in
from services.registry.schemas.permit_views import ReasonView

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


class IncompleteTelling(Command):
    """The applicant is told, once and within seven working days, what is missing and until when it may come (OGI 30)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"supplement_due_on": "2026-12-18", "missing": "请写明所需信息的年度"}]}
    )

    supplement_due_on: date = Field(description="Last day for it; the law asks for a reasonable time and gives no number.")
    missing: Note


class RightsSupplement(Command):
    """What was missing came in; the term starts anew. After its day it needs a good reason and an officer who accepts it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"wish": "申请公开2024年度的登记情况"}]})

    wish: Annotated[UnmaskedText, Field(max_length=2000)] | None = Field(None, description="What is asked for, made clear.")
    evidence: list[Evidence] = Field(default_factory=list, max_length=20)
    late_reason: Note | None = None


class RightsExtension(Command):
    """The head of the disclosure office agreed that the answer takes longer; the applicant is told (OGI 33)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"working_days": 10, "reason_code": "large_volume"}]})

    working_days: int = Field(ge=1, le=250)
    reason_code: Annotated[PlainText, Field(max_length=60, description="A code of `extension_reasons` in `rights.toml`.")]
    note: Note | None = None


class ThirdPartyAsking(Command):
    """Disclosure may harm somebody else, who is asked in writing; until the answer the term stands still (OGI 32, 33)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "征求房屋出租人意见,意见书当面送达"}]})

    note: Note


class ThirdPartyHearing(Command):
    """The third party's opinion; the office decides (OGI 32)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"opinion": "objects", "note": "涉及商业秘密"}]})

    opinion: Opinion
    note: Note


class RightsCompletion(Command):
    """What was decided is carried out, or the refusal was sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "书面答复已寄出"}]})

    note: Note | None = None
    recipients_are_told: bool = Field(
        default=False, description="Of a correction: the office told whoever was shown the data and follows no events (V-18)."
    )


class RestrictionLift(Command):
    """The restriction ends: the person wants it so, or the data are about to be deleted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "本人申请解除"}]})

    note: Note


class RightsSecrets(View):
    """What is kept encrypted with a request, as long as the person is on file."""

    wish: str | None = Field(None, repr=False)
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = Field((), repr=False)


class ClockEntry(View):
    """Something that happened to the clock of a request."""

    act: ClockAct
    on: date
    until: date | None = Field(None, description="Last day of who was told or asked.")
    working_days: int = Field(0, description="By how many it was extended.")
    reason: ReasonView | None = Field(None, description="Why it was extended.")
    opinion: Opinion | None = None


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
    clock: tuple[ClockEntry, ...]
    supplement_due_on: date | None
    verified_on: date | None
    decided_on: date | None
    outcome: Outcome | None
    reasons: tuple[ReasonView, ...]
    done_on: date | None
    lifted_on: date | None
    copy_sha256: str | None
    contest_id: UUID | None = None
    contested_field: str | None = None
    person_version: int
    secrets: RightsSecrets | None

    @property
    def time(self) -> Clock:
        """The clock as the rules know it."""
        steps = (ClockStep(entry.act, entry.on, entry.until, entry.working_days) for entry in self.clock)
        return Clock(self.kind, self.received_on, tuple(steps))


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
    clock: list[ClockEntry] = Field(description="What happened to the term of an information request, oldest first (V-26).")
    supplement_due_on: date | None = Field(description="Until when what is missing may come in; afterwards it is given up.")
    verified_on: date | None
    decided_on: date | None
    outcome: Outcome | None
    reasons: list[ReasonView]
    remedies: str | None = Field(description="With a refusal: the ways against it, in both languages (V-23).")
    done_on: date | None
    lifted_on: date | None
    copy_sha256: str | None = Field(description="SHA-256 of the copy that was handed over.")
    contest_id: UUID | None = Field(description="The contest that another service brought in, and is told the answer of.")
    contested_field: str | None = Field(description="What of the register is contested: `residence_since`, `employments`, …")
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
                "clock": list(record.clock),
                "reasons": list(record.reasons),
                "remedies": remedies,
                "wish": secrets.wish,
                "evidence_types": [item.type for item in secrets.evidence],
                "attachment_ids": [attachment_id for _, attachment_id in attachments_in(secrets.evidence)],
            }
        )
        return sight.show(whole)


class PastRightsRequestView(PersonalView):
    """A request as of one version."""

    status: RightsStatus
    due_on: date
    is_due_provisional: bool
    clock: list[ClockEntry]
    supplement_due_on: date | None
    verified_on: date | None
    decided_on: date | None
    outcome: Outcome | None
    reasons: list[ReasonView]
    done_on: date | None
    lifted_on: date | None
    copy_sha256: str | None
    wish: str | None

    @classmethod
    def of(cls, record: RightsRequestRecord, sight: Sight) -> Self:
        """A remembered state as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        listed = {"clock": list(record.clock), "reasons": list(record.reasons)}
        return sight.show(cls(**kept | listed, wish=None if record.secrets is None else record.secrets.wish))


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


class RememberedView(View):
    """One thing as it was once, of all that is remembered about the person."""

    source: str = Field(examples=["residence_registration"])
    id: UUID
    version: int
    recorded_at: datetime
    changed: list[str] = Field(description="What this version changed.")
    state: dict[str, Any] | None = Field(description="The whole state; null where another person it named was deleted.")


class RecipientView(View):
    """A client that was shown data of the person, by the evidence of the last three years."""

    organisation: str
    client: str
    division: str
    first_at: datetime
    last_at: datetime
    fields: list[str]
    is_told: bool = Field(
        description="Its division follows the person's events and hears of a correction or deletion; the office tells others."
    )


class RecipientsView(View):
    """To whom the data of the person were given: who is to hear of a correction or deletion (V-18)."""

    rights_request_id: UUID
    recipients: list[RecipientView]


class PersonCopyView(View):
    """Everything the registry holds about a person, as it is and as it was, and who has used it (V-17)."""

    rights_request_id: UUID
    person_id: UUID
    made_on: date
    held: list[HeldView]
    remembered: list[RememberedView]
    readings: list[ReadingView]
    text: str = Field(description="The same to be read and printed, in plain text.")
    sha256: str = Field(description="Of `text`; kept with the request.")
