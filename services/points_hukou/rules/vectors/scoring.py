"""Counting the points of everybody: `rules/scoring.py` on columns, in the order of P-33."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from services.points_hukou.rules.assessment import NotCounted
from services.points_hukou.rules.compiling import CountedItem, JudgedClause, RuleSet
from services.points_hukou.rules.document.lines import AnyLine, Bundle, Points
from services.points_hukou.rules.document.rule_set import Percentage, ScalePart, Service, TieBreak
from services.points_hukou.rules.exact import Rounding
from services.points_hukou.rules.scoring import why_not
from services.points_hukou.rules.vectors.counting import Measured, add_up, complete_units
from services.points_hukou.rules.vectors.exact import Bools, Numbers, numbers, the_same, zeros
from services.points_hukou.rules.vectors.judging import Sights, holding
from services.points_hukou.rules.vectors.population import Population, Single

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """One item of everybody: its points rounded; `beaten` where a better one of its group counts instead."""

    item: CountedItem
    points: Numbers
    not_counted: NotCounted | None
    beaten: Bools

    @property
    def counted(self) -> Numbers:
        """What it gives to the total."""
        return self.points.where(~self.beaten) if self.not_counted is None else zeros(len(self.beaten))


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """The sum of a part, before and after its cap."""

    part: ScalePart
    uncapped: Numbers
    points: Numbers


@dataclass(frozen=True, slots=True)
class AddedPercentage:
    """What a percentage added, and for whom it applies."""

    percentage: Percentage
    applies: Bools
    points: Numbers


@dataclass(frozen=True, slots=True)
class JudgedAll:
    """A clause, and for whom its condition holds."""

    clause: JudgedClause
    holds: Bools


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of everybody for one service. `tie_breaks`: numbers, days as ordinals; known for whom."""

    rule_set: RuleSet
    service: Service
    items: tuple[ScoredItem, ...]
    parts: tuple[ScoredPart, ...]
    percentages: tuple[AddedPercentage, ...]
    judged: tuple[JudgedAll, ...]
    uncapped: Numbers
    total: Numbers
    tie_breaks: Mapping[str, Measured]

    @property
    def are_vetoed(self) -> Bools:
        """Whose score a veto cleared."""
        return _any(self.judged, "veto", len(self.total))

    @property
    def are_frozen(self) -> Bools:
        """Whose score cannot be used for any service (P-07)."""
        return _any(self.judged, "freeze", len(self.total))

    @property
    def are_eligible(self) -> Bools:
        """For whom every condition of eligibility holds."""
        mask: Bools = np.ones(len(self.total), np.bool_)
        for each in self.judged:
            if each.clause.law.effect == "eligibility":
                mask = mask & each.holds
        return mask

    @property
    def stand(self) -> Bools:
        """Who is eligible with a score that may be used, and reaches the pass mark where there is one."""
        mask = self.are_eligible & ~self.are_vetoed & ~self.are_frozen
        return mask if self.service.pass_mark is None else mask & self.total.reach(self.service.pass_mark)


def _any(judged: Sequence[JudgedAll], effect: str, size: int) -> Bools:
    mask: Bools = np.zeros(size, np.bool_)
    for each in judged:
        if each.clause.law.effect == effect:
            mask = mask | each.holds
    return mask


def score_all(
    rule_set: RuleSet, population: Population, applied_on: date, *, service: str | None = None, use_in: str | None = None
) -> Scores:
    """The points of everybody who would apply on that day.

    Raises NotCoveredError for a day on which the rule set does not hold, LookupError for a service it does not have.
    """
    rule_set.covering(applied_on)
    chosen = rule_set.service(service)
    points: dict[str, Numbers] = {}
    sights = Sights(population, applied_on, points)
    items = _best_of_groups(rule_set, _items(rule_set, sights, points, chosen, use_in))
    judged = tuple(
        JudgedAll(clause, holding(clause.when, sights.on_day(rule_set.day(clause.law.on, applied_on))))
        for clause in rule_set.clauses
        if not clause.law.only_for or chosen.id in clause.law.only_for
    )
    parts = tuple(_part(part, items, population.size) for part in rule_set.parts if part.id in chosen.parts)
    uncapped, percentages = _sum(rule_set, sights, parts, chosen)
    total = uncapped if rule_set.floor is None else uncapped.at_least(rule_set.floor)
    total = total if rule_set.cap is None else total.at_most(rule_set.cap)
    vetoed = _any(judged, "veto", population.size)
    if vetoed.any():
        total = total.at_most(_NOTHING).or_else(vetoed, total)
    ties = _tie_breaks(rule_set, sights, items)
    return Scores(rule_set, chosen, items, parts, percentages, judged, uncapped, total, ties)


def _items(
    rule_set: RuleSet, sights: Sights, points: dict[str, Numbers], service: Service, use_in: str | None
) -> tuple[ScoredItem, ...]:
    """Every item in order; what it came to is put into `points` for those after it."""
    scored = []
    for item in rule_set.items:
        on = rule_set.day(item.law.on, sights.on)
        line = count_line(item.bundle, sights.on_day(on), rule_set.rounding)
        points[item.law.id] = line.points.rounded(rule_set.rounding)
        scored.append(ScoredItem(item, points[item.law.id], why_not(item, service, use_in), sights.population.nobody))
    return tuple(scored)


