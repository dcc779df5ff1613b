"""Persons and their identity documents: find, lock, write. Names, phones and numbers are sealed on the way in, opened on
the way out.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.rules.identity_number import DocumentType, number_space
from services.registry.rules.person_name import name_key
from services.registry.schemas.evidence import Evidence
from services.registry.schemas.merging import ConflictKind
from services.registry.schemas.person_views import DocumentRecord, PersonRecord
from services.registry.store.sealing import sealed_in, unseal
from services.registry.store.visibility import IS_VISIBLE

COLUMNS = """p.person_id, p.version, p.sealed, p.birth_date, p.sex_code, p.ethnicity_code, p.education_code,
    p.hukou_division_code, p.no_document_reason, p.warnings, p.created_at, p.updated_at, (
        SELECT jsonb_agg(jsonb_build_object('document_id', d.document_id, 'type', d.type, 'sealed', encode(d.sealed, 'hex'),
            'valid_from', d.valid_from, 'valid_until', d.valid_until) ORDER BY d.recorded_at, d.document_id)
        FROM identity_document d WHERE d.person_id = p.person_id AND d.superseded_at IS NULL) AS documents"""

_FIND = prepare(
    f"""
    SELECT {COLUMNS}, {IS_VISIBLE} AS is_visible FROM person p WHERE p.person_id = canonical_id(CAST(:person_id AS uuid))
    """  # noqa: S608 - constants of this module
)
_LOAD_EACH = prepare(f"SELECT {COLUMNS} FROM person p WHERE p.person_id = ANY (CAST(:person_ids AS uuid[]))")  # noqa: S608
_LOCK_NEXT = prepare(
    """
    SELECT p.person_id FROM person p WHERE CAST(:after AS uuid) IS NULL OR p.person_id > CAST(:after AS uuid)
    ORDER BY p.person_id LIMIT CAST(:limit AS integer) FOR UPDATE
    """
)
_LOCK = prepare(
    f"""
    SELECT p.person_id, p.birth_date, p.hukou_division_code, p.document_types, p.is_visible, p.is_held,
        p.merged_into, p.contested, {person_keys.COLUMNS}
    FROM lock_persons(CAST(:person_ids AS uuid[])) p LEFT JOIN person_key k USING (person_id)
    """  # noqa: S608
)
_BIRTH_DATES = prepare(
    """
    SELECT p.person_id,
        (SELECT max(h.birth_date) FROM person h WHERE h.person_id = ANY (ids_of_human(p.person_id))) AS birth_date
    FROM person p WHERE p.person_id = ANY (CAST(:person_ids AS uuid[]))
    """
)
_LOAD = prepare(f"SELECT {COLUMNS} FROM person p WHERE p.person_id = :person_id")  # noqa: S608
EXPIRED_ON = """
    SELECT max(d.valid_until) FROM identity_document d
    WHERE d.person_id = ANY (ids_of_human({person_id})) AND d.superseded_at IS NULL
    HAVING bool_and(d.valid_until < CAST(:today AS date)) AND count(*) = count(d.valid_until)
"""
"""The last day of a person's documents when all of them are out of date; no row otherwise. For `format`: whose."""
_EXPIRED_ON = prepare(EXPIRED_ON.format(person_id="CAST(:person_id AS uuid)"))
_CLAIM_DOCUMENTS = prepare("SELECT number_index, person_id FROM claim_documents(CAST(:indexes AS bytea[]))")
# The next share of a number is taken only by whom two officers stated to share it; the claim keeps others from taking the same.
_ADD_DOCUMENTS = """INSERT INTO identity_document
        (document_id, person_id, type, number_index, share, sealed, valid_from, valid_until, recorded_at)
    SELECT g.document_id, :person_id, g.type, g.number_index,
        CASE WHEN g.is_shared THEN (SELECT coalesce(1 + max(o.share), 0) FROM identity_document o
            WHERE o.number_index = g.number_index AND o.superseded_at IS NULL) ELSE 0 END,
        g.sealed, g.valid_from, g.valid_until, {at}
    FROM unnest(CAST(:document_ids AS uuid[]), CAST(:document_types AS text[]), CAST(:number_indexes AS bytea[]),
        CAST(:are_shared AS boolean[]), CAST(:sealed_documents AS bytea[]), CAST(:valid_froms AS date[]),
        CAST(:valid_untils AS date[]))
        AS g (document_id, type, number_index, is_shared, sealed, valid_from, valid_until)"""
