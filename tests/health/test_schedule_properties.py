"""What must hold of every child; and that each checker finds a bug planted for it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from services.health.actions.schedules import programme
from services.health.rules.assessment import Assessment, Verdict
from services.health.rules.child import Child
from services.health.rules.forecasting import assess
from tests.health.children import children
from tests.health.schedule_properties import (
    ONE_DAY,
    Engine,
    a_valid_dose_never_sets_back,
    deleting_a_dose_never_helps,
    forecasts_followed_end_complete,
    no_forecast_names_an_early_day,
    the_order_of_input_is_irrelevant,
)

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ADDED = st.sampled_from(
    ["HepB", "BCG", "IPV", "bOPV", "DTaP", "DT", "MMR", "MR", "JE-L", "JE-I", "MPSV-A", "MPSV-AC", "HepA-I"]
)


def ours(child: Child, as_of: date) -> Assessment:
    return assess(programme(), child, as_of)


@QUICK
@given(children())
def test_no_forecast_names_an_early_day(child_and_day: tuple[Child, date]) -> None:
    no_forecast_names_an_early_day(ours, *child_and_day)


@settings(QUICK, max_examples=30)
@given(children())
def test_forecasts_followed_end_complete(child_and_day: tuple[Child, date]) -> None:
    forecasts_followed_end_complete(ours, *child_and_day)


@QUICK
@given(children(), ADDED)
def test_a_valid_dose_never_sets_back(child_and_day: tuple[Child, date], vaccine: str) -> None:
    child, as_of = child_and_day
    a_valid_dose_never_sets_back(ours, child, as_of, vaccine)


@QUICK
@given(children(), st.integers())
def test_the_order_of_input_is_irrelevant(child_and_day: tuple[Child, date], seed: int) -> None:
    child, as_of = child_and_day
    the_order_of_input_is_irrelevant(ours, child, as_of, seed)


@QUICK
@given(children())
def test_deleting_a_dose_never_helps(child_and_day: tuple[Child, date]) -> None:
    deleting_a_dose_never_helps(ours, *child_and_day)


def a_day_early(child: Child, as_of: date) -> Assessment:
    told = ours(child, as_of)
    moved = {
        line: replace(each, next=replace(each.next, earliest=each.next.earliest - ONE_DAY)) if each.next else each
        for line, each in told.forecasts.items()
    }
    return replace(told, forecasts=moved)


def the_wrong_vaccine(child: Child, as_of: date) -> Assessment:
    told = ours(child, as_of)
    moved = {
        line: replace(each, next=replace(each.next, vaccine="MV")) if each.next and each.next.vaccine == "MMR" else each
        for line, each in told.forecasts.items()
    }
    return replace(told, forecasts=moved)


def another_maker_restarts(child: Child, as_of: date) -> Assessment:
    """Polio doses of another vaccine than the last one are forgotten."""
    polio = [each for each in child.doses if each.vaccine in {"IPV", "bOPV", "tOPV"} and each.given_on <= as_of]
    last = max(polio, key=lambda each: each.given_on, default=None)
    kept = tuple(each for each in child.doses if each not in polio or last is None or each.vaccine == last.vaccine)
    return ours(replace(child, doses=kept), as_of)


def as_they_were_typed(child: Child, as_of: date) -> Assessment:
    """A dose typed after a later one is overlooked."""
    kept = [
        each for number, each in enumerate(child.doses) if all(one.given_on <= each.given_on for one in child.doses[:number])
    ]
    return ours(replace(child, doses=tuple(kept)), as_of)


def a_bad_dose_spoils_the_one_before(child: Child, as_of: date) -> Assessment:
    told, spoilt = ours(child, as_of), []
    for before, each in zip(told.judgements, told.judgements[1:], strict=False):
        if each.verdict is Verdict.INTERVAL_TOO_SHORT and each.line == before.line:
            spoilt.append(before)
    judgements = tuple(replace(each, verdict=Verdict.EXTRA) if each in spoilt else each for each in told.judgements)
    return replace(told, judgements=judgements)


PLANTED: list[tuple[Engine, Any]] = [
    (a_day_early, lambda engine, given: no_forecast_names_an_early_day(engine, *given[0])),
    (the_wrong_vaccine, lambda engine, given: forecasts_followed_end_complete(engine, *given[0])),
    (another_maker_restarts, lambda engine, given: a_valid_dose_never_sets_back(engine, given[0][0], given[0][1], given[1])),
    (as_they_were_typed, lambda engine, given: the_order_of_input_is_irrelevant(engine, given[0][0], given[0][1], given[2])),
    (a_bad_dose_spoils_the_one_before, lambda engine, given: deleting_a_dose_never_helps(engine, *given[0])),
]


@pytest.mark.parametrize(("engine", "checker"), PLANTED, ids=[engine.__name__ for engine, _ in PLANTED])
def test_a_planted_bug_is_found(engine: Engine, checker: Any) -> None:
    def fails(given: Any) -> bool:
        try:
            checker(engine, given)
        except AssertionError:
            return True
        return False

    search = settings(QUICK, max_examples=2000, phases=[Phase.generate], database=None)
    try:
        find(st.tuples(children(), ADDED, st.integers(0, 99)), fails, settings=search)
    except NoSuchExample:
        pytest.fail("the checker does not find it")
