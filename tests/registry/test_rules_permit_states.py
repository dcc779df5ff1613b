"""The state machine of a permit, and its law of time against an independent model that walks day by day."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.rules.permit_states import (
    ACT_ZH,
    STATUS_ZH,
    IllegalTransition,
    PermitAct,
    PermitStatus,
    transition,
)
from services.registry.rules.residence_permit import EndorsementFacts, PermitFacts
from tests.registry.case_files import Case, cases, law

QUICK = settings(max_examples=60, deadline=None)
STEPS = cases("permit_states", "step")
LAWFUL = {(case.values[0]["from"], case.values[0]["act"]) for case in STEPS}
FINAL = {PermitStatus.REFUSED, PermitStatus.WITHDRAWN, PermitStatus.ENDED}


@pytest.mark.parametrize("case", STEPS)
def test_lawful_step(case: Case) -> None:
    assert transition(PermitStatus(case["from"]), PermitAct(case["act"])) is PermitStatus(case["to"])


@pytest.mark.parametrize("act", list(PermitAct))
@pytest.mark.parametrize("status", list(PermitStatus))
def test_every_other_step_is_illegal_and_says_so_in_both_languages(status: PermitStatus, act: PermitAct) -> None:
    result = transition(status, act)

    assert isinstance(result, IllegalTransition) == ((status.value, act.value) not in LAWFUL)
    if isinstance(result, IllegalTransition):
        assert STATUS_ZH[status] in result.message_zh
        assert ACT_ZH[act] in result.message_zh
        assert status.value in result.message_en


def test_final_states_are_final_and_every_act_is_lawful_somewhere() -> None:
    assert {status for status in PermitStatus if not any(begin == status for begin, _ in LAWFUL)} == FINAL
    assert {act for _, act in LAWFUL} == {act.value for act in PermitAct}


# ── the law of time against a model that knows no month arithmetic ────────────────────────────────────────────────


def day_in_month(year: int, month: int, day: int) -> date:
    """The day, or the last one the month has, found by trying."""
    while True:
        try:
            return date(year + (month - 1) // 12, (month - 1) % 12 + 1, day)
        except ValueError:
            day -= 1


@dataclass
class Walker:
    """A permit lived through day by day: tomorrow is judged from today's state alone."""

    start: date
    issued_on: date
    restarted_on: date
    settled: date | None = None

    def anniversary(self, day: date) -> bool:
        years = day.year - self.restarted_on.year
        return years > 0 and day == day_in_month(day.year, self.restarted_on.month, self.restarted_on.day)

    def next_anniversary(self, day: date) -> date:
        day += timedelta(days=1)
        while not self.anniversary(day):
            day += timedelta(days=1)
        return day

    def window_opens(self, anniversary: date) -> date:
        """One month before: the anchor's day in the month before the anniversary's."""
        return day_in_month(anniversary.year - 1, anniversary.month + 11, self.restarted_on.day)

    def walk(self, until: date, endorsed: set[date]) -> tuple[bool, date]:
        """Whether it is suspended at the end of `until`, and where its years are counted from."""
        day, suspended = self.issued_on, False
        due = self.next_anniversary(day)
        if self.window_opens(due) <= day:
            due = self.next_anniversary(due)
        while day <= until:
            suspended = suspended or day == due
            if day in endorsed and suspended:
                suspended, self.restarted_on = False, day
                due = self.next_anniversary(day)
            elif day in endorsed and self.window_opens(due) <= day:
                due = self.next_anniversary(due)
            day += timedelta(days=1)
        return suspended, self.restarted_on


@QUICK
@given(
    start=st.dates(date(2016, 7, 1), date(2024, 12, 31)),
    waited=st.integers(183, 900),
    gaps=st.lists(st.one_of(st.integers(330, 366), st.integers(1, 800)), max_size=4),
    watched=st.integers(0, 1200),
)
def test_function_and_years_agree_with_a_walk_day_by_day(start: date, waited: int, gaps: list[int], watched: int) -> None:
    issued_on = start + timedelta(days=waited)
    endorsed: list[date] = []
    for gap in gaps:
        endorsed.append((endorsed[-1] if endorsed else issued_on) + timedelta(days=gap))
    on = issued_on + timedelta(days=watched)

    suspended, counted_from = Walker(start, issued_on, start).walk(on, set(endorsed))

    rules = law().regimes.rules_for("zj-2016")
    permit = PermitFacts(start, issued_on, tuple(endorsed))
    standing = rules.function_status(permit, on)
    assert (standing.status is PermitStatus.SUSPENDED, standing.counted_from) == (suspended, counted_from)
    assert rules.residence_years(permit, on).counted_from == counted_from


@QUICK
@given(start=st.dates(date(2016, 7, 1), date(2024, 12, 31)), waited=st.integers(183, 900), asked=st.integers(0, 1500))
def test_an_accepted_endorsement_puts_the_permit_in_function_and_a_refused_one_would_change_nothing(
    start: date, waited: int, asked: int
) -> None:
    rules = law().regimes.rules_for("zj-2016")
    issued_on = start + timedelta(days=waited)
    on = issued_on + timedelta(days=asked)
    permit = PermitFacts(start, issued_on)
    decided = rules.assess_endorsement(EndorsementFacts(permit, on, is_registered=True))
    after = rules.function_status(PermitFacts(start, issued_on, (on,)), on)
    before = rules.function_status(permit, on)

    assert after.status is PermitStatus.VALID
    assert after.next_year == decided.next_year
    assert decided.is_late == (before.status is PermitStatus.SUSPENDED)
    assert (after == before) == (not decided.accepted)
