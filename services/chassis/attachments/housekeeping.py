"""What is no longer needed goes: files nobody owns, attachments nothing refers to, leftovers in the spool."""

import asyncio
import logging
from collections.abc import Sequence

from services.chassis.attachments.store import Store, StoreError, in_thread
from services.chassis.db import Transaction, prepare
from services.chassis.errors import DomainError
from services.chassis.jobs import Job
from services.chassis.work import Work

logger = logging.getLogger(__name__)

CHUNK = 100
_AT_ONCE = 10

# A file may be on its way to the store for a while before its row is committed, hence the grace. The lock makes an upload that
# comes even later find its announcement gone, and fail instead of telling of a file that was removed.
_UNOWNED = prepare(
    """
    SELECT address FROM attachment_unowned
    WHERE since <= now() - make_interval(secs => CAST(:grace_s AS double precision))
    ORDER BY since LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
    """
)
_LOCK_UNOWNED = prepare("SELECT address FROM attachment_unowned WHERE address = :address FOR UPDATE")
_FORGET = prepare("DELETE FROM attachment_unowned WHERE address = ANY (CAST(:addresses AS bytea[]))")
_EXPIRED = prepare(
    """
    SELECT attachment_id FROM attachment a WHERE kept_until < CAST(:today AS date)
    AND NOT EXISTS (SELECT FROM attachment_reference r WHERE r.attachment_id = a.attachment_id)
    ORDER BY kept_until LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
    """
)
# Asked again under the lock: a reference may have been committed between looking and locking.
_DELETE = prepare(
    """
    WITH gone AS (
        DELETE FROM attachment a WHERE attachment_id = ANY (CAST(:attachment_ids AS uuid[]))
        AND NOT EXISTS (SELECT FROM attachment_reference r WHERE r.attachment_id = a.attachment_id)
        RETURNING attachment_id, person_id, address
    ), announced AS (
        INSERT INTO attachment_unowned (address) SELECT address FROM gone
    )
    SELECT attachment_id, person_id FROM gone
    """
)


async def delete_expired(work: Work) -> bool:
    """Delete attachments past their retention that nothing refers to. Their keys are gone with the commit, so no copy opens."""
    rows = await work.tx.fetch(_EXPIRED, today=work.today, limit=CHUNK)
    gone = await work.tx.fetch(_DELETE, attachment_ids=[row["attachment_id"] for row in rows])
    for row in gone:
        work.audit("delete", "attachment", row["attachment_id"], person_id=row["person_id"], outcome="retention")
    return len(rows) == CHUNK and len(gone) > 0


async def remove_files(work: Work) -> bool:
    """Remove stored files that nobody owns for longer than the grace, and what dead processes left in the spool."""
    keeper = work.attachments
    assert keeper is not None
    await in_thread(keeper.spool.sweep, keeper.grace_s)
    rows = await work.tx.fetch(_UNOWNED, grace_s=keeper.grace_s, limit=CHUNK)
    addresses: list[bytes] = [row["address"] for row in rows]
    try:
        await _remove(keeper.store, addresses)
    except StoreError as error:
        raise DomainError("attachment-store-unavailable") from error
    await work.tx.execute(_FORGET, addresses=addresses)
    return len(rows) == CHUNK


async def remove_unowned(tx: Transaction, *, store: Store, address: bytes) -> None:
    """Remove one file at once, if it is still nobody's; when the store does not answer the job will do it."""
    if await tx.fetch_value(_LOCK_UNOWNED, address=address) is None:
        return
    try:
        await store.delete(address)
    except StoreError:
        logger.warning("a discarded file stays in the store until the next clean-up")
        return
    await tx.execute(_FORGET, addresses=[address])


async def _remove(store: Store, addresses: Sequence[bytes]) -> None:
    for start in range(0, len(addresses), _AT_ONCE):
        await asyncio.gather(*(store.delete(address) for address in addresses[start : start + _AT_ONCE]))


JOBS = (Job("delete-expired-attachments", delete_expired), Job("remove-unowned-files", remove_files))
