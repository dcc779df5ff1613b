"""Which coordinator walks which division, from when until when."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, pattern_field
from services.registry.schemas.registrations import DivisionCode

Coordinator = Annotated[
    PlainText,
    pattern_field("^[!-~]{1,64}$", max_length=64, description="The officer's id, as in `X-Actor`.", examples=["officer-0017"]),
]


class AssignmentEntry(Command):
    """A coordinator is to walk a village or town."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"coordinator": "officer-0021", "division_code": "330282107", "valid_from": "2026-01-01"}]
        }
    )

    coordinator: Coordinator
    division_code: DivisionCode
    valid_from: date


class AssignmentEnd(Command):
    """The coordinator walks there no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"valid_until": "2026-12-31"}]})

    valid_until: date = Field(description="First day on which it holds no more; after `valid_from`.")


class AssignmentRecord(VersionedRecord):
    """The full state of an assignment."""

    assignment_id: UUID
    coordinator: str
    division_code: str
    valid_from: date
    valid_until: date | None


class AssignmentView(View):
    """An assignment."""

    assignment_id: UUID
    version: int
    coordinator: str
    division_code: str
    valid_from: date
    valid_until: date | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: AssignmentRecord) -> Self:
        """The assignment."""
        return cls(**record.__dict__)


class PastAssignmentView(View):
    """An assignment as of one version."""

    coordinator: str
    division_code: str
    valid_from: date
    valid_until: date | None

    @classmethod
    def of(cls, record: AssignmentRecord) -> Self:
        """A remembered state."""
        return cls.model_validate(record.__dict__)
