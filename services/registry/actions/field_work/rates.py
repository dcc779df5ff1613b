"""The rates of a month: computed once a day while the month is open, read with their definition (RR-75 to RR-78, RR-80)."""

from datetime import date, timedelta

from services.chassis.db import Record
from services.chassis.months import add_months
from services.chassis.pages import Page, after, page_of
from services.chassis.parameters import Dated, NotInForceError
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.law import LAW
from services.registry.rules.field_work.rates import RateDefinition, months_open, show_rate, unfinished_month
from services.registry.schemas.field_work.rates import RateView
from services.registry.store.field_work import rates as store


async def compute_open_month(work: Work) -> bool:
    """Compute the figures of one month: open and not yet computed today, or closed while nobody ran; returns whether there was
    one. On a day before the first definition there is nothing to compute.
    """
    city = LAW.divisions.city
    try:
        open_months = LAW.field_work.open_months.on(work.today)
    except NotInForceError:
        return False
    are_open = months_open(work.today, open_months)
    for month in are_open:
        if LAW.field_work.rates.on(month) and not await store.is_computed(work, month, city):
            await _compute(work, month, city)
            return True
    computed = await store.last_computed(work, before=are_open[-1], city=city)
    closed = unfinished_month(computed, are_open[-1], open_months)
    if closed is None:
        return False
    await _compute(work, closed, city)
    return True


async def _compute(work: Work, month: date, city: str) -> None:
    next_month = add_months(month, 1)
    day = min(work.today, next_month - timedelta(days=1))
    for definition in LAW.field_work.rates.on(month):
        await store.compute_rate(work, definition, month=month, next_month=next_month, day=day, city=city)


async def list_rates(
    work: Work, month: str | None, rate: str | None, division_code: str | None, cursor: str | None, limit: int
) -> Page[RateView]:
    """The rates of a month in a division and below it, as last computed."""
    prefix = listed_prefix(work, division_code)
    first_day = work.today.replace(day=1) if month is None else date.fromisoformat(f"{month}-01")
    scope = f"rates {prefix} {first_day} {rate}"
    start = after(work.keyring, scope, cursor)
    rows = await store.list_rates(work, month=first_day, rate=rate, division_prefix=prefix, after=start, limit=limit)
    work.audit("read", "rate_value", None, outcome=f"found {min(len(rows), limit)}")
    return page_of(work.keyring, scope, rows, limit, _view, id_column="rate_value_id")


def _view(row: Record) -> RateView:
    definition = _definition(row["rate"], row["definition_version"])
    shown = show_rate(
        row["numerator"],
        row["denominator"],
        division_code=row["division_code"],
        small_cell_below=LAW.field_work.small_cell_below.on(row["computed_on"]),
    )
    return RateView(
        rate_value_id=row["rate_value_id"],
        rate=row["rate"],
        definition_version=row["definition_version"],
        rule=definition.rule,
        confidence=definition.confidence.value,
        name_zh=definition.value.name_zh,
        name_en=definition.value.name_en,
        division_code=row["division_code"],
        month=row["month"],
        numerator=shown.numerator,
        denominator=shown.denominator,
        hundredths_of_percent=shown.hundredths_of_percent,
        is_suppressed=shown.is_suppressed,
        computed_on=row["computed_on"],
    )


def _definition(key: str, version: str) -> Dated[RateDefinition]:
    """The definition a stored value was counted by; definitions are added and never taken away."""
    return next(row for row in LAW.field_work.rates.rows if (row.value.key, row.value.version) == (key, version))
