"""Residence registrations: read, look back, list by division or person."""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.db import Record
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.person_reading import require_visible
from services.registry.actions.registrations import RESOURCE
from services.registry.actions.sights import sight_of, sights_of
from services.registry.schemas.registrations import (
    PastRegistrationView,
    RegistrationRecord,
    RegistrationStatus,
    RegistrationView,
)
from services.registry.store import registrations as store


async def read_registration(work: Work, registration_id: UUID) -> RegistrationView:
    """One registration."""
    record = await _visible(work, registration_id)
    sight = await sight_of(work, record.person_id)
    view = RegistrationView.of(record, sight)
    work.audit("read", RESOURCE, registration_id, person_id=record.person_id, fields=sight.shown)
    return view


async def read_registration_history(
    work: Work, registration_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastRegistrationView]]:
    """Versions of a registration, newest first, without addresses."""
    record = await _visible(work, registration_id)
    sight = await sight_of(work, record.person_id)
    versions = await versions_of(
        work,
        RESOURCE,
        registration_id,
        record=RegistrationRecord,
        view=lambda past: PastRegistrationView.of(past, sight),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, registration_id, person_id=record.person_id, fields=sight.shown)
    return versions


async def read_registrations_of(work: Work, person_id: UUID, cursor: str | None, limit: int) -> Page[RegistrationView]:
    """A person's registrations within the client's division, newest first."""
    await require_visible(work, person_id)
    scope = f"registrations of {person_id}"
    rows = await store.registrations_of(work, person_id, before=after(work.keyring, scope, cursor), limit=limit)
    return await _page(work, scope, rows, limit)


async def list_registrations(
    work: Work, division_code: str | None, status: RegistrationStatus | None, cursor: str | None, limit: int
) -> Page[RegistrationView]:
    """Registrations in a division, oldest first; without one, in the client's whole division."""
    prefix = listed_prefix(work, division_code)
    scope = f"registrations {prefix} {status}"
    rows = await store.list_registrations(
        work, division_prefix=prefix, status=status, after=after(work.keyring, scope, cursor), limit=limit
    )
    return await _page(work, scope, rows, limit)


async def _page(work: Work, scope: str, rows: Sequence[Record], limit: int) -> Page[RegistrationView]:
    """A page of registrations, each a line of evidence."""
    sights = await sights_of(work, (row["person_id"] for row in rows))
    shown: dict[UUID, list[str]] = {}

    def view(row: Record) -> RegistrationView:
        sight = sights[row["person_id"]].again()
        seen = RegistrationView.of(store.registration_of(work.keyring, row), sight)
        shown[seen.registration_id] = sight.shown
        return seen

    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        view,
        id_column="registration_id",
    )
    for item in page.items:
        fields = shown[item.registration_id]
        work.audit("read", RESOURCE, item.registration_id, person_id=item.person_id, fields=fields)
    return page


async def _visible(work: Work, registration_id: UUID) -> RegistrationRecord:
    record = await store.find_registration(work, registration_id)
    if record is None:
        raise not_found("registration")
    return record
