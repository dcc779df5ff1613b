"""Calendar arithmetic of the law: months and years with a month-end clamp (RR-21, a design choice), ages in whole years."""

from calendar import monthrange
from datetime import date


def add_months(start: date, months: int) -> date:
    """The same day `months` later (or earlier, when negative); a day the month does not have becomes its last day.

    Always add to the original date: adding to a clamped result would lose the day for good (31 August → 29 February → 29
    March).
    """
    year, month_index = divmod(start.year * 12 + start.month - 1 + months, 12)
    if start.day <= 28:  # every month has it: no need to ask how long this one is
        return date(year, month_index + 1, start.day)
    return date(year, month_index + 1, min(start.day, monthrange(year, month_index + 1)[1]))


def whole_years(start: date, on: date) -> int:
    """Completed years from `start` to `on`; the year is complete on its anniversary. Zero when `on` is before `start`."""
    if on < start:
        return 0
    years = on.year - start.year
    return years if add_months(start, 12 * years) <= on else years - 1


def is_younger_than(birth_date: date, age: int, on: date) -> bool:
    """Whether a person born on `birth_date` has not yet reached `age` whole years (周岁) on `on`; the birthday itself
    counts as reached.
    """
    return add_months(birth_date, 12 * age) > on


def whole_months(start: date, on: date) -> int:
    """Completed months from `start` to `on`, counted from the day of `start` with the clamp. Zero when `on` is before it."""
    if on < start:
        return 0
    months = (on.year - start.year) * 12 + on.month - start.month
    return months if add_months(start, months) <= on else months - 1
