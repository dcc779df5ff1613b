"""Many persons and registrations in few statements, for the bulk door: what `persons` and `registrations` do one by one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.rules.residence_registration import RegistrationEndReason, RegistrationPeriod
from services.registry.schemas.registrations import RegistrationRecord, RegistrationStatus
from services.registry.store.persons import EXPIRED_ON
from services.registry.store.registrations import COLUMNS, Residence, registration_of, sealed_registration
from services.registry.store.visibility import RESOLUTION_LASTS, seen_since

_RESOLVE = prepare(
    """
    SELECT g.number_index, resolve_person(g.number_index, g.name_index, CAST(:expires_at AS timestamptz)) AS person_ids
    FROM unnest(CAST(:number_indexes AS bytea[]), CAST(:name_indexes AS bytea[])) AS g (number_index, name_index)
    """
)
_NAMES = prepare("SELECT person_id, name_index FROM person WHERE person_id = ANY (CAST(:person_ids AS uuid[]))")
_REGISTRATIONS = prepare(
    f"""
    SELECT g.id AS asked, {COLUMNS} FROM unnest(CAST(:person_ids AS uuid[])) AS g (id), LATERAL registrations_of(g.id) r
    ORDER BY g.id, r.registered_on
    """  # noqa: S608 - constants
)
_EXPIRED = prepare(
    f"""
    SELECT p.person_id, e.max AS expired_on FROM unnest(CAST(:person_ids AS uuid[])) AS p (person_id),
        LATERAL ({EXPIRED_ON.format(person_id="p.person_id")}) e
    """  # noqa: S608 - constant of the sibling module
)
_DIVISIONS = prepare(
    """
    SELECT person_id, division_codes
    FROM divisions_seeing_each(CAST(:person_ids AS uuid[]), CAST(:seen_since AS date)) AS d (person_id, division_codes)
    """
)
_ENTER = prepare(
    """
    SELECT enter_residents(:division, CAST(:on_day AS date), CAST(:at AS timestamptz), CAST(:residents AS new_resident[]))
    """
)
_END_BY_MOVE = prepare(
    """
    SELECT count(*) FROM unnest(CAST(:registration_ids AS uuid[]), CAST(:ends AS date[]), CAST(:reasons AS text[]),
        CAST(:versions AS integer[])) AS g (registration_id, ended_on, end_reason, version)
    WHERE end_registration_by_move(g.registration_id, g.ended_on, g.end_reason, g.version, CAST(:at AS timestamptz))
    """
)
_REGISTER = prepare(
    """
    INSERT INTO residence_registration (registration_id, person_id, status, division_code, sealed, residence_kind, reported_by,
        registered_on, started_on, expected_end_on, residence_since, reported_late, version, created_at, updated_at)
    SELECT g.registration_id, g.person_id, 'current', g.division_code, g.sealed, g.residence_kind, g.reported_by,
        g.registered_on, g.started_on, g.expected_end_on, g.residence_since, g.reported_late, 1, CAST(:at AS timestamptz),
        CAST(:at AS timestamptz)
    FROM unnest(CAST(:registration_ids AS uuid[]), CAST(:person_ids AS uuid[]), CAST(:division_codes AS text[]),
        CAST(:sealed AS bytea[]), CAST(:residence_kinds AS text[]), CAST(:reporters AS text[]), CAST(:registered_on AS date[]),
        CAST(:starts AS date[]), CAST(:expected_ends AS date[]), CAST(:since AS date[]), CAST(:are_late AS boolean[]))
        AS g (registration_id, person_id, division_code, sealed, residence_kind, reported_by, registered_on, started_on,
            expected_end_on, residence_since, reported_late)
    """
)
_CHANGE = prepare(
    """
    UPDATE residence_registration r SET division_code = g.division_code, sealed = g.sealed, residence_kind = g.residence_kind,
        changed_on = g.changed_on, reported_late = g.reported_late, version = g.version,
        updated_at = CAST(:at AS timestamptz)
    FROM unnest(CAST(:registration_ids AS uuid[]), CAST(:division_codes AS text[]), CAST(:sealed AS bytea[]),
        CAST(:residence_kinds AS text[]), CAST(:changed_on AS date[]), CAST(:are_late AS boolean[]),
        CAST(:versions AS integer[]))
        AS g (registration_id, division_code, sealed, residence_kind, changed_on, reported_late, version)
    WHERE r.registration_id = g.registration_id
    """
)


class NewResident(NamedTuple):
    """A person nobody knew, with one document and a registration, as the rows will hold them; ids are texts. It is the type
    `new_resident` of the database: many go as one array of rows, `chassis/work.py` says why.
    """

    person_id: str
    sealed_person: bytes
    name_index: bytes
    birth_date: date
    sex_code: str
    ethnicity_code: str | None
    education_code: str | None
    hukou_code: str | None
    warnings: str
    document_id: str
    document_type: str
    number_index: bytes
    sealed_document: bytes
    registration_id: str
    division_code: str
    sealed_registration: bytes
    residence_kind: str
    reported_by: str
    started_on: date
    expected_end_on: date | None
    reported_late: bool
    name_prefix_2: int | None
    name_prefix_3: int | None
    pinyin: int | None
    initials: int | None
    phone: int | None
    initials_and_birth: int | None
    name_and_home: int | None


async def resolve_each(work: Work, pairs: Mapping[bytes, bytes]) -> dict[bytes, UUID | None]:
    """The person a complete number, which one human has, and a name belong to, by the number's digest, as `resolve` tells it;
    for each pair.
    """
    rows = await work.tx.fetch(
        _RESOLVE,
        number_indexes=list(pairs),
        name_indexes=list(pairs.values()),
        expires_at=work.now + RESOLUTION_LASTS,
    )
    return {row["number_index"]: next(iter(row["person_ids"]), None) for row in rows}


async def name_indexes_of(work: Work, person_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The digests of the names of persons the client may know of."""
    rows = await work.tx.fetch(_NAMES, person_ids=list(person_ids))
    return {row["person_id"]: row["name_index"] for row in rows}


