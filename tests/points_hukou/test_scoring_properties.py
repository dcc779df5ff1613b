"""What holds of every rule set and every person: caps, order of evidence, more proof never costs, and counting again."""

import json
import random
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.explaining import explanation_of
from services.points_hukou.rules.facts import read_facts, written_facts
from services.points_hukou.rules.replaying import canonical, freeze, replay, thaw
from services.points_hukou.rules.scoring import score
from tests.points_hukou.rule_cases import shipped, texts

NAMES = sorted(texts())
QUICK = settings(max_examples=4, deadline=None)
DAYS = st.dates(date(1950, 1, 1), date(2026, 12, 31)).map(date.isoformat)
MONTHS = st.builds("{:04d}-{:02d}".format, st.integers(1990, 2027), st.integers(1, 12))


def rows(declared: FactDeclaration, row: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    kind = {"kind": st.sampled_from(sorted(declared.keys))} if declared.options else {}
    return st.lists(st.fixed_dictionaries({**row, **kind}), max_size=6)


def values_of(declared: FactDeclaration) -> st.SearchStrategy[Any]:
    """Any value a fact may have."""
    if declared.kind == "months":
        return rows(declared, {"from": MONTHS, "to": MONTHS}).map(lambda each: [row | in_order(row, "to") for row in each])
    if declared.kind == "periods":
        return rows(declared, {"from": DAYS, "until": DAYS}).map(
            lambda each: [row | in_order(row, "until") for row in each if row["from"] != row["until"]]
        )
    number = st.sampled_from(declared.among) if declared.among else st.integers(0, min(declared.at_most or 0, 10**7))
    return {
        "day": DAYS,
        "flag": st.booleans(),
        "number": number,
        "held": st.sets(st.sampled_from(sorted(declared.keys)) if declared.keys else st.nothing()).map(sorted),
        "division": st.sampled_from(["330282", "330203", "350203", "110105"]),
        "events": rows(declared, {"on": DAYS, "amount": st.integers(0, min(declared.at_most or 500, 10**6))}),
        "yearly": st.dictionaries(
            st.integers(2005, 2027).map(str), st.integers(0, min(declared.at_most or 0, 10**6)), max_size=5
        ),
    }[declared.kind]


def in_order(row: Mapping[str, str], last: str) -> dict[str, str]:
    first, second = sorted((row["from"], row[last]))
    return {"from": first, last: second}


@st.composite
def persons(draw: st.DrawFn, rule_set: RuleSet) -> dict[str, Any]:
    """A person as a facts document, applying on a day on which the rule set holds."""
    first = max(each.valid_from for each in rule_set.validities)
    ends = [each.valid_until for each in rule_set.validities if each.valid_until is not None]
    last = date.fromordinal(min(ends, default=date(2027, 1, 1)).toordinal() - 1)
    facts = {
        name: draw(values_of(declared)) for name, declared in rule_set.facts.items() if declared.required or draw(st.booleans())
    }
    return {"applied_on": draw(st.dates(first, last)).isoformat(), "facts": facts}


def assessments(person: dict[str, Any], rule_set: RuleSet) -> list[Assessment]:
    """The person counted for every service."""
    facts = read_facts(person, rule_set.facts, rule_set.rules_of_facts)
    return [score(rule_set, facts, service=each.id) for each in rule_set.services]


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(data=st.data(), seed=st.integers())
def test_whoever_is_counted(name: str, data: st.DataObject, seed: int) -> None:
    rule_set = shipped(name)
    person = data.draw(persons(rule_set))
    for assessment in assessments(person, rule_set):
        nothing_exceeds_its_cap_and_the_total_is_the_sum_of_its_parts(assessment)
        it_is_counted_again_bit_for_bit(assessment)
    the_order_of_evidence_is_irrelevant(person, rule_set, random.Random(seed))


def nothing_exceeds_its_cap_and_the_total_is_the_sum_of_its_parts(assessment: Assessment) -> None:
    rule_set = assessment.rule_set
    for component in assessment.components:
        cap = component.item.bundle.cap
        assert cap is None or abs(component.points) <= cap
        assert component.points == rule_set.rounding.round(component.points)
    for each in assessment.parts:
        counted = [one.counted for one in assessment.components if one.item.law.part == each.part.id]
        assert each.uncapped == sum(counted, Fraction(0))
        assert each.part.cap is None or abs(each.points) <= each.part.cap
    added = [*(each.points for each in assessment.parts), *(each.points for each in assessment.percentages)]
    assert assessment.uncapped == sum(added, Fraction(0))
    assert rule_set.cap is None or assessment.total <= rule_set.cap
    for group in rule_set.groups:
        assert sum(each.counted != 0 for each in assessment.components if each.item.law.id in group.items) <= 1


def it_is_counted_again_bit_for_bit(assessment: Assessment) -> None:
    frozen = freeze(assessment, texts())
    replayed = replay(thaw(json.loads(frozen.model_dump_json())))
    assert replayed.is_same
    assert canonical(explanation_of(replayed.assessment)) == canonical(frozen.explanation)


def the_order_of_evidence_is_irrelevant(person: dict[str, Any], rule_set: RuleSet, shuffler: random.Random) -> None:
    shuffled = {**person, "facts": {key: shuffle(person["facts"][key], shuffler) for key in reversed(person["facts"])}}
    one, other = (read_facts(each, rule_set.facts, {}) for each in (person, shuffled))
    assert written_facts(one) == written_facts(other)
    assert read_facts(written_facts(one), rule_set.facts, {}) == one
    assert [each.total for each in assessments(person, rule_set)] == [each.total for each in assessments(shuffled, rule_set)]


def shuffle(value: Any, shuffler: random.Random) -> Any:
    return shuffler.sample(value, len(value)) if isinstance(value, list) else value


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(data=st.data())
def test_more_months_and_papers_never_lower_what_is_gained(name: str, data: st.DataObject) -> None:
    rule_set = shipped(name)
    more = data.draw(persons(rule_set))
    less = {}
    for fact, value in more["facts"].items():
        is_evidence = rule_set.facts[fact].kind in {"months", "periods", "held"}
        less[fact] = [each for each in value if data.draw(st.booleans())] if is_evidence else value
    fewer = assessments({**more, "facts": less}, rule_set)
    for one, other in zip(fewer, assessments(more, rule_set), strict=True):
        for before, after in zip(one.parts, other.parts, strict=True):
            assert before.part.deducts or before.points <= after.points, before.part.id
