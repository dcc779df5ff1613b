"""Visits: read, list."""

from uuid import UUID

from services.chassis.db import Record
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.field_work.visits import RESOURCE
from services.registry.actions.sights import sight_on, sights_of
from services.registry.schemas.field_work.visits import VisitView
from services.registry.store.field_work import visits as store


async def read_visit(work: Work, visit_id: UUID) -> VisitView:
    """One visit."""
    record = await store.find_visit(work, visit_id)
    if record is None:
        raise not_found("visit")
    sights = await sights_of(work, [record.person_id] if record.person_id else [])
    sight = sights[record.person_id] if record.person_id else sight_on(work, None)
    view = VisitView.of(record, sight)
    work.audit("read", RESOURCE, visit_id, person_id=record.person_id, fields=sight.shown)
    return view


async def list_visits(
    work: Work, division_code: str | None, coordinator: str | None, cursor: str | None, limit: int
) -> Page[VisitView]:
    """Visits in a division, newest first."""
    prefix = listed_prefix(work, division_code)
    scope = f"visits {prefix} {coordinator}"
    before = after(work.keyring, scope, cursor)
    rows = await store.list_visits(work, division_prefix=prefix, coordinator=coordinator, before=before, limit=limit)
    sights = await sights_of(work, (row["person_id"] for row in rows if row["person_id"] is not None))

    def view(row: Record) -> VisitView:
        sight = sights[row["person_id"]].again() if row["person_id"] is not None else sight_on(work, None)
        seen = VisitView.of(store.visit_of(work.keyring, row), sight)
        work.audit("read", RESOURCE, row["visit_id"], person_id=row["person_id"], fields=sight.shown)
        return seen

    return page_of(work.keyring, scope, rows, limit, view, id_column="visit_id", created_column="recorded_at")
