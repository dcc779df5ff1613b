"""Inspections of homes, findings with their deadlines, and pairings of villages with enterprises."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, pattern_field
from services.registry.rules.homes.star_rating import ItemAnswer
from services.registry.schemas.credit_code import CreditCode
from services.registry.schemas.employment.employers import EmployerRecord
from services.registry.schemas.homes.landlords import OrganisationName
from services.registry.schemas.registrations import DivisionCode

ItemCode = Annotated[PlainText, pattern_field("^[a-z][a-z_]*$", max_length=60, examples=["exits_clear"])]


class ItemEntry(Command):
    """The answer to an item of the checklist."""

    code: ItemCode
    answer: ItemAnswer


class FindingEntry(Command):
    """Something wrong, to be put right before a day."""

    kind: ItemCode = Field(examples=["smoke_alarm_missing"])
    room_id: UUID | None = Field(None, description="The room, when it is one.")
    due_on: date = Field(description="Last day for putting it right; after the inspection.")


class ReinspectionEntry(Command):
    """What became of an open finding of an earlier inspection."""

    finding_id: UUID
    is_remedied: bool
    due_on: date | None = Field(None, description="The new last day; needed exactly when it is not remedied.")


class InspectionEntry(Command):
    """An inspection of a home: a grade (all items of the checklist), findings, and what became of earlier ones."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "premises_id": "019ab0c2-1111-7000-8000-000000000012",
                    "inspected_on": "2026-05-10",
                    "findings": [{"kind": "smoke_alarm_missing", "due_on": "2026-05-31"}],
                }
            ]
        }
    )

    premises_id: UUID
    inspected_on: date = Field(description="Not in the future.")
    answers: list[ItemEntry] = Field(default_factory=list, max_length=100, description="All of the checklist, or none.")
    findings: list[FindingEntry] = Field(default_factory=list, max_length=100)
    reinspected: list[ReinspectionEntry] = Field(default_factory=list, max_length=100)


class FindingStatus(StrEnum):
    """Whether it is put right."""

    OPEN = "open"
    CLOSED = "closed"


class FindingFilter(StrEnum):
    """Which findings are listed."""

    OPEN = "open"
    OVERDUE = "overdue"
    """open, and the deadline has passed"""
    CLOSED = "closed"
    ALL = "all"


class FindingRecord(VersionedRecord):
    """The full state of a finding."""

    finding_id: UUID
    premises_id: UUID
    division_code: str
    inspection_id: UUID
    room_id: UUID | None
    kind: str
    due_on: date
    status: FindingStatus
    closed_on: date | None
    closed_by_inspection_id: UUID | None


class FindingView(View):
    """A finding about a home; closed by another inspection alone."""

    finding_id: UUID
    version: int
    premises_id: UUID
    division_code: str
    inspection_id: UUID
    room_id: UUID | None
    kind: str
    category: str = Field(description="`fire` or `overcrowding`.")
    name_zh: str
    name_en: str
    due_on: date
    is_overdue: bool = Field(description="Open, and the last day has passed.")
    status: FindingStatus
    closed_on: date | None
    closed_by_inspection_id: UUID | None
    created_at: datetime
    updated_at: datetime


class PastFindingView(View):
    """A finding as of one version."""

    kind: str
    room_id: UUID | None
    due_on: date
    status: FindingStatus
    closed_on: date | None
    closed_by_inspection_id: UUID | None

    @classmethod
    def of(cls, record: FindingRecord) -> Self:
        """A remembered state."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


class InspectionRecord(View):
    """An inspection as the store keeps it."""

    inspection_id: UUID
    premises_id: UUID
    division_code: str
    inspector: str
    inspected_on: date
    checklist_version: str | None
    answers: dict[str, ItemAnswer]
    score: int | None
    stars: int | None
    stars_valid_until: date | None
    created_at: datetime


class AnsweredItemView(View):
    """An item of the checklist as it was answered."""

    code: str
    answer: ItemAnswer


class InspectionView(View):
    """An inspection, its grade and what it found."""

    inspection_id: UUID
    premises_id: UUID
    division_code: str
    inspector: str
    inspected_on: date
    checklist_version: str | None
    answers: list[AnsweredItemView]
    score: int | None = Field(description="Percent of the points that apply; null without a checklist.")
    stars: int | None = Field(description="1 to 5 (RR-73).")
    stars_valid_until: date | None = Field(description="First day on which the grade holds no more.")
    findings: list[FindingView] = Field(description="What it found, and what it closed or put off.")
    created_at: datetime

    @classmethod
    def of(cls, record: InspectionRecord, findings: list[FindingView]) -> Self:
        """The inspection with its findings."""
        kept = {name: value for name, value in record.__dict__.items() if name != "answers"}
        answers = [AnsweredItemView(code=code, answer=answer) for code, answer in sorted(record.answers.items())]
        return cls(**kept, answers=answers, findings=findings)


class PairingEntry(Command):
    """A village is paired with an enterprise that houses its workers there (COM-68)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "division_code": "330282107",
                    "organisation_name": "慈溪市某某电器有限公司",
                    "credit_code": "91330282MA2A00001K",
                    "valid_from": "2026-01-01",
                }
            ]
        }
    )

    division_code: DivisionCode
    organisation_name: OrganisationName
    credit_code: CreditCode
    valid_from: date


class PairingEnd(Command):
    """The pairing holds no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"valid_until": "2026-12-31"}]})

    valid_until: date = Field(description="First day on which it holds no more; after `valid_from`.")


class PairingRecord(VersionedRecord):
    """The full state of a pairing."""

    pairing_id: UUID
    division_code: str
    organisation_name: str
    credit_code: str
    valid_from: date
    valid_until: date | None


class PairingView(View):
    """A pairing of village and enterprise."""

    pairing_id: UUID
    version: int
    division_code: str
    organisation_name: str
    credit_code: str
    employer_id: UUID | None = Field(description="The employer of this code, when it is on the register.")
    employer_name: str | None = Field(description="Its name there; `organisation_name` is what the village entered.")
    valid_from: date
    valid_until: date | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: PairingRecord, employer: EmployerRecord | None) -> Self:
        """The pairing with its employer."""
        employer_id, name = (None, None) if employer is None else (employer.employer_id, employer.name)
        return cls(**record.__dict__, employer_id=employer_id, employer_name=name)


class PastPairingView(View):
    """A pairing as of one version."""

    division_code: str
    organisation_name: str
    credit_code: str
    valid_from: date
    valid_until: date | None

    @classmethod
    def of(cls, record: PairingRecord) -> Self:
        """A remembered state."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})
