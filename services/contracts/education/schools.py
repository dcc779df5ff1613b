"""Schools: events that keep order per school."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class SchoolState(EventData):
    """A school of compulsory education."""

    school_id: UUID
    version: int = Field(ge=1, description="Version of the school, rising by one per change.")
    school_code: str = Field(description="学校标识码, ten digits.")
    name: str
    kind: str = Field(description="`public` or `private`.")
    division_code: str
    first_grade: int = Field(description="1 to 6 primary, 7 to 9 junior.")
    last_grade: int
    closed_on: date | None = Field(description="First day on which it is no school any more.")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per school."""
        return self.school_id


class SchoolRegistered(SchoolState):
    """There is a school."""

    event_type: ClassVar[str] = "education.school.registered.v1"


class SchoolChanged(SchoolState):
    """It has another name or other grades."""

    event_type: ClassVar[str] = "education.school.changed.v1"


class SchoolClosed(SchoolState):
    """From `closed_on` on it is no school any more."""

    event_type: ClassVar[str] = "education.school.closed.v1"


EVENTS: tuple[type[EventData], ...] = (SchoolRegistered, SchoolChanged, SchoolClosed)
