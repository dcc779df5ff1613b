"""How far one step of a season is."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class StepStatus(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Progress:
    """A step's state and the days it came to it."""

    status: StepStatus = StepStatus.WAITING
    begun_on: date | None = None
    done_on: date | None = None
    published_on: date | None = None
