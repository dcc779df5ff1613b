"""Field work: what may be reported, what counts in which rate, what is shown (`cases/field_work.toml`)."""

from datetime import date, timedelta

import pytest

from services.registry.rules.field_work.rates import last_open_day, months_open, show_rate, unfinished_month
from services.registry.rules.field_work.visits import (
    VisitConflictKind,
    VisitFacts,
    VisitOutcome,
    VisitSubject,
    Walk,
    conflicts_with_register,
    is_assigned,
    visit_problems,
)
from tests.registry.case_files import Case, cases, law
from tests.registry.rate_model import Seen, counts

TODAY = date(2024, 3, 31)


@pytest.mark.parametrize("case", cases("field_work", "rate"))
def test_what_counts(case: Case) -> None:
    """The definitions that ship and the model written from the policy say the same of each case."""
    (definition,) = [row.value for row in law().field_work.rates.rows if row.value.key == case["rate"]]
    visit = case["visit"]
    seen = Seen(visit["outcome"], visit["was_registered"], visit.get("data_matches", False))
    counted = seen.outcome in definition.counted and (seen.was_registered or not definition.counted_registered)
    hit = counted and seen.outcome in definition.hits
    hit = hit and (seen.was_registered or not definition.hits_registered)
    hit = hit and (seen.data_matches or not definition.hits_data_match)
    assert {"counted": counted, "hit": hit} == case["expected"]
    assert counts(case["rate"], [seen]) == (int(hit), int(counted))


@pytest.mark.parametrize("case", cases("field_work", "shown"))
def test_what_is_shown(case: Case) -> None:
    facts = case["facts"]
    found = show_rate(facts["numerator"], facts["denominator"], division_code=facts["division_code"], small_cell_below=5)
    told = "not available" if found.hundredths_of_percent is None else found.hundredths_of_percent
    assert {"hundredths": told, "suppressed": found.is_suppressed} == case["expected"]
    assert found.is_suppressed == (found.denominator is None)


@pytest.mark.parametrize("case", cases("field_work", "visit"))
def test_what_may_be_reported(case: Case) -> None:
    facts = case["facts"]
    visit = VisitFacts(
        subject=VisitSubject(facts["subject"]),
        outcome=VisitOutcome(facts["outcome"]),
        visited_on=TODAY - timedelta(days=facts.get("days_ago", 0)),
        has_person=facts.get("person", False),
        has_premises=facts.get("premises", False),
        has_data_match=False,
        has_found_address=facts.get("address", False),
    )
    days_max = law().field_work.visit_days_max.on(TODAY)
    assert [problem.code for problem in visit_problems(visit, today=TODAY, days_max=days_max)] == case["expected"]


@pytest.mark.parametrize(
    ("outcome", "seen", "now", "was_registered", "expected"),
    [
        ("found", 1, 1, True, []),
        ("found", None, 2, True, []),
        ("found", 1, 2, True, [VisitConflictKind.REGISTER_CHANGED]),
        ("moved", 1, None, False, [VisitConflictKind.REGISTER_CHANGED]),
        ("found_not_registered", None, 1, True, [VisitConflictKind.REGISTERED_AFTER_ALL]),
        ("found_not_registered", None, None, False, []),
    ],
)
def test_where_a_visit_disagrees_with_the_register(
    outcome: str, seen: int | None, now: int | None, was_registered: bool, expected: list[VisitConflictKind]
) -> None:
    found = conflicts_with_register(VisitOutcome(outcome), seen_version=seen, version=now, was_registered=was_registered)
    assert list(found) == expected


def test_a_month_stays_open_for_two_more() -> None:
    assert months_open(TODAY, 2) == (date(2024, 3, 1), date(2024, 2, 1), date(2024, 1, 1))


@pytest.mark.parametrize("case", cases("field_work", "closing"))
def test_when_a_month_is_closed(case: Case) -> None:
    last = last_open_day(case["month"], 2)
    assert last == case["last_open_day"]
    assert case["month"] in months_open(last, 2)
    assert case["month"] not in months_open(last + timedelta(days=1), 2)


@pytest.mark.parametrize("case", cases("field_work", "assigned"))
def test_who_walks_where(case: Case) -> None:
    walks = [Walk(one["division"], one["from"], one.get("until")) for one in case["assigned"]]
    assert is_assigned(walks, case["division"], case["on"], law().divisions) is case["is_assigned"]


@pytest.mark.parametrize("case", cases("field_work", "unfinished"))
def test_which_month_was_not_computed_to_its_end(case: Case) -> None:
    computed = {one["month"]: one["on"] for one in case["computed"]}
    found = unfinished_month(computed, case["before"], 2)
    assert (found.isoformat() if found else "none") == case["month"]
