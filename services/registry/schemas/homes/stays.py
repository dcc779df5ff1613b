"""Stays: check-in and check-out as in a hotel's book (RR-72)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, Notice
from services.registry.schemas.persons import Name

Instant = Annotated[AwareDatetime, Field(description="With its offset from UTC; not in the future.")]


class StayEndReason(StrEnum):
    """Why a stay ended."""

    CHECKED_OUT = "checked_out"
    CHECKED_IN_ELSEWHERE = "checked_in_elsewhere"
    """set by the check-in at the other place"""
    RECORDED_IN_ERROR = "recorded_in_error"


class StayFilter(StrEnum):
    """Which stays of a home are listed."""

    OPEN = "open"
    ALL = "all"


class CheckOutReason(StrEnum):
    """Why a stay ends, as told at a check-out."""

    CHECKED_OUT = "checked_out"
    RECORDED_IN_ERROR = "recorded_in_error"


class CheckIn(Command):
    """A person moves into a room; to be reported within 3 working days (RR-15)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "019ab0c2-1111-7000-8000-000000000001",
                    "premises_id": "019ab0c2-1111-7000-8000-000000000012",
                    "room_id": "019ab0c2-1111-7000-8000-000000000013",
                    "bed": 1,
                    "started_at": "2026-05-01T09:30:00+08:00",
                    "manager_name": "陈管家",
                }
            ]
        }
    )

    person_id: UUID
    premises_id: UUID
    room_id: UUID
    bed: int | None = Field(None, ge=1, le=200, description="Needed in a concentrated residence point with beds.")
    started_at: Instant
    manager_name: Name | None = Field(None, description="Who keeps the book.")


class CheckOut(Command):
    """A person moves out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ended_at": "2026-08-01T08:00:00+08:00", "reason": "checked_out"}]}
    )

    ended_at: Instant
    reason: CheckOutReason


class StayRecord(VersionedRecord):
    """The full state of a stay. Never leaves the service."""

    stay_id: UUID
    person_id: UUID
    premises_id: UUID
    room_id: UUID
    division_code: str
    bed: int | None
    started_at: datetime
    report_due_on: date | None
    reported_late: bool | None
    report_unsettled_on: date | None = None
    ended_at: datetime | None
    end_reason: StayEndReason | None
    end_reported_late: bool | None
    end_unsettled_on: date | None = None
    manager_name: str | None = Field(repr=False)

    def remembered(self) -> Self:
        """As the history remembers it: without who kept the book, who is another person."""
        return self.model_copy(update={"manager_name": None})


class StayView(PersonalView):
    """A stay. Which home it is says where somebody lives, and is shown like an address."""

    stay_id: UUID
    version: int
    person_id: UUID
    premises_id: UUID | None
    room_id: UUID | None
    bed: int | None
    division_code: str
    started_at: datetime
    report_due_on: date | None
    reported_late: bool | None = Field(description="Null: cannot be told before the calendar of that year is held.")
    ended_at: datetime | None
    end_reason: StayEndReason | None
    end_reported_late: bool | None
    manager_name: str | None
    notes: list[Notice] = Field(description="Over-crowding (RR-68), and a stay elsewhere that ended; only at a check-in.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: StayRecord, sight: Sight, notes: list[Notice] | None = None) -> Self:
        """The stay as `sight` shows it."""
        return sight.show(cls(**record.__dict__, notes=notes or []))


class PastStayView(PersonalView):
    """A stay as of one version."""

    premises_id: UUID | None
    room_id: UUID | None
    bed: int | None
    started_at: datetime
    ended_at: datetime | None
    end_reason: StayEndReason | None

    @classmethod
    def of(cls, record: StayRecord, sight: Sight) -> Self:
        """A remembered state as `sight` shows it."""
        return sight.show(cls.model_validate(record.__dict__))
