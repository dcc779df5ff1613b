"""Residence permits and their endorsements: find, lock, write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.permit_views import PermitRecord, PermitSecrets, ReasonView
from services.registry.store.sealing import seal, unseal

_STORED = (
    "permit_id",
    "person_id",
    "registration_id",
    "division_code",
    "status",
    "ground",
    "regime",
    "applicant",
    "applied_on",
    "eligible_from",
    "accepted_on",
    "due_on",
    "residence_start",
    "issued_on",
    "endorsement_anchor_on",
    "endorsement_from",
    "endorsement_until",
    "residence_years_from",
    "suspended_on",
    "suspension_cause",
    "card_status",
    "lost_on",
    "ended_on",
    "end_reason",
    "end_caused_by",
    "reasons",
    "version",
    "created_at",
    "updated_at",
    "sealed",
)
_ENDORSED_ON = """ARRAY(
    SELECT e.decided_on FROM endorsement e WHERE e.permit_id = m.permit_id AND e.accepted ORDER BY e.decided_on
) AS endorsed_on"""
COLUMNS = ", ".join((*(f"m.{name}" for name in _STORED), _ENDORSED_ON))
_FROZEN = frozenset({"permit_id", "person_id", "created_at"})
_JSONB = "CAST(:reasons AS jsonb)"

_FIND = prepare(
    f"SELECT {COLUMNS} FROM residence_permit m WHERE m.permit_id = :permit_id"  # noqa: S608 - constants of this module
)
_OPEN = prepare(
    f"""
    SELECT {COLUMNS} FROM residence_permit m
    WHERE m.person_id = ANY (ids_of_human(CAST(:person_id AS uuid))) AND m.status IN ('accepted', 'valid', 'suspended')
    ORDER BY m.status = 'accepted', m.created_at LIMIT 1
    """  # noqa: S608
)
_ALL_OPEN = prepare(
    f"""
    SELECT {COLUMNS} FROM residence_permit m
    WHERE m.person_id = ANY (ids_of_human(CAST(:person_id AS uuid))) AND m.status IN ('accepted', 'valid', 'suspended')
    ORDER BY m.created_at
    """  # noqa: S608
)
_LATEST = prepare(
    f"""
    SELECT {COLUMNS} FROM residence_permit m WHERE m.person_id = ANY (ids_of_human(CAST(:person_id AS uuid)))
    ORDER BY m.status IN ('accepted', 'valid', 'suspended') DESC, m.created_at DESC, m.permit_id DESC LIMIT 1
    """  # noqa: S608
)
_OF_PERSON = prepare(
    f"""
    SELECT {COLUMNS} FROM residence_permit m WHERE m.person_id = ANY (ids_of_human(CAST(:person_id AS uuid)))
    AND (CAST(:before_created_at AS timestamptz) IS NULL
        OR (m.created_at, m.permit_id) < (:before_created_at, CAST(:before_permit_id AS uuid)))
    ORDER BY m.created_at DESC, m.permit_id DESC LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_INSERT = prepare(
    f"""
    INSERT INTO residence_permit ({", ".join(_STORED)})
    VALUES ({", ".join(_JSONB if name == "reasons" else f":{name}" for name in _STORED)})
    """  # noqa: S608
)
_UPDATE = prepare(
    f"""
    UPDATE residence_permit
    SET {", ".join(f"{name} = {_JSONB if name == 'reasons' else f':{name}'}" for name in _STORED if name not in _FROZEN)}
    WHERE permit_id = :permit_id
    """  # noqa: S608
)
_YEARS_FROM = prepare(
    "SELECT max(residence_years_from) FROM residence_permit m WHERE m.person_id = ANY (ids_of_human(CAST(:person_id AS uuid)))"
)
_ENDORSE = prepare(
    """
    INSERT INTO endorsement
        (endorsement_id, permit_id, person_id, decided_on, accepted, is_late, window_from, window_until, reasons)
    VALUES (:endorsement_id, :permit_id, :person_id, :decided_on, :accepted, :is_late, :window_from, :window_until,
        CAST(:reasons AS jsonb))
    """
)
_LAPSED = prepare(
    """
    SELECT m.permit_id, m.person_id FROM residence_permit m JOIN person p USING (person_id)
    WHERE m.status = 'valid' AND m.endorsement_until < CAST(:today AS date)
    ORDER BY m.endorsement_until, m.permit_id LIMIT CAST(:limit AS integer) FOR UPDATE OF p
    """
)

# The key is that of `actions.notices.dedupe_key` for this template and window.
_UNREMINDED = prepare(
    """
    SELECT m.permit_id FROM residence_permit m JOIN person p USING (person_id)
    WHERE m.status = 'valid' AND m.endorsement_until >= CAST(:today AS date)
        AND m.endorsement_from <= CAST(:today AS date) + CAST(:days AS integer)
        AND NOT EXISTS (SELECT FROM notice n
            WHERE n.dedupe_key = concat_ws('|', 'endorsement_due', m.person_id, m.permit_id, m.endorsement_until))
    ORDER BY m.endorsement_until, m.permit_id LIMIT CAST(:limit AS integer) FOR UPDATE OF p
    """
)

