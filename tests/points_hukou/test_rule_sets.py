"""Every rule set that ships: its cases hold, every item and clause has one, and no figure or day can change unnoticed."""

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from services.points_hukou.rules.compiling import Link, RuleSetError
from services.points_hukou.rules.document.rule_set import Choices, RuleSetDocument
from services.points_hukou.rules.facts import month_index
from tests.points_hukou.round_cases import expected_of_round, outcome_of_round
from tests.points_hukou.rule_cases import (
    Case,
    RuleBook,
    assessed,
    book_of,
    cases_of,
    chain_of,
    expected,
    never_binding,
    outcome,
    rounds_of,
    shipped,
    texts,
)
from tests.share import ONE_IN, SHARES, is_tried

NAMES = sorted(texts())
ALL_CASES = [
    pytest.param(name, case, id=f"{name}-{case.name_en.replace(' ', '-')}") for name in NAMES for case in cases_of(name)
]
_NO_LAW = {("format",), ("version",)}
Place = tuple[str | int, ...]


@pytest.mark.parametrize(("name", "case"), ALL_CASES)
def test_case(name: str, case: Case) -> None:
    assert outcome(name, case, book_of(name).chosen(case.choices)) == expected(case)


@pytest.mark.parametrize("name", NAMES)
def test_cases_name_what_they_rest_on(name: str) -> None:
    assert len({case.name_en for case in cases_of(name)}) == len(cases_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_item_and_clause_has_a_case(name: str) -> None:
    rule_set, scored, judged = shipped(name), set(), set()
    for case in cases_of(name):
        if case.counts:
            assessment = assessed(name, case, book_of(name).chosen(case.choices))
            scored |= {each.item.law.id for each in assessment.components if each.points} & case.expected.keys()
            judged |= {(each.clause.law.id, each.holds) for each in assessment.judged}
    assert {item.law.id for item in rule_set.items if item.origin == name} <= scored
    assert {(clause.law.id, holds) for clause in rule_set.clauses for holds in (True, False)} <= judged


def moved(value: object) -> tuple[object, ...]:
    """A figure or day, moved a little down and up; nothing when it is neither."""
    if isinstance(value, date):
        return value - timedelta(days=1), value + timedelta(days=1)
    if isinstance(value, Decimal):
        return value - Decimal("0.01"), value + Decimal("0.01")
    if isinstance(value, int) and not isinstance(value, bool):
        return value - 1, value + 1
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}", value):
        return tuple(f"{month // 12:04d}-{month % 12 + 1:02d}" for month in (month_index(value) - 1, month_index(value) + 1))
    if isinstance(value, str) and value.count("/") == 1 and value.replace("/", "").removeprefix("-").isdecimal():
        return str(Fraction(value) * Fraction(99, 100)), str(Fraction(value) * Fraction(101, 100))
    return ()


def mutations(content: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """A document once with each of its figures and days moved. Bounds of facts only catch slips of a pen; they are no law."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            here = (*path, key)
            if here in _NO_LAW or (here[0] == "facts" and key in {"at_most", "among"}):
                continue
            for where, changed in mutations(value, here):
                copy = content.copy()
                copy[key] = changed
                yield where, copy
    else:
        yield from ((path, each) for each in moved(content))


def is_noticed(name: str, chain: Callable[[], Sequence[Link]], about: str) -> bool:
    """Whether a case no longer holds; those that speak of what was changed are asked first."""
    try:
        book = RuleBook(chain())
        if about == "second_round":
            return any(outcome_of_round(each, book.chosen({})) != expected_of_round(each) for each in rounds_of(name))
        ordered = sorted(cases_of(name), key=lambda case: about not in repr(case.expected))
        return any(outcome(name, case, book.chosen(case.choices)) != expected(case) for case in ordered)
    except (RuleSetError, ValidationError):
        return True


def subject(path: Place, document: dict[str, Any]) -> str:
    """The id of the item or clause a place lies in."""
    first, second = (*map(str, path), "")[:2]
    listed = document[first]
    return str(listed[int(second)].get("id", "")) if isinstance(listed, list) else second


@pytest.mark.parametrize("one_in", SHARES)
@pytest.mark.parametrize("name", NAMES)
def test_no_figure_or_day_changes_unnoticed(name: str, one_in: int) -> None:
    listed = {each["figure"] for each in never_binding(name)}
    assert unnoticed(name, one_in) == {figure for figure in listed if is_tried(figure, one_in)}
    assert listed <= {figure_of(place) for content in written(name) for place, _ in mutations(content)}


def test_a_figure_that_no_case_speaks_of_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: an official's cases are lost, and what they alone spoke of is noticed by nobody."""
    all_cases = cases_of("zhongshan-2014")
    monkeypatch.setitem(globals(), "cases_of", lambda _: all_cases[:1])
    assert len(unnoticed("zhongshan-2014", ONE_IN) - {each["figure"] for each in never_binding("zhongshan-2014")}) > 3


def written(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The documents of a rule set: its rules and its choices."""
    return tomllib.loads(texts()[name].rule_set, parse_float=Decimal), tomllib.loads(texts()[name].choices)


def figure_of(place: Place) -> str:
    """As `never_binding` calls it."""
    return ".".join(map(str, place))


def unnoticed(name: str, one_in: int) -> set[str]:
    """The figures and days, of one in so many, that can be moved without a case that no longer holds."""
    *base, (document, choices) = chain_of(name)
    rules, chosen = written(name)

    def with_rules(changed: Any) -> Sequence[Link]:
        return [*base, Link(RuleSetDocument.model_validate(changed), choices)]

    def with_choices(changed: Any) -> Sequence[Link]:
        return [*base, Link(document, Choices.model_validate(changed).choices)]

    return {
        figure_of(place)
        for content, chain in ((rules, with_rules), (chosen, with_choices))
        for place, changed in mutations(content)
        if is_tried(figure_of(place), one_in) and not is_noticed(name, partial(chain, changed), subject(place, content))
    }


def test_every_figure_is_moved_both_ways_and_nothing_else() -> None:
    text = """
        version = 3
        name_zh = "第2条"
        cap = 20
        items = [{ points = -0.5, each = "1/24", since = 2020-01-31, take = "best", counts_back = true }]
        facts = [{ at_most = 900, among = [1, 2] }]
    """
    found = list(mutations(tomllib.loads(text, parse_float=Decimal)))
    assert [path for path, _ in found] == [
        ("cap",), ("cap",), ("items", 0, "points"), ("items", 0, "points"),
        ("items", 0, "each"), ("items", 0, "each"), ("items", 0, "since"), ("items", 0, "since"),
    ]  # fmt: skip
    assert [changed["cap"] for _, changed in found][:3] == [19, 21, 20]
