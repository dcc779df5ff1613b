"""When a card is opened, what may follow, and what the birth date alone makes of it."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.health.rules.cards import (
    COUNTED,
    CURRENT,
    TRANSITIONS,
    CardAct,
    CardBasis,
    CardStatus,
    Evidence,
    NotYet,
    Opening,
    opening,
    outgrown,
    stronger,
)

CASES = tomllib.loads((Path(__file__).parent / "card_cases.toml").read_text("utf-8"))
_LAWFUL = {(step["from"], step["act"]): step["to"] for step in CASES["step"]}


@pytest.mark.parametrize("case", CASES["opening"], ids=lambda case: case["name"])
def test_a_card_is_opened_by_its_basis(case: dict[str, Any]) -> None:
    found = opening(CardBasis(case["basis"]), born_on=case["born_on"], lives_here_since=case.get("since"), today=case["today"])

    if "code" in case:
        assert found == NotYet(case["code"], case["rule"], case.get("opens_on"))
    else:
        assert found == Opening(case.get("due_on"))


@pytest.mark.parametrize("act", CardAct)
@pytest.mark.parametrize("status", CardStatus)
def test_only_these_steps_are_lawful(status: CardStatus, act: CardAct) -> None:
    assert TRANSITIONS.get((status, act)) == _LAWFUL.get((status.value, act.value))


@pytest.mark.parametrize("case", CASES["outgrown"], ids=lambda case: case["name"])
def test_who_grows_up_leaves_the_cabinet(case: dict[str, Any]) -> None:
    found = outgrown(CardStatus(case["status"]), case["born_on"], case["today"])

    assert found == (CardAct(case["act"]) if "act" in case else None)


def test_every_step_of_time_is_a_lawful_one() -> None:
    for status in CardStatus:
        for today in (date(2026, 2, 28), date(2044, 2, 28), date(2047, 2, 28)):
            act = outgrown(status, date(2026, 2, 28), today)
            assert act is None or (status, act) in TRANSITIONS


def test_what_is_looked_after_may_leave_or_is_away() -> None:
    assert {status for status, act in TRANSITIONS if act is CardAct.MOVE_OUT} == CURRENT


def test_an_undocumented_dose_is_not_counted_and_gives_way() -> None:
    assert set(Evidence) - {Evidence.STATEMENT} == COUNTED
    assert stronger(Evidence.STATEMENT, Evidence.CERTIFICATE) is Evidence.CERTIFICATE
    assert stronger(Evidence.GIVEN_HERE, Evidence.ELECTRONIC_RECORD) is Evidence.GIVEN_HERE
    assert stronger(Evidence.CERTIFICATE, Evidence.ELECTRONIC_RECORD) is Evidence.ELECTRONIC_RECORD
