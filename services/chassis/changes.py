"""`GET /v1/<service>/changes`: published events in publication order, the one list that promises to miss nothing.

Outside systems follow a service by it. A caller sees the events of its own division and of the aggregates its scopes
cover; the token it gets moves over the others too. Past the retention the answer is 410: start again from the
resources themselves.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.chassis.db import Record, prepare
from services.chassis.errors import DomainError, FieldError
from services.chassis.events import EventData
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
    """A stretch of events; ask again with `next`. When `items` is empty you are up to date."""

    items: list[ChangeView]
    next: str = Field(description="Pass as `after` to go on; keep it, it stays valid for the retention (35 days).")


# One statement, so one snapshot: every position up to `reached` is either in the rows or filtered away.
_READ = prepare(
    """
    WITH state AS (SELECT last_position, first_position_kept, epoch FROM relay_state)
    SELECT s.last_position AS reached, s.first_position_kept, s.epoch, o.*
    FROM state s LEFT JOIN LATERAL (
        SELECT published_position, event_id, event_type, recorded_at, partition_key, sequence, data FROM outbox
        WHERE published_position > CAST(:after AS bigint) AND published_position <= s.last_position
          AND (CAST(:prefix AS text) = '' OR EXISTS (
                SELECT FROM unnest(division_codes) d WHERE starts_with(d, CAST(:prefix AS text))))
          AND split_part(event_type, '.', 2) = ANY(CAST(:aggregates AS text[]))
        ORDER BY published_position LIMIT CAST(:limit AS integer)
    ) o ON true
    ORDER BY o.published_position
    """
)


def changes_router(
    service: str, path: str, scope: str, follower_scopes: Mapping[str, str], publishes: Sequence[type[EventData]]
) -> ServiceRouter:
    """The route for one service; `follower_scopes` names, per aggregate in event types, the scope that may read it."""
    suite_only = {event.event_type: event.suite_only for event in publishes}
    router = ServiceRouter(tags=["changes"])

    @router.get(path, **read(scope, summary_zh="按发布顺序读取变更"))
    async def read_changes(
        work: CurrentWork,
        after: Annotated[str | None, Query(max_length=256, description="`next` of the answer before.")] = None,
        limit: LimitParameter = 100,
    ) -> ChangesView:
        """Follow this service's published events.

        In publication order, nothing left out, for 35 days; 410 when `after` lies before that.
        """
        aggregates = [name for name, needed in follower_scopes.items() if needed in work.principal.scopes]
        position = _position(work, service, after)
        rows = await work.tx.fetch(
            _READ, after=position, prefix=work.principal.division_prefix, aggregates=aggregates, limit=limit
        )
        if position + 1 < rows[0]["first_position_kept"] and after is not None:
            raise DomainError("position-gone")
        items = [
            _view(service, row, suite_only.get(row["event_type"], frozenset())) for row in rows if row["event_id"] is not None
        ]
        reached = rows[-1]["published_position"] if len(items) == limit else max(position, rows[0]["reached"])
        work.audit("read", "changes", None, fields=aggregates)
        return ChangesView(items=items, next=sign(work.keyring, f"changes {service}", reached))

    return router


def _position(work: Work, service: str, token: str | None) -> int:
    if token is None:
        return 0
    values = unsign(work.keyring, token)
    if len(values) != 2 or values[0] != f"changes {service}":
        wanted = FieldError("?after", "cursor", "请使用上次返回的 next", "use the `next` of an answer of this list")
        raise DomainError("cursor-invalid", errors=[wanted])
    return int(values[1])


def _view(service: str, row: Record, hidden: frozenset[str]) -> ChangeView:
    return ChangeView(
        id=row["event_id"],
        source=f"/xinshimin/{service}/{row['epoch']}",
        type=row["event_type"],
        time=row["recorded_at"],
        partitionkey=row["partition_key"],
        sequence=row["sequence"],
        data={name: value for name, value in json.loads(row["data"]).items() if name not in hidden},
    )
