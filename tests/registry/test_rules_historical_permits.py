"""The papers of 2009: the cases officials can read, and a second, naive reading of how residence is counted (RR-13)."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.rules.historical_applications import (
    HistoricalApplication,
    assess_historical_application,
    why_not_of_2009,
)
from services.registry.rules.historical_permits import HistoricalKind, IssueFacts, Paper, assess_issue, status_on
from services.registry.rules.residence_counting import resided_since
from services.registry.rules.residence_permit import Excusal
from services.registry.rules.residence_registration import InstitutionStay, RegistrationPeriod
from tests.registry.case_files import Case, cases, law

HERE, ELSEWHERE = "330282107", "330281001"


def paper(written: dict[str, Any]) -> Paper:
    kind = HistoricalKind(written.get("kind", "temporary_residence_permit"))
    return Paper(kind, written["issued_on"], written["valid_until"], HERE, written.get("ended_on"))


def facts(written: dict[str, Any]) -> IssueFacts:
    earlier = [Paper(HistoricalKind.TEMPORARY, first, last, ELSEWHERE) for first, last in written.get("earlier", [])]
    excused, stay = written.get("excused_as"), written.get("institution_stay")
    return IssueFacts(
        paper(written),
        birth_date=written.get("birth_date", date(1980, 1, 1)),
        was_asked_for=written.get("was_asked_for"),
        stay_days=written.get("stay_days"),
        institution_stay=None if stay is None else InstitutionStay(stay),
        earlier=tuple(earlier),
        excused_as=None if excused is None else Excusal(excused),
        has_fixed_home=written.get("has_fixed_home"),
        has_stable_work=written.get("has_stable_work"),
    )


@pytest.mark.parametrize("case", cases("historical_permits", "issue"))
def test_what_can_be_recorded_and_what_is_in_doubt(case: Case) -> None:
    assessed = assess_issue(facts(case["facts"]), law().historical, law().working_days)
    found = {
        "problems": [reason.code for reason in assessed.problems],
        "doubts": [reason.code for reason in assessed.doubts],
    }
    assert found == case["expected"]
    for reason in (*assessed.problems, *assessed.doubts):
        assert reason.article
        assert reason.rule


@pytest.mark.parametrize("case", cases("historical_permits", "application"))
def test_what_the_text_of_2009_says_of_an_application(case: Case) -> None:
    known = facts({"issued_on": date(2012, 5, 1), "valid_until": date(2012, 5, 1)} | case["facts"])
    application = HistoricalApplication(
        kind=known.paper.kind,
        applied_on=case["facts"].get("applied_on", date(2012, 5, 1)),
        birth_date=known.birth_date,
        earlier=known.earlier,
        excused_as=known.excused_as,
        has_fixed_home=known.has_fixed_home,
        has_stable_work=known.has_stable_work,
    )
    problems = why_not_of_2009(application, law().historical)
    assert [reason.code for reason in problems] == case["expected"].get("problems", [])
    if problems:
        with pytest.raises(LookupError):
            assess_historical_application(application, law().historical, law().working_days)
        return
    bearing = assess_historical_application(application, law().historical, law().working_days)
    found = {key: getattr(bearing, key) for key in case["expected"]}
    found |= {key: [reason.code for reason in found[key]] for key in ("reasons", "gaps")}
    assert found == case["expected"]
    assert (bearing.fee_fen, bearing.valid_in) == (0, "330000")
    assert all(reason.article and reason.rule for reason in (*bearing.reasons, *bearing.gaps))


@pytest.mark.parametrize("case", cases("historical_permits", "due"))
def test_fifteen_working_days(case: Case) -> None:
    applied = case["applied_on"]
    for issued_on in (case["due_on"], case["due_on"] + timedelta(days=60)):
        one = Paper(HistoricalKind.TEMPORARY, issued_on, issued_on + timedelta(days=365), HERE)
        assessed = assess_issue(IssueFacts(one, applied_on=applied), law().historical, law().working_days)
        assert assessed.due_on == case["due_on"]
        late = None if assessed.is_due_provisional and issued_on > applied + timedelta(days=15) else issued_on > case["due_on"]
        assert assessed.was_late is late


@pytest.mark.parametrize("case", cases("historical_permits", "status"))
def test_old_papers_stay_valid_to_their_expiry(case: Case) -> None:
    for day, status in case["days"].items():
        assert status_on(paper(case["paper"]), date.fromisoformat(day)) == status, day


@pytest.mark.parametrize("case", cases("historical_permits", "counting"))
def test_old_papers_count_towards_residence(case: Case) -> None:
    papers = [Paper(HistoricalKind(kind), first, last, division) for kind, first, last, division in case["papers"]]
    registered = [RegistrationPeriod(case["registered"], None, HERE)]
    on = case["registered"] + timedelta(days=400)
    assert resided_since(registered, papers, on, law().registration, law().historical) == case["since"]


def test_a_paper_alone_is_no_registration() -> None:
    held = [Paper(HistoricalKind.TEMPORARY, date(2015, 1, 1), date(2017, 12, 31), HERE)]
    assert resided_since([], held, date(2017, 1, 1), law().registration, law().historical) is None


# ── a naive model: the days somebody is on record, walked back one by one ──────────────────────────────────────────────

FIRST = date(2014, 1, 1)
LAST = FIRST + timedelta(days=1600)
Stay = tuple[int, int]


def walked_back(registrations: list[tuple[int, int | None]], papers: list[Stay], on: int) -> int | None:
    """Day numbers: since when somebody registered on day `on` was on record without more than ten missing days running."""
    days: set[int] = set()
    for first, end in registrations:
        days |= set(range(first, on + 1 if end is None else end))
    if not any(first <= on and (end is None or on < end) for first, end in registrations):
        return None
    for first, last in papers:
        days |= set(range(first, last + 1))
    begin = at = on
    while at >= 0 and begin - at <= 11:
        if at in days:
            begin = at
        at -= 1
    return begin


@given(
    gaps=st.lists(st.tuples(st.integers(0, 25), st.integers(1, 300)), min_size=1, max_size=4),
    papers=st.lists(st.tuples(st.integers(0, 900), st.integers(1, 500)), max_size=4),
)
@settings(max_examples=150, deadline=None)
def test_the_rule_counts_as_a_walk_over_the_days_does(gaps: list[Stay], papers: list[Stay]) -> None:
    registrations: list[tuple[int, int | None]] = []
    at = 300
    for gap, length in gaps:
        registrations.append((at + gap, at + gap + length))
        at += gap + length
    last, _ = registrations[-1]
    registrations[-1] = (last, None)
    on = last + 5
    held = [(first, first + length) for first, length in papers]

    def day(number: int) -> date:
        return FIRST + timedelta(days=number)

    periods = [RegistrationPeriod(day(first), None if end is None else day(end), HERE) for first, end in registrations]
    found = resided_since(
        periods,
        [Paper(HistoricalKind.TEMPORARY, day(first), day(until), HERE) for first, until in held],
        day(on),
        law().registration,
        law().historical,
    )
    expected = walked_back(registrations, held, on)
    assert expected is not None
    assert found == day(expected)
