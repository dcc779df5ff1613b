"""What points_hukou tells its neighbours: that evidence about a person was given, withdrawn or contested, in order per person.

Ids and the names of facts only: what is known of somebody never travels in an event.
"""

from collections.abc import Mapping

from services.chassis.events import EventData
from services.contracts.points_hukou import evidence
from services.contracts.points_hukou.evidence import (
    EvidenceContestAnswered,
    EvidenceContestOpened,
    EvidenceContestOverdue,
    EvidenceContestState,
    EvidenceRecorded,
    EvidenceState,
    EvidenceWithdrawn,
)

EVENTS: tuple[type[EventData], ...] = (*evidence.EVENTS,)
"""Everything points_hukou publishes."""

FOR_OUTSIDERS: Mapping[type[EventData], str] = {**evidence.FOR_OUTSIDERS}
"""Events no service of the suite follows, and who does."""

__all__ = [
    "EVENTS",
    "FOR_OUTSIDERS",
    "EvidenceContestAnswered",
    "EvidenceContestOpened",
    "EvidenceContestOverdue",
    "EvidenceContestState",
    "EvidenceRecorded",
    "EvidenceState",
    "EvidenceWithdrawn",
]
