"""`GET /v1/<service>/changes`: published events in publication order, the one list that promises to miss nothing.

Outside systems follow a service by it. A caller sees the events of its own division and of the aggregates its scopes
cover; the token it gets moves over the others too. Past the retention, and after the database was restored to the past (the
epoch), the answer is 410: start again from the resources themselves.

Only the types a service says it publishes are shown, because only of those it is known which fields are for the suite alone;
so a type stays in `publishes` for the retention after its last event.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.chassis.db import Record, prepare
from services.chassis.errors import DomainError
from services.chassis.events import EventData
from services.chassis.fields import FieldTable, protection_of
from services.chassis.operation import read
from services.chassis.pages import LimitParameter, sign, unsign
from services.chassis.routing import CurrentWork, ServiceRouter
from services.chassis.schemas import View
from services.chassis.work import Work


class ChangeView(View):
    """One event as a CloudEvent (JSON format, structured)."""

    specversion: str = "1.0"
    id: UUID
    source: str
    type: str = Field(examples=["registry.residence_permit.issued.v1"])
    time: datetime
    datacontenttype: str = "application/json"
    partitionkey: UUID
    sequence: int = Field(description="Dense per partition key, from 1.")
    data: dict[str, Any] = Field(description="As in the AsyncAPI; fields meant for the suite alone are left out.")


class ChangesView(View):
    """A stretch of events; ask again with `next`. When `items` is empty and `more` false you are up to date."""

    items: list[ChangeView]
    more: bool = Field(description="Whether there is more to look through now; ask again at once, even when `items` is empty.")
    next: str = Field(description="Pass as `after` to go on; keep it, it stays valid for the retention (35 days).")


# A follower of few events among very many gets on by this many positions per statement and by so many statements per request;
# looking through all of them at once would take longer than a statement may, every time again.
_WINDOW = 50_000
_WINDOWS_MAX = 10

# One statement, so one snapshot: every position up to `looked_to` is either in the rows or filtered away.
_READ = prepare(
    """
    WITH state AS (
        SELECT last_position, first_position_kept, epoch,
               least(
                   last_position, greatest(CAST(:after AS bigint), first_position_kept - 1) + CAST(:window AS bigint)
               ) AS looked_to
        FROM relay_state
    )
    SELECT s.last_position, s.looked_to, s.first_position_kept, s.epoch, o.*
    FROM state s LEFT JOIN LATERAL (
        SELECT published_position, event_id, event_type, recorded_at, partition_key, sequence, data FROM outbox
        WHERE published_position > CAST(:after AS bigint) AND published_position <= s.looked_to
          AND event_type = ANY(CAST(:event_types AS text[]))
        ORDER BY published_position LIMIT CAST(:limit AS integer)
    ) o ON true
    ORDER BY o.published_position
    """
)


def changes_router(
    service: str,
    path: str,
    scope: str,
    follower_scopes: Mapping[str, str],
    publishes: Sequence[type[EventData]],
    fields: FieldTable | None = None,
) -> ServiceRouter:
    """The route for one service; `follower_scopes` names, per aggregate in event types, the scope that may read it; `fields`
    decides what of a person's data a follower sees.
    """
    events = {event.event_type: event for event in publishes}
    scope_of = {event_type: follower_scopes.get(event_type.split(".")[1]) for event_type in events}
    router = ServiceRouter(tags=["changes"])

    @router.get(path, **read(scope, summary_zh="按发布顺序读取变更"))
    async def read_changes(
        work: CurrentWork,
        after: Annotated[
            str | None, Query(max_length=256, description="`next` of the answer before; empty or left out for the beginning.")
        ] = None,
        limit: LimitParameter = 100,
    ) -> ChangesView:
        """Follow this service's published events.

        In publication order, nothing left out, for 35 days; 410 when `after` lies before that. Personal data in them are masked
        unless the client holds the scopes for such fields.
        """
        visible = [event_type for event_type, needed in scope_of.items() if needed in work.principal.scopes]
        start = _start(work, service, after)
        found = await _look(work, start, visible, limit)
        work.audit("read", "changes", None, fields=visible)
        return ChangesView(
            items=[_view(service, row, _data(work, events[row["event_type"]], row, fields)) for row in found.rows],
            more=found.more,
            next=sign(work.keyring, _label(service), found.epoch, found.reached),
        )

    return router


@dataclass(frozen=True, slots=True)
class _Start:
    """What a token says: the position already seen, counted in an epoch."""

    epoch: int
    position: int


@dataclass(frozen=True, slots=True)
class _Found:
    """Events, and the position up to which nothing else is to be seen."""

    rows: Sequence[Record]
    epoch: int
    reached: int
    more: bool


async def _look(work: Work, start: _Start | None, event_types: Sequence[str], limit: int) -> _Found:
    position = start.position if start else 0
    for _ in range(_WINDOWS_MAX):
        rows = await work.tx.fetch(
            _READ,
            after=position,
            window=_WINDOW,
            event_types=event_types,
            limit=limit,
        )
        state = rows[0]
        if start is not None:
            _refuse_gone(start, state)
        events = [row for row in rows if row["event_id"] is not None]
        position = events[-1]["published_position"] if len(events) == limit else state["looked_to"]
        if events or position == state["last_position"]:
            break
    return _Found(events, state["epoch"], position, more=position < state["last_position"])


def _label(service: str) -> str:
    return f"changes {service}"


def _start(work: Work, service: str, token: str | None) -> _Start | None:
    if not token:
        return None
    epoch, position = unsign(work.keyring, token, label=_label(service), parameter="after")
    return _Start(int(epoch), int(position))


def _refuse_gone(start: _Start, state: Record) -> None:
    """Raise `DomainError('position-gone')` when something after `start` is no longer there, or not what it was.

    A position ahead of the last one given belongs to a past that a restore has undone; its numbers are being given again.
    """
    deleted = start.position + 1 < state["first_position_kept"]
    undone = start.epoch != state["epoch"] or start.position > state["last_position"]
    if deleted or undone:
        raise DomainError("position-gone")


def _data(work: Work, event: type[EventData], row: Record, fields: FieldTable | None) -> dict[str, Any]:
    """The event's data as this follower may see them."""
    content: dict[str, Any] = json.loads(row["data"])
    data = {name: value for name, value in content.items() if name not in event.suite_only}
    if fields is None:
        return data
    born = content.get(event.birth_date_field) if event.birth_date_field else None
    protection = None if born is None else protection_of(date.fromisoformat(born), work.today)
    return fields.sight(work.principal.scopes, protection).show_data(event, data)


def _view(service: str, row: Record, data: dict[str, Any]) -> ChangeView:
    return ChangeView(
        id=row["event_id"],
        source=f"/xinshimin/{service}/{row['epoch']}",
        type=row["event_type"],
        time=row["recorded_at"],
        partitionkey=row["partition_key"],
        sequence=row["sequence"],
        data=data,
    )