_INSERT = prepare(
    f"""
    WITH made AS (
        INSERT INTO person (person_id, sealed, name_index, birth_date, sex_code, ethnicity_code, education_code,
            hukou_division_code, no_document_reason, warnings, version, created_at, updated_at)
        VALUES (:person_id, :sealed, :name_index, :birth_date, :sex_code, :ethnicity_code, :education_code,
            :hukou_division_code, :no_document_reason, CAST(:warnings AS jsonb), :version, :created_at, :updated_at)
    ), held AS (
        INSERT INTO person_division (person_division_id, person_id, division_code, source, since)
        VALUES (:person_id, :person_id, :division_code, 'intake', :since)
    )
    {_ADD_DOCUMENTS.format(at=":created_at")}
    """  # noqa: S608 - constants of this module
)
_SUPERSEDE = prepare(
    "UPDATE identity_document SET superseded_at = :superseded_at WHERE document_id = ANY (CAST(:document_ids AS uuid[]))"
)
_UPDATE = prepare(
    f"""
    WITH changed AS (
        UPDATE person SET sealed = :sealed, name_index = :name_index, birth_date = :birth_date, sex_code = :sex_code,
            ethnicity_code = :ethnicity_code, education_code = :education_code, hukou_division_code = :hukou_division_code,
            no_document_reason = :no_document_reason, warnings = CAST(:warnings AS jsonb), version = :version,
            updated_at = :updated_at
        WHERE person_id = :person_id
        RETURNING person_id
    ), added AS (
        {_ADD_DOCUMENTS.format(at=":updated_at")}
    )
    SELECT count(*) FROM changed
    """  # noqa: S608 - constants of this module
)


class _PersonSecrets(View):
    name: str
    phone: str | None


class _DocumentSecrets(View):
    number: str
    normalised_number: str
    issuer: str | None
    sharing_evidence: tuple[Evidence, ...] = ()
    settling_evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """A person as this client may read it; `is_visible` is false when the client only resolved it."""

    record: PersonRecord
    is_visible: bool


@dataclass(frozen=True, slots=True)
class LockedPerson:
    """A person whose row this transaction locked, so that everything about the person happens in one order.

    `is_visible` is false when the client only resolved the person; `is_held` tells whether its division holds the person now.
    `merged_into` is the canonical person where this id is an alias; `contested`: of what a merge left the human two.
    """

    person_id: UUID
    birth_date: date
    hukou_division_code: str | None
    document_types: tuple[DocumentType, ...]
    is_visible: bool
    is_held: bool
    merged_into: UUID | None
    contested: frozenset[ConflictKind]


async def find_person(work: Work, person_id: UUID) -> SeenPerson | None:
    """The person an id stands for – of an alias the canonical one –, or `None` when there is none this client may know of."""
    row = await work.tx.fetch_row(_FIND, person_id=person_id)
    return None if row is None else SeenPerson(person_of(work.keyring, row), row["is_visible"])


async def lock_persons(work: Work, *person_ids: UUID) -> dict[UUID, LockedPerson]:
    """Lock the rows of those persons that exist, and of the other ids of the same humans, in the order of their ids; returns
    those this client may know of.
    """
    rows = await work.tx.fetch(_LOCK, person_ids=list(person_ids))
    for row in rows:
        work.learn_person_key(row)
    return {row["person_id"]: _locked(row) for row in rows}


async def documents_expired_on(work: Work, person_id: UUID) -> date | None:
    """The last day of the person's identity documents when all of them are out of date; `None` with one in force, or none."""
    day: date | None = await work.tx.fetch_value(_EXPIRED_ON, person_id=person_id, today=work.today)
    return day


async def load_person(work: Work, person_id: UUID) -> PersonRecord:
    """The whole state of a person that is known to exist."""
    row = await work.tx.fetch_row(_LOAD, person_id=person_id)
    assert row is not None
    return person_of(work.keyring, row)


async def load_persons(work: Work, person_ids: Sequence[UUID]) -> dict[UUID, PersonRecord]:
    """The whole state of each of these persons that the client may know of."""
    rows = await work.tx.fetch(_LOAD_EACH, person_ids=list(person_ids))
    return {row["person_id"]: person_of(work.keyring, row) for row in rows}


async def lock_next_persons(work: Work, *, after: UUID | None, limit: int) -> dict[UUID, PersonRecord]:
    """The next persons in the order of their ids, locked and then read: nobody changes them before the commit."""
    rows = await work.tx.fetch(_LOCK_NEXT, after=after, limit=limit)
    return await load_persons(work, [row["person_id"] for row in rows])


async def birth_dates_of(work: Work, person_ids: Sequence[UUID]) -> dict[UUID, date]:
    """When these persons were born, of those this client may know of. Of somebody entered twice the later day counts: who is a
    minor by one entry is protected as one.
    """
    rows = await work.tx.fetch(_BIRTH_DATES, person_ids=person_ids)
    return {row["person_id"]: row["birth_date"] for row in rows}


async def claim_documents(work: Work, indexes: Sequence[bytes]) -> dict[bytes, list[UUID | None]]:
    """Keep other transactions from registering these documents until the commit. Those that belong to somebody, by digest, with
    the canonical person of each human who has the number; `None` is somebody this client may not know of.
    """
    owners: defaultdict[bytes, list[UUID | None]] = defaultdict(list)
    for row in await work.tx.fetch(_CLAIM_DOCUMENTS, indexes=list(indexes)):
        owners[row["number_index"]].append(row["person_id"])
    return owners


