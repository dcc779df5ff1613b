"""People made up for trying rules on, by a seed: no real person, only facts of the kinds a rule set asks for.

Ages from 18 to 62, stretches of work and insurance within fifteen years, most conditions of eligibility met, few offences.
It is nobody's city, so its cut-offs say nothing about one.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date

import numpy as np

from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.document.conditions import Condition, Flagged, NoneOf, WithinDivision
from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.vectors.exact import Bools, Ints
from services.points_hukou.rules.vectors.population import (
    Column,
    Divisions,
    EventRows,
    Holdings,
    MonthRows,
    PeriodRows,
    Population,
    Single,
    YearRows,
)
from services.points_hukou.rules.walking import conditions_in, facts_of_age, lines_in

_YEARS = 15
_STRETCHES = 3
_MONTHS_EACH = 60
_USUAL = 0.2
_SELDOM = 0.02


def made_up(rule_set: RuleSet, size: int, applied_on: date, seed: int = 0) -> Population:
    """So many people for a rule set, as they might apply on that day."""
    inventor = _Inventor(rule_set, size, applied_on, np.random.default_rng(seed))
    return Population(size, {name: inventor.column(declared) for name, declared in rule_set.facts.items()})


def made_up_labels(codes: tuple[str, ...], size: int, seed: int) -> Ints:
    """The place of a code for everybody, the first ones more often."""
    weights = 1 / np.arange(1, len(codes) + 1)
    return np.random.default_rng(seed).choice(len(codes), size, p=weights / weights.sum())


class _Inventor:
    def __init__(self, rule_set: RuleSet, size: int, applied_on: date, random: np.random.Generator) -> None:
        self._size, self._on, self._random = size, applied_on, random
        lines = [line for item in rule_set.items for line in lines_in(item.bundle)]
        self._births = facts_of_age(item.bundle for item in rule_set.items)
        self._chances = dict(_chances(rule_set))
        inside = [each for line in lines for each in conditions_in(line.when) if isinstance(each, WithinDivision)]
        self._divisions = tuple(sorted({code.ljust(6, "0") for each in inside for code in each.within} | {"330282", "110105"}))

    def column(self, declared: FactDeclaration) -> Column:
        """What everybody has of one fact."""
        ways: Mapping[str, Callable[[FactDeclaration], Column]] = {
            "day": self._days,
            "flag": self._flags,
            "number": self._numbers,
            "held": self._papers,
            "division": self._places,
            "months": self._months,
            "periods": self._periods,
            "events": self._events,
            "yearly": self._years,
        }
        return ways[declared.kind](declared)

    def _days(self, declared: FactDeclaration) -> Column:
        low, high = (18 * 365, 62 * 365) if declared.id in self._births else (0, _YEARS * 365)
        ago = self._random.integers(low, high, self._size)
        return Single(self._on.toordinal() - ago, self._known(1.0 if declared.required else 0.9))

    def _flags(self, declared: FactDeclaration) -> Column:
        values = self._random.random(self._size) < self._chances.get(declared.id, _USUAL)
        return Single(values.astype(np.int64), self._known(1.0))

    def _numbers(self, declared: FactDeclaration) -> Column:
        choice = np.array(declared.among or range(min(declared.at_most or 0, 20) + 1), np.int64)
        return Single(self._random.choice(choice, self._size), self._known(_USUAL))

    def _papers(self, declared: FactDeclaration) -> Column:
        options = [option.key for option in declared.options]
        best = self._random.integers(-1, len(options), self._size)
        return Holdings({key: best == number for number, key in enumerate(options)}, self._size)

    def _places(self, _: FactDeclaration) -> Column:
        return Divisions(self._random.integers(0, len(self._divisions), self._size), self._divisions)

    def _months(self, declared: FactDeclaration) -> Column:
        this_month = self._on.year * 12 + self._on.month - 1
        owners, kinds, options = self._owners(declared)
        starts = this_month - self._random.integers(0, _YEARS * 12, len(owners))
        order = np.lexsort((starts, owners))
        lasts = starts + self._random.integers(0, _MONTHS_EACH, len(owners))
        return MonthRows(owners, self._known(1.0), starts[order], lasts[order], kinds, options)

    def _periods(self, declared: FactDeclaration) -> Column:
        owners, kinds, options = self._owners(declared)
        starts = self._on.toordinal() - self._random.integers(0, _YEARS * 365, len(owners))
        untils = starts + self._random.integers(1, _MONTHS_EACH * 30, len(owners))
        untils = np.where(self._random.random(len(owners)) < _USUAL, date.max.toordinal(), untils)
        order = np.lexsort((starts, owners))
        return PeriodRows(owners, self._known(1.0), starts[order], untils[order], kinds, options)

    def _events(self, declared: FactDeclaration) -> Column:
        owners = np.flatnonzero(self._random.random(self._size) < _SELDOM)
        size = len(owners)
        kinds, options = self._kinds(declared, size)
        days = self._on.toordinal() - self._random.integers(0, 8 * 365, size)
        amounts = self._random.integers(0, min(declared.at_most or 500, 500) + 1, size)
        holders = self._random.integers(1, 4, size)
        is_first = (holders == 1) | (self._random.random(size) < 0.5)
        return EventRows(owners, self._known(1.0), days, kinds, amounts, holders, is_first, options)

    def _years(self, declared: FactDeclaration) -> Column:
        payers = np.flatnonzero(self._random.random(self._size) < _USUAL)
        years = np.arange(self._on.year - 4, self._on.year)
        amounts = np.minimum(self._random.lognormal(10, 2, len(payers) * len(years)).astype(np.int64), declared.at_most or 0)
        return YearRows(np.repeat(payers, len(years)), self._known(1.0), np.tile(years, len(payers)), amounts)

    def _owners(self, declared: FactDeclaration) -> tuple[Ints, Ints, tuple[str, ...]]:
        owners = np.repeat(np.arange(self._size), self._random.integers(0, _STRETCHES + 1, self._size))
        return owners, *self._kinds(declared, len(owners))

    def _kinds(self, declared: FactDeclaration, rows: int) -> tuple[Ints, tuple[str, ...]]:
        options = tuple(sorted(declared.keys)) or ("",)
        return self._random.integers(0, len(options), rows), options

    def _known(self, chance: float) -> Bools:
        known: Bools = self._random.random(self._size) < chance
        return known


def _chances(rule_set: RuleSet) -> Iterator[tuple[str, float]]:
    """How often a flag is set: what eligibility asks for mostly, what bars or clears seldom."""
    for clause in rule_set.clauses:
        wanted = clause.law.effect == "eligibility"
        for flag, is_asked_for in _flags_in(clause.when, is_asked_for=True):
            yield flag, 1 - _SELDOM if wanted == is_asked_for else _SELDOM


def _flags_in(condition: Condition, *, is_asked_for: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(condition, Flagged):
        yield condition.flag, is_asked_for
    within = getattr(condition, "all", None) or getattr(condition, "any", None) or getattr(condition, "none", None) or ()
    for each in within:
        yield from _flags_in(each, is_asked_for=is_asked_for != isinstance(condition, NoneOf))
