"""Rule sets in force: events that keep order per rule set."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class RuleSetInForceState(EventData):
    """For what, where and from when a rule set counts points."""

    rule_set_id: UUID
    in_force_id: UUID
    version: int = Field(ge=1, description="Version of its being in force there, rising by one per change.")
    name: str = Field(description="The id in its text, such as `ningbo-2022`.")
    document_version: int
    digest: str = Field(description="SHA-256 over every text it consists of.")
    purpose: str = Field(description="`school`, `housing`, `settlement`, …")
    division_code: str
    valid_from: date
    ended_on: date | None = Field(description="First day on which it does not count.")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per rule set."""
        return self.rule_set_id


class RuleSetPutInForce(RuleSetInForceState):
    """From a day on a rule set counts a use in a division."""

    event_type: ClassVar[str] = "points_hukou.rule_set.put_in_force.v1"


class RuleSetTakenOutOfForce(RuleSetInForceState):
    """From `ended_on` on it does so no more."""

    event_type: ClassVar[str] = "points_hukou.rule_set.taken_out_of_force.v1"


EVENTS: tuple[type[EventData], ...] = (RuleSetPutInForce, RuleSetTakenOutOfForce)
