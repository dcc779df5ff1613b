"""Contests of facts that the registry feeds: events that keep order per person. No value and no word of anybody travels.

`opened` asks the registry to look; it answers `registry.correction.answered` within `due_on`. When it is silent, `overdue` is
told and the office that brought the contest acts.
"""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class RegistryContestState(EventData):
    """A contest of what the registry says of a person."""

    person_id: UUID
    contest_id: UUID
    version: int = Field(ge=1, description="Version of the contest, rising by one per change.")
    field: Literal[
        "birth_date",
        "residence_since",
        "residences",
        "home",
        "employments",
        "present_employer",
        "lives_and_works",
        "permits",
        "holds_permit",
    ] = Field(description="What of the register is contested.")
    division_code: str = Field(description="Of the office that brought it.")
    status: Literal["open", "corrected", "upheld", "withdrawn", "rejected"]
    opened_on: date
    due_on: date = Field(description="Last day for the registry's answer.")
    decided_on: date | None

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


class RegistryContestOpened(RegistryContestState):
    """A person says that the register is wrong; the registry opens a correction case."""

    event_type: ClassVar[str] = "points_hukou.registry_contest.opened.v1"


class RegistryContestAnswered(RegistryContestState):
    """The registry's answer has arrived."""

    event_type: ClassVar[str] = "points_hukou.registry_contest.answered.v1"


class RegistryContestOverdue(RegistryContestState):
    """The registry did not answer until `due_on`; told once."""

    event_type: ClassVar[str] = "points_hukou.registry_contest.overdue.v1"


EVENTS: tuple[type[EventData], ...] = (RegistryContestOpened, RegistryContestAnswered, RegistryContestOverdue)
