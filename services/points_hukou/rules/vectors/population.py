"""The facts of many people as columns: one value each, or rows of several with their owner, in the order of the owners."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property
from typing import Any, Self

import numpy as np

from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.facts import Event, Facts, MonthRange, Period, Value, Yearly
from services.points_hukou.rules.vectors.exact import Bools, Ints


@dataclass(frozen=True)
class Single:
    """One value each: a day as its ordinal, a number, a flag as 0 or 1. What is not `known` counts for nothing."""

    values: Ints
    known: Bools


@dataclass(frozen=True)
class Divisions:
    """A division each, as its place among `codes`; −1 where it is unknown."""

    values: Ints
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Holdings:
    """What is proved: by option, for whom."""

    held: Mapping[str, Bools]
    size: int


@dataclass(frozen=True)
class Rows:
    """Several rows each, ordered by owner and then by their first field. `owners` are places in the population; whoever is
    `known` without a row has none. `kinds`: the place of a row's kind among `options`; zero where there are none.
    """

    owners: Ints
    known: Bools

    def __post_init__(self) -> None:
        first = getattr(self, fields(self)[2].name)
        if len(self.owners) > 1:
            steps = np.diff(self.owners)
            if (steps < 0).any() or (np.diff(first)[steps == 0] < 0).any():
                raise ValueError("rows are ordered by owner, then by their first field")

    def cut(self, start: int, stop: int) -> Self:
        """The rows of the owners from one place until before another."""
        low, high = np.searchsorted(self.owners, [start, stop])
        rows = {each.name: getattr(self, each.name)[low:high] for each in fields(self) if each.name not in {"known", "options"}}
        return replace(self, **{**rows, "owners": rows["owners"] - start, "known": self.known[start:stop]})


@dataclass(frozen=True)
class MonthRows(Rows):
    """Calendar months from the first to the last."""

    firsts: Ints
    lasts: Ints
    kinds: Ints
    options: tuple[str, ...]


@dataclass(frozen=True)
class PeriodRows(Rows):
    """Periods from a day until before another."""

    starts: Ints
    untils: Ints
    kinds: Ints
    options: tuple[str, ...]


@dataclass(frozen=True)
class EventRows(Rows):
    """Things of a day."""

    days: Ints
    kinds: Ints
    amounts: Ints
    holders: Ints
    are_first: Bools
    options: tuple[str, ...]


@dataclass(frozen=True)
class YearRows(Rows):
    """Amounts of calendar years."""

    years: Ints
    amounts: Ints


Column = Single | Divisions | Holdings | MonthRows | PeriodRows | EventRows | YearRows


@dataclass(frozen=True)
class Population:
    """Many people. A fact without a column is known of nobody."""

    size: int
    columns: Mapping[str, Column]

    def cut(self, start: int, stop: int) -> "Population":
        """The people from one place until before another."""
        return Population(stop - start, {name: _cut(column, start, stop) for name, column in self.columns.items()})

    @cached_property
    def nobody(self) -> Bools:
        """A mask that holds for nobody."""
        return np.zeros(self.size, np.bool_)


def _cut(column: Column, start: int, stop: int) -> Column:
    if isinstance(column, Single):
        return Single(column.values[start:stop], column.known[start:stop])
    if isinstance(column, Divisions):
        return Divisions(column.values[start:stop], column.codes)
    if isinstance(column, Holdings):
        return Holdings({name: mask[start:stop] for name, mask in column.held.items()}, stop - start)
    return column.cut(start, stop)


def population_of(people: Sequence[Mapping[str, Value] | Facts], declared: Mapping[str, FactDeclaration]) -> Population:
    """The people as columns; their facts are in the normal form of `facts.read_facts`."""
    given = [each.values if isinstance(each, Facts) else each for each in people]
    columns = {
        name: _COLUMNS[declaration.kind]([each.get(name) for each in given], declaration)
        for name, declaration in declared.items()
    }
    return Population(len(given), columns)


def _known(values: Sequence[Any]) -> Bools:
    return np.fromiter((value is not None for value in values), np.bool_, len(values))


def _days(values: Sequence[Any], _: FactDeclaration) -> Column:
    ordinals = (1 if value is None else value.toordinal() for value in values)
    return Single(np.fromiter(ordinals, np.int64, len(values)), _known(values))


def _whole(values: Sequence[Any], _: FactDeclaration) -> Column:
    return Single(_of_each(values, lambda value: int(value or 0)), _known(values))


def _held(values: Sequence[Any], declaration: FactDeclaration) -> Column:
    size = len(values)
    return Holdings(
        {
            option.key: np.fromiter((value is not None and option.key in value for value in values), np.bool_, size)
            for option in declaration.options
        },
        size,
    )


def _division(values: Sequence[Any], _: FactDeclaration) -> Column:
    codes = tuple(sorted({value for value in values if value is not None}))
    place = {code: number for number, code in enumerate(codes)}
    return Divisions(np.fromiter((place.get(value, -1) for value in values), np.int64, len(values)), codes)


def _rows(values: Sequence[Any]) -> tuple[Ints, list[Any]]:
    """The owner of every row, and the rows."""
    owned = [(owner, row) for owner, value in enumerate(values) if value is not None for row in _rows_of(value)]
    return np.fromiter((owner for owner, _ in owned), np.int64, len(owned)), [row for _, row in owned]


def _rows_of(value: tuple[MonthRange, ...] | tuple[Period, ...] | tuple[Event, ...] | Yearly) -> Iterable[Any]:
    return value.amounts if isinstance(value, Yearly) else value


def _kinds(rows: Sequence[Any], declaration: FactDeclaration) -> tuple[Ints, tuple[str, ...]]:
    options = tuple(sorted(declaration.keys)) or ("",)
    place = {key: number for number, key in enumerate(options)}
    return _of_each(rows, lambda row: place[row.kind]), options


def _of_each(rows: Sequence[Any], wanted: Callable[[Any], int]) -> Ints:
    """Of 64 bits, or as Python's own whole numbers if one is too large."""
    try:
        return np.fromiter(map(wanted, rows), np.int64, len(rows))
    except OverflowError:
        return np.array([wanted(row) for row in rows], object)


