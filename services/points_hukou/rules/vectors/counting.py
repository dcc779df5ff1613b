"""What a measure gives for everybody: `rules/counting.py` on columns. One number each, or pieces with their owners."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import lcm

import numpy as np

from services.chassis.months import add_months as add_months_to_day
from services.points_hukou.rules.counting import last_day_outside
from services.points_hukou.rules.document.measures import Age, Amount, Count, Measure, Months, Shares, Window, fact_of
from services.points_hukou.rules.facts import month_index
from services.points_hukou.rules.vectors import days
from services.points_hukou.rules.vectors.exact import Bools, Ints, Numbers, numbers, zeros
from services.points_hukou.rules.vectors.population import EventRows, MonthRows, PeriodRows, Population, Single, YearRows

# Room for an ordinal or a month below the owner: one whole number orders rows by both.
_ROOM = 1 << 23


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured: for everybody one piece, or pieces each of which has an owner. `known`: whose fact is known."""

    known: Bools
    pieces: Numbers
    owners: Ints | None = None

    def total(self) -> Numbers:
        """All pieces of each person together."""
        return self.pieces if self.owners is None else add_up(self.pieces, self.owners, len(self.known))


def add_up(pieces: Numbers, owners: Ints, size: int) -> Numbers:
    """The sum of each owner's pieces; `owners` in order."""
    if not len(owners):
        return zeros(size)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(owners)) + 1))
    sums = np.add.reduceat(pieces.ints, starts)
    found = np.zeros(size, sums.dtype)
    found[owners[starts]] = sums
    return numbers(found, pieces.denominator)


def count_all(measure: Measure, population: Population, on: date) -> Measured:
    """What the measure gives on one day."""
    column = population.columns.get(fact_of(measure))
    if column is None:
        return Measured(population.nobody, zeros(population.size))
    if isinstance(column, Single):
        return Measured(column.known, numbers(_of_single(measure, column, on)))
    if isinstance(column, YearRows):
        assert isinstance(measure, Count | Amount)
        return _of_years(measure, column, on)
    if isinstance(column, EventRows):
        assert isinstance(measure, Count | Amount | Shares)
        return _of_events(measure, column, on)
    assert isinstance(measure, Months)
    assert isinstance(column, MonthRows | PeriodRows)
    return _of_spans(measure, column, on)


def _of_single(measure: Measure, column: Single, on: date) -> Ints:
    if isinstance(measure, Age):
        years = days.whole_years_until(column.values, on)
        return years if measure.short_of is None else np.maximum(measure.short_of - years, 0)
    if isinstance(measure, Months):
        since = measure.since.toordinal() if isinstance(measure.since, date) else 0
        return days.whole_months_until(np.maximum(column.values, since), on)
    return column.values


def _of_years(measure: Count | Amount, column: YearRows, on: date) -> Measured:
    keep = _years_within(column.years, measure, on)
    amounts, owners = column.amounts[keep], column.owners[keep]
    if isinstance(measure, Count):
        amounts = (amounts >= (measure.at_least or 1)).astype(np.int64)
    return _by_year(measure, Measured(column.known, numbers(amounts), owners), column.years[keep])


def _of_events(measure: Count | Amount | Shares, column: EventRows, on: date) -> Measured:
    keep = _events_within(column, measure, on)
    owners = column.owners[keep]
    if isinstance(measure, Shares):
        return Measured(column.known, _shares(column.holders[keep], column.are_first[keep]), owners)
    amounts = np.ones(len(owners), np.int64) if isinstance(measure, Count) else column.amounts[keep]
    return _by_year(measure, Measured(column.known, numbers(amounts), owners), days.year_of(column.days[keep]))


