"""Restriction of a person's data (V-20): events that keep order per `person_id`."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData
from services.contracts.registry.about import AboutPerson


class RestrictionState(AboutPerson):
    """Whether somebody's data are only stored and protected. Whoever mirrors them does the same until it is lifted."""

    rights_request_id: UUID = Field(description="The request that led to it.")
    restricted_on: date
    lifted_on: date | None


class RestrictionImposed(RestrictionState):
    """From now on nothing is done with the person's data but storing and protecting them."""

    event_type: ClassVar[str] = "registry.restriction.imposed.v1"


class RestrictionLifted(RestrictionState):
    """The restriction ended."""

    event_type: ClassVar[str] = "registry.restriction.lifted.v1"


EVENTS: tuple[type[EventData], ...] = (RestrictionImposed, RestrictionLifted)
