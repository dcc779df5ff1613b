"""Versions of a resource from the chassis's history table, newest first."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from services.chassis import history
from services.chassis.pages import Page, sign, unsign
from services.chassis.schemas import View
from services.chassis.work import Work
from services.registry.schemas.history import VersionView

RecordT = TypeVar("RecordT", bound=BaseModel)
StateT = TypeVar("StateT", bound=View)


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
    found = await history.versions(work, resource, resource_id, before=_before(work, scope, cursor), limit=limit + 1)
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


def _before(work: Work, scope: str, cursor: str | None) -> int | None:
    if not cursor:
        return None
    (version,) = unsign(work.keyring, cursor, label=scope)
    return int(version)
