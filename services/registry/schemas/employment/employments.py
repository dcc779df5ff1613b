"""Employment: who works for whom, told within three working days of start and end (RR-14)."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, UnmaskedText, pattern_field
from services.registry.rules.employment import EmploymentEndReason
from services.registry.schemas.credit_code import CreditCode

OccupationCode = Annotated[
    PlainText,
    pattern_field(
        "^[1-8]([0-9]{2}){0,2}$",
        description="GB/T 6565-2015: major group 1 to 8, optionally two or four more digits.",
        examples=["6"],
    ),
]
Position = Annotated[UnmaskedText, Field(max_length=100, description="As the employer calls it; kept encrypted.")]


class EmploymentStart(Command):
    """Somebody was taken on. The person is one the client sees, or has resolved by complete number and name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "019ab0c2-1111-7000-8000-000000000001",
                    "credit_code": "91330282MA2A00001K",
                    "occupation_code": "6",
                    "position": "注塑工",
                    "started_on": "2026-03-02",
                }
            ]
        }
    )

    person_id: UUID
    credit_code: CreditCode = Field(description="Of a registered employer, wherever it lies.")
    occupation_code: OccupationCode
    position: Position | None = None
    started_on: date = Field(description="First day; not in the future.")


class EmploymentChange(Command):
    """What changed; what is left out stays, null clears the position."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"occupation_code": "601"}]})

    occupation_code: OccupationCode | None = None
    position: Position | None = None

    def changes(self) -> dict[str, Any]:
        """What is given; an occupation cannot be cleared."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in given.items() if value is not None or name == "position"}


class EmploymentEnd(Command):
    """Somebody left; that it was an error is an officer's finding."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ended_on": "2026-08-31", "reason": "resigned"}]})

    ended_on: date = Field(description="Last day; not before the first and not in the future.")
    reason: EmploymentEndReason


class EmploymentRecord(VersionedRecord):
    """The full state of an employment. Never leaves the service."""

    employment_id: UUID
    person_id: UUID
    employer_id: UUID
    division_code: str
    industry_code: str
    occupation_code: str
    position: str | None = Field(repr=False)
    started_on: date
    start_reported_on: date
    start_due_on: date | None
    start_reported_late: bool | None
    start_unsettled_on: date | None = None
    ended_on: date | None
    end_reason: EmploymentEndReason | None
    end_reported_on: date | None
    end_due_on: date | None
    end_reported_late: bool | None
    end_unsettled_on: date | None = None


class EmploymentView(PersonalView):
    """An employment. `…_due_on`: last day for the report (RR-14); null before there was such a duty."""

    employment_id: UUID
    version: int
    person_id: UUID
    employer_id: UUID | None
    division_code: str
    industry_code: str | None
    occupation_code: str | None
    position: str | None
    started_on: date
    start_reported_on: date
    start_due_on: date | None
    start_reported_late: bool | None = Field(description="Null: cannot be told before the calendar of that year is held.")
    ended_on: date | None
    end_reason: EmploymentEndReason | None
    end_reported_on: date | None
    end_due_on: date | None
    end_reported_late: bool | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: EmploymentRecord, sight: Sight) -> Self:
        """The employment as `sight` shows it."""
        return sight.show(cls(**record.__dict__))


class PastEmploymentView(PersonalView):
    """An employment as of one version."""

    employer_id: UUID | None
    occupation_code: str | None
    position: str | None
    started_on: date
    ended_on: date | None
    end_reason: EmploymentEndReason | None

    @classmethod
    def of(cls, record: EmploymentRecord, sight: Sight) -> Self:
        """A remembered state as `sight` shows it."""
        return sight.show(cls.model_validate(record.__dict__))
