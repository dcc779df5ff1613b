"""Counting: what a measure gives for one person on a reference day, in pieces, as the law counts (P-34).

A calendar month counts when it lies up to the month of the reference day. A month of a period is complete on its anniversary
with the month-end clamp (RR-21). Overlapping evidence counts once. Nothing after the reference day counts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from services.chassis.months import add_months, whole_months, whole_years
from services.points_hukou.rules.document.measures import Age, Amount, Count, Measure, Months, Shares, Window
from services.points_hukou.rules.facts import Event, Facts, MonthRange, Period, Value, Yearly, month_index


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted: one piece, or one for every kind, year or run."""

    pieces: tuple[Fraction, ...]

    @property
    def total(self) -> Fraction:
        """All pieces together."""
        return sum(self.pieces, Fraction(0))


def count(measure: Measure, facts: Facts, on: date) -> Counted | None:
    """What the measure gives, with what is supposed on top; `None` when the fact is unknown."""
    counted = _count(measure, facts, on)
    supposed = facts.supposed.get(measure)
    if supposed is None:
        return counted
    first, *others = counted.pieces if counted is not None and counted.pieces else (Fraction(0),)
    return Counted((first + supposed, *others))


def _count(measure: Measure, facts: Facts, on: date) -> Counted | None:
    if isinstance(measure, Age):
        return _age(measure, facts, on)
    if isinstance(measure, Months):
        return _months(measure, facts, on)
    if isinstance(measure, Count):
        return _dated(
            measure, facts, measure.count, on, of_event=lambda _: 1, of_year=lambda it: int(it >= (measure.at_least or 1))
        )
    if isinstance(measure, Shares):
        return _shares(measure, facts, on)
    number = facts.values.get(measure.amount)
    if isinstance(number, int):
        return _one(number)
    return _dated(measure, facts, measure.amount, on, of_event=lambda event: event.amount, of_year=lambda amount: amount)


def _one(number: int) -> Counted:
    return Counted((Fraction(number),))


def _age(measure: Age, facts: Facts, on: date) -> Counted | None:
    birth_date = facts.get(measure.age, date)
    if birth_date is None:
        return None
    years = whole_years(birth_date, on)
    return _one(years if measure.short_of is None else max(0, measure.short_of - years))


def _dated(
    measure: Count | Amount,
    facts: Facts,
    name: str,
    on: date,
    *,
    of_event: Callable[[Event], int],
    of_year: Callable[[int], int],
) -> Counted | None:
    value = facts.values.get(name)
    if value is None:
        return None
    if isinstance(value, Yearly):
        counted = [(year, of_year(amount)) for year, amount in value.amounts if _is_year_in(year, measure, on)]
    else:
        counted = [(event.on.year, of_event(event)) for event in _events_of(value) if _is_in(event, measure, on)]
    by_year: dict[int, int] = {}
    for year, number in counted:
        by_year[year] = by_year.get(year, 0) + number
    if measure.by == "year":
        return Counted(tuple(Fraction(number) for number in by_year.values()))
    return _one(sum(by_year.values()))


def _events_of(value: Value) -> tuple[Event, ...]:
    """The events of a fact that is known to hold events."""
    assert isinstance(value, tuple)
    return tuple(event for event in value if isinstance(event, Event))


def _shares(measure: Shares, facts: Facts, on: date) -> Counted | None:
    value = facts.values.get(measure.shares)
    if value is None:
        return None
    shared = [event for event in _events_of(value) if _is_in(event, measure, on)]
    return Counted(tuple(Fraction(2 if event.is_first else 1, event.holders + 1) for event in shared))


def _is_in(event: Event, window: Window, on: date) -> bool:
    if event.on > on or (window.kinds and event.kind not in window.kinds):
        return False
    if window.years is not None and event.on <= last_day_outside(on, window.years):
        return False
    return _is_year_in(event.on.year, window, on) and (window.since is None or event.on >= window.since)