async def registrations_of_each(work: Work, person_ids: Sequence[UUID]) -> dict[UUID, list[RegistrationRecord]]:
    """Every registration of each of these persons, in whichever town and under whichever id, by the day of registration."""
    found: defaultdict[UUID, list[RegistrationRecord]] = defaultdict(list)
    for row in await work.tx.fetch(_REGISTRATIONS, person_ids=list(person_ids)):
        columns = dict(row.items())
        found[columns.pop("asked")].append(registration_of(work.keyring, columns))
    return {person_id: found[person_id] for person_id in person_ids}


def residence(records: Sequence[RegistrationRecord]) -> Residence:
    """Where one person is and was registered, as `registrations.residence_of` tells it."""
    currents = [record for record in records if record.status is RegistrationStatus.CURRENT]
    return Residence(
        currents[0] if currents else None,
        tuple(
            RegistrationPeriod(
                record.registered_on,
                record.ended_on,
                record.division_code,
                was_error=record.end_reason is RegistrationEndReason.RECORDED_IN_ERROR,
            )
            for record in records
        ),
        is_contested=len(currents) > 1,
    )


async def divisions_of_each(work: Work, person_ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    """The divisions whose followers may hear of each person."""
    rows = await work.tx.fetch(_DIVISIONS, person_ids=list(person_ids), seen_since=seen_since(work))
    return {row["person_id"]: set(row["division_codes"]) for row in rows}


async def documents_expired_on_each(work: Work, person_ids: Sequence[UUID]) -> dict[UUID, date]:
    """Of those of these persons whose documents are all out of date, under whichever id, the last day of them."""
    rows = await work.tx.fetch(_EXPIRED, person_ids=list(person_ids), today=work.today)
    return {row["person_id"]: row["expired_on"] for row in rows}


async def enter_residents(work: Work, residents: Sequence[NewResident], at: datetime) -> None:
    """Store persons nobody knew, with their documents and registrations, held by the client's division until they were
    registered, which is at once.
    """
    await work.tx.execute(_ENTER, division=work.principal.division_code, on_day=work.today, at=at, residents=residents)


async def end_by_move(work: Work, records: Sequence[RegistrationRecord]) -> None:
    """Store the ends of registrations that their holders moved away from."""
    done = await work.tx.fetch_value(
        _END_BY_MOVE,
        registration_ids=[record.registration_id for record in records],
        ends=[record.ended_on for record in records],
        reasons=[record.end_reason for record in records],
        versions=[record.version for record in records],
        at=work.now,
    )
    _require_all(done, records)


async def register(work: Work, records: Sequence[RegistrationRecord]) -> None:
    """Store new registrations of persons the client sees or has resolved."""
    tag = await work.tx.execute(
        _REGISTER,
        registration_ids=[record.registration_id for record in records],
        person_ids=[record.person_id for record in records],
        division_codes=[record.division_code for record in records],
        sealed=_sealed(work, records),
        residence_kinds=[record.residence_kind for record in records],
        reporters=[record.reported_by for record in records],
        registered_on=[record.registered_on for record in records],
        starts=[record.started_on for record in records],
        expected_ends=[record.expected_end_on for record in records],
        since=[record.residence_since for record in records],
        are_late=[record.reported_late for record in records],
        at=work.now,
    )
    _require_all(int(tag.rpartition(" ")[2]), records)


async def change(work: Work, records: Sequence[RegistrationRecord]) -> None:
    """Store registrations whose address changed."""
    tag = await work.tx.execute(
        _CHANGE,
        registration_ids=[record.registration_id for record in records],
        division_codes=[record.division_code for record in records],
        sealed=_sealed(work, records),
        residence_kinds=[record.residence_kind for record in records],
        changed_on=[record.changed_on for record in records],
        are_late=[record.reported_late for record in records],
        versions=[record.version for record in records],
        at=work.now,
    )
    _require_all(int(tag.rpartition(" ")[2]), records)


def _sealed(work: Work, records: Iterable[RegistrationRecord]) -> list[bytes]:
    return [sealed_registration(work.keyring, record) for record in records]


def _require_all(done: Any, records: Sequence[RegistrationRecord]) -> None:
    """A policy passes over rows without a word; then none of it is to be."""
    require_one(1 if done == len(records) else 0)
