"""Residence registrations: find, lock, list by division, write.

A registration is visible to a client that may see the person, within the client's own division: another town that holds the
person now has no business with the old address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.rules.residence_registration import RegistrationEndReason, RegistrationPeriod
from services.registry.schemas.registrations import RegistrationRecord, RegistrationStatus
from services.registry.store import visibility
from services.registry.store.persons import EXPIRED_ON
from services.registry.store.sealing import sealed_in, unseal

COLUMNS = """r.registration_id, r.person_id, r.status, r.division_code, r.sealed, r.residence_kind, r.reported_by,
    r.reporter_person_id, r.registered_on, r.started_on, r.expected_end_on, r.residence_since, r.changed_on, r.reported_late,
    r.ended_on, r.end_reason, r.end_caused_by, r.version, r.created_at, r.updated_at"""

_FIND = prepare(f"SELECT {COLUMNS} FROM residence_registration r WHERE r.registration_id = :registration_id")  # noqa: S608
# Of every registration of a person, in whichever town, what the continuity rule needs, and the current one whole.
_ALL = prepare(f"SELECT {COLUMNS} FROM registrations_of(CAST(:person_id AS uuid)) r ORDER BY r.registered_on")  # noqa: S608
_ALL_AND_STANDING = prepare(
    f"""
    SELECT d.seen_by, d.expired_on, {COLUMNS}
    FROM (SELECT ARRAY(SELECT divisions_seeing(ARRAY[CAST(:person_id AS uuid)], CAST(:seen_since AS date))) AS seen_by,
        ({EXPIRED_ON.format(person_id="CAST(:person_id AS uuid)")}) AS expired_on) d
    LEFT JOIN registrations_of(CAST(:person_id AS uuid)) r ON true
    ORDER BY r.registered_on
    """  # noqa: S608
)
# Where rows of the division are many, they are met soon enough in the order of the list; where they are few, by their code. The
# operators are those of the index, and proof against leaks, so that they may go before the policy.
_PAGE = """
    (CAST(:status AS text) IS NULL OR r.status = :status)
    AND (CAST(:after_created_at AS timestamptz) IS NULL
        OR (r.created_at, r.registration_id) > (:after_created_at, CAST(:after_registration_id AS uuid)))
    ORDER BY r.created_at, r.registration_id LIMIT CAST(:limit AS integer)
"""
_LIST_WIDE = prepare(
    f"SELECT {COLUMNS} FROM residence_registration r WHERE starts_with(r.division_code, CAST(:prefix AS text)) AND {_PAGE}"  # noqa: S608
)
_LIST = prepare(
    f"""
    SELECT {COLUMNS} FROM residence_registration r
    WHERE r.division_code ~>=~ CAST(:division_from AS text) AND r.division_code ~<~ CAST(:division_to AS text) AND {_PAGE}
    """  # noqa: S608
)
_OF_PERSON = prepare(
    f"""
    SELECT {COLUMNS} FROM residence_registration r WHERE r.person_id = ANY (ids_of_human(CAST(:person_id AS uuid)))
    AND (CAST(:before_created_at AS timestamptz) IS NULL
        OR (r.created_at, r.registration_id) < (:before_created_at, CAST(:before_registration_id AS uuid)))
    ORDER BY r.created_at DESC, r.registration_id DESC LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_INSERT = prepare(
    """
    INSERT INTO residence_registration (registration_id, person_id, status, division_code, sealed, residence_kind, reported_by,
        reporter_person_id, registered_on, started_on, expected_end_on, residence_since, changed_on, reported_late, ended_on,
        end_reason, end_caused_by, version, created_at, updated_at)
    VALUES (:registration_id, :person_id, :status, :division_code, :sealed, :residence_kind, :reported_by, :reporter_person_id,
        :registered_on, :started_on, :expected_end_on, :residence_since, :changed_on, :reported_late, :ended_on, :end_reason,
        :end_caused_by, :version, :created_at, :updated_at)
    """
)
_UPDATE = prepare(
    """
    UPDATE residence_registration SET status = :status, division_code = :division_code, sealed = :sealed,
        residence_kind = :residence_kind, changed_on = :changed_on, reported_late = :reported_late, ended_on = :ended_on,
        end_reason = :end_reason, end_caused_by = :end_caused_by, version = :version, updated_at = :updated_at
    WHERE registration_id = :registration_id
    """
)
_END_BY_MOVE = prepare(
    """
    SELECT end_registration_by_move(CAST(:registration_id AS uuid), CAST(:ended_on AS date), CAST(:end_reason AS text),
        CAST(:version AS integer), CAST(:updated_at AS timestamptz))
    """
)
_UPDATED = (
    "status",
    "division_code",
    "residence_kind",
    "changed_on",
    "reported_late",
    "ended_on",
    "end_reason",
    "end_caused_by",
    "version",
    "updated_at",
)


_COUNTY_DIGITS = 6