def _best_of_groups(rule_set: RuleSet, items: Sequence[ScoredItem]) -> tuple[ScoredItem, ...]:
    """Of each group the best item that counts stays; the first of equals."""
    beaten: dict[str, Bools] = {}
    for group in rule_set.groups:
        rivals = [each for each in items if each.item.law.id in group.items and each.not_counted is None]
        for number, rival in enumerate(rivals):
            better = [other.points.above(rival.points) for other in rivals[number + 1 :]]
            better += [~rival.points.above(other.points) for other in rivals[:number]]
            for mask in better:
                beaten[rival.item.law.id] = beaten.get(rival.item.law.id, rival.beaten) | mask
    return tuple(replace(each, beaten=beaten.get(each.item.law.id, each.beaten)) for each in items)


def _part(part: ScalePart, items: Sequence[ScoredItem], size: int) -> ScoredPart:
    uncapped = _together([each.counted for each in items if each.item.law.part == part.id], size)
    return ScoredPart(part, uncapped, uncapped.capped(part.cap))


def _together(columns: Sequence[Numbers], size: int) -> Numbers:
    total = zeros(size)
    for each in columns:
        total = total.plus(each)
    return total


def _sum(
    rule_set: RuleSet, sights: Sights, parts: Sequence[ScoredPart], service: Service
) -> tuple[Numbers, tuple[AddedPercentage, ...]]:
    size = sights.population.size
    total = _together([each.points for each in parts if not each.part.deducts], size)
    added = []
    for moment in ("before_deductions", "after_deductions"):
        base = total.at_least(_NOTHING)
        for percentage in rule_set.percentages:
            if percentage.of == moment and (not percentage.only_for or service.id in percentage.only_for):
                applies = holding(percentage.when, sights)
                points = base.times(percentage.percent / 100).rounded(rule_set.rounding).where(applies)
                added.append(AddedPercentage(percentage, applies, points))
                total = total.plus(points)
        if moment == "before_deductions":
            total = total.plus(_together([each.points for each in parts if each.part.deducts], size))
    return total, tuple(added)


def _tie_breaks(rule_set: RuleSet, sights: Sights, items: Sequence[ScoredItem]) -> Mapping[str, Measured]:
    ranking = rule_set.ranking
    if ranking is None:
        return {}
    return {each.id: _tie_break(each, sights, items) for each in ranking.decided_by}


def _tie_break(tie_break: TieBreak, sights: Sights, items: Sequence[ScoredItem]) -> Measured:
    size = sights.population.size
    if tie_break.earliest is not None:
        column = sights.population.columns.get(tie_break.earliest)
        if not isinstance(column, Single):
            return Measured(sights.population.nobody, zeros(size))
        return Measured(column.known, Numbers(column.values))
    if tie_break.applied is not None:
        return Measured(np.ones(size, np.bool_), Numbers(np.full(size, sights.on.toordinal(), np.int64)))
    if tie_break.most is not None:
        measured = sights.count(tie_break.most)
        return Measured(measured.known, measured.total())
    if tie_break.when is not None:
        return Measured(np.ones(size, np.bool_), numbers(holding(tie_break.when, sights).astype(np.int64)))
    if tie_break.other_of_family is not None:
        return Measured(sights.population.nobody, zeros(size))
    counted = _together([each.counted for each in items if each.item.law.id in tie_break.items], size)
    return Measured(np.ones(size, np.bool_), counted)


class Line(NamedTuple):
    """What a line came to for everybody: for whom it holds, the units it took, the points."""

    holds: Bools
    units: Numbers
    points: Numbers


def count_line(line: AnyLine, sights: Sights, rounding: Rounding, allowance: Numbers | None = None) -> Line:
    """What a line comes to. `allowance`: how much it may take of what it shares with other lines."""
    counted = _bundle(line, sights, rounding) if isinstance(line, Bundle) else _points(line, sights, allowance)
    points = counted.points.capped(line.cap)
    points = points.rounded(rounding) if line.rounded else points
    if line.when is None:
        return Line(counted.holds, counted.units, points.where(counted.holds))
    holds = counted.holds & holding(line.when, sights)
    return Line(holds, counted.units.where(holds), points.where(holds))


def _points(line: Points, sights: Sights, allowance: Numbers | None) -> Line:
    size = sights.population.size
    if line.units is None:
        return Line(np.ones(size, np.bool_), the_same(Fraction(1), size), the_same(line.points, size))
    measured = sights.count(line.units)
    units = complete_units(measured.pieces, line.per, line.most_each)
    if measured.owners is not None:
        units = add_up(units, measured.owners, size)
    units = _beyond(line, units)
    units = units if line.most is None else units.at_most(Fraction(line.most))
    units = units if allowance is None else units.lower_of(allowance.floored(line.per))
    units = units.where(measured.known)
    return Line(measured.known, units, units.times(line.points))


def _beyond(line: Points, units: Numbers) -> Numbers:
    after = Fraction(line.after)
    if line.counts_back:
        return units.where(units.reach(after))
    return units.plus(the_same(-after, len(units))).at_least(_NOTHING) if line.after else units


def _bundle(line: Bundle, sights: Sights, rounding: Rounding) -> Line:
    size = sights.population.size
    left: Numbers | None = None
    for measure in line.units_at_most:
        shared = sights.count(measure)
        allowed = shared.total().where(shared.known)
        left = allowed if left is None else left.lower_of(allowed)
    lines = []
    for each in line.lines:
        lines.append(count_line(each, sights, rounding, left))
        if left is not None and isinstance(each, Points):
            left = left.minus(lines[-1].units.times(Fraction(each.per)))
    points = _together([each.points for each in lines], size) if line.take == "sum" else _best(lines, size)
    return Line(np.ones(size, np.bool_), zeros(size), points)


def _best(lines: Sequence[Line], size: int) -> Numbers:
    """The points of the line with most, whatever their sign; the first of equals. A line that does not hold gives zero."""
    best = zeros(size)
    for each in lines:
        best = each.points.or_else(each.points.size().above(best.size()), best)
    return best
