"""Dates, months and rounding, as the policy text has them (points.md P-32 to P-36, residence.md RR-21)."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor
from typing import Any

Facts = Mapping[str, Any]
"""The `facts` of a facts document."""


@dataclass
class Counted:
    """What the text gives a person."""

    points: dict[str, Fraction]
    """Of each item of the text, after rounding and cap."""
    total: Fraction
    is_eligible: bool = True
    is_vetoed: bool = False
    is_frozen: bool = False
    passes: bool | None = None
    """Whether a published pass mark is reached; None where there is none."""

    def __post_init__(self) -> None:
        """A veto clears the score."""
        if self.is_vetoed:
            self.total = min(self.total, Fraction(0))


def two_places(value: Fraction | int) -> Fraction:
    """Half away from zero at the second decimal (P-32)."""
    hundredths = floor(abs(Fraction(value)) * 100 + Fraction(1, 2))
    return Fraction(hundredths if value >= 0 else -hundredths, 100)


def capped(value: Fraction | int, cap: int) -> Fraction:
    return min(Fraction(value), Fraction(cap))


def day_of(text: str) -> date:
    return date.fromisoformat(text)


def later(day: date, months: int) -> date:
    """The same day of the month so many months later, or the last day of a shorter month (RR-21)."""
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def full_months(since: date, on: date) -> int:
    """Complete months: one is complete on the same day of the next month."""
    months = (on.year - since.year) * 12 + on.month - since.month
    return months if later(since, months) <= on else months - 1


def full_years(since: date, on: date) -> int:
    """周岁 and complete years: one is complete on the anniversary."""
    return full_months(since, on) // 12


def month_of(day: date) -> int:
    """A month as one number."""
    return day.year * 12 + day.month - 1


def month_named(text: str) -> int:
    year, month = text.split("-")
    return int(year) * 12 + int(month) - 1


def months_in(rows: Iterable[Mapping[str, Any]], until: int, kinds: Iterable[str] | None = None, since: int = 0) -> set[int]:
    """The calendar months that rows cover, each once, from `since` to `until`, both included."""
    return {
        month
        for row in rows
        if kinds is None or row["kind"] in kinds
        for month in range(max(month_named(row["from"]), since), min(month_named(row["to"]), until) + 1)
    }


def run_up_to(months: set[int], last: int, bridged: int = 0) -> int:
    """Months of the unbroken run still on at `last` or the month before it, over gaps of at most `bridged` months."""
    here = max((month for month in months if month <= last), default=None)
    if here is None or last - here > 1 + bridged:
        return 0
    counted = 1
    for month in sorted((each for each in months if each < here), reverse=True):
        if here - month > 1 + bridged:
            break
        counted, here = counted + 1, month
    return counted


def amount_in_years(yearly: Mapping[str, int], years: Iterable[int]) -> int:
    """What was paid in those natural years; a year that is not given gives nothing."""
    return sum(yearly.get(str(year), 0) for year in years)


def last_years(on: date, how_many: int) -> range:
    """The natural years before that of the application."""
    return range(on.year - how_many, on.year)


def within(
    rows: Iterable[Mapping[str, Any]], on: date, years: int | None = None, kinds: Iterable[str] | None = None
) -> list[Mapping[str, Any]]:
    """Events up to the day, of the last so many years: what happened so many full years ago is out of the window."""
    return [
        row
        for row in rows
        if (kinds is None or row["kind"] in kinds)
        and day_of(row["on"]) <= on
        and (years is None or later(day_of(row["on"]), 12 * years) > on)
    ]


def amounts(rows: Iterable[Mapping[str, Any]]) -> int:
    return sum(row.get("amount", 0) for row in rows)


def best(held: Iterable[str], tiers: Mapping[str, int | str]) -> Fraction:
    """The highest tier that is proved."""
    return max((Fraction(tiers[key]) for key in held if key in tiers), default=Fraction(0))
