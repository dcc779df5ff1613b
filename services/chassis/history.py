"""Versions of a resource as they were remembered, newest first (`Work.remember` writes them)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.person_keys import PersonKey
from services.chassis.sealing import KeyKind, is_of
from services.chassis.work import Work, history_context

SEALED_VERSIONS = """
    SELECT h.resource, h.resource_id, h.version, h.recorded_at, h.client_id, h.actor, h.proposed_by, h.request_id, h.changed,
        h.snapshot, h.person_id, h.related_person_id, k.key_id, k.suite, k.wrapped,
        r.key_id AS related_key_id, r.suite AS related_suite, r.wrapped AS related_wrapped
    FROM {source} h
    LEFT JOIN person_key k ON k.person_id = h.person_id
    LEFT JOIN person_key r ON r.person_id = h.related_person_id
"""
"""A statement over rows of `history`, from the table or a function that gives some of them; each row goes to `opened`."""
_VERSIONS = prepare(
    SEALED_VERSIONS.format(source="history")
    + """
    WHERE h.resource = :resource AND h.resource_id = :resource_id
    AND (CAST(:before AS integer) IS NULL OR h.version < CAST(:before AS integer))
    ORDER BY h.version DESC LIMIT CAST(:limit AS integer)
    """
)


@dataclass(frozen=True, slots=True)
class Remembered:
    """One version. `state` is the snapshot's JSON, `None` once the key of a person it is about was destroyed."""

    version: int
    recorded_at: datetime
    client_id: str
    actor: str | None
    proposed_by: str | None
    request_id: str
    changed: Sequence[str]
    state: bytes | None


async def versions(
    work: Work, resource: str, resource_id: UUID, *, before: int | None = None, limit: int = 1
) -> list[Remembered]:
    """Up to `limit` versions below `before`."""
    rows = await work.tx.fetch(_VERSIONS, resource=resource, resource_id=resource_id, before=before, limit=limit)
    return [
        Remembered(
            version=row["version"],
            recorded_at=row["recorded_at"],
            client_id=row["client_id"],
            actor=row["actor"],
            proposed_by=row["proposed_by"],
            request_id=row["request_id"],
            changed=row["changed"],
            state=opened(work.keyring, row),
        )
        for row in rows
    ]


def opened(keyring: Keyring, row: Record) -> bytes | None:
    """The JSON of a row of `SEALED_VERSIONS`; `None` once the key of a person it is about was destroyed."""
    context = history_context(row["resource"], row["resource_id"], row["version"])
    if not is_of(KeyKind.PERSON, row["snapshot"]):  # of nobody, or older than the keys of persons
        return keyring.open(row["snapshot"], context)
    keys = [_key(keyring, row, "person_id", "")]
    if row["related_person_id"] is not None:
        keys.append(_key(keyring, row, "related_person_id", "related_"))
    return person_keys.open_layers(row["snapshot"], context, keys)


def _key(keyring: Keyring, row: Record, person: str, prefix: str) -> PersonKey | None:
    if row[f"{prefix}key_id"] is None:
        return None
    return person_keys.unwrap(keyring, row[person], row[f"{prefix}key_id"], row[f"{prefix}suite"], row[f"{prefix}wrapped"])
