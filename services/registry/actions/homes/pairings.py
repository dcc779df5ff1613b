"""Villages paired with enterprises for rental homes (COM-68): pair, end, read."""

from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix, require_own_division
from services.registry.actions.refusals import credit_code_errors
from services.registry.actions.trail import leave
from services.registry.schemas.homes.inspections import (
    PairingEnd,
    PairingEntry,
    PairingRecord,
    PairingView,
    PastPairingView,
)
from services.registry.store.employment.employers import employers_of_codes
from services.registry.store.homes import pairings as store

RESOURCE = "village_pairing"


async def pair(work: Work, body: PairingEntry) -> PairingView:
    """Pair a village with an enterprise. Raises `DomainError('pairing-exists')` while they are paired."""
    require_own_division(work, body.division_code, "/division_code")
    if errors := credit_code_errors(body.credit_code):
        raise invalid(errors)
    record = PairingRecord(
        **body.model_dump(),
        pairing_id=new_id(),
        valid_until=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    if not await store.insert_pairing(work, record):
        raise DomainError("pairing-exists")
    leave(work, "pair", RESOURCE, record.pairing_id, None, before=None, after=record, division_codes=())
    return await _view(work, record)


async def end_pairing(work: Work, pairing_id: UUID, body: PairingEnd) -> PairingView:
    """End a pairing."""
    before = await store.lock_pairing(work, pairing_id)
    if before is None:
        raise not_found("pairing")
    work.expect_version(before.version)
    if before.valid_until is not None:
        raise DomainError("pairing-ended")
    if body.valid_until <= before.valid_from:
        raise invalid([FieldError("/valid_until", "validity", "必须晚于 valid_from", "must be after valid_from")])
    ended = before.model_copy(update={"valid_until": body.valid_until, "version": before.version + 1, "updated_at": work.now})
    await store.end_pairing(work, ended)
    leave(work, "end", RESOURCE, pairing_id, None, before=before, after=ended, division_codes=())
    return await _view(work, ended)


async def read_pairing(work: Work, pairing_id: UUID) -> PairingView:
    """One pairing."""
    record = await store.find_pairing(work, pairing_id)
    if record is None:
        raise not_found("pairing")
    work.audit("read", RESOURCE, pairing_id)
    return await _view(work, record)


async def list_pairings(work: Work, division_code: str | None, cursor: str | None, limit: int) -> Page[PairingView]:
    """Pairings in a division, oldest first."""
    prefix = listed_prefix(work, division_code)
    scope = f"pairings {prefix}"
    start = after(work.keyring, scope, cursor)
    rows = await store.list_pairings(work, division_prefix=prefix, after=start, limit=limit)
    employers = await employers_of_codes(work, (row["credit_code"] for row in rows))
    work.audit("read", RESOURCE, None, outcome=f"found {min(len(rows), limit)}")
    return page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: PairingView.of(store.pairing_of(row), employers.get(row["credit_code"])),
        id_column="pairing_id",
    )


async def read_pairing_history(
    work: Work, pairing_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastPairingView]]:
    """Versions of a pairing, newest first."""
    if await store.find_pairing(work, pairing_id) is None:
        raise not_found("pairing")
    work.audit("read_history", RESOURCE, pairing_id)
    return await versions_of(
        work, RESOURCE, pairing_id, record=PairingRecord, view=PastPairingView.of, cursor=cursor, limit=limit
    )


async def _view(work: Work, record: PairingRecord) -> PairingView:
    employers = await employers_of_codes(work, [record.credit_code])
    return PairingView.of(record, employers.get(record.credit_code))
