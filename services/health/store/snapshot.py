"""The whole present state of what this office tells, as events, for a new or restored neighbour (architecture §5)."""

from collections import defaultdict
from collections.abc import AsyncIterator
from uuid import UUID

from services.chassis.db import Transaction, prepare
from services.chassis.events import EventData
from services.chassis.keyring import Keyring
from services.contracts.health import CardChanged, CardConflictOpened, CardMovedOut, DoseRecorded, DoseWithdrawn

_PAGE = 500

_PERSONS = prepare(
    """
    SELECT person_id FROM (SELECT person_id FROM vaccination_card UNION SELECT person_id FROM card_conflict) told
    WHERE CAST(:after AS uuid) IS NULL OR person_id > CAST(:after AS uuid) ORDER BY person_id LIMIT CAST(:limit AS integer)
    """
)
_CARDS = prepare(
    """
    SELECT person_id, card_id, version, division_code, clinic_code, status, basis, opened_on, certificate_issued_on,
        moved_out_on
    FROM vaccination_card WHERE person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY card_id
    """
)
_DOSES = prepare(
    """
    SELECT person_id, dose_id, card_id, version, vaccine_code, given_on, status, evidence, funding, division_code
    FROM dose WHERE person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY dose_id
    """
)
_CONFLICTS = prepare(
    """
    SELECT person_id, conflict_id, card_id, other_card_id, opened_on FROM card_conflict
    WHERE person_id = ANY (CAST(:person_ids AS uuid[])) AND is_card_conflict_open(conflict_id) ORDER BY conflict_id
    """
)


async def snapshot(tx: Transaction, keyring: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:  # noqa: ARG001
    """Cards, doses and open conflicts by person, in pages. A forecast is told again when it changes."""
    after: UUID | None = None
    while person_ids := [row["person_id"] for row in await tx.fetch(_PERSONS, after=after, limit=_PAGE)]:
        told: dict[UUID, list[EventData]] = defaultdict(list)
        for row in await tx.fetch(_CARDS, person_ids=person_ids):
            fact = CardMovedOut if row["status"] == "moved_out" else CardChanged
            told[row["person_id"]].append(fact.model_validate(dict(row.items())))
        for row in await tx.fetch(_DOSES, person_ids=person_ids):
            given = DoseWithdrawn if row["status"] == "withdrawn" else DoseRecorded
            told[row["person_id"]].append(given.model_validate(dict(row.items())))
        for row in await tx.fetch(_CONFLICTS, person_ids=person_ids):
            told[row["person_id"]].append(CardConflictOpened.model_validate(dict(row.items())))
        for person_id in person_ids:
            yield person_id, told[person_id]
        after = person_ids[-1]
