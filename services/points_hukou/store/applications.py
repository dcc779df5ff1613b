"""Applications: write, find, list, and whom an application is about."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.points_hukou.rules.application_states import ApplicationStatus
from services.points_hukou.rules.divisions import covering
from services.points_hukou.rules.family import Tie
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.schemas.applications import ApplicationRecord, ApplicationSecrets
from services.points_hukou.store.sealing import seal_about, unseal_about

_STORED = (*(name for name in ApplicationRecord.model_fields if name != "secrets"), "sealed")
_COLUMNS = ", ".join((*(f"a.{name}" for name in _STORED), person_keys.COLUMNS))
_FROM = "FROM application a LEFT JOIN person_key k ON k.person_id = a.person_id"
_FROZEN = frozenset(
    {"application_id", "person_id", "family_person_ids", "for_person_id", "purpose", "service", "division_code"}
    | {"rule_set_id", "applied_on", "created_at"}
)


def _bound(name: str) -> str:
    return "CAST(:family_person_ids AS uuid[])" if name == "family_person_ids" else f":{name}"


# As `actions.application_standing.is_overdue` says it.
_LATE = "(a.status IN ('received', 'in_recheck') AND NOT a.is_due_provisional AND a.due_on < CAST(:today AS date))"
_INSERT = prepare(f"INSERT INTO application ({', '.join(_STORED)}) VALUES ({', '.join(map(_bound, _STORED))})")  # noqa: S608
_UPDATE = prepare(
    f"""
    UPDATE application SET {", ".join(f"{name} = :{name}" for name in _STORED if name not in _FROZEN)}
    WHERE application_id = :application_id
    """  # noqa: S608
)
_FIND = prepare(f"SELECT {_COLUMNS} {_FROM} WHERE a.application_id = :application_id")
_LOCK = prepare(f"SELECT {_COLUMNS} {_FROM} WHERE a.application_id = :application_id FOR UPDATE OF a")
_LIST = prepare(
    f"""
    SELECT {_COLUMNS} {_FROM}
    WHERE (CAST(:person_ids AS uuid[]) IS NULL OR a.person_id = ANY (CAST(:person_ids AS uuid[])))
        AND (CAST(:status AS text) IS NULL OR a.status = :status)
        AND (NOT CAST(:overdue AS boolean) OR {_LATE})
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (a.created_at, a.application_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY a.created_at, a.application_id LIMIT CAST(:limit AS integer)
    """
)
_UNTOLD = prepare(
    f"""
    SELECT {_COLUMNS} {_FROM} WHERE {_LATE} AND a.overdue_told_for IS DISTINCT FROM a.due_on
    ORDER BY a.due_on, a.application_id LIMIT CAST(:limit AS integer) FOR UPDATE OF a SKIP LOCKED
    """  # noqa: S608
)
_DUE = prepare(
    f"""
    SELECT {_COLUMNS} {_FROM} WHERE a.status = 'received' AND a.due_on <= CAST(:today AS date)
        AND (a.scoring_tried_on IS NULL OR a.scoring_tried_on < a.due_on)
    ORDER BY a.due_on, a.application_id LIMIT CAST(:limit AS integer) FOR UPDATE OF a SKIP LOCKED
    """
)
_PROVISIONAL = prepare(
    f"""
    SELECT {_COLUMNS} {_FROM}
    WHERE a.status IN ('received', 'in_recheck') AND a.is_due_provisional AND a.due_on <= CAST(:held_until AS date)
    ORDER BY a.due_on, a.application_id LIMIT CAST(:limit AS integer) FOR UPDATE OF a SKIP LOCKED
    """
)
_HUMANS = prepare(
    """
    SELECT given.id, m.canonical_person_id FROM unnest(CAST(:person_ids AS uuid[])) AS given (id)
    LEFT JOIN mirror_person_alias m ON m.person_id = given.id AND m.unmerged_on IS NULL
    """
)
_IDS = prepare(
    """
    SELECT person_id FROM mirror_person_alias
    WHERE canonical_person_id = ANY (CAST(:person_ids AS uuid[])) AND unmerged_on IS NULL
    """
)
_LOCK_PERSON = prepare("SELECT pg_advisory_xact_lock(hashtextextended('applicant ' || CAST(:person_id AS text), 0))")
_IS_APPLYING = prepare("SELECT is_applying(CAST(:person_ids AS uuid[]), :purpose, CAST(:child_ids AS uuid[]))")
_BIRTHS = prepare("SELECT person_id, birth_date FROM mirror_person WHERE person_id = ANY (CAST(:person_ids AS uuid[]))")
_TIES = prepare(
    """
    SELECT person_id, related_person_id, kind, valid_from, ended_on FROM mirror_relationship
    WHERE person_id = ANY (CAST(:person_ids AS uuid[])) AND related_person_id = ANY (CAST(:person_ids AS uuid[]))
    LIMIT 500
    """
)
# Whoever applies looks which rules are in force, and shares these; whoever puts rules in force takes one alone.
_SHARE_LAW = prepare(
    """
    SELECT pg_advisory_xact_lock_shared(hashtextextended('in force ' || CAST(:purpose AS text) || code, 0))
    FROM unnest(CAST(:covering AS text[])) AS c (code)
    """
)
_TAKE_LAW = prepare(
    "SELECT pg_advisory_xact_lock(hashtextextended('in force ' || CAST(:purpose AS text) || :division_code, 0))"
)
_APPLIED_SINCE = prepare(
    """
    SELECT EXISTS (SELECT FROM application WHERE purpose = :purpose AND starts_with(division_code, :prefix)
        AND applied_on >= CAST(:since AS date))
    """
)
_OPEN = prepare(
    f"""
    SELECT {_COLUMNS} {_FROM} WHERE a.person_id = ANY (CAST(:person_ids AS uuid[]))
        AND a.status IN ('received', 'scored', 'in_recheck') ORDER BY a.application_id FOR UPDATE OF a
    """
)
_FORGET = (
    prepare("UPDATE application SET sealed = NULL WHERE person_id = ANY (CAST(:person_ids AS uuid[]))"),
    prepare("UPDATE assessment SET sealed = NULL WHERE person_id = ANY (CAST(:person_ids AS uuid[]))"),
)


async def insert_application(work: Work, record: ApplicationRecord) -> None:
    """Store an application just received, of somebody who is held."""
    await work.tx.execute(_INSERT, **await _values(work, record))


async def update_application(work: Work, record: ApplicationRecord) -> None:
    """Store an application that went on, and that is locked."""
    values = await _values(work, record)
    given = {name: values[name] for name in _STORED if name == "application_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_application(work: Work, application_id: UUID) -> ApplicationRecord | None:
    """The application, when this client's office has the case or one below it does."""
    row = await work.tx.fetch_row(_FIND, application_id=application_id)
    return None if row is None else application_of(work.keyring, row)


async def lock_application(work: Work, application_id: UUID) -> ApplicationRecord | None:
    """The same, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, application_id=application_id)
    return None if row is None else _locked(work, row)


async def list_applications(
    work: Work,
    *,
    person_ids: Sequence[UUID] | None,
    status: ApplicationStatus | None,
    overdue: bool,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 applications of this client's offices, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        person_ids=person_ids,
        status=status,
        overdue=overdue,
        today=work.today,
        after_created_at=after_created_at,
        after_id=after_id,
        limit=limit + 1,
    )


async def lock_untold_overdue(work: Work, *, limit: int) -> list[ApplicationRecord]:
    """Applications past their term of which followers were not told yet."""
    return [_locked(work, row) for row in await work.tx.fetch(_UNTOLD, today=work.today, limit=limit)]


async def lock_due(work: Work, *, limit: int) -> list[ApplicationRecord]:
    """Applications nobody scored whose last day has come, and that were not tried on it."""
    return [_locked(work, row) for row in await work.tx.fetch(_DUE, today=work.today, limit=limit)]


async def lock_provisional(work: Work, *, held_until: date, limit: int) -> list[ApplicationRecord]:
    """Waiting applications whose term was counted before the calendar was held that reaches its end now."""
    return [_locked(work, row) for row in await work.tx.fetch(_PROVISIONAL, held_until=held_until, limit=limit)]


async def ids_in_use(work: Work, person_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """For each id the one its human has now: itself, unless it was merged."""
    rows = await work.tx.fetch(_HUMANS, person_ids=list(person_ids))
    return {row["id"]: row["canonical_person_id"] or row["id"] for row in rows}


async def all_ids_of(work: Work, person_ids: Collection[UUID]) -> list[UUID]:
    """The ids in use with every other id of the same humans."""
    rows = await work.tx.fetch(_IDS, person_ids=list(person_ids))
    return [*person_ids, *(row["person_id"] for row in rows)]


async def lock_applicants(work: Work, person_ids: Collection[UUID]) -> None:
    """Nobody else applies for these until the commit; always in one order."""
    for person_id in sorted(person_ids):
        await work.tx.execute(_LOCK_PERSON, person_id=str(person_id))


async def is_applying(work: Work, person_ids: Sequence[UUID], purpose: Purpose, child_ids: Sequence[UUID]) -> bool:
    """Whether the same application is open, in whatever office: for that child by anybody, without a child by any of them."""
    return bool(
        await work.tx.fetch_value(_IS_APPLYING, person_ids=list(person_ids), purpose=purpose.value, child_ids=list(child_ids))
    )


async def birth_dates_of(work: Work, person_ids: Collection[UUID]) -> dict[UUID, date]:
    """The birth dates of those this client may see."""
    rows = await work.tx.fetch(_BIRTHS, person_ids=list(person_ids))
    return {row["person_id"]: row["birth_date"] for row in rows}


async def ties_among(work: Work, person_ids: Sequence[UUID]) -> list[Tie]:
    """The relationships among these ids, under the ids in use."""
    rows = await work.tx.fetch(_TIES, person_ids=list(person_ids))
    known = await ids_in_use(work, {row[name] for row in rows for name in ("person_id", "related_person_id")})
    return [
        Tie(known[row["person_id"]], known[row["related_person_id"]], row["kind"], row["valid_from"], row["ended_on"])
        for row in rows
    ]


async def share_law(work: Work, purpose: Purpose, division_code: str) -> None:
    """What is in force for a use there stays so until the commit."""
    await work.tx.execute(_SHARE_LAW, purpose=purpose.value, covering=covering(division_code))


async def take_law(work: Work, purpose: Purpose, division_code: str) -> None:
    """Whoever applies waits until what is in force there is said."""
    await work.tx.execute(_TAKE_LAW, purpose=purpose.value, division_code=division_code)


async def has_applied_since(work: Work, purpose: Purpose, prefix: str, since: date) -> bool:
    """Whether anybody applied for that use there on that day or later."""
    return bool(await work.tx.fetch_value(_APPLIED_SINCE, purpose=purpose.value, prefix=prefix, since=since))


async def forget_applicants(work: Work, person_ids: Sequence[UUID]) -> list[ApplicationRecord]:
    """What was said and scored of deleted persons goes; that they applied, and when it was answered, stays known.

    The applications of theirs that are open, locked.
    """
    for statement in _FORGET:
        await work.tx.execute(statement, person_ids=list(person_ids))
    return [_locked(work, row) for row in await work.tx.fetch(_OPEN, person_ids=list(person_ids))]


def application_of(keyring: Keyring, row: Record) -> ApplicationRecord:
    """The state of an application in a row; without its secrets once the person is deleted."""
    columns = {name: row[name] for name in _STORED if name != "sealed"}
    secrets = unseal_about(keyring, ApplicationSecrets, row, row["person_id"], context_of(row["application_id"]))
    return ApplicationRecord(**columns, secrets=secrets)


def context_of(application_id: UUID) -> str:
    """What the words of an application are bound to."""
    return f"application|sealed|{application_id}"


def _locked(work: Work, row: Record) -> ApplicationRecord:
    """An application whose row is held: an erasure of its person waits for it, so the key that was read with it stays good."""
    work.learn_person_key(row)
    return application_of(work.keyring, row)


async def _values(work: Work, record: ApplicationRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    values |= {"family_person_ids": list(record.family_person_ids), "sealed": None}
    if record.secrets is not None:
        await work.make_person_keys([record.person_id])
        values["sealed"] = seal_about(work, record.person_id, record.secrets, context_of(record.application_id))
    return values
