"""Spans of law: ages and intervals in calendar months and days, such as "13 years 6 months" or "28 days"."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from services.chassis.months import add_months

_MONTHS = {"month": 1, "year": 12}
_PART = re.compile(r"(\d{1,4}) (hour|day|month|year)s?")


@dataclass(frozen=True, slots=True)
class Span:
    """So many calendar months and then so many days. A month's end clamps: 31 August and six months is 28 or 29 February."""

    months: int
    days: int

    def after(self, day: date) -> date:
        """The day this long after `day`; always from the original date, never from a clamped one."""
        return _later(day, self.months, self.days)


@lru_cache(maxsize=4096)  # an engine asks for the same ages of one child again and again
def _later(day: date, months: int, days: int) -> date:
    later = add_months(day, months) if months else day
    return later + timedelta(days) if days else later


def parse_span(text: object) -> Span:
    """A span as it is written in a schedule. Raises ValueError.

    Hours are only used as limits after birth, and only days are known of a dose: 24 hours end on the next calendar day, so the
    first day certainly outside is the one after that.
    """
    if text == "birth":
        return Span(0, 0)
    months = days = 0
    for part in re.split(r"(?<=[a-z]) (?=\d)", str(text)):
        if not (found := _PART.fullmatch(part)):
            raise ValueError(f'a span such as "6 months" or "28 days", not {text!r}')
        number, unit = int(found[1]), found[2]
        months += number * _MONTHS.get(unit, 0)
        days += {"day": number, "hour": -(-number // 24) + 1}.get(unit, 0)
    return Span(months, days)
