"""Employments: read, look back, list by person, employer or division. Every one shown is a line of evidence."""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.db import Record
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.employment.employer_reading import visible_employer
from services.registry.actions.employment.employment_entry import RESOURCE
from services.registry.actions.employment.employments import sight_at_work
from services.registry.actions.person_reading import require_visible
from services.registry.actions.sights import sight_of, sights_of
from services.registry.schemas.employment.employments import EmploymentRecord, EmploymentView, PastEmploymentView
from services.registry.store.employment import employments as store


async def read_employment(work: Work, employment_id: UUID) -> EmploymentView:
    """One employment."""
    record = await _visible(work, employment_id)
    sight = sight_at_work(work, await sight_of(work, record.person_id))
    view = EmploymentView.of(record, sight)
    work.audit("read", RESOURCE, employment_id, person_id=record.person_id, fields=sight.shown)
    return view


async def read_employment_history(
    work: Work, employment_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastEmploymentView]]:
    """Versions of an employment, newest first."""
    record = await _visible(work, employment_id)
    sight = sight_at_work(work, await sight_of(work, record.person_id))
    versions = await versions_of(
        work,
        RESOURCE,
        employment_id,
        record=EmploymentRecord,
        view=lambda past: PastEmploymentView.of(past, sight),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, employment_id, person_id=record.person_id, fields=sight.shown)
    return versions


async def read_employments_of(work: Work, person_id: UUID, cursor: str | None, limit: int) -> Page[EmploymentView]:
    """A person's employments, newest first."""
    await require_visible(work, person_id)
    scope = f"employments of {person_id}"
    before = after(work.keyring, scope, cursor)
    return await _page(work, scope, await store.employments_of_person(work, person_id, before=before, limit=limit), limit)


async def read_employments_at(
    work: Work, employer_id: UUID, *, is_late: bool | None, is_open: bool, cursor: str | None, limit: int
) -> Page[EmploymentView]:
    """Who works or worked for an employer, newest first."""
    await visible_employer(work, employer_id)
    scope = f"employments at {employer_id} {is_late} {is_open}"
    before = after(work.keyring, scope, cursor)
    rows = await store.employments_of_employer(work, employer_id, is_late=is_late, is_open=is_open, before=before, limit=limit)
    return await _page(work, scope, rows, limit)


async def list_employments(
    work: Work, division_code: str | None, *, is_late: bool | None, is_open: bool, cursor: str | None, limit: int
) -> Page[EmploymentView]:
    """Employments with employers in a division, newest first; without one, in the client's whole division."""
    is_everywhere = division_code is None and work.principal.unit is not None  # a unit's people, wherever reported
    prefix = "" if is_everywhere else listed_prefix(work, division_code)
    scope = f"employments in {prefix} {is_late} {is_open}"
    before = after(work.keyring, scope, cursor)
    rows = await store.employments_in(work, prefix, is_late=is_late, is_open=is_open, before=before, limit=limit)
    return await _page(work, scope, rows, limit)


async def _page(work: Work, scope: str, rows: Sequence[Record], limit: int) -> Page[EmploymentView]:
    sights = await sights_of(work, (row["person_id"] for row in rows))

    def view(row: Record) -> EmploymentView:
        sight = sight_at_work(work, sights[row["person_id"]].again())
        seen = EmploymentView.of(store.employment_of(work.keyring, row), sight)
        work.audit("read", RESOURCE, row["employment_id"], person_id=row["person_id"], fields=sight.shown)
        return seen

    return page_of(work.keyring, scope, rows, limit, view, id_column="employment_id")


async def _visible(work: Work, employment_id: UUID) -> EmploymentRecord:
    record = await store.find_employment(work, employment_id)
    if record is None:
        raise not_found("employment")
    return record
