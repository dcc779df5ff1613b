"""Requests of persons about their data: write, find, list; restriction."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.rights import RightsRequestRecord, RightsSecrets
from services.registry.store.sealing import seal, unseal

_STORED = (*(name for name in RightsRequestRecord.model_fields if name != "secrets"), "sealed")
COLUMNS = ", ".join(f"r.{name}" for name in _STORED)
_FROZEN = frozenset({"rights_request_id", "person_id", "contest_id", "contested_field", "created_at"})


_LISTS = ("reasons", "clock")


def _bound(name: str) -> str:
    return f"CAST(:{name} AS jsonb)" if name in _LISTS else f":{name}"


# As `rules.rights.is_overdue` and `rules.rights_clock.is_abandoned` say it.
_LATE = """(r.status IN ('received', 'verified') AND r.supplement_due_on IS NULL AND NOT r.is_due_provisional
        AND r.due_on < CAST(:today AS date))"""
_GIVEN_UP = """(r.status IN ('received', 'verified') AND r.supplement_due_on < CAST(:today AS date))"""
_INSERT = prepare(
    f"INSERT INTO rights_request ({', '.join(_STORED)}) VALUES ({', '.join(map(_bound, _STORED))})"  # noqa: S608
)
_UPDATE = prepare(
    f"""
    UPDATE rights_request SET {", ".join(f"{name} = {_bound(name)}" for name in _STORED if name not in _FROZEN)}
    WHERE rights_request_id = :rights_request_id
    """  # noqa: S608
)
_FIND = prepare(f"SELECT {COLUMNS} FROM rights_request r WHERE r.rights_request_id = :rights_request_id")  # noqa: S608
_LOCK = prepare(
    f"SELECT {COLUMNS} FROM rights_request r WHERE r.rights_request_id = :rights_request_id FOR UPDATE"  # noqa: S608
)
_OF_CONTEST = prepare(f"SELECT {COLUMNS} FROM rights_request r WHERE r.contest_id = :contest_id")  # noqa: S608
# What feeds a neighbour's fact, by its name there; the person's own record is told by its version.
_TABLES_OF_FIELD = {
    "residence_since": ("residence_registration",),
    "residences": ("residence_registration",),
    "home": ("residence_registration",),
    "employments": ("employment",),
    "present_employer": ("employment",),
    "lives_and_works": ("residence_registration", "employment"),
    "permits": ("residence_permit",),
    "holds_permit": ("residence_permit",),
}
_CHANGED = {
    table: prepare(
        f"""
        SELECT EXISTS (SELECT FROM {table} WHERE person_id = ANY (ids_of_human(CAST(:person_id AS uuid)))
            AND updated_at > CAST(:since AS timestamptz))
        """  # noqa: S608 - the tables above
    )
    for table in ("residence_registration", "employment", "residence_permit")
}
_LIST = prepare(
    f"""
    SELECT {COLUMNS} FROM rights_request r
    WHERE (CAST(:person_id AS uuid) IS NULL OR r.person_id = :person_id)
        AND (CAST(:status AS text) IS NULL OR :status =
            CASE WHEN {_GIVEN_UP} THEN 'abandoned' ELSE r.status END)
        AND (NOT CAST(:overdue AS boolean) OR {_LATE})
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (r.created_at, r.rights_request_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY r.created_at, r.rights_request_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
# The key is that of `actions.notices.dedupe_key` for this template.
_UNTOLD = prepare(
    f"""
    SELECT {COLUMNS} FROM rights_request r JOIN person p USING (person_id)
    WHERE {_LATE}
        AND NOT EXISTS (SELECT FROM notice n
            WHERE n.dedupe_key = concat_ws('|', 'rights_request_overdue', r.person_id, r.rights_request_id, r.due_on))
    ORDER BY r.due_on, r.rights_request_id LIMIT CAST(:limit AS integer) FOR UPDATE OF p
    """  # noqa: S608
)
_ABANDONED = prepare(
    f"""
    SELECT r.rights_request_id FROM rights_request r JOIN person p USING (person_id) WHERE {_GIVEN_UP}
    ORDER BY r.supplement_due_on, r.rights_request_id LIMIT CAST(:limit AS integer) FOR UPDATE OF p
    """  # noqa: S608
)
_PROVISIONAL = prepare(
    """
    SELECT r.rights_request_id FROM rights_request r JOIN person p USING (person_id)
    WHERE r.status IN ('received', 'verified') AND r.is_due_provisional
        AND r.due_on <= CAST(:held_until AS date)
    ORDER BY r.due_on, r.rights_request_id LIMIT CAST(:limit AS integer) FOR UPDATE OF p
    """
)
_RESTRICT = prepare("SELECT restrict_person(CAST(:rights_request_id AS uuid), CAST(:today AS date))")
_LIFT = prepare("SELECT lift_restriction(CAST(:rights_request_id AS uuid), CAST(:today AS date))")
_LOOK_AT_RESTRICTED = prepare("SELECT look_at_restricted(CAST(:person_id AS uuid))")
_RESTRICTED_ON = prepare("SELECT restricted_on(CAST(:person_id AS uuid))")


async def insert_request(work: Work, record: RightsRequestRecord) -> None:
    """Store a request just received."""
    await work.tx.execute(_INSERT, **_values(work.keyring, record))


async def update_request(work: Work, record: RightsRequestRecord) -> None:
    """Store a request that went on."""
    values = _values(work.keyring, record)
    given = {name: values[name] for name in _STORED if name == "rights_request_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_request(work: Work, rights_request_id: UUID) -> RightsRequestRecord | None:
    """The request, when this client's office answers it."""
    row = await work.tx.fetch_row(_FIND, rights_request_id=rights_request_id)
    return None if row is None else request_of(work.keyring, row)


async def lock_request(work: Work, rights_request_id: UUID) -> RightsRequestRecord:
    """The request as it is now, held until the commit; it exists."""
    row = await work.tx.fetch_row(_LOCK, rights_request_id=rights_request_id)
    assert row is not None
    return request_of(work.keyring, row)


async def list_requests(
    work: Work,
    *,
    person_id: UUID | None,
    status: str | None,
    overdue: bool,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 requests that this client's office answers, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        person_id=person_id,
        status=status,
        overdue=overdue,
        today=work.today,
        after_created_at=after_created_at,
        after_id=after_id,
        limit=limit + 1,
    )


async def lock_untold_overdue(work: Work, *, limit: int) -> list[RightsRequestRecord]:
    """Requests past their last day whose person was not told so yet, persons' rows locked."""
    rows = await work.tx.fetch(_UNTOLD, today=work.today, limit=limit)
    return [request_of(work.keyring, row) for row in rows]


async def lock_persons_of_abandoned(work: Work, *, limit: int) -> list[UUID]:
    """Requests whose supplement is late and that were not written down as given up yet, persons' rows locked."""
    rows = await work.tx.fetch(_ABANDONED, today=work.today, limit=limit)
    return [row["rights_request_id"] for row in rows]


async def lock_persons_of_provisional(work: Work, *, held_until: date, limit: int) -> list[UUID]:
    """Open requests whose term was counted before the calendar was held that reaches its end now, persons' rows locked."""
    rows = await work.tx.fetch(_PROVISIONAL, held_until=held_until, limit=limit)
    return [row["rights_request_id"] for row in rows]


async def restrict_person(work: Work, rights_request_id: UUID) -> None:
    """From now on nobody sees the person of the request."""
    require_one(int(await work.tx.fetch_value(_RESTRICT, rights_request_id=rights_request_id, today=work.today)))


async def lift_restriction(work: Work, rights_request_id: UUID) -> bool:
    """The person is seen again as before, unless restricted by another request; whether there was a restriction to lift."""
    return bool(await work.tx.fetch_value(_LIFT, rights_request_id=rights_request_id, today=work.today))


async def look_at_restricted(work: Work, person_id: UUID) -> bool:
    """See somebody restricted for the rest of the transaction, as far as the client did before; whether there is such a one."""
    return bool(await work.tx.fetch_value(_LOOK_AT_RESTRICTED, person_id=person_id))


async def restricted_on(work: Work, person_id: UUID) -> date | None:
    """Since when a person this client could see is restricted."""
    day: date | None = await work.tx.fetch_value(_RESTRICTED_ON, person_id=person_id)
    return day


async def request_of_contest(work: Work, contest_id: UUID) -> RightsRequestRecord | None:
    """The request that a neighbour's contest led to."""
    row = await work.tx.fetch_row(_OF_CONTEST, contest_id=contest_id)
    return None if row is None else request_of(work.keyring, row)


async def is_field_changed(work: Work, person_id: UUID, field: str, since: datetime) -> bool:
    """Whether what feeds a neighbour's fact was changed after that instant, under any id of the human."""
    tables = _TABLES_OF_FIELD.get(field, ())
    changed = [await work.tx.fetch_value(_CHANGED[table], person_id=person_id, since=since) for table in tables]
    return any(changed)


def request_of(keyring: Keyring, row: Record) -> RightsRequestRecord:
    """The state of a request in a row; without its secrets once the person is deleted."""
    columns = dict(row.items())
    sealed = columns.pop("sealed")
    context = f"rights_request|sealed|{row['rights_request_id']}"
    return RightsRequestRecord(**columns, secrets=None if sealed is None else unseal(keyring, RightsSecrets, sealed, context))


def _values(keyring: Keyring, record: RightsRequestRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _STORED if name not in {*_LISTS, "sealed"}}
    values["reasons"] = [reason.model_dump() for reason in record.reasons]
    values["clock"] = [entry.model_dump(mode="json") for entry in record.clock]
    context = f"rights_request|sealed|{record.rights_request_id}"
    values["sealed"] = None if record.secrets is None else seal(keyring, record.secrets, context)
    return values