async def insert_person(work: Work, record: PersonRecord, *, division_code: str) -> None:
    """Store a new person, held by a division of the client's."""
    await work.tx.execute(
        _INSERT,
        **_person_values(work.keyring, record),
        **_document_values(work.keyring, record.identity_documents),
        created_at=record.created_at,
        division_code=division_code,
        since=work.today,
    )


async def update_person(
    work: Work, record: PersonRecord, *, added: Sequence[DocumentRecord], superseded: Sequence[UUID]
) -> None:
    """Store a corrected person; `added` documents come in after the `superseded` ones went out."""
    if superseded:
        await work.tx.execute(_SUPERSEDE, document_ids=list(superseded), superseded_at=record.updated_at)
    changed = await work.tx.fetch_value(
        _UPDATE, **_person_values(work.keyring, record), **_document_values(work.keyring, added)
    )
    require_one(changed)


def number_index(keyring: Keyring, document_type: DocumentType, normalised_number: str) -> bytes:
    """The digest under which a document is found again, whichever of the cards with citizen numbers it was entered as."""
    return keyring.blind_index("identity_document.number", f"{number_space(document_type).value}|{normalised_number}")


def name_index(keyring: Keyring, name: str) -> bytes:
    """The digest under which a name is found again, with or without its middle dot (C-34)."""
    return keyring.blind_index("person.name", name_key(name))


def person_of(keyring: Keyring, row: Record) -> PersonRecord:
    """The state of a person in a row of `COLUMNS`."""
    secrets = unseal(keyring, _PersonSecrets, row["sealed"], sealed_in("person", row["person_id"]))
    return PersonRecord(
        person_id=row["person_id"],
        version=row["version"],
        name=secrets.name,
        phone=secrets.phone,
        birth_date=row["birth_date"],
        sex_code=row["sex_code"],
        ethnicity_code=row["ethnicity_code"],
        education_code=row["education_code"],
        hukou_division_code=row["hukou_division_code"],
        no_document_reason=row["no_document_reason"],
        identity_documents=tuple(_document_of(keyring, item) for item in row["documents"] or ()),
        warnings=row["warnings"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _document_of(keyring: Keyring, item: dict[str, Any]) -> DocumentRecord:
    sealed = bytes.fromhex(item.pop("sealed"))
    secrets = unseal(keyring, _DocumentSecrets, sealed, sealed_in("identity_document", item["document_id"]))
    return DocumentRecord(**item, **secrets.__dict__)


def _locked(row: Record) -> LockedPerson:
    return LockedPerson(
        person_id=row["person_id"],
        birth_date=row["birth_date"],
        hukou_division_code=row["hukou_division_code"],
        document_types=tuple(DocumentType(code) for code in row["document_types"]),
        is_visible=row["is_visible"],
        is_held=row["is_held"],
        merged_into=row["merged_into"],
        contested=frozenset(ConflictKind(kind) for kind in row["contested"]),
    )


def _person_values(keyring: Keyring, record: PersonRecord) -> dict[str, Any]:
    return {
        "person_id": record.person_id,
        "sealed": sealed_person(keyring, record),
        "name_index": name_index(keyring, record.name),
        "birth_date": record.birth_date,
        "sex_code": record.sex_code,
        "ethnicity_code": record.ethnicity_code,
        "education_code": record.education_code,
        "hukou_division_code": record.hukou_division_code,
        "no_document_reason": record.no_document_reason,
        "warnings": [warning.model_dump() for warning in record.warnings],
        "version": record.version,
        "updated_at": record.updated_at,
    }


def _document_values(keyring: Keyring, documents: Sequence[DocumentRecord]) -> dict[str, Any]:
    return {
        "document_ids": [item.document_id for item in documents],
        "document_types": [item.type.value for item in documents],
        "number_indexes": [number_index(keyring, item.type, item.normalised_number) for item in documents],
        "are_shared": [bool(item.sharing_evidence) for item in documents],
        "sealed_documents": [sealed_document(keyring, item) for item in documents],
        "valid_froms": [item.valid_from for item in documents],
        "valid_untils": [item.valid_until for item in documents],
    }


def sealed_person(keyring: Keyring, record: PersonRecord) -> bytes:
    """The encrypted column of a person."""
    return keyring.seal(person_secrets(record).encode(), sealed_in("person", record.person_id))


def person_secrets(record: PersonRecord) -> str:
    """What of a person is encrypted, as JSON."""
    return _PersonSecrets(name=record.name, phone=record.phone).model_dump_json()


def sealed_document(keyring: Keyring, document: DocumentRecord) -> bytes:
    """The encrypted column of a document."""
    return keyring.seal(document_secrets(document).encode(), sealed_in("identity_document", document.document_id))


def document_secrets(document: DocumentRecord) -> str:
    """What of a document is encrypted, as JSON."""
    secrets = _DocumentSecrets(
        number=document.number,
        normalised_number=document.normalised_number,
        issuer=document.issuer,
        sharing_evidence=document.sharing_evidence,
        settling_evidence=document.settling_evidence,
    )
    return secrets.model_dump_json()
