"""The relay: carries committed outbox rows to the service's stream, in order, and never loses one.

`Work.emit` wrote the rows in the business transaction. Rows are claimed by state, never by `id > last`: ids are given before
the commit, so a later id may be there first (reliability.md 9). Order per partition key holds because a key's rows are written
under that key's lock. A crash between publishing and marking publishes again under the same message ids; stream and inbox drop
those.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress

import asyncpg

from services.chassis.bus import STREAM_MAX_BYTES, Bus, Outgoing
from services.chassis.bus_errors import StreamFullError
from services.chassis.cloudevents import headers_of, source_of
from services.chassis.crash_points import crash_point
from services.chassis.db import Record, prepare
from services.chassis.event_metrics import OUTBOX_LAG_SECONDS, PUBLISHED, STREAM_FILL, UNPUBLISHED
from services.chassis.events import Envelope
from services.chassis.leadership import STANDBY, Leader, OwnConnection, lead_forever
from services.chassis.rows import SERVICE_SESSION

logger = logging.getLogger(__name__)

_CLAIM_MAX = 1000
# A batch costs two transactions and an fsync, whatever is in it. While events come one after another they wait this long for
# each other; the first one after a pause goes at once.
_BREATH_S = 0.02
_COUNT_MAX = 10_000
_MAINTAIN_EVERY_S = 86_400.0
_MEASURE_EVERY_S = 10.0
_STREAM_ALARM_RATIO = 0.7

_CLAIM = prepare(
    """
    SELECT recorded_on, outbox_id, event_id, event_type, recorded_at, partition_key, sequence, traceparent, data
    FROM outbox WHERE published_position IS NULL ORDER BY outbox_id LIMIT CAST(:limit AS integer)
    """
)
_EPOCH = prepare("SELECT epoch FROM relay_state")
# Positions are dense in publication order, because one statement takes them from the counter's row and gives them out.
_MARK = prepare(
    """
    WITH counter AS (
        UPDATE relay_state SET last_position = last_position + cardinality(CAST(:outbox_ids AS bigint[]))
        RETURNING last_position - cardinality(CAST(:outbox_ids AS bigint[])) AS before
    )
    UPDATE outbox o SET published_position = counter.before + g.place, published_at = clock_timestamp()
    FROM counter,
         unnest(CAST(:days AS date[]), CAST(:outbox_ids AS bigint[])) WITH ORDINALITY AS g (recorded_on, outbox_id, place)
    WHERE o.recorded_on = g.recorded_on AND o.outbox_id = g.outbox_id AND o.published_position IS NULL
    """
)
_ANY_UNPUBLISHED = prepare("SELECT EXISTS (SELECT FROM outbox WHERE published_position IS NULL)")
_BACKLOG = prepare(
    """
    SELECT count(*) AS unpublished, coalesce(extract(epoch FROM now() - min(recorded_at)), 0) AS oldest_s
    FROM (SELECT recorded_at FROM outbox WHERE published_position IS NULL ORDER BY outbox_id LIMIT CAST(:limit AS integer)) rows
    """
)
_MAINTAIN = prepare("SELECT maintain_outbox_partitions(CAST(:days_kept AS integer))")


class Relay:
    """Publishes one service's outbox. Every replica has one; the leader works, the others stand by."""

    def __init__(
        self,
        dsn: str,
        bus: Bus,
        *,
        service: str,
        poll_s: float = 1.0,
        days_kept: int = 35,
        stream_bytes_max: int = STREAM_MAX_BYTES,
    ) -> None:
        """`poll_s` is the safety net when nothing wakes the relay; `days_kept` how long published rows stay."""
        self._dsn = dsn
        self._bus = bus
        self._service = service
        self._poll_s = poll_s
        self._days_kept = days_kept
        self._stream_bytes_max = stream_bytes_max
        self._woken = asyncio.Event()
        self._state = "starting"
        self._maintain_at = 0.0
        self._measure_at = 0.0

    def wake(self) -> None:
        """Look at the outbox now; called after every commit that emitted."""
        self._woken.set()

    async def run(self) -> None:
        """Lead or stand by until cancelled."""
        await lead_forever(
            self._dsn, "relay", application=f"{self._service}:relay", lead=self._lead, on_change=self._note_state
        )

    async def healthy(self) -> str | None:
        """`None` while this relay publishes or stands by for another that leads, otherwise its last failure."""
        return None if self._state in ("leading", STANDBY) else self._state

    async def flushed(self) -> bool:
        """Whether every committed event has been published, by whichever replica."""
        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=10, server_settings=SERVICE_SESSION)
        try:
            return not await connection.fetchval(_ANY_UNPUBLISHED.sql)
        finally:
            await connection.close(timeout=2)

    def _note_state(self, state: str) -> None:
        self._state = state

    async def _lead(self, leader: Leader) -> None:
        try:
            await self._publish_all(leader)
        except StreamFullError:
            logger.critical("stream is full, events wait in the outbox", extra={"fields": {"stream": self._service}})
            raise

    async def _publish_all(self, leader: Leader) -> None:
        await self._bus.ensure_stream(self._service, bytes_max=self._stream_bytes_max)
        source = source_of(self._service, await leader.connection.fetchval(_EPOCH.sql))
        self._maintain_at = 0.0
        while True:
            self._woken.clear()
            await leader.check()
            published = await self._publish_batch(leader.connection, source)
            self._state = "leading"
            await self._housekeeping(leader.connection)
            if published < _CLAIM_MAX:
                await self._wait_until_woken(time.monotonic() + _BREATH_S if published else 0.0)

    async def _wait_until_woken(self, not_before: float) -> None:
        """Until there is something to look for, and until `not_before` (monotonic)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._woken.wait()
        await asyncio.sleep(max(not_before - time.monotonic(), 0))

    async def _publish_batch(self, connection: OwnConnection, source: str) -> int:
        rows = await connection.fetch(_CLAIM.sql, *_CLAIM.arguments({"limit": _CLAIM_MAX}))
        if not rows:
            return 0
        crash_point("relay.claimed")
        await self._bus.publish([message_of(row, source) for row in rows])
        crash_point("relay.published")
        await self._mark(connection, rows)
        crash_point("relay.committed")
        PUBLISHED.labels(self._service).inc(len(rows))
        return len(rows)

    async def _mark(self, connection: OwnConnection, rows: Sequence[Record]) -> None:
        arguments = {"days": [row["recorded_on"] for row in rows], "outbox_ids": [row["outbox_id"] for row in rows]}
        async with connection.transaction():
            tag = await connection.execute(_MARK.sql, *_MARK.arguments(arguments))
            if tag != f"UPDATE {len(rows)}":
                # Somebody else marked them; rolled back, so that positions stay dense.
                raise RuntimeError(f"{tag} instead of {len(rows)} outbox rows: two relays at work")
            crash_point("relay.marked")

    async def _housekeeping(self, connection: OwnConnection) -> None:
        """Partitions once a day, measurements every few seconds; neither may stop the relay."""
        now = time.monotonic()
        if now >= self._maintain_at:
            self._maintain_at = now + _MAINTAIN_EVERY_S
            try:
                await connection.execute(_MAINTAIN.sql, *_MAINTAIN.arguments({"days_kept": self._days_kept}))
            except asyncpg.PostgresError as error:
                self._maintain_at = now + _MAINTAIN_EVERY_S / 24
                logger.exception("outbox partitions were not maintained", exc_info=error)
        if now >= self._measure_at:
            self._measure_at = now + _MEASURE_EVERY_S
            await self._measure(connection)

    async def _measure(self, connection: OwnConnection) -> None:
        backlog = await connection.fetchrow(_BACKLOG.sql, *_BACKLOG.arguments({"limit": _COUNT_MAX}))
        assert backlog is not None
        UNPUBLISHED.labels(self._service).set(backlog["unpublished"])
        OUTBOX_LAG_SECONDS.labels(self._service).set(backlog["oldest_s"])
        stream = await self._bus.stream_state(self._service)
        fill = stream.bytes / stream.bytes_max if stream and stream.bytes_max > 0 else 0.0
        STREAM_FILL.labels(self._service).set(fill)
        if fill >= _STREAM_ALARM_RATIO:
            logger.error("stream is filling up", extra={"fields": {"stream": self._service, "fill_ratio": round(fill, 3)}})


def message_of(row: Record, source: str) -> Outgoing:
    """An outbox row as the message of an event, the same each time it is made."""
    envelope = Envelope(
        id=row["event_id"],
        type=row["event_type"],
        source=source,
        time=row["recorded_at"],
        partition_key=row["partition_key"],
        sequence=row["sequence"],
        traceparent=row["traceparent"],
    )
    return Outgoing(envelope.type, headers_of(envelope), row["data"].encode())
