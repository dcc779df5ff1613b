"""Calendar arithmetic of the law, and the years of endorsement built on it."""

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.months import add_months, is_younger_than, whole_years
from services.registry.rules.endorsement import first_year_to_endorse, residence_year

QUICK = settings(max_examples=80, deadline=None)
days = st.dates(date(1900, 1, 1), date(2100, 12, 31))
months = st.integers(0, 600)


@pytest.mark.parametrize(
    ("start", "number", "result"),
    [
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2022, 8, 31), 6, date(2023, 2, 28)),
        (date(2023, 12, 15), 1, date(2024, 1, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 1, 31), -2, date(2023, 11, 30)),
        (date(2024, 5, 10), 0, date(2024, 5, 10)),
    ],
)
def test_months_are_clamped_to_the_end_of_the_month(start: date, number: int, result: date) -> None:
    assert add_months(start, number) == result


@QUICK
@given(days, months)
def test_adding_months_lands_in_the_right_month_on_the_same_day_or_its_last(start: date, number: int) -> None:
    result = add_months(start, number)

    assert (result.year * 12 + result.month) - (start.year * 12 + start.month) == number
    assert result.day == min(start.day, monthrange(result.year, result.month)[1])


@QUICK
@given(days, days, months)
def test_adding_months_never_turns_two_days_around(one: date, other: date, number: int) -> None:
    first, second = sorted((one, other))

    assert add_months(first, number) <= add_months(second, number)
    assert add_months(first, number) < add_months(first, number + 1)


@QUICK
@given(days, days)
def test_whole_years_are_complete_on_the_anniversary_and_not_before(start: date, on: date) -> None:
    years = whole_years(start, on)

    assert (on < start and years == 0) or add_months(start, 12 * years) <= on < add_months(start, 12 * (years + 1))


@pytest.mark.parametrize(
    ("birth_date", "on", "is_younger"),
    [
        (date(2008, 3, 1), date(2024, 2, 29), True),
        (date(2008, 3, 1), date(2024, 3, 1), False),
        (date(2008, 2, 29), date(2024, 2, 28), True),
        (date(2008, 2, 29), date(2024, 2, 29), False),
        (date(2009, 2, 28), date(2025, 2, 28), False),
    ],
)
def test_an_age_is_reached_on_the_birthday(birth_date: date, on: date, is_younger: bool) -> None:
    assert is_younger_than(birth_date, 16, on) is is_younger


@QUICK
@given(st.dates(date(2000, 1, 1), date(2060, 12, 31)), st.integers(1, 40))
def test_residence_years_follow_each_other_without_gap_and_their_windows_never_touch(anchor: date, number: int) -> None:
    year, following = (residence_year(anchor, n, window_months=1) for n in (number, number + 1))

    assert year.completed_on == following.starts_on
    assert year.starts_on < year.window_opens_on <= year.window_closes_on < following.window_opens_on
    assert year.window_closes_on + timedelta(days=1) == year.completed_on
    assert 28 <= (year.completed_on - year.window_opens_on).days <= 31
    assert (year.completed_on.month, year.completed_on.year) == (anchor.month, anchor.year + number)


@pytest.mark.parametrize("anchor", [date(2020, 2, 29), date(2020, 1, 31), date(2020, 8, 31), date(2020, 3, 30)])
def test_month_ends_do_not_drift_over_the_years(anchor: date) -> None:
    for number in range(1, 41):
        year = residence_year(anchor, number, window_months=1)
        opens_in = monthrange(year.window_opens_on.year, year.window_opens_on.month)[1]

        assert year.completed_on == add_months(anchor, 12 * number)
        assert year.window_opens_on.day == min(anchor.day, opens_in)


@QUICK
@given(st.dates(date(2000, 1, 1), date(2040, 12, 31)), st.integers(0, 4000), st.booleans())
def test_the_first_year_to_endorse_is_the_first_that_ends_after_the_issue(
    anchor: date, waited: int, issue_counts: bool
) -> None:
    issued_on = anchor + timedelta(days=waited)
    year = first_year_to_endorse(anchor, issued_on, window_months=1, issue_counts=issue_counts)
    before = residence_year(anchor, year.number - 1, window_months=1)

    assert issued_on < (year.window_opens_on if issue_counts else year.completed_on)
    assert year.number == 1 or (before.window_opens_on if issue_counts else before.completed_on) <= issued_on


@pytest.mark.parametrize(
    ("issued_on", "issue_counts", "number"),
    [
        (date(2024, 5, 9), False, 1),
        (date(2024, 5, 10), False, 2),
        (date(2024, 4, 9), True, 1),
        (date(2024, 4, 10), True, 2),
        (date(2024, 5, 10), True, 2),
        (date(2023, 5, 10), True, 1),
    ],
)
def test_first_year_to_endorse_at_its_edges(issued_on: date, issue_counts: bool, number: int) -> None:
    year = first_year_to_endorse(date(2023, 5, 10), issued_on, window_months=1, issue_counts=issue_counts)

    assert year.number == number
