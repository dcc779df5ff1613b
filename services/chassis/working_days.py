"""Working days (工作日) by the State Council's yearly calendar with its make-up working days (调休).

The day of the event is never counted (residence.md §2). The calendar is data (`working_days.toml`), one notice per year. Days
of a year whose notice is not held can be counted only provisionally: Monday to Friday. That is said in every answer
(`Deadline.is_provisional`), and nobody is called late on a day that was only guessed.

Pure but for `calendar()`, which reads the file that ships.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from services.chassis.parameters import Document, Fields, History, ParameterError, Register, list_of, whole_number

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class CalendarNotHeldError(LookupError):
    """The State Council's arrangement of the day's year is not in this release; `day` is the first such day."""

    def __init__(self, day: date) -> None:
        super().__init__(f"the calendar of working days is not held for {day.isoformat()}")
        self.day = day


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day for doing something within `working_days` of an event.

    `is_provisional`: at least one day up to it lies in a year whose notice is not held, and was counted as an ordinary
    weekday or weekend.
    """

    event_on: date
    working_days: int
    due_on: date
    is_provisional: bool

    def is_missed_by(self, done_on: date) -> bool | None:
        """Whether doing it on that day is late. `None`: cannot be told before the calendar is held. Done within as many
        calendar days is in time whatever the calendar says.
        """
        if not self.is_provisional:
            return done_on > self.due_on
        return False if done_on <= self.event_on + timedelta(days=self.working_days) else None


@dataclass(frozen=True, slots=True)
class Count:
    """How many working days a period had, as well as the calendar allows; `is_provisional` as in `Deadline`."""

    working_days: int
    is_provisional: bool


@dataclass(frozen=True, slots=True)
class YearNotice:
    """One year's arrangement: days off, both ends included, and the weekend days worked instead."""

    year: int
    days_off: tuple[tuple[date, date], ...]
    days_worked: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The calendar: the notices held, and for how many days at the end of a year the next notice may still speak."""

    notices: Register[YearNotice]
    reaches_back_days_max: History[int]
    _is_worked: Mapping[date, bool] = field(init=False, repr=False, compare=False)
    _years: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_is_worked", _exceptions(self.notices))
        object.__setattr__(self, "_years", frozenset(row.value.year for row in self.notices.rows))

    def is_held(self, day: date) -> bool:
        """Whether the notices held settle this day."""
        if day.year not in self._years:
            return False
        reaches_back = timedelta(days=self.reaches_back_days_max.on(day))
        return day.year + 1 in self._years or day + reaches_back < date(day.year + 1, 1, 1)

    @property
    def held_until(self) -> date:
        """The last day the newest notice settles."""
        first_not_held = date(max(self._years) + 1, 1, 1)
        return first_not_held - timedelta(days=self.reaches_back_days_max.on(first_not_held - _ONE_DAY)) - _ONE_DAY

    def settled_until(self, working_days: int) -> date:
        """The last day after which a term of so many working days is counted by notices alone."""
        day = self.held_until
        while self.deadline(day, working_days).is_provisional:
            day -= _ONE_DAY
        return day

    def is_working_day(self, day: date) -> bool:
        """Whether it is worked. Raises CalendarNotHeldError."""
        if not self.is_held(day):
            raise CalendarNotHeldError(day)
        return self._counts(day)

    def add_working_days(self, day: date, number: int) -> date:
        """The working day `number` ≥ 0 working days after the day, which is not counted itself; 0 gives the day back. Raises
        CalendarNotHeldError.
        """
        deadline = self.deadline(day, number)
        if deadline.is_provisional:
            raise CalendarNotHeldError(next(d for d in _days_after(day, deadline.due_on) if not self.is_held(d)))
        return deadline.due_on

    def working_days_between(self, event_on: date, until: date) -> int:
        """Working days after `event_on` up to and including `until`; 0 when `until` is not later. Raises
        CalendarNotHeldError.
        """
        return sum(self.is_working_day(day) for day in _days_after(event_on, until))

    def count(self, event_on: date, until: date) -> Count:
        """Working days after `event_on` up to and including `until`, as well as the calendar allows."""
        days = _days_after(event_on, until)
        return Count(sum(map(self._counts, days)), not all(map(self.is_held, days)))

    def deadline(self, event_on: date, working_days: int) -> Deadline:
        """The last day of a term of working days, as well as the calendar allows. Raises ValueError below 0."""
        if working_days < 0:
            raise ValueError("a term is counted forwards: 0 working days or more")
        day, left, is_provisional = event_on, working_days, False
        while left:
            day += _ONE_DAY
            is_provisional |= not self.is_held(day)
            left -= self._counts(day)
        return Deadline(event_on, working_days, day, is_provisional)

    def _counts(self, day: date) -> bool:
        return self._is_worked.get(day, day.weekday() < _SATURDAY)


@cache
def calendar() -> WorkingDays:
    """The calendar as it ships, read once. Every service counts terms by it. Raises ParameterError."""
    file = Path(__file__).with_name("working_days.toml")
    return read_working_days(Document.parse(file.name, file.read_text("utf-8")))


def read_working_days(document: Document) -> WorkingDays:
    """The calendar in `working_days.toml`. Raises ParameterError."""
    reaches_back = document.history("reaches_back_days_max", whole_number(0, 31))
    notices = document.register("years", _read_notice)
    document.finish()
    return WorkingDays(notices, reaches_back)


def _read_notice(fields: Fields) -> YearNotice:
    notice = YearNotice(
        year=fields.take("year", whole_number(1949, 2100)),
        days_off=fields.take("days_off", list_of(_period)),
        days_worked=fields.take("days_worked", list_of(_weekend_day)),
    )
    own = {notice.year - 1, notice.year}
    if any(day.year not in own for day in (*notice.days_worked, *(end for period in notice.days_off for end in period))):
        raise ParameterError(f"{fields.where}: a day lies outside {notice.year} and the end of the year before")
    return notice


def _exceptions(notices: Register[YearNotice]) -> dict[date, bool]:
    """Every day named in a notice and whether it is worked. Raises ParameterError on a day named twice."""
    found: dict[date, bool] = {}
    years: set[int] = set()
    for notice in (row.value for row in notices.rows):
        if notice.year in years:
            raise ParameterError(f"{notices.name}: {notice.year} is listed twice")
        years.add(notice.year)
        off = [day for first, last in notice.days_off for day in (first, *_days_after(first, last))]
        for day, is_worked in (*((day, False) for day in off), *((day, True) for day in notice.days_worked)):
            if day in found:
                raise ParameterError(f"{notices.name}: {day.isoformat()} is listed twice")
            found[day] = is_worked
    return found


def _days_after(day: date, until: date) -> tuple[date, ...]:
    return tuple(day + timedelta(days=number) for number in range(1, (until - day).days + 1))


def _period(raw: object) -> tuple[date, date]:
    if not isinstance(raw, str):
        raise TypeError("a day or 'first/last', such as \"2026-10-01/2026-10-07\"")
    first, _, last = raw.partition("/")
    period = _day(first), _day(last or first)
    if period[1] < period[0]:
        raise ValueError("a period that ends after it begins")
    return period


def _weekend_day(raw: object) -> date:
    if not isinstance(raw, str) or _day(raw).weekday() < _SATURDAY:
        raise ValueError('a Saturday or Sunday such as "2026-10-10"')
    return _day(raw)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError('a day such as "2026-10-01"') from None
