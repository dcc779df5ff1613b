"""The days of a season: windows and deadlines, fixed or counted from what happened, by the State Council's working days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.chassis.working_days import WorkingDays
from services.education.rules.season.progress import Progress, StepStatus
from services.education.rules.season.template import FixedDay, SeasonTemplate, Step, Term


@dataclass(frozen=True, slots=True)
class DueDay:
    """A day; `is_provisional`: counted over days whose calendar is not held yet, so nobody is late by it."""

    on: date
    is_provisional: bool = False


@dataclass(frozen=True, slots=True)
class StepDays:
    """The days of a step; `None`: none, or not known before the step they are counted from is over."""

    opens: DueDay | None
    closes: DueDay | None
    due: DueDay | None


def days_of(
    template: SeasonTemplate, entry_year: int, steps: Mapping[str, Progress], step: Step, calendar: WorkingDays
) -> StepDays:
    """The days of a step as far as they are known."""

    def day(asked: FixedDay | Term | None) -> DueDay | None:
        if isinstance(asked, FixedDay):
            return DueDay(date(entry_year, asked.month, asked.day))
        if asked is None:
            return None
        over_on = _over_on(template.step(asked.after), steps.get(asked.after, Progress()))
        return None if over_on is None else _after(over_on, asked, calendar)

    return StepDays(day(step.opens), day(step.closes), day(step.due))


def _over_on(step: Step, progress: Progress) -> date | None:
    return progress.published_on if step.is_published else progress.done_on


def _after(event_on: date, term: Term, calendar: WorkingDays) -> DueDay:
    if term.working_days is None:
        return DueDay(event_on + timedelta(days=term.days or 0))
    deadline = calendar.deadline(event_on, term.working_days)
    return DueDay(deadline.due_on, deadline.is_provisional)


def overdue(
    template: SeasonTemplate, entry_year: int, steps: Mapping[str, Progress], on: date, calendar: WorkingDays
) -> Iterator[tuple[Step, DueDay]]:
    """Steps that should be over and are not; by provisional days nobody is late."""
    for step in template.steps:
        due = days_of(template, entry_year, steps, step, calendar).due
        is_over = _over_on(step, steps.get(step.id, Progress())) is not None
        if due is not None and not due.is_provisional and due.on < on and not is_over:
            yield step, due


def takes_entries(
    template: SeasonTemplate, entry_year: int, steps: Mapping[str, Progress], step: str, at: datetime, calendar: WorkingDays
) -> bool:
    """Whether a window is open at an instant of Asia/Shanghai: begun, within its days and, where it has some, its hours."""
    asked = template.step(step)
    days = days_of(template, entry_year, steps, asked, calendar)
    if steps.get(step, Progress()).status is not StepStatus.OPEN:
        return False
    if days.opens is not None and days.closes is not None and not days.opens.on <= at.date() <= days.closes.on:
        return False
    return asked.hours is None or asked.hours[0] <= at.time() < asked.hours[1]
