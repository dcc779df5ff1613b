"""What health tells its neighbours and followers: where vaccination cards stand, which doses children had, what comes next.

Every event carries the whole state its subject has *after* the fact, and keeps order per `person_id`. Dates are law dates in
Asia/Shanghai.
"""

from services.chassis.events import EventData
from services.contracts.health import cards, doses
from services.contracts.health.cards import CardChanged, CardConflictOpened, CardMovedOut, CardOpened, CardState
from services.contracts.health.doses import (
    DoseCorrected,
    DoseRecorded,
    DoseReportedAgain,
    DoseState,
    DoseWithdrawn,
    ForecastChanged,
)

EVENTS: tuple[type[EventData], ...] = (*cards.EVENTS, *doses.EVENTS)
"""Everything health publishes."""

__all__ = [
    "EVENTS",
    "CardChanged",
    "CardConflictOpened",
    "CardMovedOut",
    "CardOpened",
    "CardState",
    "DoseCorrected",
    "DoseRecorded",
    "DoseReportedAgain",
    "DoseState",
    "DoseWithdrawn",
    "ForecastChanged",
]
