"""For whom a condition holds: `rules/judging.py` on columns. What is unknown does not hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import reduce
from operator import and_, or_

import numpy as np

from services.chassis.months import add_months
from services.points_hukou.rules.document.conditions import (
    All,
    Any,
    Condition,
    DayWithin,
    Flagged,
    Held,
    ItemScored,
    NoneOf,
    Reached,
    WithinDivision,
    YearsBefore,
)
from services.points_hukou.rules.document.measures import Measure
from services.points_hukou.rules.vectors.counting import Measured, count_all
from services.points_hukou.rules.vectors.exact import Bools, Numbers
from services.points_hukou.rules.vectors.population import Divisions, Holdings, Population, Single


@dataclass(frozen=True, slots=True)
class Sights:
    """What a line sees: everybody's facts, its reference day, the points of the items before it. What was measured once on
    a day is kept.
    """

    population: Population
    on: date
    points: Mapping[str, Numbers]
    measured: dict[tuple[Measure, date], Measured] = field(default_factory=dict)

    def on_day(self, on: date) -> "Sights":
        """The same on another day."""
        return Sights(self.population, on, self.points, self.measured)

    def count(self, measure: Measure) -> Measured:
        """What the measure gives."""
        key = (measure, self.on)
        if key not in self.measured:
            self.measured[key] = count_all(measure, self.population, self.on)
        return self.measured[key]


def holding(condition: Condition, sights: Sights) -> Bools:
    """For whom the condition holds."""
    if isinstance(condition, All):
        return reduce(and_, (holding(each, sights) for each in condition.all))
    if isinstance(condition, Any):
        return reduce(or_, (holding(each, sights) for each in condition.any))
    if isinstance(condition, NoneOf):
        return ~reduce(or_, (holding(each, sights) for each in condition.none))
    if isinstance(condition, Reached):
        return _reaching(condition, sights)
    if isinstance(condition, ItemScored):
        return sights.points[condition.item].is_any_of(condition.points)
    return _of_fact(condition, sights)


def _of_fact(condition: Flagged | Held | DayWithin | WithinDivision, sights: Sights) -> Bools:
    columns = sights.population.columns
    if isinstance(condition, Flagged):
        column = columns.get(condition.flag)
        return sights.population.nobody if not isinstance(column, Single) else column.known & (column.values != 0)
    if isinstance(condition, Held):
        held = columns.get(condition.held)
        masks = [] if not isinstance(held, Holdings) else [held.held[each] for each in condition.any_of if each in held.held]
        return reduce(or_, masks, sights.population.nobody)
    if isinstance(condition, DayWithin):
        days = columns.get(condition.day)
        return sights.population.nobody if not isinstance(days, Single) else _days_within(condition, days, sights.on)
    division = columns.get(condition.division)
    if not isinstance(division, Divisions):
        return sights.population.nobody
    # One more for whoever's division is unknown: −1 is the last place.
    inside: Bools = np.array([*(code.startswith(condition.within) for code in division.codes), False], np.bool_)
    return inside[division.values]


def _reaching(condition: Reached, sights: Sights) -> Bools:
    measured = sights.count(condition.of)
    mask, total = measured.known, measured.total()
    if condition.at_least is not None:
        mask = mask & total.reach(Fraction(condition.at_least))
    if condition.at_most is not None:
        mask = mask & total.stay_within(Fraction(condition.at_most))
    if condition.below is not None:
        mask = mask & ~total.reach(Fraction(condition.below))
    return mask


def _days_within(condition: DayWithin, days: Single, on: date) -> Bools:
    mask = days.known
    first, last, before = (_bound(each, on) for each in (condition.from_, condition.until, condition.before))
    if first is not None:
        mask = mask & (days.values >= first)
    if last is not None:
        mask = mask & (days.values <= last)
    if before is not None:
        mask = mask & (days.values < before)
    return mask


def _bound(bound: date | YearsBefore | None, on: date) -> int | None:
    day = add_months(on, -12 * bound.years_before) if isinstance(bound, YearsBefore) else bound
    return None if day is None else day.toordinal()
