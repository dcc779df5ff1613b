"""Rounds and objections to their lists: events that keep order per round. Nobody is named in them."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class RoundState(EventData):
    """Where a round stands."""

    round_id: UUID
    version: int = Field(ge=1, description="Version of the round, rising by one per change.")
    purpose: str = Field(description="`school`, `housing`, `settlement`, …")
    division_code: str
    rule_set_id: UUID
    quota: int
    freeze_on: date = Field(description="The last day of applications that stand in it.")
    status: str = Field(description="`open`, `ranked`, `published`, `finished` or `cancelled`.")
    cut_off: str | None = Field(description="The total of who was admitted last (P-14).")
    notice_until: date | None = Field(description="Last day of the public notice.")
    objections_until: date | None

    @property
    def partition_key(self) -> UUID:
        """Order is kept per round."""
        return self.round_id


class RoundOpened(RoundState):
    """So many places are to be had."""

    event_type: ClassVar[str] = "points_hukou.round.opened.v1"


class RoundPublished(RoundState):
    """The list is shown to the public, and objections are taken."""

    event_type: ClassVar[str] = "points_hukou.round.published.v1"


class RoundFinished(RoundState):
    """The list is final."""

    event_type: ClassVar[str] = "points_hukou.round.finished.v1"


class RoundCancelled(RoundState):
    """It does not take place."""

    event_type: ClassVar[str] = "points_hukou.round.cancelled.v1"


class RoundObjectionOverdue(EventData):
    """An objection to a place was not answered until `due_on`; told once per term. Whose place it is, the office reads."""

    event_type: ClassVar[str] = "points_hukou.round_objection.overdue.v1"

    objection_id: UUID
    version: int = Field(ge=1, description="Version of the objection, rising by one per change.")
    round_id: UUID
    division_code: str
    raised_on: date
    due_on: date = Field(description="Last day for the answer (P-27).")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per round."""
        return self.round_id


class RoundPlaceLowered(EventData):
    """The score of who holds a place of a final list was found to rank lower; an officer decides. Told once per score."""

    event_type: ClassVar[str] = "points_hukou.round_place.lowered.v1"

    place_id: UUID
    round_id: UUID
    division_code: str
    lowered_on: date

    @property
    def partition_key(self) -> UUID:
        """Order is kept per round."""
        return self.round_id


EVENTS: tuple[type[EventData], ...] = (
    RoundOpened,
    RoundPublished,
    RoundFinished,
    RoundCancelled,
    RoundObjectionOverdue,
    RoundPlaceLowered,
)
