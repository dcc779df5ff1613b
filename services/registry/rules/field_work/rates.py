"""The rates the report states, computed from visits and letters (RR-75 to RR-78, RR-80; indicators.md §3 to §5).

A rate's definition is data with a version, because no instrument defines them: a city replaces one by another entry. Each
subject counts once a month, at its last visit. A denominator of 0 gives no rate. Below city level counts under 5 are not shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.chassis.months import add_months
from services.chassis.parameters import Document, Fields, History, Register, flag, list_of, one_of, text, whole_number
from services.registry.rules.field_work.visits import VisitOutcome

_CITY_DIGITS = 6
_HUNDREDTHS = 10_000


class RateSubject(StrEnum):
    """What a rate counts."""

    PERSON = "person"
    HOME = "home"
    LANDLORD = "landlord"


@dataclass(frozen=True, slots=True)
class RateDefinition:
    """How a rate is counted. Of visits: `counted` outcomes make the denominator, `hits` among them the numerator;
    `…_registered`: only who or what was on the register that day; `hits_data_match`: only where key data matched. Landlords are
    counted by letters.
    """

    key: str
    version: str
    subject: RateSubject
    counted: tuple[VisitOutcome, ...]
    counted_registered: bool
    hits: tuple[VisitOutcome, ...]
    hits_registered: bool
    hits_data_match: bool
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class ShownRate:
    """A rate as it may be shown: hundredths of a percent, rounded down, or not available, or held back."""

    numerator: int | None
    denominator: int | None
    hundredths_of_percent: int | None
    is_suppressed: bool


@dataclass(frozen=True, slots=True)
class FieldWorkParameters:
    """The dated values in `field_work.toml`."""

    rates: Register[RateDefinition]
    small_cell_below: History[int]
    visit_days_max: History[int]
    open_months: History[int]


def read_field_work(document: Document) -> FieldWorkParameters:
    """The values in `field_work.toml`. Raises ParameterError."""
    parameters = FieldWorkParameters(
        rates=document.register("rates", _read_definition),
        small_cell_below=document.history("small_cell_below", whole_number(1, 100)),
        visit_days_max=document.history("visit_days_max", whole_number(1, 366)),
        open_months=document.history("open_months", whole_number(1, 24)),
    )
    document.finish()
    return parameters


def months_open(today: date, open_months: int) -> tuple[date, ...]:
    """First days of the months whose figures may still change: this one and those just before it, newest first."""
    first = today.replace(day=1)
    return tuple(add_months(first, -back) for back in range(open_months + 1))


def last_open_day(month: date, open_months: int) -> date:
    """The last day on which a month's figures may change; what was counted on it, or later, stands."""
    return add_months(month, open_months + 1) - timedelta(days=1)


def unfinished_month(computed: Mapping[date, date], before: date, open_months: int) -> date | None:
    """The oldest month since the first one computed, and before that one, which was not computed to its end: nobody ran then.
    `computed`: by month the day on which it was last computed.
    """
    month = min(computed, default=before)
    while month < before:
        if computed.get(month, date.min) < last_open_day(month, open_months):
            return month
        month = add_months(month, 1)
    return None


def show_rate(numerator: int, denominator: int, *, division_code: str, small_cell_below: int) -> ShownRate:
    """What may be shown of stored counts (RR-80; indicators.md §5). A city's own figures are shown whole."""
    if denominator == 0:
        return ShownRate(0, 0, None, is_suppressed=False)
    if len(division_code) > _CITY_DIGITS and min(numerator, denominator) < small_cell_below:
        return ShownRate(None, None, None, is_suppressed=True)
    return ShownRate(numerator, denominator, numerator * _HUNDREDTHS // denominator, is_suppressed=False)


def _read_definition(fields: Fields) -> RateDefinition:
    outcomes = list_of(one_of(VisitOutcome))
    return RateDefinition(
        key=fields.take("key", text),
        version=fields.take("version", text),
        subject=fields.take("subject", one_of(RateSubject)),
        counted=fields.take("counted", outcomes),
        counted_registered=fields.take("counted_registered", flag),
        hits=fields.take("hits", outcomes),
        hits_registered=fields.take("hits_registered", flag),
        hits_data_match=fields.take("hits_data_match", flag),
        name_zh=fields.take("name_zh", text),
        name_en=fields.take("name_en", text),
    )
