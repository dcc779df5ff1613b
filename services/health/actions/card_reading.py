"""Reading vaccination cards and their versions."""

from datetime import date
from uuid import UUID

from services.chassis.db import Record
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.work import Work
from services.health.actions.cards import RESOURCE, eyes_on, find, shown, sight_of
from services.health.rules.cards import CardStatus
from services.health.schemas.cards import CardRecord, CardView
from services.health.store import cards as store
from services.health.store import persons


async def read_card(work: Work, card_id: UUID) -> CardView:
    """One card in this client's sight."""
    return await shown(work, await find(work, card_id))


async def list_cards(
    work: Work,
    *,
    person_id: UUID | None,
    status: CardStatus | None,
    clinic_code: str | None,
    checked_before: date | None,
    cursor: str | None,
    limit: int,
) -> Page[CardView]:
    """Cards in this client's sight, oldest first."""
    scope = f"cards {person_id} {status} {clinic_code} {checked_before}"
    rows = await store.list_cards(
        work,
        person_ids=None if person_id is None else await persons.ids_of_human(work, person_id),
        status=status,
        clinic_code=clinic_code,
        checked_before=checked_before,
        after=after(work.keyring, scope, cursor),
        limit=limit,
    )
    births = await persons.birth_dates_of(work, {row["person_id"] for row in rows})
    sights = {row["person_id"]: eyes_on(work, births.get(row["person_id"])) for row in rows}

    def view(row: Record) -> CardView:
        return CardView.of(store.card_of(work.keyring, row), sights[row["person_id"]])

    page = page_of(work.keyring, scope, rows, limit, view, id_column="card_id")
    for item in page.items:
        work.audit("read", RESOURCE, item.card_id, person_id=item.person_id, fields=sights[item.person_id].shown)
    return page


async def read_versions(work: Work, card_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[CardView]]:
    """The versions of a card, newest first."""
    record = await find(work, card_id)
    sight = await sight_of(work, record.person_id)
    page = await versions_of(
        work,
        RESOURCE,
        card_id,
        record=CardRecord,
        view=lambda past: CardView.of(past, sight),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, card_id, person_id=record.person_id, fields=sight.shown)
    return page
