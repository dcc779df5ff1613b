"""Applications for points: events that keep order per person. No score, no fact and no reason travels."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class ApplicationState(EventData):
    """Where an application stands."""

    person_id: UUID
    application_id: UUID
    version: int = Field(ge=1, description="Version of the application, rising by one per change.")
    purpose: str = Field(description="`school`, `housing`, `settlement`, …")
    division_code: str = Field(description="Of the office that has the case.")
    rule_set_id: UUID = Field(description="By which it is scored, for good.")
    status: str = Field(description="`received`, `scored`, `in_recheck`, `confirmed` or `withdrawn`.")
    applied_on: date
    due_on: date = Field(description="The term that runs, or ran last: for scoring, then for a recheck (P-09).")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


class ApplicationReceived(ApplicationState):
    """Somebody applied."""

    event_type: ClassVar[str] = "points_hukou.application.received.v1"


class ApplicationScored(ApplicationState):
    """The machine has scored it; an officer has not looked yet."""

    event_type: ClassVar[str] = "points_hukou.application.scored.v1"


class ApplicationRecheckAsked(ApplicationState):
    """The applicant asked for a recheck, or refused what the machine alone decided."""

    event_type: ClassVar[str] = "points_hukou.application.recheck_asked.v1"


class ApplicationConfirmed(ApplicationState):
    """An officer confirmed the score, or rechecked it."""

    event_type: ClassVar[str] = "points_hukou.application.confirmed.v1"


class ApplicationWithdrawn(ApplicationState):
    """The applicant took it back."""

    event_type: ClassVar[str] = "points_hukou.application.withdrawn.v1"


class ApplicationOverdue(ApplicationState):
    """The office missed `due_on`; told once per term."""

    event_type: ClassVar[str] = "points_hukou.application.overdue.v1"


class ApplicationConflictOpened(EventData):
    """Persons were merged, and one human, or one child, has the same application open twice, or two places for the same.

    An office has one withdrawn or given up.
    """

    event_type: ClassVar[str] = "points_hukou.application_conflict.opened.v1"

    person_id: UUID = Field(description="The human, or the child, under the id in use.")
    conflict_id: UUID
    purpose: str = Field(description="`school`, `housing`, `settlement`, …")
    application_id: UUID
    other_application_id: UUID
    opened_on: date

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


EVENTS: tuple[type[EventData], ...] = (
    ApplicationReceived,
    ApplicationScored,
    ApplicationRecheckAsked,
    ApplicationConfirmed,
    ApplicationWithdrawn,
    ApplicationOverdue,
    ApplicationConflictOpened,
)
