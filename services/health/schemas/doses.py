"""Doses at the edge, and the full state of one as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, UnmaskedText, View, pattern_field
from services.health.rules.cards import DoseStatus, Evidence, Funding
from services.health.schemas.cards import ClinicCode

_GIVEN: JsonDict = {
    "vaccine_code": "DTaP",
    "given_on": "2026-05-06",
    "product": "吸附无细胞百白破联合疫苗",
    "manufacturer": "北京生物制品研究所",
    "lot_number": "202511A07",
    "expires_on": "2027-10-31",
    "site": "left_arm",
    "route": "intramuscular",
    "clinic_code": "3302821070",
    "vaccinator": "N-2207",
}

_Name = Annotated[UnmaskedText, Field(max_length=120)]
_TraceCode = Annotated[UnmaskedText, pattern_field(r"^[0-9A-Z]{8,40}$", description="Of the smallest package (IMM-78).")]
_Place = Annotated[PlainText, pattern_field(r"^[a-z_]{3,30}$")]


class DoseEntry(Command):
    """A dose: given here with everything the law asks for (IMM-72), or what another unit's record says of one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_GIVEN]})

    vaccine_code: Annotated[PlainText, Field(max_length=40, description="As the programme's catalogue has it.")]
    given_on: date = Field(description="Not in the future.")
    evidence: Evidence = Evidence.GIVEN_HERE
    funding: Funding = Funding.PROGRAMME
    is_campaign: bool = Field(default=False, description="Given in a supplementary campaign.")
    clinic_code: ClinicCode | None = None
    product: _Name | None = None
    manufacturer: _Name | None = Field(None, description="The marketing authorisation holder.")
    lot_number: Annotated[UnmaskedText, pattern_field(r"^[0-9A-Za-z/.-]{2,40}$")] | None = None
    trace_code: _TraceCode | None = None
    expires_on: date | None = Field(None, description="The last day on which this lot may be given.")
    site: _Place | None = Field(None, description="Such as `left_arm`.")
    route: _Place | None = Field(None, description="Such as `intramuscular`.")
    vaccinator: _Name | None = None
    reaction: Annotated[UnmaskedText, Field(max_length=500)] | None = None


class DoseCorrection(DoseEntry):
    """The whole dose as it is right, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [_GIVEN | {"reason": "批号录入有误"}]})

    reason: Annotated[UnmaskedText, Field(max_length=500)]


class DoseWithdrawal(Command):
    """Why it was no dose of this child."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "录入对象有误"}]})

    reason: Annotated[UnmaskedText, Field(max_length=500)]


class RecordTakenOver(Command):
    """The doses of another unit's record, each merged with what is known (X-35)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"doses": [{"vaccine_code": "BCG", "given_on": "2025-11-03", "evidence": "certificate"}]}]
        }
    )

    doses: list[DoseEntry] = Field(min_length=1, max_length=100)


class DoseSecrets(View):
    """What is kept encrypted with a dose."""

    product: str | None = None
    manufacturer: str | None = None
    lot_number: str | None = None
    trace_code: str | None = None
    expires_on: date | None = None
    site: str | None = None
    route: str | None = None
    vaccinator: str | None = None
    reaction: str | None = None
    reasons: tuple[str, ...] = Field((), repr=False)


class DoseRecord(VersionedRecord):
    """The full state of a dose. Never leaves the service."""

    dose_id: UUID
    card_id: UUID
    person_id: UUID
    vaccine_code: str
    given_on: date
    status: DoseStatus
    evidence: Evidence
    funding: Funding
    is_campaign: bool
    clinic_code: str | None
    division_code: str
    reports: int
    secrets: DoseSecrets


class DoseView(PersonalView):
    """A dose a child had, here or elsewhere."""

    dose_id: UUID
    version: int
    card_id: UUID
    person_id: UUID
    vaccine_code: str
    given_on: date
    status: DoseStatus
    evidence: Evidence = Field(description="How it is known; one that was only stated is not counted (IMM-56).")
    funding: Funding
    is_campaign: bool
    clinic_code: str | None
    division_code: str = Field(description="Of the office that recorded it.")
    reports: int = Field(description="How often the same dose was reported (X-35).")
    product: str | None
    manufacturer: str | None
    lot_number: str | None
    trace_code: str | None
    expires_on: date | None
    site: str | None
    route: str | None
    vaccinator: str | None
    reaction: str | None
    reasons: list[str] | None = Field(description="Why it was corrected or withdrawn, oldest first.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: DoseRecord, sight: Sight) -> Self:
        """The dose as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        secrets = record.secrets.__dict__ | {"reasons": list(record.secrets.reasons)}
        return sight.show(cls(**kept | secrets))


class ChildRecord(View):
    """A child's doses, oldest first, with all that a unit elsewhere needs to go on (X-34)."""

    card_id: UUID
    person_id: UUID
    doses: list[DoseView]
