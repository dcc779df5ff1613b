"""What education tells its neighbours and followers: which schools there are, and which places they published.

Every event carries the whole state its subject has *after* the fact, and keeps order per school. Dates are law dates in
Asia/Shanghai; no child is in any of them.
"""

from services.chassis.events import EventData
from services.contracts.education import place_plans, schools
from services.contracts.education.place_plans import (
    GradePlaces,
    PlacePlanCorrected,
    PlacePlanPublished,
    PlacePlanState,
    ReservedPlaces,
    SourcePlaces,
)
from services.contracts.education.schools import SchoolChanged, SchoolClosed, SchoolRegistered, SchoolState

EVENTS: tuple[type[EventData], ...] = (*schools.EVENTS, *place_plans.EVENTS)
"""Everything education publishes."""

__all__ = [
    "EVENTS",
    "GradePlaces",
    "PlacePlanCorrected",
    "PlacePlanPublished",
    "PlacePlanState",
    "ReservedPlaces",
    "SchoolChanged",
    "SchoolClosed",
    "SchoolRegistered",
    "SchoolState",
    "SourcePlaces",
]