class _Secrets(View):
    address: str


@dataclass(frozen=True, slots=True)
class Residence:
    """Where a human is and was registered, under whichever id; read while the rows of all ids are locked.

    `is_contested`: a merge found more than one current registration, and nobody has said yet which is true.
    """

    current: RegistrationRecord | None
    periods: tuple[RegistrationPeriod, ...]
    is_contested: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What a new registration goes by. `seen_by`: the divisions whose followers may hear of the person."""

    residence: Residence
    seen_by: list[str]
    documents_expired_on: date | None


async def find_registration(work: Work, registration_id: UUID) -> RegistrationRecord | None:
    """The registration, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, registration_id=registration_id)
    return None if row is None else registration_of(work.keyring, row)


async def reload_registration(work: Work, registration_id: UUID) -> RegistrationRecord:
    """The registration as it is now that the person's row is locked."""
    row = await work.tx.fetch_row(_FIND, registration_id=registration_id)
    assert row is not None
    return registration_of(work.keyring, row)


async def residence_of(work: Work, person_id: UUID) -> Residence:
    """The current registration and all periods."""
    return _residence(work, await work.tx.fetch(_ALL, person_id=person_id))


async def standing_of(work: Work, person_id: UUID) -> Standing:
    """The same, with what else a new registration goes by."""
    seen_since = visibility.seen_since(work)
    rows = await work.tx.fetch(_ALL_AND_STANDING, person_id=person_id, seen_since=seen_since, today=work.today)
    found = [row for row in rows if row["registration_id"] is not None]
    return Standing(_residence(work, found), rows[0]["seen_by"], rows[0]["expired_on"])


def _residence(work: Work, rows: Sequence[Record]) -> Residence:
    currents = [row for row in rows if row["status"] == RegistrationStatus.CURRENT]
    return Residence(
        current=registration_of(work.keyring, currents[0]) if currents else None,
        periods=tuple(
            RegistrationPeriod(
                row["registered_on"],
                row["ended_on"],
                row["division_code"],
                was_error=row["end_reason"] == RegistrationEndReason.RECORDED_IN_ERROR,
            )
            for row in rows
        ),
        is_contested=len(currents) > 1,
    )


async def list_registrations(
    work: Work, *, division_prefix: str, status: RegistrationStatus | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows below a division, oldest first."""
    after_created_at, after_registration_id = after or (None, None)
    page = {
        "status": status,
        "after_created_at": after_created_at,
        "after_registration_id": after_registration_id,
        "limit": limit + 1,
    }
    if len(division_prefix) <= _COUNTY_DIGITS:
        return await work.tx.fetch(_LIST_WIDE, prefix=division_prefix, **page)
    bounds = {"division_from": division_prefix, "division_to": division_prefix + ":"}  # the character after 9
    return await work.tx.fetch(_LIST, **bounds, **page)


async def registrations_of(
    work: Work, person_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 rows of the human's registrations that are visible to the client, newest first."""
    before_created_at, before_registration_id = before or (None, None)
    return await work.tx.fetch(
        _OF_PERSON,
        person_id=person_id,
        before_created_at=before_created_at,
        before_registration_id=before_registration_id,
        limit=limit + 1,
    )


async def insert_registration(work: Work, record: RegistrationRecord) -> None:
    """Store a new registration."""
    await work.tx.execute(_INSERT, **record.model_dump(exclude={"address"}), sealed=sealed_registration(work.keyring, record))


async def update_registration(work: Work, record: RegistrationRecord) -> None:
    """Store a changed or ended registration."""
    tag = await work.tx.execute(
        _UPDATE,
        registration_id=record.registration_id,
        **record.model_dump(include=set(_UPDATED)),
        sealed=sealed_registration(work.keyring, record),
    )
    require_one(tag)


async def end_by_move(work: Work, record: RegistrationRecord) -> None:
    """Store the end of a registration that its holder moved away from, in whichever town it was."""
    is_done = await work.tx.fetch_value(
        _END_BY_MOVE,
        registration_id=record.registration_id,
        ended_on=record.ended_on,
        end_reason=record.end_reason,
        version=record.version,
        updated_at=record.updated_at,
    )
    require_one(int(is_done))


def registration_of(keyring: Keyring, row: Record | dict[str, Any]) -> RegistrationRecord:
    """The state of a registration in a row."""
    columns = dict(row.items())
    context = sealed_in("residence_registration", row["registration_id"])
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), context)
    return RegistrationRecord(**columns, address=secrets.address)


def sealed_registration(keyring: Keyring, record: RegistrationRecord) -> bytes:
    """The encrypted column of a registration."""
    return keyring.seal(registration_secrets(record).encode(), sealed_in("residence_registration", record.registration_id))


def registration_secrets(record: RegistrationRecord) -> str:
    """What of a registration is encrypted, as JSON."""
    return _Secrets(address=record.address).model_dump_json()
