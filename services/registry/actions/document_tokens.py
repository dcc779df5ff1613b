"""Telling the tokens of identity documents again, after the suite's key for them was changed (architecture §1)."""

from uuid import UUID

from services.chassis.work import Work
from services.contracts.registry import PersonTokensRenewed
from services.registry.store import persons as store
from services.registry.store.events import person_event


async def renew_tokens(work: Work, *, after: UUID | None, limit: int) -> tuple[int, UUID | None]:
    """Tell the next `limit` persons' documents under the keys now in use: how many, and after whom to go on; `None` at the end.

    Nothing about the persons changes, so no version, no history, and none but the suite's own followers hear of it.
    """
    found = await store.lock_next_persons(work, after=after, limit=limit)
    for record in found.values():
        if record.identity_documents:
            work.emit(person_event(PersonTokensRenewed, work.keyring, record))
    return len(found), max(found) if len(found) == limit else None