def last_day_outside(on: date, years: int) -> date:
    """The last day that lies so many full years back, counted from that day with the clamp (RR-21): five years after
    29 February 2020 are over on 28 February 2025.
    """
    day = add_months(on, -12 * years)
    after = day + timedelta(days=1)
    return after if add_months(after, 12 * years) <= on else day


def _is_year_in(year: int, window: Window, on: date) -> bool:
    if year > on.year or (window.since is not None and year < window.since.year):
        return False
    return window.calendar_years is None or year > on.year - window.calendar_years


def _months(measure: Months, facts: Facts, on: date) -> Counted | None:
    value = facts.values.get(measure.months)
    if value is None:
        return None
    if isinstance(value, date):
        start = value if not isinstance(measure.since, date) else max(value, measure.since)
        return _one(whole_months(start, on))
    assert isinstance(value, tuple)
    spans = [span for row in value if (span := _span(row, measure, on)) is not None]
    if measure.by == "kind":
        kinds = sorted({span.kind for span in spans})
        return Counted(tuple(Fraction(_length(_joined(span for span in spans if span.kind == kind), on)) for kind in kinds))
    joined = _joined(spans)
    if measure.by is None and not measure.unbroken:
        return _one(_length(joined, on))
    runs = _runs(joined, measure.gap_months)
    if measure.unbroken:
        runs = [run for run in runs[-1:] if _reaches(run[-1], on, measure.gap_months)]
    return Counted(tuple(Fraction(_length(run, on)) for run in runs))


@dataclass(frozen=True, slots=True, order=True)
class _Span:
    """A stretch of time, calendar months or days, its end not included. Days are cut after the reference day: one that was over
    before it and one that lasts are two things, though neither counts beyond it.
    """

    start: int | date
    end: int | date
    kind: str = ""


def _span(row: object, measure: Months, on: date) -> _Span | None:
    """The stretch as far as it counts; `None` if nothing of it does."""
    assert isinstance(row, MonthRange | Period)
    if measure.kinds and row.kind not in measure.kinds:
        return None
    if isinstance(row, MonthRange):
        this_month = _index(on)
        start = row.first if not isinstance(measure.since, str) else max(row.first, month_index(measure.since))
        if measure.last_months is not None:
            start = max(start, this_month + 1 - measure.last_months)
        end = min(row.last, this_month) + 1
        return _Span(start, end, row.kind) if start < end else None
    since = row.start if not isinstance(measure.since, date) else max(row.start, measure.since)
    if measure.last_months is not None:
        since = max(since, add_months(on, -measure.last_months))
    until = min(row.until, _day_after(on))
    return _Span(since, until, row.kind) if since < until else None


def _day_after(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)


def _index(day: date) -> int:
    return day.year * 12 + day.month - 1


def _joined(spans: Iterable[_Span]) -> list[_Span]:
    """The stretches in order, those that overlap or touch as one."""
    joined: list[_Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:  # type: ignore[operator]
            joined[-1] = _Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _runs(spans: Sequence[_Span], gap_months: int) -> list[list[_Span]]:
    """The stretches in runs that no gap longer than forgiven breaks."""
    runs: list[list[_Span]] = []
    for span in spans:
        if runs and span.start <= _later(runs[-1][-1].end, gap_months):  # type: ignore[operator]
            runs[-1].append(span)
        else:
            runs.append([span])
    return runs


def _later(point: int | date, months: int) -> int | date:
    return add_months(point, months) if isinstance(point, date) else point + months


def _reaches(span: _Span, on: date, gap_months: int) -> bool:
    """Whether a run is still on: it lasts on the reference day, or the gap since is forgiven.

    The month of the reference day may not be paid yet.
    """
    if isinstance(span.end, date):
        return add_months(span.end, gap_months) > on
    return span.end + gap_months >= _index(on)


def _length(spans: Iterable[_Span], on: date) -> int:
    """Complete months, of each stretch up to the reference day."""
    return sum(_months_in(span.start, span.end, on) for span in spans)


def _months_in(start: int | date, end: int | date, on: date) -> int:
    if isinstance(start, date) and isinstance(end, date):
        return whole_months(start, min(end, on))
    assert isinstance(start, int)
    assert isinstance(end, int)
    return end - start
