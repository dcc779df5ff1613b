"""Evidence at the edge, and as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, model_validator

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, UnmaskedText, View, pattern_field, rule_error
from services.points_hukou.rules.evidence import EvidenceStatus
from services.points_hukou.rules.gathering.sources import Reliability

RuleSetName = Annotated[PlainText, pattern_field("^[a-z][a-z0-9-]{1,59}$", examples=["ningbo-2022"])]
FactName = Annotated[PlainText, pattern_field("^[a-z][a-z0-9_]{0,59}$", examples=["insurance_in_province"])]
DocumentTypeCode = Annotated[PlainText, pattern_field("^[a-z][a-z0-9_]{0,39}$", examples=["citizen_id"])]
Given = Literal["office", "certificate", "declared"]

_PERSON_ID = "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69"
_EXAMPLE: dict[str, Any] = {
    "person_id": _PERSON_ID,
    "rule_set": "ningbo-2022",
    "fact": "education",
    "value": ["junior_college"],
    "reliability": "certificate",
    "as_of": "2026-03-02",
}


class DocumentReference(Command):
    """An identity document; the number is turned into a token and not kept."""

    type: DocumentTypeCode
    number: Annotated[UnmaskedText, Field(max_length=60, repr=False)]


class Stated(Command):
    """What is said of a fact."""

    value: JsonValue = Field(
        description="As in a document of facts (`rule_sets/README.md`): a day, flag, number, division, or a list.", repr=False
    )
    as_of: date = Field(description="Day of the knowledge, not later than today.")
    valid_from: date | None = Field(None, description="First day on which it counts; left out: always.")
    valid_until: date | None = Field(None, description="First day on which it no longer counts.")
    attachment_id: UUID | None = Field(None, description="The paper itself, uploaded before as an attachment.")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.valid_from is not None and self.valid_until is not None and self.valid_until <= self.valid_from:
            raise rule_error("validity", zh="失效日须晚于生效日", en="valid_until must be later than valid_from", rule="P-10")
        return self


class EvidenceEntry(Stated):
    """One fact of one person, told by id or by identity document."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    person_id: UUID | None = None
    document: DocumentReference | None = None
    rule_set: RuleSetName = Field(description="A rule set that asks for the fact.")
    fact: FactName
    reliability: Given = Field(
        "office", description="`office`: the fact is this office's business; `certificate`: an officer has seen the paper."
    )

    @model_validator(mode="after")
    def _names_one_person(self) -> Self:
        if (self.person_id is None) == (self.document is None):
            raise rule_error(
                "person_or_document", zh="须填人员编号或证件之一", en="give either person_id or document", rule="P-10"
            )
        return self


class EvidenceWithdrawal(Command):
    """The office says that it never was so."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "系统误报,该人员无此记录"}]})

    reason: Annotated[PlainText, Field(max_length=1000, description="In the officer's words; kept encrypted.")]


class EvidenceSearch(Command):
    """Evidence of one person."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"person_id": _PERSON_ID}]})

    person_id: UUID
    fact: FactName | None = None
    include_closed: bool = Field(default=False, description="Also what was superseded or withdrawn.")
    known_at: datetime | None = Field(None, description="As it was known then: what was current at that instant.")


class EvidenceSecrets(View):
    """What is kept under the person's key."""

    value: JsonValue = Field(repr=False)
    withdrawal_reason: str | None = Field(None, repr=False)


class EvidenceRecord(VersionedRecord):
    """The full state of evidence. Never leaves the service."""

    evidence_id: UUID
    person_id: UUID
    rule_set: str
    fact: str
    organisation: str
    division_code: str
    reliability: Reliability
    status: EvidenceStatus
    as_of: date
    valid_from: date | None
    valid_until: date | None
    attachment_id: UUID | None
    superseded_by: UUID | None
    withdrawn_on: date | None
    closed_at: datetime | None
    secrets: EvidenceSecrets

    @property
    def value(self) -> object:
        """What is said, in its normal form."""
        return self.secrets.value


class EvidenceView(PersonalView):
    """What an office, a paper or the applicant says of one fact."""

    evidence_id: UUID
    version: int
    person_id: UUID
    rule_set: str = Field(description="The rule set that declares the fact.")
    fact: str
    organisation: str
    division_code: str
    reliability: Reliability
    status: EvidenceStatus
    is_contested: bool = Field(description="The person says it is wrong, and the office has not answered yet; it still counts.")
    as_of: date
    valid_from: date | None
    valid_until: date | None
    superseded_by: UUID | None = Field(description="Later evidence of the same office.")
    withdrawn_on: date | None
    value: JsonValue
    withdrawal_reason: str | None
    attachment_id: UUID | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: EvidenceRecord, sight: Sight, *, is_contested: bool) -> Self:
        """The evidence as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        return sight.show(cls(**kept, **record.secrets.__dict__, is_contested=is_contested))