def _months(values: Sequence[Any], declaration: FactDeclaration) -> Column:
    owners, rows = _rows(values)
    firsts, lasts = _of_each(rows, lambda row: row.first), _of_each(rows, lambda row: row.last)
    return MonthRows(owners, _known(values), firsts, lasts, *_kinds(rows, declaration))


def _periods(values: Sequence[Any], declaration: FactDeclaration) -> Column:
    owners, rows = _rows(values)
    starts = _of_each(rows, lambda row: _ordinal(row.start))
    untils = _of_each(rows, lambda row: _ordinal(row.until))
    return PeriodRows(owners, _known(values), starts, untils, *_kinds(rows, declaration))


def _ordinal(day: date) -> int:
    return day.toordinal()


def _events(values: Sequence[Any], declaration: FactDeclaration) -> Column:
    owners, rows = _rows(values)
    kinds, options = _kinds(rows, declaration)
    return EventRows(
        owners=owners,
        known=_known(values),
        days=_of_each(rows, lambda row: _ordinal(row.on)),
        kinds=kinds,
        amounts=_of_each(rows, lambda row: row.amount),
        holders=_of_each(rows, lambda row: row.holders),
        are_first=_of_each(rows, lambda row: row.is_first).astype(np.bool_),
        options=options,
    )


def _yearly(values: Sequence[Any], _: FactDeclaration) -> Column:
    owners, rows = _rows(values)
    return YearRows(owners, _known(values), _of_each(rows, lambda row: row[0]), _of_each(rows, lambda row: row[1]))


_COLUMNS: Mapping[str, Callable[[Sequence[Any], FactDeclaration], Column]] = {
    "day": _days,
    "flag": _whole,
    "number": _whole,
    "held": _held,
    "division": _division,
    "months": _months,
    "periods": _periods,
    "events": _events,
    "yearly": _yearly,
}
