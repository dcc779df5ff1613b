"""Who needs what: children a dose is due for, per unit and village, and registered children without a card (IMM-55, IMM-60)."""

from datetime import date
from typing import Any

from services.chassis.db import Record
from services.chassis.months import add_months
from services.chassis.pages import Page, after, page_of
from services.chassis.work import Work
from services.health.rules.cards import CHILD_UNTIL_YEARS, RESIDENCE_MONTHS
from services.health.schemas.finding import ChildWithoutCard, DueChild, DueLine
from services.health.store import finding as store


async def list_due(
    work: Work,
    *,
    by: date | None,
    overdue: bool,
    clinic_code: str | None,
    division_code: str | None,
    line: str | None,
    cursor: str | None,
    limit: int,
) -> Page[DueChild]:
    """Children in sight a dose is due for by that day, or late on it."""
    day = by or work.today
    scope = f"due children {day} {overdue} {clinic_code} {division_code} {line}"
    rows = await store.list_due(
        work,
        by=day,
        overdue=overdue,
        clinic_code=clinic_code,
        division_code=division_code,
        line=line,
        after=after(work.keyring, scope, cursor),
        limit=limit,
    )
    page = page_of(work.keyring, scope, rows, limit, lambda row: _due(row, day, overdue=overdue), id_column="card_id")
    for item in page.items:
        work.audit("find_due", "vaccination_card", item.card_id, person_id=item.person_id)
    return page


async def list_uncarded(work: Work, division_code: str | None, cursor: str | None, limit: int) -> Page[ChildWithoutCard]:
    """Registered children in sight of whom no unit of the city has a card, longest resident first."""
    scope = f"children without card {division_code}"
    rows = await store.list_uncarded(
        work,
        born_after=add_months(work.today, -12 * CHILD_UNTIL_YEARS),
        division_code=division_code,
        after=after(work.keyring, scope, cursor),
        limit=limit,
    )
    page = page_of(work.keyring, scope, rows, limit, _uncarded, id_column="person_id", created_column="since_at")
    for item in page.items:
        work.audit("find_uncarded", "person", item.person_id, person_id=item.person_id)
    return page


def _due(row: Record, by: date, *, overdue: bool) -> DueChild:
    lines = [_line(each, by) for each in row["lines"] if "recommended" in each]
    wanted = [each for each in lines if (each.is_overdue if overdue else each.recommended <= by)]
    return DueChild(
        card_id=row["card_id"],
        person_id=row["person_id"],
        masked_name=row["masked_name"],
        division_code=row["division_code"],
        clinic_code=row["clinic_code"],
        as_of=row["as_of"],
        lines=sorted(wanted, key=lambda each: (each.overdue_from, each.line)),
    )


def _line(kept: dict[str, Any], by: date) -> DueLine:
    days = {name: date.fromisoformat(kept[name]) for name in ("recommended", "overdue_from", "latest")}
    is_overdue = days["overdue_from"] <= by
    return DueLine(line=kept["line"], vaccine_code=kept["vaccine"], dose_no=kept["dose_no"], is_overdue=is_overdue, **days)


def _uncarded(row: Record) -> ChildWithoutCard:
    return ChildWithoutCard(
        person_id=row["person_id"],
        masked_name=row["masked_name"],
        division_code=row["division_code"],
        residence_since=row["residence_since"],
        card_due_on=add_months(row["residence_since"], RESIDENCE_MONTHS),
    )
