"""Stays: read, look back, list by home or person."""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.db import Record
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.registry.actions.homes.stay_entry import RESOURCE
from services.registry.actions.person_reading import require_visible
from services.registry.actions.sights import sight_of, sights_of
from services.registry.schemas.homes.stays import PastStayView, StayFilter, StayRecord, StayView
from services.registry.store.homes import stays as store
from services.registry.store.homes.premises import find_premises


async def read_stay(work: Work, stay_id: UUID) -> StayView:
    """One stay."""
    record = await _visible(work, stay_id)
    sight = await sight_of(work, record.person_id)
    view = StayView.of(record, sight)
    work.audit("read", RESOURCE, stay_id, person_id=record.person_id, fields=sight.shown)
    return view


async def read_stay_history(work: Work, stay_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[PastStayView]]:
    """Versions of a stay, newest first."""
    record = await _visible(work, stay_id)
    sight = await sight_of(work, record.person_id)
    versions = await versions_of(
        work,
        RESOURCE,
        stay_id,
        record=StayRecord,
        view=lambda past: PastStayView.of(past, sight),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, stay_id, person_id=record.person_id, fields=sight.shown)
    return versions


async def read_stays_in(work: Work, premises_id: UUID, whose: StayFilter, cursor: str | None, limit: int) -> Page[StayView]:
    """The book of a home, newest first; only who is there now, or everybody of the last two years too."""
    if await find_premises(work, premises_id) is None:
        raise not_found("premises")
    scope = f"stays in {premises_id} {whose}"
    is_open = whose is StayFilter.OPEN
    before = after(work.keyring, scope, cursor)
    return await _page(work, scope, await store.stays_in(work, premises_id, is_open=is_open, before=before, limit=limit), limit)


async def read_stays_of(work: Work, person_id: UUID, cursor: str | None, limit: int) -> Page[StayView]:
    """A person's stays within the client's division, newest first."""
    await require_visible(work, person_id)
    scope = f"stays of {person_id}"
    before = after(work.keyring, scope, cursor)
    return await _page(work, scope, await store.stays_of(work, person_id, before=before, limit=limit), limit)


async def _page(work: Work, scope: str, rows: Sequence[Record], limit: int) -> Page[StayView]:
    """A page of stays, each a line of evidence."""
    sights = await sights_of(work, (row["person_id"] for row in rows))

    def view(row: Record) -> StayView:
        sight = sights[row["person_id"]].again()
        seen = StayView.of(store.stay_of(work.keyring, row), sight)
        work.audit("read", RESOURCE, row["stay_id"], person_id=row["person_id"], fields=sight.shown)
        return seen

    return page_of(work.keyring, scope, rows, limit, view, id_column="stay_id")


async def _visible(work: Work, stay_id: UUID) -> StayRecord:
    record = await store.find_stay(work, stay_id)
    if record is None:
        raise not_found("stay")
    return record
