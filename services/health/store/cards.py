"""Vaccination cards: write, find, list."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.months import add_months
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.health.rules.cards import CHILD_UNTIL_YEARS, KEPT_UNTIL_YEARS, CardStatus
from services.health.schemas.cards import CardRecord, CardSecrets
from services.health.store.sealing import seal, unseal

_STORED = (*(name for name in CardRecord.model_fields if name != "secrets"), "sealed")
_COLUMNS = ", ".join(f"c.{name}" for name in _STORED)
_FROZEN = frozenset({"card_id", "person_id", "basis", "opened_on", "created_at"})

_INSERT = prepare(
    f"INSERT INTO vaccination_card ({', '.join(_STORED)}) VALUES ({', '.join(f':{name}' for name in _STORED)})"  # noqa: S608
)
_UPDATE = prepare(
    f"""
    UPDATE vaccination_card SET {", ".join(f"{name} = :{name}" for name in _STORED if name not in _FROZEN)}
    WHERE card_id = :card_id
    """  # noqa: S608 - names of our own columns, as below
)
_FIND = prepare(f"SELECT {_COLUMNS} FROM vaccination_card c WHERE c.card_id = :card_id")  # noqa: S608
_LOCK = prepare(f"SELECT {_COLUMNS} FROM vaccination_card c WHERE c.card_id = :card_id FOR UPDATE")  # noqa: S608
_LIST = prepare(
    f"""
    SELECT {_COLUMNS} FROM vaccination_card c
    WHERE (CAST(:person_ids AS uuid[]) IS NULL OR c.person_id = ANY (CAST(:person_ids AS uuid[])))
        AND (CAST(:status AS text) IS NULL OR c.status = :status)
        AND (CAST(:clinic_code AS text) IS NULL OR c.clinic_code = :clinic_code)
        AND (CAST(:checked_before AS date) IS NULL OR c.checked_on < CAST(:checked_before AS date)
            AND c.status IN ('arrived', 'registered', 'active', 'away'))
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (c.created_at, c.card_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY c.created_at, c.card_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_OUTGROWN = prepare(
    f"""
    SELECT {_COLUMNS} FROM vaccination_card c JOIN mirror_person p ON p.person_id = c.person_id
    WHERE p.birth_date <= CAST(:of_age AS date) AND c.status NOT IN ('aged_out', 'archived')
        OR p.birth_date <= CAST(:at_rest AS date) AND c.status = 'aged_out'
    ORDER BY c.card_id LIMIT CAST(:limit AS integer) FOR UPDATE OF c SKIP LOCKED
    """  # noqa: S608
)
_IS_CARDED = prepare("SELECT is_carded(CAST(:person_id AS uuid))")
_OF_PERSONS = prepare(
    """
    SELECT card_id FROM vaccination_card WHERE person_id = ANY (CAST(:person_ids AS uuid[]))
    UNION SELECT c.card_id FROM mirror_person_alias a JOIN vaccination_card c ON c.person_id = a.person_id
    WHERE a.canonical_person_id = ANY (CAST(:person_ids AS uuid[])) AND a.unmerged_on IS NULL
    """
)


async def insert_card(work: Work, record: CardRecord) -> None:
    """Store a card just opened."""
    await work.tx.execute(_INSERT, **_values(work.keyring, record))


async def update_card(work: Work, record: CardRecord) -> None:
    """Store a card that went on."""
    values = _values(work.keyring, record)
    given = {name: values[name] for name in _STORED if name == "card_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_card(work: Work, card_id: UUID) -> CardRecord | None:
    """The card, when this client's office keeps it or sees the child."""
    row = await work.tx.fetch_row(_FIND, card_id=card_id)
    return None if row is None else card_of(work.keyring, row)


async def lock_card(work: Work, card_id: UUID) -> CardRecord | None:
    """The same, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, card_id=card_id)
    return None if row is None else card_of(work.keyring, row)


async def list_cards(
    work: Work,
    *,
    person_ids: Sequence[UUID] | None,
    status: CardStatus | None,
    clinic_code: str | None,
    checked_before: date | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 cards in this client's sight, oldest first; `checked_before`: looked after, not checked since."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        person_ids=person_ids,
        status=status,
        clinic_code=clinic_code,
        checked_before=checked_before,
        after_created_at=after_created_at,
        after_id=after_id,
        limit=limit + 1,
    )


async def lock_outgrown(work: Work, *, limit: int) -> list[CardRecord]:
    """Cards of who came of age, and cards whose time is over, as `rules.cards.outgrown` says it of one."""
    rows = await work.tx.fetch(
        _OUTGROWN,
        of_age=add_months(work.today, -12 * CHILD_UNTIL_YEARS),
        at_rest=add_months(work.today, -12 * KEPT_UNTIL_YEARS),
        limit=limit,
    )
    return [card_of(work.keyring, row) for row in rows]


async def is_carded(work: Work, person_id: UUID) -> bool:
    """Whether the human has a card, under whatever id and in whatever office."""
    return bool(await work.tx.fetch_value(_IS_CARDED, person_id=person_id))


async def cards_of(work: Work, person_ids: Sequence[UUID]) -> list[UUID]:
    """The cards kept under these ids, or under ids merged into them."""
    return [row["card_id"] for row in await work.tx.fetch(_OF_PERSONS, person_ids=list(person_ids))]


def card_of(keyring: Keyring, row: Record) -> CardRecord:
    """The state of a card in a row."""
    columns = dict(row.items())
    return CardRecord(**columns, secrets=secrets_of(keyring, row["card_id"], columns.pop("sealed")))


def secrets_of(keyring: Keyring, card_id: UUID, sealed: bytes) -> CardSecrets:
    """What is kept encrypted with a card."""
    return unseal(keyring, CardSecrets, sealed, _context(card_id))


def _context(card_id: UUID) -> str:
    return f"vaccination_card|sealed|{card_id}"


def _values(keyring: Keyring, record: CardRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    values["sealed"] = seal(keyring, record.secrets, _context(record.card_id))
    return values
