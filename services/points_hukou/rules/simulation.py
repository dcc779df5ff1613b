"""Trying out: a changed rule set, quota or day over everybody – who gains, who loses, where the cut lies (issue 5, point 5).

Nothing but numbers of people leaves this module, and no small ones (`chassis/suppression.py`): a draft may ask anything of
anybody, so a number of one person would be an answer about them. Nobody is singled out, and no result names or keeps anyone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import numpy as np

from services.chassis.parameters import Document, History, list_of, whole_number
from services.chassis.suppression import Cells, shown_of
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.exact import Rounding
from services.points_hukou.rules.vectors.counting import Measured
from services.points_hukou.rules.vectors.days import whole_years_until
from services.points_hukou.rules.vectors.exact import Bools, Ints, Numbers, numbers, put_together
from services.points_hukou.rules.vectors.population import Population, Single
from services.points_hukou.rules.vectors.ranking import RankedAll, rank_all
from services.points_hukou.rules.vectors.scoring import Scores, score_all
from services.points_hukou.rules.vectors.stretches import stretches

UNKNOWN = "unknown"
_AVERAGES = Rounding(2, "half_up")
_NO_RULE = Ranking(cut="refuse", rule="P-22")
"""Where a rule set says nothing of ranking, the total alone orders, and a tie on the cut is decided by nobody."""


@dataclass(frozen=True, slots=True)
class SimulationLaw:
    """What is too small to be shown, and where groups of ages begin."""

    smallest_cell: History[int]
    age_bands: History[tuple[int, ...]]


def read_simulation_law(document: Document) -> SimulationLaw:
    """What `simulation.toml` says. Raises ParameterError."""
    law = SimulationLaw(
        smallest_cell=document.history("smallest_cell", whole_number(2, 1000)),
        age_bands=document.history("age_bands", list_of(whole_number(0, 120))),
    )
    document.finish()
    return law


@dataclass(frozen=True, slots=True)
class Variant:
    """A rule set for one of its services on a day, with so many places or, without a quota, whoever qualifies."""

    rule_set: RuleSet
    applied_on: date
    quota: int | None = None
    service: str | None = None
    use_in: str | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """A variant, and everybody with the facts its rule set asks for."""

    variant: Variant
    population: Population


@dataclass(frozen=True, slots=True)
class Trait:
    """One way to divide everybody: the place of each person's label among the labels."""

    places: Ints
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures of one variant over everybody. `stand`: eligible, not frozen or vetoed, at the pass mark if there is one.
    `within`: admitted, or without a quota who stands. `undecided` share the last place where only some of them fit. `cut_off`:
    the points, or what ranks in their place, of the last who is admitted. `highest` only where enough share it. What would
    tell of few people is `None`.
    """

    stand: int | None
    within: int | None
    undecided: int | None
    cut_off: Fraction | None
    average: Fraction | None
    highest: Fraction | None


@dataclass(frozen=True, slots=True)
class Group:
    """One group of people: `None` is hidden. `average_change` in points, where how many gain and lose is shown."""

    label: str
    people: int | None
    gain: int | None
    lose: int | None
    same: int | None
    within_both: int | None
    newly_within: int | None
    no_longer_within: int | None
    within_neither: int | None
    average_change: Fraction | None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What changes from the one variant to the other: over everybody, and by each trait (small numbers hidden)."""

    before: Outcome
    after: Outcome
    all: Group
    by: Mapping[str, tuple[Group, ...]]


@dataclass(frozen=True, slots=True)
class _Counted:
    """Everybody's points under one variant, and who comes to something with them."""

    total: Numbers
    stand: Bools
    within: Bools
    outcome: Outcome


def simulate(
    before: Side,
    after: Side,
    traits: Mapping[str, Trait],
    smallest: int,
    *,
    on_counted: Callable[[int], None] = lambda _: None,
) -> Simulation:
    """Count everybody under both variants and compare. `on_counted` is told how many more have been counted under one of them.
    Small numbers are hidden of all of them together, too.

    Raises NotCoveredError for a day on which a rule set does not hold, LookupError for a service it does not have.
    """
    if before.population.size != after.population.size:
        raise ValueError("both sides are about the same people")
    one, other = _counted(before, on_counted), _counted(after, on_counted)
    everybody = Trait(np.zeros(len(one.total), np.int64), ("",))
    (together,) = _groups(everybody, one, other, smallest)
    by = {name: _groups(trait, one, other, smallest) for name, trait in traits.items()}
    stand = ((one.stand & other.stand), (~one.stand & other.stand), (one.stand & ~other.stand), ~(one.stand | other.stand))
    (ways,) = shown_of(_table(everybody, stand), smallest).cells
    was, will_be = (_of_many(each, together, smallest, is_stand_told=None not in ways) for each in (one, other))
    return Simulation(was, will_be, together, by)


def _of_many(counted: _Counted, together: Group, smallest: int, *, is_stand_told: bool) -> Outcome:
    """Without what would tell of few people: small numbers, those that leave few others or differ little from the other
    variant's, and what few have.
    """
    outcome = counted.outcome
    within = (together.within_both, together.newly_within, together.no_longer_within, together.within_neither)
    is_within_told = None not in within
    is_average_told = is_stand_told and None not in (together.gain, together.lose, together.same)
    standing = counted.total.ints[counted.stand]
    is_highest_shared = len(standing) and int((standing == standing.max()).sum()) >= smallest
    return Outcome(
        stand=outcome.stand if is_stand_told else None,
        within=outcome.within if is_within_told else None,
        undecided=outcome.undecided if _tells_of_many(outcome.undecided, len(counted.total), smallest) else None,
        cut_off=outcome.cut_off if is_within_told else None,
        average=outcome.average if is_average_told else None,
        highest=outcome.highest if is_highest_shared and is_stand_told else None,
    )


