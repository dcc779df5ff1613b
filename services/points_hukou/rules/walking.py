"""Everything a line or condition rests on, for checks, explanations and advice."""

from collections.abc import Iterable, Iterator

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
)
from services.points_hukou.rules.document.lines import AnyLine, Bundle, Points
from services.points_hukou.rules.document.measures import Age, Measure, fact_of


def conditions_in(condition: Condition | None) -> Iterator[Condition]:
    """The condition and all within it."""
    if condition is None:
        return
    yield condition
    for each in _within(condition):
        yield from conditions_in(each)


def _within(condition: Condition) -> tuple[Condition, ...]:
    if isinstance(condition, All):
        return condition.all
    if isinstance(condition, Any):
        return condition.any
    return condition.none if isinstance(condition, NoneOf) else ()


def lines_in(line: AnyLine) -> Iterator[AnyLine]:
    """The line and all within it."""
    yield line
    if isinstance(line, Bundle):
        for each in line.lines:
            yield from lines_in(each)


def measures_of(line: AnyLine) -> Iterator[Measure]:
    """The measures a line itself names, not those of lines within it."""
    if isinstance(line, Points) and line.units is not None:
        yield line.units
    if isinstance(line, Bundle):
        yield from line.units_at_most
    for condition in conditions_in(line.when):
        if isinstance(condition, Reached):
            yield condition.of


def facts_of_age(lines: Iterable[AnyLine]) -> tuple[str, ...]:
    """The days lines count ages from, in the order of the text."""
    measures = (measure for line in lines for each in lines_in(line) for measure in measures_of(each))
    return tuple(dict.fromkeys(measure.age for measure in measures if isinstance(measure, Age)))


def facts_of_condition(condition: Condition | None) -> Iterator[str]:
    """The facts a condition rests on, not through items."""
    for each in conditions_in(condition):
        if isinstance(each, Reached):
            yield fact_of(each.of)
        elif isinstance(each, Flagged):
            yield each.flag
        elif isinstance(each, Held):
            yield each.held
        elif isinstance(each, DayWithin):
            yield each.day
        elif isinstance(each, WithinDivision):
            yield each.division


def facts_of_line(line: AnyLine) -> tuple[str, ...]:
    """The facts a line and all within it rest on, each once, in the order of the text."""
    found: dict[str, None] = {}
    for each in lines_in(line):
        found.update(dict.fromkeys(facts_of_condition(each.when)))
        found.update(dict.fromkeys(fact_of(measure) for measure in measures_of(each)))
    return tuple(found)


def items_of_line(line: AnyLine) -> Iterator[str]:
    """The items whose points a line asks for."""
    for each in lines_in(line):
        for condition in conditions_in(each.when):
            if isinstance(condition, ItemScored):
                yield condition.item
