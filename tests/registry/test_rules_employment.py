"""Social credit codes, industries, occupations, and when a start or an end had to be told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.rules.credit_code import check_character, credit_code_problem
from services.registry.rules.employment import is_occupation
from tests.registry.case_files import Case, cases, law

QUICK = settings(max_examples=60, deadline=None)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
GOOD = "91330282MA2A00001K"


@pytest.mark.parametrize("case", cases("employment", "credit_code"))
def test_social_credit_codes(case: Case) -> None:
    problem = credit_code_problem(case["code"])

    assert (None if problem is None else problem.code) == case.get("expected")


@QUICK
@given(st.integers(0, 16), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(place: int, other: str) -> None:
    changed = GOOD[:place] + other + GOOD[place + 1 :]

    assert (credit_code_problem(changed) is None) == (other == GOOD[place])


@QUICK
@given(st.integers(0, 15))
def test_two_neighbours_turned_around_are_always_found(place: int) -> None:
    turned = GOOD[:place] + GOOD[place + 1] + GOOD[place] + GOOD[place + 2 :]

    assert (credit_code_problem(turned) is None) == (turned == GOOD)


def test_the_check_character_is_over_seventeen() -> None:
    assert check_character(GOOD[:17]) == "K"
    with pytest.raises(ValueError, match="17 characters"):
        check_character(GOOD)


@pytest.mark.parametrize("case", cases("employment", "industry"))
def test_industries(case: Case) -> None:
    assert law().employment.is_industry(case["code"]) is case["expected"]


def test_sections_hold_every_division_once() -> None:
    divisions = [
        number
        for row in law().employment.industries.rows
        for number in range(row.value.division_from, row.value.division_to + 1)
    ]

    assert divisions == list(range(1, 98))


@pytest.mark.parametrize(
    ("code", "known"), [("6", True), ("601", True), ("60103", True), ("9", False), ("60", False), ("0", False)]
)
def test_occupations(code: str, known: bool) -> None:
    assert is_occupation(code) is known


@pytest.mark.parametrize("case", cases("employment", "report"))
def test_reports_are_due_within_three_working_days(case: Case) -> None:
    deadline = law().employment.report_deadline(case["event"], law().working_days)
    if "due" not in case:
        assert deadline is None
        return

    assert deadline is not None
    late = {"cannot be told": None}.get(case["late"], case["late"])
    assert (deadline.due_on, deadline.is_missed_by(case["told"])) == (case["due"], late)
