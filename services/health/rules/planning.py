"""A child who is behind: what one visit can bring, and the visits that bring it up to date soonest.

All that is due may be given on one day (IMM-04). Only injected live vaccines compete: whoever gets one today gets no other for
four weeks, unless on the same day (IMM-05). So the plan looks at both: giving what is due at once, or keeping a live vaccine
back for the few days until another one is due as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.health.rules.assessment import LineForecast, NextDose, Standing
from services.health.rules.child import Child, Dose
from services.health.rules.compiling import Programme
from services.health.rules.forecasting import assess
from services.health.rules.obstacles import is_spaced

_VISITS_MAX = 24


@dataclass(frozen=True, slots=True)
class PlannedDose:
    """One dose of a visit; `asks` is what must be seen before it is given."""

    line: str
    vaccine: str
    dose_no: int
    asks: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """What is given on a day, most urgent first."""

    day: date
    doses: tuple[PlannedDose, ...]


def one_visit(programme: Programme, child: Child, day: date, most: int | None = None) -> Visit:
    """Everything that is due on a day, or the `most` urgent doses where no more can be given: first what the edition puts first
    (MMR, MMR-S2), then what is overdue, longest first, then the longest series.
    """
    due = _due(programme, child, day)
    return Visit(day, tuple(_planned(forecast, next_) for forecast, next_ in due[:most]))


def shortest_plan(programme: Programme, child: Child, from_day: date) -> tuple[Visit, ...]:
    """The visits after which no dose is missing whose listed age the child has reached on `from_day`: as early as possible,
    then as few as possible. Empty for a child who is not behind. What the clinic or a test must decide first is left out.
    """
    best: tuple[Visit, ...] | None = None
    for plan in _plans(programme, child, from_day, from_day, ()):
        if best is None or _cost(plan) < _cost(best):
            best = plan
    return best or ()


def _cost(plan: Sequence[Visit]) -> tuple[date, int, int]:
    last = plan[-1].day if plan else date.min
    return last, len(plan), sum(visit.day.toordinal() * len(visit.doses) for visit in plan)


def _plans(
    programme: Programme, child: Child, since: date, day: date, visits: tuple[Visit, ...]
) -> Iterator[tuple[Visit, ...]]:
    """Every plan worth comparing from a day on."""
    behind = [each for each in _next_doses(programme, child, day) if each[1].listed_on <= since]
    if not behind or len(visits) == _VISITS_MAX:
        yield visits
        return
    coming = max(day, min(next_.recommended for _, next_ in behind))
    due = _due(programme, child, coming)
    yield from _after(programme, child, since, coming, visits, due)
    held = [each for each in due if not _is_live(programme, each[1])]
    if len(held) < len(due) and (wait := _next_live(programme, child, coming)) is not None:
        if held:
            yield from _after(programme, child, since, coming, visits, held, until=wait)
        else:
            yield from _plans(programme, child, since, wait, visits)


def _after(
    programme: Programme,
    child: Child,
    since: date,
    day: date,
    visits: tuple[Visit, ...],
    given: Sequence[tuple[LineForecast, NextDose]],
    until: date | None = None,
) -> Iterator[tuple[Visit, ...]]:
    """The plans that begin with a visit; after it nothing is given before `until`."""
    doses = tuple(Dose(f"plan-{len(visits)}-{line.line}", next_.vaccine, day) for line, next_ in given)
    visit = Visit(day, tuple(_planned(line, next_) for line, next_ in given))
    then = replace(child, doses=(*child.doses, *doses))
    yield from _plans(programme, then, since, until or day, (*visits, visit))


def _next_doses(programme: Programme, child: Child, day: date) -> list[tuple[LineForecast, NextDose]]:
    forecasts = assess(programme, child, day).forecasts.values()
    return [(each, each.next) for each in forecasts if each.next is not None and each.next.asks is None]


def _due(programme: Programme, child: Child, day: date) -> list[tuple[LineForecast, NextDose]]:
    """What is due on a day, most urgent first."""
    first = programme.on(day).general.first_at_a_visit
    due = [each for each in _next_doses(programme, child, day) if each[1].recommended <= day]

    def urgency(each: tuple[LineForecast, NextDose]) -> tuple[bool, bool, date, int]:
        forecast, next_ = each
        return next_.vaccine not in first, forecast.standing is not Standing.OVERDUE, next_.overdue_from, -forecast.needed

    return sorted(due, key=urgency)


def _next_live(programme: Programme, child: Child, day: date) -> date | None:
    """The next day, within the spacing of live vaccines, on which one more of them is due."""
    end = programme.on(day).general.live_spacing.value.after(day)
    coming = [next_.recommended for _, next_ in _next_doses(programme, child, day) if _is_live(programme, next_)]
    return min((each for each in coming if day < each < end), default=None)


def _is_live(programme: Programme, next_: NextDose) -> bool:
    return is_spaced(programme.vaccines[next_.vaccine], programme.editions[-1].general)


def _planned(forecast: LineForecast, next_: NextDose) -> PlannedDose:
    return PlannedDose(forecast.line, next_.vaccine, next_.dose_no, next_.asks)