def _tells_of_many(number: int | None, people: int, smallest: int) -> bool:
    return number is not None and all(each == 0 or each >= smallest for each in (number, people - number))


def ages(population: Population, fact: str, on: date, bands: tuple[int, ...]) -> Trait:
    """Everybody by age on a day, in full years: `25-34`, `60+`."""
    ends = [*(str(each - 1) for each in bands[1:]), ""]
    labels = tuple(f"{start}-{end}" if end else f"{start}+" for start, end in zip(bands, ends, strict=True))
    column = population.columns.get(fact)
    if not isinstance(column, Single):
        return Trait(np.zeros(population.size, np.int64), (UNKNOWN,))
    places = np.searchsorted(bands, whole_years_until(column.values, on), side="right") - 1
    return Trait(np.where(column.known, places, len(labels)), (*labels, UNKNOWN))


def labelled(values: list[str | None]) -> Trait:
    """Everybody by a code; whoever has none is `unknown`."""
    codes = [UNKNOWN if each is None else each for each in values]
    labels, places = np.unique(np.array(codes, np.str_), return_inverse=True)
    return Trait(places, tuple(labels.tolist()))


def _counted(side: Side, on_counted: Callable[[int], None]) -> _Counted:
    variant = side.variant
    if not side.population.size:
        raise ValueError("there is nobody to try the rules on")
    variant.rule_set.covering(variant.applied_on)
    scored: list[Scores] = []
    for stretch in stretches(side.population):
        scored.append(score_all(variant.rule_set, stretch, variant.applied_on, service=variant.service, use_in=variant.use_in))
        on_counted(stretch.size)
    total = put_together([each.total for each in scored])
    stand = np.concatenate([each.stand for each in scored])
    if variant.quota is None:
        return _Counted(total, stand, stand, _outcome(total, stand, stand, 0, None))
    rule = variant.rule_set.ranking or _NO_RULE
    ties = _ties(scored)
    ranked = rank_all(total, ties, rule, variant.quota, stand)
    within = ranked.are_admitted(len(total))
    leading = total if rule.first_by is None else ties[rule.first_by.id].pieces
    return _Counted(total, stand, within, _outcome(total, stand, within, ranked.undecided, _last(ranked, leading)))


def _ties(scored: list[Scores]) -> Mapping[str, Measured]:
    return {
        name: Measured(
            np.concatenate([each.tie_breaks[name].known for each in scored]),
            put_together([each.tie_breaks[name].pieces for each in scored]),
        )
        for name in scored[0].tie_breaks
    }


def _last(ranked: RankedAll, leading: Numbers) -> Fraction | None:
    """What the last who is admitted, or shares the undecided cut, is ranked by."""
    if not ranked.admitted:
        return None
    return Fraction(int(leading.ints[ranked.order[ranked.admitted - 1]]), leading.denominator)


def _outcome(total: Numbers, stand: Bools, within: Bools, undecided: int, cut_off: Fraction | None) -> Outcome:
    standing = total.ints[stand]
    return Outcome(
        stand=int(stand.sum()),
        within=int(within.sum()),
        undecided=undecided,
        cut_off=cut_off,
        average=_average(standing, total.denominator),
        highest=Fraction(int(standing.max()), total.denominator) if len(standing) else None,
    )


def _average(ints: Ints, denominator: int) -> Fraction | None:
    return _AVERAGES.round(Fraction(int(ints.sum()), denominator * len(ints))) if len(ints) else None


def _groups(trait: Trait, one: _Counted, other: _Counted, smallest: int) -> tuple[Group, ...]:
    """Every group there is anybody in, in the order of the labels."""
    change = other.total.minus(one.total)
    nothing = numbers(np.zeros(1, np.int64))
    gain, lose = change.above(nothing), nothing.above(change)
    points = shown_of(_table(trait, (gain, lose, ~gain & ~lose)), smallest)
    kept, now = one.within, other.within
    within = shown_of(_table(trait, (kept & now, ~kept & now, kept & ~now, ~kept & ~now)), smallest)
    found = []
    for place, label in enumerate(trait.labels):
        if points.people[place] == 0:
            continue
        is_told = None not in points.cells[place]
        average = _average(change.ints[trait.places == place], change.denominator) if is_told else None
        found.append(_group(label, points.people[place], points.cells[place], within.cells[place], average))
    return tuple(found)


def _group(label: str, people: int | None, points: Cells, within: Cells, average_change: Fraction | None) -> Group:
    gain, lose, same = points
    both, newly, no_longer, neither = within
    return Group(label, people, gain, lose, same, both, newly, no_longer, neither, average_change)


def _table(trait: Trait, ways: tuple[Bools, ...]) -> list[tuple[int, ...]]:
    """How many people of each label went each way."""
    columns = [np.bincount(trait.places[way], minlength=len(trait.labels)).tolist() for way in ways]
    return list(zip(*columns, strict=True))
