"""Things with versions as they were remembered, newest first (`Work.remember` writes them); their state is in `records`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

from services.chassis import person_keys
from services.chassis.cursors import Page, sign, unsign
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.person_keys import PersonKey
from services.chassis.records import VersionedRecord, changed_fields
from services.chassis.schemas import View
from services.chassis.sealing import KeyKind, is_of
from services.chassis.work import Work, history_context

__all__ = [
    "SEALED_VERSIONS",
    "Remembered",
    "VersionView",
    "VersionedRecord",
    "changed_fields",
    "opened",
    "versions",
    "versions_of",
]

RecordT = TypeVar("RecordT", bound=BaseModel)
StateT = TypeVar("StateT", bound=View)

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


class VersionView(View, Generic[StateT]):
    """One version: when it was recorded, by whom, which fields changed, and the state after it."""

    version: int
    recorded_at: datetime
    client_id: str
    actor: str | None = Field(description="The officer, where one acted.")
    proposed_by: str | None = Field(description="The officer who proposed it, where `actor` is a second one who approved it.")
    request_id: str
    changed: list[str] = Field(description="Names of the fields that changed with this version.")
    erased: bool = Field(description="Whether the state is gone for good, because a person it is about was erased.")
    state: StateT | None = Field(description="Absent exactly when `erased`.")


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


async def versions_of(
    work: Work,
    resource: str,
    resource_id: UUID,
    *,
    record: type[RecordT],
    view: Callable[[RecordT], StateT],
    cursor: str | None,
    limit: int,
) -> Page[VersionView[StateT]]:
    """A page of versions, each with the remembered state as `view` shows it, or without any when it was erased."""
    scope = f"history {resource} {resource_id}"
    found = await versions(work, resource, resource_id, before=_before(work, scope, cursor), limit=limit + 1)
    items: list[VersionView[StateT]] = [
        VersionView(
            version=each.version,
            recorded_at=each.recorded_at,
            client_id=each.client_id,
            actor=each.actor,
            proposed_by=each.proposed_by,
            request_id=each.request_id,
            changed=list(each.changed),
            erased=each.state is None,
            state=None if each.state is None else view(record.model_validate_json(each.state)),
        )
        for each in found[:limit]
    ]
    next_cursor = sign(work.keyring, scope, items[-1].version) if len(found) > limit else None
    return Page(items=items, next_cursor=next_cursor)


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


def _before(work: Work, scope: str, cursor: str | None) -> int | None:
    if not cursor:
        return None
    (version,) = unsign(work.keyring, cursor, label=scope)
    return int(version)
