"""Conditions of eligibility as they ship: every case holds, and no figure or day can be moved unnoticed."""

import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.education.actions.shipped import eligibility
from services.education.rules.eligibility.document import EligibilityRules, EvidenceKind
from services.education.rules.eligibility.evidence import Evidence, Family, months_within, periods_of, run_until
from services.education.rules.eligibility.judging import Answer, Route, judge

FOLDER = Path(__file__).parents[2] / "services" / "education" / "eligibility"
NAMES = sorted(eligibility())
Case = Mapping[str, Any]


@cache
def case_file(name: str) -> Mapping[str, Any]:
    return tomllib.loads((FOLDER / name / "cases.toml").read_text("utf-8"))


def answer(rules: EligibilityRules, usual: Case, case: Case) -> Answer:
    given = {**usual, **case}
    held = {name: each for name, each in usual["evidence"].items() if name not in case.get("without", ())}
    held |= case.get("evidence", {})
    family = Family(
        "child", tuple(given["parents"]), given["birth_date"], given["grade"], given.get("is_primary_leaver", False)
    )
    evidence = [Evidence(each["person"], EvidenceKind(each["kind"]), each["from"], each.get("until")) for each in held.values()]
    return judge(rules, family, evidence, entry_year=given["entry_year"], applied_on=given["applied_on"])


def outcome(rules: EligibilityRules, name: str, case: Case) -> tuple[str, list[str]]:
    found = answer(rules, case_file(name)["usual"], case)
    return found.route.value, [each.code for each in found.reasons]


def is_as_told(rules: EligibilityRules, name: str, case: Case) -> bool:
    return outcome(rules, name, case) == (case["route"], case["failing"])


CASES = [pytest.param(name, case, id=f"{name}-{case['name_en']}") for name in NAMES for case in case_file(name)["cases"]]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_case(name: str, case: Case) -> None:
    assert outcome(eligibility()[name], name, case) == (case["route"], case["failing"])
    found = answer(eligibility()[name], case_file(name)["usual"], case)
    assert all(each.message_zh and each.message_en and each.rule.startswith("EDU-") for each in found.reasons)
    assert case["name_zh"]


@pytest.mark.parametrize("name", NAMES)
def test_every_condition_has_a_case_that_holds_and_one_that_does_not(name: str) -> None:
    rules = eligibility()[name]
    judged = [each for case in case_file(name)["cases"] for each in answer(rules, case_file(name)["usual"], case).judged]
    for holds in (True, False):
        assert {each.condition.id for each in judged if each.holds is holds} == {each.id for each in rules.conditions}


Place = tuple[str | int, ...]
_NO_LAW = {"entry_years_from"}


def figures(value: Any, where: Place = ()) -> Iterator[tuple[Place, int]]:
    """Every figure of a document that says who is eligible."""
    if isinstance(value, dict):
        if value.keys() == {"years", "month", "day"}:
            yield (*where, "day"), value["day"]
            return
        for name, each in value.items():
            if name not in _NO_LAW:
                yield from figures(each, (*where, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from figures(each, (*where, place))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield where, value


def moved(document: dict[str, Any], where: Place, by: int) -> dict[str, Any]:
    """A copy with one figure moved; a day of a year is moved as a day."""
    copied = deepcopy(document)
    at: Any = copied
    for step in where[:-1]:
        at = at[step]
    if where[-1] == "day":
        day = date(2001 + at["years"], at["month"], at["day"]) + timedelta(days=by)
        at.update(years=day.year - 2001, month=day.month, day=day.day)
    else:
        at[where[-1]] += by
    return copied


MOVES = [
    pytest.param(name, where, by, id=f"{name}-{'.'.join(map(str, where))}{by:+}")
    for name in NAMES
    for where, _ in figures(tomllib.loads((FOLDER / name / "rules.toml").read_text("utf-8")))
    for by in (-1, 1)
]


@pytest.mark.parametrize(("name", "where", "by"), MOVES)
def test_no_figure_can_be_moved_unnoticed(name: str, where: Place, by: int) -> None:
    document = moved(tomllib.loads((FOLDER / name / "rules.toml").read_text("utf-8")), where, by)
    try:
        rules = EligibilityRules.model_validate(document)
    except ValidationError:
        return
    assert not all(is_as_told(rules, name, case) for case in case_file(name)["cases"])


@pytest.mark.parametrize("kind", ["examination", "prize", "vaccination_certificate"])
def test_what_the_law_forbids_cannot_be_asked_for(kind: str) -> None:
    """EDU-02, EDU-26, EDU-97."""
    document = tomllib.loads((FOLDER / "liwan-2023" / "rules.toml").read_text("utf-8"))
    document["conditions"][0]["any_of"][0]["evidence"] = [kind]
    with pytest.raises(ValidationError, match="EvidenceKind"):
        EligibilityRules.model_validate(document)


def test_a_reason_names_person_figures_and_law() -> None:
    case = {"evidence": {"permit": {"person": "mother", "kind": "residence_permit", "from": date(2022, 8, 1)}}}
    found = answer(eligibility()["liwan-2023"], case_file("liwan-2023")["usual"], case)
    first, second = found.reasons
    assert first.message_zh == "居住证连续有效(mother,居住证):至2023-03-31连续满8个月,应满12个月"
    assert first.message_en.endswith("8 full months without a break by 2023-03-31, 12 needed")
    assert second.message_en.endswith("(father, residence permit): none on 2023-03-31")
    assert found.route is Route.HELP


def test_rules_are_not_asked_of_years_before_them() -> None:
    with pytest.raises(ValueError, match="from 2023"):
        answer(eligibility()["liwan-2023"], case_file("liwan-2023")["usual"], {"entry_year": 2022})


DAY = date(2024, 1, 1)
days = st.integers(0, 120)
stretches = st.lists(st.tuples(days, st.integers(0, 60)), max_size=5)


@given(given=stretches, until=days, break_days=st.integers(0, 10))
def test_a_run_is_what_walking_back_day_by_day_finds(given: list[tuple[int, int]], until: int, break_days: int) -> None:
    evidence = [
        Evidence("x", EvidenceKind.RESIDENCE_PERMIT, DAY + timedelta(start), DAY + timedelta(start + length))
        for start, length in given
    ]
    last = DAY + timedelta(until)
    run = run_until(periods_of(evidence, "x", [EvidenceKind.RESIDENCE_PERMIT], last), last, break_days)
    covered = {start + number for start, length in given for number in range(length)}
    since, missing = None, 0
    for day in range(until, -1, -1):
        if day in covered:
            since, missing = day, 0
        else:
            missing += 1
            if missing > break_days:
                break
    assert (None if run is None else (run.since - DAY).days) == since


@given(given=stretches, until=days, within=st.integers(1, 5))
def test_months_within_are_those_covered_day_by_day(given: list[tuple[int, int]], until: int, within: int) -> None:
    evidence = [
        Evidence("x", EvidenceKind.SOCIAL_INSURANCE, DAY + timedelta(start), DAY + timedelta(start + length))
        for start, length in given
    ]
    last = DAY + timedelta(until)
    covered = {DAY + timedelta(start + number) for start, length in given for number in range(length)}
    counted, end = 0, (last + timedelta(1)).replace(day=1)
    for _ in range(within):
        first = (end - timedelta(1)).replace(day=1)
        counted += all(first + timedelta(number) in covered for number in range((end - first).days))
        end = first
    assert months_within(periods_of(evidence, "x", [EvidenceKind.SOCIAL_INSURANCE], last), last, within) == counted
