"""The calendar of `chassis/months.py` for columns of days: the same clamp at the end of a month, on many days at once.

A day is its ordinal (`date.toordinal`), a month `year * 12 + month - 1`, as everywhere in these rules.
"""

from calendar import monthrange
from datetime import date

import numpy as np

from services.points_hukou.rules.vectors.exact import Ints

_EPOCH = date(1970, 1, 1).toordinal()
_EPOCH_MONTH = 1970 * 12


def month_and_day(ordinals: Ints) -> tuple[Ints, Ints]:
    """The month, and the day of it."""
    days = ordinals.astype(np.int64) - _EPOCH
    months = days.astype("M8[D]").astype("M8[M]")
    first = months.astype("M8[D]").astype(np.int64)
    return months.astype(np.int64) + _EPOCH_MONTH, days - first + 1


def _first_of(months: Ints) -> Ints:
    """The ordinal of the first day of a month."""
    first: Ints = (months - _EPOCH_MONTH).astype("M8[M]").astype("M8[D]").astype(np.int64)
    return first + _EPOCH


def add_months(ordinals: Ints, months: int) -> Ints:
    """The same day so many months later, or the last of that month."""
    month, day = month_and_day(ordinals)
    first = _first_of(month + months)
    length = _first_of(month + months + 1) - first
    found: Ints = first + np.minimum(day, length) - 1
    return found


def whole_months(starts: Ints, ends: Ints) -> Ints:
    """Completed months from each start to its end, which is not before it."""
    month, day = month_and_day(starts)
    end_month, end_day = month_and_day(ends)
    length = _first_of(end_month + 1) - _first_of(end_month)
    found: Ints = end_month - month - (np.minimum(day, length) > end_day)
    return found


def whole_months_until(starts: Ints, on: date) -> Ints:
    """Completed months from each start to one day; zero when it is before."""
    month, day = month_and_day(starts)
    is_short = np.minimum(day, monthrange(on.year, on.month)[1]) > on.day
    return np.where(starts > on.toordinal(), 0, on.year * 12 + on.month - 1 - month - is_short)


def whole_years_until(starts: Ints, on: date) -> Ints:
    """Completed years from each start to one day; zero when it is before."""
    month, day = month_and_day(starts)
    year, month_of_year = month // 12, month % 12
    lengths = np.array([monthrange(on.year, each)[1] for each in range(1, 13)])
    day = np.minimum(day, lengths[month_of_year])
    is_short = (month_of_year > on.month - 1) | ((month_of_year == on.month - 1) & (day > on.day))
    return np.where(starts > on.toordinal(), 0, on.year - year - is_short)


def year_of(ordinals: Ints) -> Ints:
    """The calendar year of each day."""
    return month_and_day(ordinals)[0] // 12
