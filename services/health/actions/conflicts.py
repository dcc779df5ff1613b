"""Persons were merged, and each has a card: put before people, who move one of them out (architecture §1).

Nothing is chosen here. The child is vaccinated meanwhile: what comes next is forecast from the doses of both cards. Whether a
conflict is open is looked up and not written down, so that it cannot be forgotten.
"""

from collections.abc import Collection
from uuid import UUID

from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.work import Work
from services.contracts.health import CardConflictOpened
from services.health.schemas.conflicts import CardConflictRecord, CardConflictView, ConflictStatus
from services.health.store import conflicts as store

RESOURCE = "card_conflict"


async def open_new(work: Work, humans: Collection[UUID]) -> None:
    """Open a conflict for every two cards in use that one of these humans has by now."""
    for row in await store.find_new(work, humans):
        record = CardConflictRecord(
            conflict_id=new_id(),
            person_id=row["person_id"],
            card_id=row["card_id"],
            other_card_id=row["other_card_id"],
            opened_on=work.today,
            created_at=work.now,
        )
        await store.insert_conflict(work, record)
        state = {name: getattr(record, name) for name in CardConflictOpened.model_fields}
        work.emit(CardConflictOpened.model_validate(state), division_codes=row["division_codes"])
        work.audit("open", RESOURCE, record.conflict_id, person_id=record.person_id)


async def list_conflicts(work: Work, status: ConflictStatus | None, cursor: str | None, limit: int) -> Page[CardConflictView]:
    """Conflicts of which this client sees one of the cards, oldest first."""
    scope = f"card conflicts {status}"
    rows = await store.list_conflicts(work, status=status, after=after(work.keyring, scope, cursor), limit=limit)
    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: CardConflictView.model_validate(dict(row.items())),
        id_column="conflict_id",
    )
    for item in page.items:
        work.audit("read", RESOURCE, item.conflict_id, person_id=item.person_id)
    return page
