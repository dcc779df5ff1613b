"""Of several sources the best counts, and what disagrees is shown, never hidden; the order in which they came is irrelevant.

Sources on the best rung that say something of a fact: months, periods and what is held add up (overlap counts once, decision
0027); of anything else that of the latest knowledge counts. Who knows only a part of what is asked stands behind those who know
all of it, and adds to what they say where that adds up. A fact that is contested still counts, and is marked.

What was found out after the day that is asked for counts when it was so on that day: months, periods and events tell their days
themselves, of anything else the evidence has to say since when.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.document.measures import fact_of
from services.points_hukou.rules.facts import FactsError, MonthRange, Period, Value, read_value, written_value
from services.points_hukou.rules.gathering.sources import Reliability, SourceLaw
from services.points_hukou.rules.walking import facts_of_condition

_ADDING_UP = frozenset({"held", "months", "periods"})
_SOURCE_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says of one fact, as it stands in a document of facts. `as_of`: the day of its knowledge.

    `evidence_id` is `None` for what the registry says. `of_alias`: it came under an id that was merged since. `is_partial`: the
    source knows a part of what the fact asks about. `is_later`: knowledge of a later day than is asked for, of a fact without
    days in it, that does not say since when.
    """

    fact: str
    raw: object
    source: str
    as_of: date
    reliability: Reliability
    evidence_id: UUID | None = None
    of_alias: bool = False
    is_contested: bool = False
    is_partial: bool = False
    is_later: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Sources that say something else of a fact than what counts."""

    fact: str
    counted: tuple[Said, ...]
    others: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class GatheredFacts:
    """The facts of a person on a day. `document` is what `read_facts` takes, with sources.

    `missing`: no source that counts says anything, and the applicant may bring it. `untold`: only offices tell, and none has;
    what is unknown neither gives nor hinders, so whoever decides has to ask them. `contested`: counts, and is contested.
    `later`: somebody knows it, of a later day and without saying since when; nothing counts of it.
    `unreadable`: evidence of an older text of the rule set that no longer fits; it counts for nothing.
    """

    person_id: UUID
    on: date
    document: Mapping[str, object]
    counted: Mapping[str, tuple[Said, ...]]
    missing: tuple[str, ...]
    untold: tuple[str, ...]
    contested: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    later: tuple[str, ...] = ()
    unreadable: tuple[UUID, ...] = ()


def gather(person_id: UUID, on: date, rule_set: RuleSet, said: Iterable[Said], law: SourceLaw) -> GatheredFacts:
    """Put together what every source says of what a rule set asks for."""
    by_fact: dict[str, list[tuple[Said, Value]]] = {}
    unreadable: list[UUID] = []
    for each in said:
        if each.fact not in rule_set.facts:
            continue
        try:
            by_fact.setdefault(each.fact, []).append((each, read_value(each.raw, rule_set.facts[each.fact])))
        except FactsError:
            if each.evidence_id is not None:
                unreadable.append(each.evidence_id)
    rungs, counting = law.ladder.on(on), frozenset(law.counting.on(on))
    values: dict[str, Value] = {}
    counted: dict[str, tuple[Said, ...]] = {}
    conflicts: list[Conflict] = []
    for name, declaration in rule_set.facts.items():
        best, others = _best(sorted(by_fact.get(name, ()), key=lambda each: _order(each[0], rungs)), declaration, counting)
        if best:
            values[name] = _together([value for _, value in best])
            counted[name] = tuple(each for each, _ in best)
        disagreeing = tuple(each for each, value in others if value != values.get(name))
        if disagreeing:
            conflicts.append(Conflict(name, counted.get(name, ()), disagreeing))
    unknown = [name for name in rule_set.facts if name in asked_for(rule_set) and name not in values]
    of_offices = law.told_by_offices(rule_set, on)
    return GatheredFacts(
        person_id=person_id,
        on=on,
        document={
            "applied_on": on.isoformat(),
            "facts": {name: written_value(value) for name, value in values.items()},
            "sources": {name: _source(sources) for name, sources in counted.items()},
        },
        counted=counted,
        missing=tuple(name for name in unknown if name not in of_offices),
        untold=tuple(name for name in unknown if name in of_offices),
        contested=tuple(name for name, sources in counted.items() if any(each.is_contested for each in sources)),
        conflicts=tuple(conflicts),
        later=tuple(name for name in rule_set.facts if any(each.is_later for each, _ in by_fact.get(name, ()))),
        unreadable=tuple(sorted(unreadable)),
    )


def asked_for(rule_set: RuleSet) -> frozenset[str]:
    """The facts something that counts rests on; of those that only what was left out would need nobody is asked (V-01)."""
    asked = {name for name, rules in rule_set.rules_of_facts.items() if rules}
    for percentage in rule_set.percentages:
        asked.update(facts_of_condition(percentage.when))
    ranking = rule_set.ranking
    for tie_break in () if ranking is None else (ranking.first_by, *ranking.tie_breaks):
        if tie_break is not None:
            asked |= {name for name in (tie_break.earliest, tie_break.most and fact_of(tie_break.most)) if name}
    return frozenset(asked | {name for name, fact in rule_set.facts.items() if fact.required})


def _order(said: Said, rungs: Sequence[Reliability]) -> tuple[int, int, bool, str]:
    """The most reliable first, of those the latest; the rest only makes it the same every time."""
    return rungs.index(said.reliability), -said.as_of.toordinal(), said.of_alias, str(said.evidence_id)


_Read = tuple[Said, Value]


def _best(
    sorted_: Sequence[_Read], declaration: FactDeclaration, counting: frozenset[Reliability]
) -> tuple[list[_Read], list[_Read]]:
    countable = [each for each in sorted_ if each[0].reliability in counting and not each[0].is_later]
    if not countable:
        return [], list(sorted_)
    whole = [each for each in countable if not each[0].is_partial]
    part = [each for each in countable if each[0].is_partial]
    if declaration.kind in _ADDING_UP:
        best = [each for each in whole if each[0].reliability is whole[0][0].reliability] + part
    else:
        best = (whole or part)[:1]
    return best, [each for each in sorted_ if each not in best]


def _together(values: Sequence[Value]) -> Value:
    first = values[0]
    if isinstance(first, frozenset):
        return first.union(*(each for each in values if isinstance(each, frozenset)))
    if isinstance(first, tuple) and len(values) > 1:
        rows = {row for each in values if isinstance(each, tuple) for row in each}
        months = sorted(row for row in rows if isinstance(row, MonthRange))
        return tuple(months) or tuple(sorted(row for row in rows if isinstance(row, Period)))
    return first


def _source(sources: Sequence[Said]) -> dict[str, str]:
    """Who said it, and the day up to which all of them knew."""
    names = "、".join(dict.fromkeys(each.source for each in sources))
    return {"source": names[:_SOURCE_LENGTH_MAX], "as_of": min(each.as_of for each in sources).isoformat()}
