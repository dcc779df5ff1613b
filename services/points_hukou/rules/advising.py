"""What would help (points.md, privacy V-27): what more of a fact would add to the total, by counting again with it supposed.

Only what a person can come by is supposed: more months, times or amounts, and papers not yet proved. Flags say who somebody is,
and what deducts or freezes is nothing to strive for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.compiling import CountedItem, RuleSet
from services.points_hukou.rules.document.lines import AnyLine, Bundle, Points
from services.points_hukou.rules.document.measures import Age, Amount, Measure, Months, fact_of
from services.points_hukou.rules.facts import Facts
from services.points_hukou.rules.scoring import score
from services.points_hukou.rules.walking import lines_in, measures_of

_MONTHS = (3, 6, 12, 24, 36, 60)
_TIMES = (1, 2, 3, 5)
_AMOUNTS = (1, 10, 50, 100, 200, 500, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Advice:
    """So much more of a fact, or an option of it proved, adds so many points to the total."""

    item: CountedItem
    fact: str
    measure: Measure | None
    more: int | None
    option: str | None
    gain: Fraction


def advice_for(assessment: Assessment) -> tuple[Advice, ...]:
    """What would raise the total, the greatest gain first; of each measure the least that gains anything."""
    found: dict[tuple[str, str | None, int | None], Advice] = {}
    for advice in _all(assessment):
        found.setdefault((advice.fact, advice.option, advice.more), advice)
    return tuple(sorted(found.values(), key=lambda each: (-each.gain, each.fact, each.option or "")))


def _all(assessment: Assessment) -> Iterator[Advice]:
    rule_set = assessment.rule_set
    deducting = {part.id for part in rule_set.parts if part.deducts}
    for component in assessment.components:
        if component.item.law.part not in deducting:
            for measure in dict.fromkeys(_to_raise(component.item.bundle)):
                yield from _more_of(measure, component.item, assessment)
            for fact in component.item.facts:
                yield from _papers(fact, component.item, assessment)


def _to_raise(bundle: Bundle) -> Iterator[Measure]:
    """What more of would help; a bound on lines that count the same fact rises with these alone."""
    for line in lines_in(bundle):
        counted = _facts_in_lines(line)
        bounds = line.units_at_most if isinstance(line, Bundle) else ()
        yield from (each for each in measures_of(line) if each not in bounds or fact_of(each) not in counted)


def _facts_in_lines(line: AnyLine) -> set[str]:
    lines = line.lines if isinstance(line, Bundle) else ()
    return {fact_of(each.units) for each in lines if isinstance(each, Points) and each.units is not None}


def _supposing(measure: Measure, more: int, item: CountedItem) -> dict[Measure, int]:
    """So much more of a measure, and of what bounds it by the same fact."""
    bundles = [line for line in lines_in(item.bundle) if isinstance(line, Bundle)]
    bounds = [each for bundle in bundles for each in bundle.units_at_most if fact_of(each) == fact_of(measure)]
    return dict.fromkeys([measure, *bounds], more)


def _more_of(measure: Measure, item: CountedItem, assessment: Assessment) -> Iterator[Advice]:
    if isinstance(measure, Age):
        return
    steps = _MONTHS if isinstance(measure, Months) else _AMOUNTS if isinstance(measure, Amount) else _TIMES
    if _gain(replace(assessment.facts, supposed=_supposing(measure, steps[-1], item)), assessment) <= 0:
        return
    for more in steps:
        gain = _gain(replace(assessment.facts, supposed=_supposing(measure, more, item)), assessment)
        if gain > 0:
            yield Advice(item, fact_of(measure), measure, more, None, gain)
            return


def _papers(fact: str, item: CountedItem, assessment: Assessment) -> Iterator[Advice]:
    declared = assessment.rule_set.facts[fact]
    if declared.kind != "held":
        return
    held: frozenset[str] = assessment.facts.get(fact, frozenset) or frozenset()
    for option in declared.options:
        if option.key not in held:
            supposed = {**assessment.facts.values, fact: held | {option.key}}
            gain = _gain(replace(assessment.facts, values=supposed), assessment)
            if gain > 0:
                yield Advice(item, fact, None, None, option.key, gain)


def _gain(facts: Facts, assessment: Assessment) -> Fraction:
    rule_set: RuleSet = assessment.rule_set
    return score(rule_set, facts, service=assessment.service.id, use_in=assessment.use_in).total - assessment.total
