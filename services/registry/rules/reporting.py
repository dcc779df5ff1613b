"""Telling the office in time: of a change (RR-09 for registrations, RR-34 for permits) in calendar days, of employments,
lettings and stays (RR-14, RR-15, RR-72) in working days. The day itself is not counted.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from services.chassis.working_days import Deadline


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """A change and whether it was told in time. Late is a fact, never a ground for refusing the change."""

    due_on: date
    reported_late: bool


def report_of_change(*, changed_on: date, reported_on: date, days_max: int) -> ChangeReport:
    """The last day for telling a change, and whether it was missed."""
    due_on = changed_on + timedelta(days=days_max)
    return ChangeReport(due_on, reported_on > due_on)


@dataclass(frozen=True, slots=True)
class Report:
    """By when something had to be told, and whether it was told late; both `None` where there was no duty, `is_late` also while
    it cannot be told. `unsettled_on`: the day of the report, as long as the deadline was counted before the calendar was held.
    """

    due_on: date | None = None
    is_late: bool | None = None
    unsettled_on: date | None = None


def report_of(deadline: Deadline | None, reported_on: date) -> Report:
    """What a report made on that day is; `deadline` is `None` where there was no duty."""
    if deadline is None:
        return Report()
    unsettled_on = reported_on if deadline.is_provisional else None
    return Report(deadline.due_on, deadline.is_missed_by(reported_on), unsettled_on)