_LATE_UNTOLD = prepare(
    """
    SELECT m.permit_id FROM residence_permit m JOIN person p USING (person_id)
    WHERE m.status = 'accepted' AND m.due_on < CAST(:today AS date)
        AND NOT EXISTS (SELECT FROM notice n
            WHERE n.dedupe_key = concat_ws('|', 'permit_issue_overdue', m.person_id, m.permit_id, m.due_on))
    ORDER BY m.due_on, m.permit_id LIMIT CAST(:limit AS integer) FOR UPDATE OF p
    """
)


@dataclass(frozen=True, slots=True)
class EndorsementDecision:
    """A decision on an endorsement, to be kept whichever way it went."""

    decided_on: date
    accepted: bool
    is_late: bool
    window_from: date
    window_until: date
    reasons: Sequence[ReasonView]


async def find_permit(work: Work, permit_id: UUID) -> PermitRecord | None:
    """The permit, when its holder is visible to the client."""
    return _optional(work, await work.tx.fetch_row(_FIND, permit_id=permit_id))


async def reload_permit(work: Work, permit_id: UUID) -> PermitRecord:
    """The permit as it is now that the holder's row is locked."""
    row = await work.tx.fetch_row(_FIND, permit_id=permit_id)
    assert row is not None
    return permit_of(work.keyring, row)


async def open_permit_of(work: Work, person_id: UUID) -> PermitRecord | None:
    """The human's accepted, valid or suspended permit; there is at most one, unless a merge found another (an issued one goes
    before an application).
    """
    return _optional(work, await work.tx.fetch_row(_OPEN, person_id=person_id))


async def open_permits_of(work: Work, person_id: UUID) -> list[PermitRecord]:
    """All of them: more than one only where a merge found two."""
    return [permit_of(work.keyring, row) for row in await work.tx.fetch(_ALL_OPEN, person_id=person_id)]


async def latest_permit_of(work: Work, person_id: UUID) -> PermitRecord | None:
    """The open permit, otherwise the newest."""
    return _optional(work, await work.tx.fetch_row(_LATEST, person_id=person_id))


async def years_counted_from(work: Work, person_id: UUID) -> date | None:
    """The latest day from which an earlier permit counted residence years; a late endorsement restarts them (RR-32)."""
    day: date | None = await work.tx.fetch_value(_YEARS_FROM, person_id=person_id)
    return day


async def permits_of(work: Work, person_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 rows of the person's permits, newest first, refused ones too."""
    before_created_at, before_permit_id = before or (None, None)
    return await work.tx.fetch(
        _OF_PERSON,
        person_id=person_id,
        before_created_at=before_created_at,
        before_permit_id=before_permit_id,
        limit=limit + 1,
    )


async def lapsed_permits(work: Work, *, limit: int) -> list[UUID]:
    """Valid permits whose window has passed, with their holders' rows locked."""
    rows = await work.tx.fetch(_LAPSED, today=work.today, limit=limit)
    return [row["permit_id"] for row in rows]


async def lock_unreminded(work: Work, *, days: int, limit: int) -> list[UUID]:
    """Valid permits whose window is open or opens within `days` and whose holders were not told yet, holders' rows locked."""
    rows = await work.tx.fetch(_UNREMINDED, today=work.today, days=days, limit=limit)
    return [row["permit_id"] for row in rows]


async def lock_late_untold(work: Work, *, limit: int) -> list[UUID]:
    """Accepted applications past their last day for issuing, whose applicants were not told so; applicants' rows locked."""
    rows = await work.tx.fetch(_LATE_UNTOLD, today=work.today, limit=limit)
    return [row["permit_id"] for row in rows]


async def insert_permit(work: Work, record: PermitRecord) -> None:
    """Store a new permit, accepted or refused."""
    await work.tx.execute(_INSERT, **_values(work.keyring, record))


async def update_permit(work: Work, record: PermitRecord) -> None:
    """Store a changed permit."""
    values = _values(work.keyring, record)
    given = {name: values[name] for name in _STORED if name == "permit_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def insert_endorsement(work: Work, record: PermitRecord, decision: EndorsementDecision) -> None:
    """Keep a decision on an endorsement."""
    await work.tx.execute(
        _ENDORSE,
        endorsement_id=new_id(),
        permit_id=record.permit_id,
        person_id=record.person_id,
        decided_on=decision.decided_on,
        accepted=decision.accepted,
        is_late=decision.is_late,
        window_from=decision.window_from,
        window_until=decision.window_until,
        reasons=[reason.model_dump() for reason in decision.reasons],
    )


def permit_of(keyring: Keyring, row: Record) -> PermitRecord:
    """The state of a permit in a row."""
    columns = dict(row.items())
    context = f"residence_permit|sealed|{row['permit_id']}"
    secrets = unseal(keyring, PermitSecrets, columns.pop("sealed"), context)
    return PermitRecord(**columns, secrets=secrets)


def _optional(work: Work, row: Record | None) -> PermitRecord | None:
    return None if row is None else permit_of(work.keyring, row)


def _values(keyring: Keyring, record: PermitRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _STORED if name not in {"reasons", "sealed"}}
    values["reasons"] = [reason.model_dump() for reason in record.reasons]
    values["sealed"] = seal(keyring, record.secrets, f"residence_permit|sealed|{record.permit_id}")
    return values
