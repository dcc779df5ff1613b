"""Judging: whether a condition holds for one person on a reference day. What is unknown does not hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from services.chassis.months import add_months
from services.points_hukou.rules.counting import count
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
    YearsBefore,
)
from services.points_hukou.rules.facts import Facts


@dataclass(frozen=True, slots=True)
class Sight:
    """What a line sees: the person's facts, its reference day, and the points of the items before it."""

    facts: Facts
    on: date
    points: Mapping[str, Fraction]


def holds(condition: Condition, sight: Sight) -> bool:
    """Whether the condition holds."""
    if isinstance(condition, All):
        return all(holds(each, sight) for each in condition.all)
    if isinstance(condition, Any):
        return any(holds(each, sight) for each in condition.any)
    if isinstance(condition, NoneOf):
        return not any(holds(each, sight) for each in condition.none)
    if isinstance(condition, Flagged):
        return sight.facts.get(condition.flag, bool) is True
    if isinstance(condition, Held):
        held: frozenset[str] | None = sight.facts.get(condition.held, frozenset)
        return held is not None and not held.isdisjoint(condition.any_of)
    if isinstance(condition, Reached):
        return _is_reached(condition, sight)
    if isinstance(condition, ItemScored):
        return sight.points[condition.item] in condition.points
    if isinstance(condition, DayWithin):
        return _is_day_within(condition, sight)
    division = sight.facts.get(condition.division, str)
    return division is not None and division.startswith(condition.within)


def _is_reached(condition: Reached, sight: Sight) -> bool:
    counted = count(condition.of, sight.facts, sight.on)
    return counted is not None and _is_between(counted.total, condition.at_least, condition.at_most, condition.below)


def _is_between(number: Fraction, at_least: int | None, at_most: int | None, below: int | None) -> bool:
    return (
        (at_least is None or number >= at_least)
        and (at_most is None or number <= at_most)
        and (below is None or number < below)
    )


def _is_day_within(condition: DayWithin, sight: Sight) -> bool:
    day = sight.facts.get(condition.day, date)
    if day is None:
        return False
    first, last, before = (_bound(each, sight.on) for each in (condition.from_, condition.until, condition.before))
    return (first is None or day >= first) and (last is None or day <= last) and (before is None or day < before)


def _bound(bound: date | YearsBefore | None, on: date) -> date | None:
    return add_months(on, -12 * bound.years_before) if isinstance(bound, YearsBefore) else bound
