"""Working days with make-up days, terms counted in them, and what is said of a year whose notice is not held."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.parameters import Document, ParameterError
from services.chassis.working_days import CalendarNotHeldError, WorkingDays, read_working_days
from tests.registry.case_files import Case, cases, law

QUICK = settings(max_examples=60, deadline=None)
ANSWERS = {"late": True, "in time": False, "cannot be told": None}
held_days = st.dates(date(2009, 1, 1), date(2026, 9, 30))
any_days = st.dates(date(2007, 1, 1), date(2030, 12, 31))
terms = st.integers(0, 30)


@pytest.mark.parametrize("case", cases("working_days", "deadline"))
def test_terms_of_working_days(case: Case) -> None:
    deadline = law().working_days.deadline(case["event"], case["working_days"])

    assert (deadline.due_on, deadline.is_provisional) == (case["due"], case.get("provisional", False))


@pytest.mark.parametrize("case", cases("working_days", "late"))
def test_who_told_late(case: Case) -> None:
    deadline = law().working_days.deadline(case["event"], case["working_days"])

    assert deadline.is_missed_by(case["told"]) is ANSWERS[case["expected"]]


@QUICK
@given(held_days, terms)
def test_a_term_ends_on_a_working_day_and_counts_exactly_its_days(event: date, number: int) -> None:
    calendar = law().working_days
    due = calendar.add_working_days(event, number)

    assert calendar.working_days_between(event, due) == number
    assert number == 0 or calendar.is_working_day(due)
    assert due - event >= timedelta(days=number)


@QUICK
@given(any_days, any_days, terms)
def test_a_later_event_is_never_due_earlier(one: date, other: date, number: int) -> None:
    calendar = law().working_days
    first, second = sorted((one, other))

    assert calendar.deadline(first, number).due_on <= calendar.deadline(second, number).due_on
    assert calendar.deadline(first, number).due_on < calendar.deadline(first, number + 1).due_on


@QUICK
@given(held_days, terms, terms)
def test_terms_add_up(event: date, one: int, other: int) -> None:
    calendar = law().working_days

    assert calendar.add_working_days(calendar.add_working_days(event, one), other) == calendar.add_working_days(
        event, one + other
    )


@QUICK
@given(any_days, terms)
def test_a_settled_deadline_rests_on_notices_held(event: date, number: int) -> None:
    calendar = law().working_days
    deadline = calendar.deadline(event, number)
    counted = [event + timedelta(days=day) for day in range(1, (deadline.due_on - event).days + 1)]

    assert deadline.is_provisional is not all(calendar.is_held(day) for day in counted)


@pytest.mark.parametrize("year", range(2009, 2027))
def test_every_year_has_about_250_working_days(year: int) -> None:
    """The statutory number is 250 to 251 (248 to 249 from 2025); notices shift a few days over the turn of the year."""
    found = [date(year, 1, 1) + timedelta(days=number) for number in range(362)]

    assert 245 <= sum(map(law().working_days.is_working_day, found)) <= 252


def test_a_year_that_is_not_held_is_refused_by_name() -> None:
    calendar = law().working_days

    with pytest.raises(CalendarNotHeldError, match="2027-01-01") as refusal:
        calendar.is_working_day(date(2027, 1, 1))
    assert refusal.value.day == date(2027, 1, 1)
    with pytest.raises(CalendarNotHeldError, match="2026-12-29"):
        calendar.add_working_days(date(2026, 12, 28), 3)
    with pytest.raises(CalendarNotHeldError, match="2008-12-31"):
        calendar.working_days_between(date(2008, 12, 30), date(2009, 1, 9))
    with pytest.raises(ValueError, match="forwards"):
        calendar.deadline(date(2024, 3, 4), -1)


def calendar_of(*rows: str) -> WorkingDays:
    """A calendar of these rows alone."""
    settled = 'values = [{ value = 3, valid_from = 2009-01-01, source = "S", confidence = "D" }]'
    listed = ", ".join(f"{{ {row} }}" for row in rows)
    years = f'[years]\nsource = "S"\nconfidence = "S2"\nrows = [{listed}]\n'
    return read_working_days(Document.parse("working_days.toml", f"[reaches_back_days_max]\n{settled}\n{years}"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["year = 2024, days_off = [], days_worked = []"] * 2, "2024 is listed twice"),
        (['year = 2024, days_off = ["2024-02-10", "2024-02-09/2024-02-11"], days_worked = []'], "2024-02-10 is listed twice"),
        (['year = 2024, days_off = ["2024-02-10"], days_worked = ["2024-02-10"]'], "2024-02-10 is listed twice"),
        (['year = 2024, days_off = ["2024-02-10/2024-02-09"], days_worked = []'], "ends after it begins"),
        (['year = 2024, days_off = [], days_worked = ["2024-03-04"]'], "a Saturday or Sunday"),
        (['year = 2024, days_off = ["2025-01-01"], days_worked = []'], "outside 2024"),
        (['year = 2024, days_off = ["tomorrow"], days_worked = []'], "a day such as"),
    ],
)
def test_a_slip_in_the_calendar_stops_the_start(rows: list[str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        calendar_of(*rows)


def test_the_next_notice_settles_what_was_provisional() -> None:
    before = calendar_of('year = 2024, days_off = ["2024-01-01"], days_worked = []')
    after = calendar_of(
        'year = 2024, days_off = ["2024-01-01"], days_worked = []',
        'year = 2025, days_off = ["2024-12-31/2025-01-01"], days_worked = ["2024-12-29"]',
    )
    event = date(2024, 12, 27)

    assert before.deadline(event, 2).is_provisional
    assert (after.deadline(event, 2).due_on, after.deadline(event, 2).is_provisional) == (date(2024, 12, 30), False)
