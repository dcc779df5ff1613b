"""HepB, DTaP with DT, and MMR by the edition of 2021, as immunisation.md §1, §4 and immunisation_2021.yaml have them.

A history is a list of (day, vaccine). Each function gives the days that count and the first day of the next dose, or `None`
when nothing more is given. Only children without special circumstances.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

History = Sequence[tuple[date, str]]
Answer = tuple[list[date], date | None]


def later(day: date, months: int) -> date:
    """Calendar months; the end of a month clamps to its last day (data file, header)."""
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def of(history: History, *vaccines: str) -> list[tuple[date, str]]:
    """The doses of these vaccines, oldest first; the same vaccine on the same day is one (X-35)."""
    return sorted({each for each in history if each[1] in vaccines})


def hepb(born: date, history: History, as_of: date) -> Answer:
    """0, 1, 6 months; 28 days, 60 days, 4 months from the first to the third. Under 18 years (IMM-02)."""
    good: list[date] = []

    def first_day() -> date:
        if not good:
            return born
        if len(good) == 1:
            return max(later(born, 1), good[0] + timedelta(28))
        return max(later(born, 6), good[1] + timedelta(60), later(good[0], 4))

    for day, _ in of(history, "HepB"):
        if len(good) < 3 and day >= first_day() and day < later(born, 216):
            good.append(day)
    over = len(good) == 3 or max(as_of, first_day()) >= later(born, 216)
    return good, None if over else first_day()


def mmr(born: date, history: History, as_of: date) -> Answer:
    """For those born from 2019-10-01 two MMR, 8 and 18 months, 28 days apart – also from any other live vaccine (IMM-05,
    IMM-25).
    """
    lives = [day for day, vaccine in history if vaccine in {"BCG", "MMR", "JE-L", "HepA-L"}]
    good: list[date] = []

    def first_day() -> date:
        return max(later(born, 18), good[0] + timedelta(28)) if good else later(born, 8)

    def is_close(day: date) -> bool:
        return any(live < day < live + timedelta(28) for live in lives)

    for day, _ in of(history, "MMR"):
        if len(good) < 2 and first_day() <= day < later(born, 216) and not is_close(day):
            good.append(day)
    if len(good) == 2:
        return good, None
    day = max(first_day(), as_of)
    while is_close(day):
        day += timedelta(1)
    return good, day if day < later(born, 216) else None


def dtp(born: date, history: History, as_of: date) -> Answer:
    """DTaP 3, 4, 5, 18 months under six years; from six DT by IMM-24, under twelve."""
    six, twelve = later(born, 72), later(born, 144)
    good: list[tuple[date, str]] = []

    def dtap_day() -> date | None:
        number = sum(1 for each in good if each[1] == "DTaP")
        if number >= 4:
            return None
        after = [None, 28, 28, None][number]
        day = later(born, (3, 4, 5, 18)[number])
        if after is not None:
            day = max(day, good[-1][0] + timedelta(after))
        return max(day, later(good[-1][0], 6)) if number == 3 else day

    def dt_day() -> date | None:
        dtap = sum(1 for each in good if each[1] == "DTaP")
        total = len(good)
        if total < 3:
            wait = (0, 1, 6)[total]
            return max(six, later(good[-1][0], wait)) if good else six
        if total > dtap:
            return None
        return max(six, later(good[-1][0], 6 if dtap == 3 else 12))

    for day, vaccine in of(history, "DTaP", "DT"):
        needed = dtap_day() if day < six else dt_day()
        right = "DTaP" if day < six else "DT"
        if vaccine == right and needed is not None and needed <= day < twelve:
            good.append((day, vaccine))
    days = [each[0] for each in good]
    if as_of < six and (next_day := dtap_day()) is not None and max(next_day, as_of) < six:
        return days, next_day
    next_dt = dt_day()
    return days, next_dt if next_dt is not None and max(next_dt, as_of) < twelve else None
