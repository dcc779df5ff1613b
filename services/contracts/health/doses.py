"""Doses, and what comes next: events that keep order per person. Neither lot nor reaction nor vaccinator travels."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class DoseState(EventData):
    """A dose a child had, here or elsewhere."""

    person_id: UUID
    dose_id: UUID
    card_id: UUID
    version: int = Field(ge=1, description="Version of the dose, rising by one.")
    vaccine_code: str = Field(description="As the programme's catalogue has it.")
    given_on: date
    status: str = Field(description="`recorded`, or `withdrawn` when it was never given to this child.")
    evidence: str = Field(description="`given_here`, `certificate`, `electronic_record` or `statement`, which is not counted.")
    funding: str = Field(description="`programme` or `family`.")
    division_code: str = Field(description="Of the office that recorded it.")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


class DoseRecorded(DoseState):
    """A dose was recorded."""

    event_type: ClassVar[str] = "health.dose.recorded.v1"


class DoseReportedAgain(DoseState):
    """The same vaccine on the same day was reported once more, and is one dose (X-35)."""

    event_type: ClassVar[str] = "health.dose.reported_again.v1"


class DoseCorrected(DoseState):
    """What was recorded was wrong; the versions before remain."""

    event_type: ClassVar[str] = "health.dose.corrected.v1"


class DoseWithdrawn(DoseState):
    """The dose was never given, or not to this child; it remains on record as withdrawn."""

    event_type: ClassVar[str] = "health.dose.withdrawn.v1"


class ForecastChanged(EventData):
    """What a child needs next is another than was told before: by a dose, by what was learnt of it, or with the day."""

    event_type: ClassVar[str] = "health.forecast.changed.v1"

    person_id: UUID
    card_id: UUID
    version: int = Field(ge=1, description="Version of the forecast, rising by one.")
    as_of: date
    edition: str = Field(description="Of the programme, by which it was made.")
    due_lines: tuple[str, ...] = Field(description="What a dose is due against, sorted.")
    overdue_lines: tuple[str, ...] = Field(description="What a dose is late against, sorted.")
    next_on: date | None = Field(description="The earliest recommended day of any line; null when nothing more is given.")
    overdue_from: date | None = Field(description="The earliest day on which a line is late.")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


EVENTS: tuple[type[EventData], ...] = (DoseRecorded, DoseReportedAgain, DoseCorrected, DoseWithdrawn, ForecastChanged)
