"""Telling the office of a change in time (RR-09 for registrations, RR-34 for permits): days are calendar days, the day
itself is not counted.
"""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """A change and whether it was told in time. Late is a fact, never a ground for refusing the change."""

    due_on: date
    reported_late: bool


def report_of_change(*, changed_on: date, reported_on: date, days_max: int) -> ChangeReport:
    """The last day for telling a change, and whether it was missed."""
    due_on = changed_on + timedelta(days=days_max)
    return ChangeReport(due_on, reported_on > due_on)
