"""Landlords and their letters of responsibility: find, lock, write. Names, numbers and phones are sealed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.rules.identity_number import DocumentType
from services.registry.schemas.evidence import Evidence
from services.registry.schemas.homes.landlords import LandlordRecord, LetterRecord
from services.registry.store.sealing import seal, unseal

COLUMNS = "l.landlord_id, l.kind, l.division_code, l.person_id, l.sealed, l.version, l.created_at, l.updated_at"
LETTER_COLUMNS = """t.letter_id, t.landlord_id, t.division_code, t.signed_on, t.valid_until, t.ended_on, t.sealed, t.version,
    t.created_at, t.updated_at"""

_FIND = prepare(f"SELECT {COLUMNS} FROM landlord l WHERE l.landlord_id = :landlord_id")  # noqa: S608
_LOCK = prepare(f"SELECT {COLUMNS} FROM landlord l WHERE l.landlord_id = :landlord_id FOR UPDATE")  # noqa: S608
_HOLD = prepare("SELECT l.landlord_id FROM landlord l WHERE l.landlord_id = :landlord_id AND l.erased_on IS NULL FOR SHARE")
_SAME = prepare(
    """
    SELECT landlord_id FROM landlord WHERE division_code = :division_code
    AND (number_index = :number_index OR person_id = ANY (ids_of_human(CAST(:person_id AS uuid))))
    """
)
_INSERT = prepare(
    """
    INSERT INTO landlord (landlord_id, kind, division_code, person_id, number_index, sealed, version, created_at, updated_at)
    VALUES (:landlord_id, :kind, :division_code, :person_id, :number_index, :sealed, :version, :created_at, :updated_at)
    """
)
_UPDATE = prepare(
    "UPDATE landlord SET sealed = :sealed, version = :version, updated_at = :updated_at WHERE landlord_id = :landlord_id"
)
_FIND_LETTER = prepare(f"SELECT {LETTER_COLUMNS} FROM responsibility_letter t WHERE t.letter_id = :letter_id")  # noqa: S608
_LOCK_LETTER = prepare(
    f"SELECT {LETTER_COLUMNS} FROM responsibility_letter t WHERE t.letter_id = :letter_id FOR UPDATE"  # noqa: S608
)
_LETTERS = prepare(
    f"""
    SELECT {LETTER_COLUMNS} FROM responsibility_letter t WHERE t.landlord_id = :landlord_id
    AND (CAST(:before_created_at AS timestamptz) IS NULL
        OR (t.created_at, t.letter_id) < (:before_created_at, CAST(:before_letter_id AS uuid)))
    ORDER BY t.created_at DESC, t.letter_id DESC LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_INSERT_LETTER = prepare(
    """
    INSERT INTO responsibility_letter (letter_id, landlord_id, division_code, signed_on, valid_until, ended_on, sealed, version,
        created_at, updated_at)
    VALUES (:letter_id, :landlord_id, :division_code, :signed_on, :valid_until, :ended_on, :sealed, :version, :created_at,
        :updated_at)
    """
)
_END_LETTER = prepare(
    """
    UPDATE responsibility_letter SET ended_on = :ended_on, version = :version, updated_at = :updated_at
    WHERE letter_id = :letter_id
    """
)


class _Secrets(View):
    name: str | None
    document_type: DocumentType | None
    number: str | None
    phone: str | None
    organisation_name: str | None
    credit_code: str | None


class _LetterSecrets(View):
    evidence: tuple[Evidence, ...]


async def find_landlord(work: Work, landlord_id: UUID) -> LandlordRecord | None:
    """The landlord, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, landlord_id=landlord_id)
    return None if row is None else landlord_of(work.keyring, row)


async def hold_landlord(work: Work, landlord_id: UUID) -> bool:
    """Whether there is a landlord who may let: one in sight that was not erased, and is not before the commit."""
    return await work.tx.fetch_row(_HOLD, landlord_id=landlord_id) is not None


async def lock_landlord(work: Work, landlord_id: UUID) -> LandlordRecord | None:
    """The landlord as it is now, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, landlord_id=landlord_id)
    return None if row is None else landlord_of(work.keyring, row)


async def same_landlord(work: Work, division_code: str, *, number_index: bytes | None, person_id: UUID | None) -> UUID | None:
    """The landlord of this division who is the same person or organisation."""
    found = await work.tx.fetch_value(_SAME, division_code=division_code, number_index=number_index, person_id=person_id)
    return None if found is None else UUID(str(found))


async def insert_landlord(work: Work, record: LandlordRecord, number_index: bytes | None) -> None:
    """Store a new landlord."""
    kept = record.model_dump(exclude=set(_Secrets.model_fields))
    await work.tx.execute(_INSERT, **kept, number_index=number_index, sealed=_sealed(work.keyring, record))


async def update_landlord(work: Work, record: LandlordRecord) -> None:
    """Store a changed landlord."""
    tag = await work.tx.execute(
        _UPDATE,
        landlord_id=record.landlord_id,
        sealed=_sealed(work.keyring, record),
        version=record.version,
        updated_at=record.updated_at,
    )
    require_one(tag)


async def find_letter(work: Work, letter_id: UUID) -> LetterRecord | None:
    """The letter, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND_LETTER, letter_id=letter_id)
    return None if row is None else letter_of(work.keyring, row)


async def lock_letter(work: Work, letter_id: UUID) -> LetterRecord | None:
    """The letter as it is now, held until the commit."""
    row = await work.tx.fetch_row(_LOCK_LETTER, letter_id=letter_id)
    return None if row is None else letter_of(work.keyring, row)


async def letters_of(work: Work, landlord_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 rows of the landlord's letters, newest first."""
    before_created_at, before_letter_id = before or (None, None)
    return await work.tx.fetch(
        _LETTERS,
        landlord_id=landlord_id,
        before_created_at=before_created_at,
        before_letter_id=before_letter_id,
        limit=limit + 1,
    )


async def insert_letter(work: Work, record: LetterRecord) -> None:
    """Store a new letter."""
    sealed = seal(work.keyring, _LetterSecrets(evidence=record.evidence), f"responsibility_letter|sealed|{record.letter_id}")
    await work.tx.execute(_INSERT_LETTER, **record.model_dump(exclude={"evidence"}), sealed=sealed)


async def end_letter(work: Work, record: LetterRecord) -> None:
    """Store the end of a letter."""
    kept = record.model_dump(include={"letter_id", "ended_on", "version", "updated_at"})
    require_one(await work.tx.execute(_END_LETTER, **kept))


def letter_of(keyring: Keyring, row: Record) -> LetterRecord:
    """The state of a letter in a row."""
    columns = dict(row.items())
    secrets = unseal(keyring, _LetterSecrets, columns.pop("sealed"), f"responsibility_letter|sealed|{row['letter_id']}")
    return LetterRecord(**columns, evidence=secrets.evidence)


def landlord_of(keyring: Keyring, row: Record) -> LandlordRecord:
    """The state of a landlord in a row."""
    columns = dict(row.items())
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), f"landlord|sealed|{row['landlord_id']}")
    return LandlordRecord(**columns, **secrets.__dict__)


def _sealed(keyring: Keyring, record: LandlordRecord) -> bytes:
    secrets = _Secrets(**{name: getattr(record, name) for name in _Secrets.model_fields})
    return seal(keyring, secrets, f"landlord|sealed|{record.landlord_id}")