def _shares(holders: Ints, are_first: Bools) -> Numbers:
    """1/(holders + 1) each, twice that for the first; over a denominator that suits all of them."""
    if not len(holders):
        return zeros(0)
    common = lcm(*(int(each) + 1 for each in np.unique(holders)))
    shares = {int(each): common // (int(each) + 1) for each in np.unique(holders)}
    ints = np.array([shares[each] for each in holders.tolist()], np.int64 if common < _ROOM**2 else object)
    return numbers(np.where(are_first, 2 * ints, ints), common)


def _by_year(measure: Count | Amount, measured: Measured, years: Ints) -> Measured:
    """One piece, or one for each year; rows lie in the order of their years."""
    assert measured.owners is not None
    if measure.by is None:
        return Measured(measured.known, measured.total())
    if not len(years):
        return measured
    place = measured.owners * _ROOM + years
    starts = np.concatenate(([0], np.flatnonzero(np.diff(place)) + 1))
    return Measured(measured.known, numbers(np.add.reduceat(measured.pieces.ints, starts)), measured.owners[starts])


def _events_within(column: EventRows, window: Window, on: date) -> Bools:
    keep: Bools = column.days <= on.toordinal()
    if window.kinds:
        keep &= _of_kinds(column.kinds, column.options, window.kinds)
    if window.years is not None:
        keep &= column.days > last_day_outside(on, window.years).toordinal()
    if window.since is not None:
        keep &= column.days >= window.since.toordinal()
    if window.calendar_years is not None:
        first = on.year - window.calendar_years + 1
        keep &= column.days >= (date(first, 1, 1).toordinal() if first > 0 else 0)
    return keep


def _years_within(years: Ints, window: Window, on: date) -> Bools:
    keep: Bools = years <= on.year
    if window.since is not None:
        keep &= years >= window.since.year
    if window.calendar_years is not None:
        keep &= years > on.year - window.calendar_years
    return keep


def _of_kinds(kinds: Ints, options: Sequence[str], wanted: Sequence[str]) -> Bools:
    mask: Bools = np.array([option in wanted for option in options], np.bool_)[kinds]
    return mask


@dataclass(frozen=True, slots=True)
class _Spans:
    """Stretches of time, months or days, their ends not included; by owner, then by start. Days are cut after the reference
    day, as for one person.
    """

    owners: Ints
    starts: Ints
    ends: Ints
    are_days: bool

    def lengths(self, on: date) -> Ints:
        """Complete months of each up to the reference day."""
        if not self.are_days:
            return self.ends - self.starts
        return days.whole_months(self.starts, np.minimum(self.ends, on.toordinal()))

    def later(self, months: int) -> Ints:
        """The end of each, so many months later."""
        return days.add_months(self.ends, months) if self.are_days and months else self.ends + (0 if self.are_days else months)


def _of_spans(measure: Months, column: MonthRows | PeriodRows, on: date) -> Measured:
    spans, kinds = _counting(measure, column, on)
    if measure.by == "kind":
        owners, joined = _joined_by_kind(spans, kinds)
        return Measured(column.known, numbers(_per_group(joined.lengths(on), owners)), _first_of_each(joined.owners, owners))
    joined = _joined(spans)
    if measure.by is None and not measure.unbroken:
        return Measured(column.known, add_up(numbers(joined.lengths(on)), joined.owners, len(column.known)))
    runs = _run_of_each(joined, measure.gap_months)
    if measure.unbroken:
        keep = _is_last_and_reaches(joined, runs, on, measure.gap_months)
        joined, runs = _kept(joined, keep), runs[keep]
    return Measured(column.known, numbers(_per_group(joined.lengths(on), runs)), _first_of_each(joined.owners, runs))


def _counting(measure: Months, column: MonthRows | PeriodRows, on: date) -> tuple[_Spans, Ints]:
    """The rows as far as they count, and their kinds."""
    if isinstance(column, MonthRows):
        this_month = on.year * 12 + on.month - 1
        low = month_index(measure.since) if isinstance(measure.since, str) else 0
        if measure.last_months is not None:
            low = max(low, this_month + 1 - measure.last_months)
        starts, ends = np.maximum(column.firsts, low), np.minimum(column.lasts, this_month) + 1
    else:
        low = measure.since.toordinal() if isinstance(measure.since, date) else 0
        if measure.last_months is not None:
            low = max(low, add_months_to_day(on, -measure.last_months).toordinal())
        starts, ends = np.maximum(column.starts, low), np.minimum(column.untils, on.toordinal() + 1)
    keep = starts < ends
    if measure.kinds:
        keep &= _of_kinds(column.kinds, column.options, measure.kinds)
    return _kept(_Spans(column.owners, starts, ends, isinstance(column, PeriodRows)), keep), column.kinds[keep]


def _kept(spans: _Spans, keep: Bools) -> _Spans:
    return _Spans(spans.owners[keep], spans.starts[keep], spans.ends[keep], spans.are_days)


def _joined(spans: _Spans) -> _Spans:
    """Those of an owner that overlap or touch as one. The furthest end so far is a running maximum below the owner."""
    if not len(spans.owners):
        return spans
    owner = spans.owners * _ROOM
    furthest = np.maximum.accumulate(owner + spans.ends)
    first = np.concatenate(([0], np.flatnonzero((owner + spans.starts)[1:] > furthest[:-1]) + 1))
    last = np.append(first[1:], len(owner)) - 1
    return _Spans(spans.owners[first], spans.starts[first], furthest[last] % _ROOM, spans.are_days)


def _joined_by_kind(spans: _Spans, kinds: Ints) -> tuple[Ints, _Spans]:
    """Those of an owner and kind joined; first which owner and kind, as one whole number, each has."""
    number_of_kinds = int(kinds.max()) + 1 if len(kinds) else 1
    group = spans.owners * number_of_kinds + kinds
    order = np.argsort(group, kind="stable")
    joined = _joined(_Spans(group[order], spans.starts[order], spans.ends[order], spans.are_days))
    groups = joined.owners
    return groups, _Spans(groups // number_of_kinds, joined.starts, joined.ends, spans.are_days)


def _run_of_each(joined: _Spans, gap_months: int) -> Ints:
    """Numbers the runs of all owners through; a gap longer than forgiven begins another one."""
    if not len(joined.owners):
        return joined.owners
    is_new = (np.diff(joined.owners) != 0) | (joined.starts[1:] > joined.later(gap_months)[:-1])
    return np.concatenate(([0], np.cumsum(is_new)))


def _is_last_and_reaches(joined: _Spans, runs: Ints, on: date, gap_months: int) -> Bools:
    """Stretches of the last run of each owner, if it is still on: it lasts on the reference day, or the gap since is forgiven.

    The month of the reference day may not be paid yet.
    """
    if not len(runs):
        return np.zeros(0, np.bool_)
    until = on.toordinal() + 1 if joined.are_days else on.year * 12 + on.month - 1
    is_last = np.append(np.diff(joined.owners) != 0, True)
    run_counts = np.zeros(int(runs[-1]) + 1, np.bool_)
    run_counts[runs[is_last]] = joined.later(gap_months)[is_last] >= until
    kept: Bools = run_counts[runs]
    return kept


def _per_group(lengths: Ints, groups: Ints) -> Ints:
    """Lengths added up for each stretch of equal groups."""
    if not len(groups):
        return lengths
    return np.add.reduceat(lengths, np.concatenate(([0], np.flatnonzero(np.diff(groups)) + 1)))


def _first_of_each(owners: Ints, groups: Ints) -> Ints:
    if not len(groups):
        return owners
    return owners[np.concatenate(([0], np.flatnonzero(np.diff(groups)) + 1))]


def complete_units(pieces: Numbers, per: int, most_each: int | None) -> Numbers:
    """Complete units of each piece alone; shares of an event are not cut."""
    units = pieces if per == 1 else pieces.floored(per)
    return units if most_each is None else units.at_most(Fraction(most_each))
