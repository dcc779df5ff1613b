"""The rules of the procedure by cases an official can read (`cases/procedure.toml`), and what holds of all of them."""

import tomllib
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.working_days import calendar
from services.points_hukou.actions.law import PROCEDURE, PURPOSES, ROUNDS
from services.points_hukou.rules.application_states import OPEN, WAITING, ApplicationAct, ApplicationStatus
from services.points_hukou.rules.application_states import TRANSITIONS as OF_APPLICATIONS
from services.points_hukou.rules.divisions import covering
from services.points_hukou.rules.family import Tie, are_of_one_family, is_raising
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.rounds import contender_of_figures
from services.points_hukou.rules.rule_set_states import TRANSITIONS as OF_RULE_SETS
from services.points_hukou.rules.rule_set_states import RuleSetAct, RuleSetStatus

CASES = tomllib.loads((Path(__file__).parent / "cases" / "procedure.toml").read_text("utf-8"))
ONE, OTHER, CHILD = UUID(int=1), UUID(int=2), UUID(int=3)
Case = dict[str, Any]


def cases(topic: str) -> list[Any]:
    return [pytest.param(case, id=case["name_en"].replace(" ", "-")) for case in CASES[topic]]


@pytest.mark.parametrize("case", cases("term"))
def test_terms(case: Case) -> None:
    count = PROCEDURE.scoring_term if case["kind"] == "scoring" else PROCEDURE.recheck_term
    term = count(case["from"], calendar())
    assert (term.due_on, term.is_provisional) == (case["due_on"], case.get("provisional", False))


@pytest.mark.parametrize("case", cases("purpose"))
def test_what_points_may_still_limit(case: Case) -> None:
    reason = PURPOSES.why_closed(Purpose(case["purpose"]), case["division"], case["on"])
    assert (reason is not None) is case["closed"]
    assert reason is None or (reason.rule == "P-12" and reason.article and reason.message_zh and reason.message_en)


@pytest.mark.parametrize("case", cases("notice"))
def test_what_a_notice_shows(case: Case) -> None:
    assert ROUNDS.shows_names(Purpose(case["purpose"]), case["on"]) is case["names"]


@pytest.mark.parametrize(
    ("code", "levels"),
    [
        ("330282107205", ["330282", "330200", "330000"]),
        ("330282", ["330282", "330200", "330000"]),
        ("330200", ["330200", "330000"]),
        ("330000", ["330000"]),
    ],
)
def test_the_nearest_division_speaks_first(code: str, levels: list[str]) -> None:
    assert covering(code) == levels


def test_a_family_is_one_by_marriage_or_by_its_child() -> None:
    day = date(2026, 3, 2)
    married = Tie(OTHER, ONE, "spouse", date(2015, 1, 1), None)
    divorced = Tie(ONE, OTHER, "spouse", date(2015, 1, 1), day)
    mother, guardian = (Tie(CHILD, who, kind, date(2020, 1, 1), None) for who, kind in ((ONE, "parent"), (OTHER, "guardian")))
    assert are_of_one_family(ONE, OTHER, None, [married], day)
    assert not are_of_one_family(ONE, OTHER, None, [divorced], day)
    assert not are_of_one_family(ONE, OTHER, CHILD, [mother], day)
    assert are_of_one_family(ONE, OTHER, CHILD, [mother, guardian], day)
    assert is_raising(ONE, CHILD, [mother], day)
    assert not is_raising(CHILD, ONE, [mother], day)


def test_nothing_leads_out_of_what_is_over_and_no_law_is_edited_once_approved() -> None:
    assert not [act for status, act in OF_APPLICATIONS if status is ApplicationStatus.WITHDRAWN]
    assert {act for status, act in OF_RULE_SETS if status is RuleSetStatus.APPROVED} == {
        RuleSetAct.PUT_IN_FORCE,
        RuleSetAct.WITHDRAW,
    }
    assert not [act for status, act in OF_RULE_SETS if status is RuleSetStatus.WITHDRAWN]
    assert {status for status, act in OF_APPLICATIONS if act is ApplicationAct.WITHDRAW} == {*OPEN, ApplicationStatus.CONFIRMED}
    assert WAITING < OPEN


@given(st.booleans(), st.booleans(), st.booleans(), st.sampled_from([None, True, False]))
def test_who_may_use_the_score_stands_and_nobody_else(eligible: bool, vetoed: bool, frozen: bool, passes: bool | None) -> None:
    figures = {"eligible": eligible, "vetoed": vetoed, "frozen": frozen, "passes": passes, "total": "62.50"}
    made = contender_of_figures(figures | {"tie_breaks": {"by_day": "2020-01-31", "by_points": "7/24", "no": None}}, of=ONE)
    assert (made is not None) is (eligible and not vetoed and not frozen and passes is not False)
    if made is not None:
        assert made.total == Fraction("62.5")
        assert made.tie_breaks == {"by_day": date(2020, 1, 31), "by_points": Fraction(7, 24), "no": None}
