"""Counting the points of one person: lines, items, groups, parts, percentages, deductions, floor, cap, in that order
(P-33)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction

from services.points_hukou.rules.assessment import (
    Assessment,
    Component,
    Counting,
    Judged,
    NotCounted,
    PartTotal,
    PercentageTotal,
)
from services.points_hukou.rules.compiling import CountedItem, RuleSet
from services.points_hukou.rules.counting import count
from services.points_hukou.rules.document.lines import AnyLine, Bundle, Points
from services.points_hukou.rules.document.rule_set import ScalePart, Service, TieBreak
from services.points_hukou.rules.exact import Rounding
from services.points_hukou.rules.facts import Facts
from services.points_hukou.rules.judging import Sight, holds

_NOTHING = Fraction(0)


def score(rule_set: RuleSet, facts: Facts, *, service: str | None = None, use_in: str | None = None) -> Assessment:
    """The points of one person by this rule set, for a service of it, to be used in a division.

    Raises NotCoveredError for a day on which the rule set does not hold, LookupError for a service it does not have.
    """
    rule_set.covering(facts.applied_on)
    chosen = rule_set.service(service)
    components = _best_of_groups(rule_set, _components(rule_set, facts, chosen, use_in))
    judged = tuple(
        Judged(clause, holds(clause.when, Sight(facts, rule_set.day(clause.law.on, facts.applied_on), {})))
        for clause in rule_set.clauses
        if not clause.law.only_for or chosen.id in clause.law.only_for
    )
    parts = tuple(_part_total(part, components) for part in rule_set.parts if part.id in chosen.parts)
    uncapped, percentages = _sum(rule_set, facts, parts, chosen)
    total = uncapped if rule_set.floor is None else max(uncapped, rule_set.floor)
    total = total if rule_set.cap is None else min(total, rule_set.cap)
    if any(each.holds for each in judged if each.clause.law.effect == "veto"):
        total = min(total, _NOTHING)
    return Assessment(
        rule_set=rule_set,
        facts=facts,
        service=chosen,
        use_in=use_in,
        components=components,
        groups=rule_set.groups,
        parts=parts,
        percentages=percentages,
        judged=judged,
        uncapped=uncapped,
        total=total,
        tie_breaks=_tie_breaks(rule_set, facts, components),
    )


def _components(rule_set: RuleSet, facts: Facts, service: Service, use_in: str | None) -> tuple[Component, ...]:
    points: dict[str, Fraction] = {}
    components = []
    for item in rule_set.items:
        on = rule_set.day(item.law.on, facts.applied_on)
        counting = count_line(item.bundle, Sight(facts, on, points), rule_set.rounding)
        points[item.law.id] = rule_set.rounding.round(counting.points)
        components.append(Component(item, on, counting, points[item.law.id], why_not(item, service, use_in)))
    return tuple(components)


def why_not(item: CountedItem, service: Service, use_in: str | None) -> NotCounted | None:
    """Why an item gives nothing to this total, whoever is counted."""
    if item.law.part not in service.parts or (item.law.only_for and service.id not in item.law.only_for):
        return NotCounted.OTHER_SERVICE
    if use_in is not None and not use_in.startswith(item.valid_within):
        return NotCounted.NOT_VALID_THERE
    return None


def _best_of_groups(rule_set: RuleSet, components: Sequence[Component]) -> tuple[Component, ...]:
    """Of each group the best component that counts stays; the first of equals."""
    beaten: set[str] = set()
    for group in rule_set.groups:
        rivals = [each for each in components if each.item.law.id in group.items and each.not_counted is None]
        best = max(rivals, key=lambda each: each.points, default=None)
        beaten |= {each.item.law.id for each in rivals if each is not best}
    return tuple(
        Component(each.item, each.on, each.counting, each.points, NotCounted.BETTER_OF_GROUP)
        if each.item.law.id in beaten
        else each
        for each in components
    )


def _part_total(part: ScalePart, components: Sequence[Component]) -> PartTotal:
    uncapped = sum((each.counted for each in components if each.item.law.part == part.id), _NOTHING)
    return PartTotal(part, uncapped, _capped(uncapped, part.cap))


def _sum(
    rule_set: RuleSet, facts: Facts, parts: Sequence[PartTotal], service: Service
) -> tuple[Fraction, tuple[PercentageTotal, ...]]:
    total = sum((each.points for each in parts if not each.part.deducts), _NOTHING)
    sight = Sight(facts, facts.applied_on, {})
    added = []
    for moment in ("before_deductions", "after_deductions"):
        base = total
        for percentage in rule_set.percentages:
            applies = not percentage.only_for or service.id in percentage.only_for
            if percentage.of == moment and applies and holds(percentage.when, sight):
                points = rule_set.rounding.round(max(base, _NOTHING) * percentage.percent / 100)
                added.append(PercentageTotal(percentage, base, points))
                total += points
        if moment == "before_deductions":
            total += sum((each.points for each in parts if each.part.deducts), _NOTHING)
    return total, tuple(added)


def _tie_breaks(rule_set: RuleSet, facts: Facts, components: Sequence[Component]) -> Mapping[str, Fraction | date | None]:
    ranking = rule_set.ranking
    if ranking is None:
        return {}
    return {each.id: _tie_break(each, facts, components) for each in ranking.decided_by}


def _tie_break(tie_break: TieBreak, facts: Facts, components: Sequence[Component]) -> Fraction | date | None:
    if tie_break.earliest is not None:
        return facts.get(tie_break.earliest, date)
    if tie_break.applied is not None:
        return facts.applied_on
    if tie_break.most is not None:
        counted = count(tie_break.most, facts, facts.applied_on)
        return None if counted is None else counted.total
    if tie_break.when is not None:
        return Fraction(holds(tie_break.when, Sight(facts, facts.applied_on, {})))
    if tie_break.other_of_family is not None:
        return None  # one score does not know the other: `rules/rounds.py`
    return sum((each.counted for each in components if each.item.law.id in tie_break.items), _NOTHING)


def _capped(points: Fraction, cap: Fraction | None) -> Fraction:
    """Within the cap, on either side of zero."""
    return points if cap is None else max(-cap, min(points, cap))


def count_line(line: AnyLine, sight: Sight, rounding: Rounding, allowance: Fraction | None = None) -> Counting:
    """What a line comes to. `allowance`: how much it may take of what it shares with other lines."""
    counting = None
    if line.when is None or holds(line.when, sight):
        counting = _count_bundle(line, sight, rounding) if isinstance(line, Bundle) else _count_points(line, sight, allowance)
    if counting is None:
        return Counting(line, holds=False, pieces=(), units=_NOTHING, uncapped=_NOTHING, points=_NOTHING)
    points = _capped(counting.uncapped, line.cap)
    return Counting(
        line,
        holds=True,
        pieces=counting.pieces,
        units=counting.units,
        uncapped=counting.uncapped,
        points=rounding.round(points) if line.rounded else points,
        lines=counting.lines,
        taken=counting.taken,
    )


def _count_points(line: Points, sight: Sight, allowance: Fraction | None) -> Counting | None:
    if line.units is None:
        return Counting(line, holds=True, pieces=(), units=Fraction(1), uncapped=line.points, points=line.points)
    counted = count(line.units, sight.facts, sight.on)
    if counted is None:
        return None
    units = _beyond(line, sum((_units(line, piece) for piece in counted.pieces), _NOTHING))
    units = units if line.most is None else min(units, Fraction(line.most))
    units = units if allowance is None else min(units, Fraction(allowance // line.per))
    points = line.points * units
    return Counting(line, holds=True, pieces=counted.pieces, units=units, uncapped=points, points=points)


def _units(line: Points, piece: Fraction) -> Fraction:
    """Complete units alone; shares of an event are not cut."""
    units = piece if line.per == 1 else Fraction(piece // line.per)
    return units if line.most_each is None else min(units, Fraction(line.most_each))


def _beyond(line: Points, units: Fraction) -> Fraction:
    if line.counts_back:
        return units if units >= line.after else _NOTHING
    return max(units - line.after, _NOTHING)


def _count_bundle(line: Bundle, sight: Sight, rounding: Rounding) -> Counting:
    shared = [count(each, sight.facts, sight.on) for each in line.units_at_most]
    left = min((_NOTHING if each is None else each.total for each in shared), default=None)
    lines = []
    for each in line.lines:
        lines.append(count_line(each, sight, rounding, left))
        if left is not None and isinstance(each, Points):
            left -= lines[-1].units * each.per
    taken = _taken(line, lines)
    points = sum((lines[index].points for index in taken), _NOTHING)
    return Counting(line, True, (), Fraction(len(taken)), points, points, tuple(lines), taken)  # noqa: FBT003


def _taken(line: Bundle, lines: Sequence[Counting]) -> tuple[int, ...]:
    """All lines that hold; or the one with most points, the first of equals."""
    holding = [index for index, each in enumerate(lines) if each.holds]
    if line.take == "sum":
        return tuple(holding)
    size: Callable[[int], Fraction] = lambda index: abs(lines[index].points)  # noqa: E731
    return (max(holding, key=size),) if holding else ()
