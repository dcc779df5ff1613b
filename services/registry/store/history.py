"""Versions of a resource from the chassis's history table, newest first."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from services.chassis.db import prepare
from services.chassis.pages import Page, sign, unsign
from services.chassis.schemas import View
from services.chassis.work import Work, history_context
from services.registry.schemas.history import VersionView

RecordT = TypeVar("RecordT", bound=BaseModel)
StateT = TypeVar("StateT", bound=View)

_VERSIONS = prepare(
    """
    SELECT version, recorded_at, client_id, actor, request_id, changed, snapshot FROM history
    WHERE resource = :resource AND resource_id = :resource_id
    AND (CAST(:before AS integer) IS NULL OR version < CAST(:before AS integer))
    ORDER BY version DESC LIMIT CAST(:limit AS integer)
    """
)


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
    """A page of versions, each with the remembered state as `view` shows it."""
    scope = f"history {resource} {resource_id}"
    rows = await work.tx.fetch(
        _VERSIONS, resource=resource, resource_id=resource_id, before=_before(work, scope, cursor), limit=limit + 1
    )
    items: list[VersionView[StateT]] = [
        VersionView(
            version=row["version"],
            recorded_at=row["recorded_at"],
            client_id=row["client_id"],
            actor=row["actor"],
            request_id=row["request_id"],
            changed=row["changed"],
            state=view(record.model_validate_json(_open(work, resource, resource_id, row["version"], row["snapshot"]))),
        )
        for row in rows[:limit]
    ]
    next_cursor = sign(work.keyring, scope, items[-1].version) if len(rows) > limit else None
    return Page(items=items, next_cursor=next_cursor)


def _before(work: Work, scope: str, cursor: str | None) -> int | None:
    if not cursor:
        return None
    (version,) = unsign(work.keyring, cursor, label=scope)
    return int(version)


def _open(work: Work, resource: str, resource_id: UUID, version: int, snapshot: bytes) -> bytes:
    return work.keyring.open(snapshot, history_context(resource, resource_id, version))
