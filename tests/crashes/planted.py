"""Bugs that the checker must find. They replace parts of the chassis inside a test's own child process, and nowhere else."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from services.chassis import consumer, db, inbox, outbox, routing
from services.chassis.attachments import rows
from services.chassis.attachments.receiving import ReceivedFile
from services.chassis.consumer import _Follower
from services.chassis.crash_points import crash_point
from services.chassis.db import Transaction, in_transaction
from services.chassis.idempotency import Claim
from services.chassis.inbox import Inbox
from services.chassis.leadership import Leader, OwnConnection
from services.chassis.outbox import Relay
from services.chassis.pull import Delivery
from services.chassis.reconciler import Reconciler
from services.chassis.rows import SERVICE, RowContext
from services.chassis.sequencing import Sequencer
from services.chassis.work import KeptAnswer, Work

_LATE_COMMIT_S = 0.1


def plant(bug: str) -> None:
    """Plant one of `BUGS`."""
    BUGS[bug]()


def _acknowledge_before_commit() -> None:
    async def settle(self: _Follower, leader: Leader, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            await delivery.acknowledge()
        await self._bus._client.flush()
        crash_point("consumer.fetched")
        await self._settle_until_done(leader, self._read(deliveries))

    consumer._Follower._settle = settle  # type: ignore[method-assign]


def _position_outside_the_transaction() -> None:
    inside = Inbox._write_down

    async def write_down(self: Inbox, tx: Transaction, sequencer: Sequencer) -> None:
        await in_transaction(self._pool, lambda other: inside(self, other, sequencer), rows=SERVICE)

    inbox.Inbox._write_down = write_down  # type: ignore[method-assign]


def _relay_by_highest_id() -> None:
    claim = db.prepare(
        """
        SELECT recorded_on, outbox_id, event_id, event_type, recorded_at, partition_key, sequence, traceparent, data
        FROM outbox WHERE outbox_id > (SELECT coalesce(max(outbox_id), 0) FROM outbox WHERE published_position IS NOT NULL)
        ORDER BY outbox_id LIMIT CAST(:limit AS integer)
        """
    )
    outbox._CLAIM = claim
    flush = Work.flush

    async def flush_slowly(self: Work, answer: KeptAnswer | None = None) -> None:
        # As on a slow disk: whoever got the earlier id may commit later.
        await flush(self, answer)
        await asyncio.sleep(random.uniform(0, 0.2))

    Work.flush = flush_slowly  # type: ignore[method-assign]


def _key_claimed_after_the_handler() -> None:
    async def find_answer(self: Claim, work: Work) -> None:
        return None

    Claim.find_answer = find_answer  # type: ignore[method-assign]


def _answer_before_commit() -> None:
    late: set[asyncio.Task[None]] = set()

    async def answering_first(
        pool: db.Pool, body: Callable[[Transaction], Awaitable[Any]], *, rows: RowContext, acquire_timeout: float = 2.0
    ) -> Any:
        connection = await db.acquire(pool, timeout=acquire_timeout)
        await connection.execute(rows.begin)
        try:
            result = await body(Transaction(connection))
        except BaseException:
            await connection.execute("ROLLBACK")
            await db.release(pool, connection)
            raise

        async def commit() -> None:
            await asyncio.sleep(_LATE_COMMIT_S)
            await connection.execute("COMMIT")
            await db.release(pool, connection)

        late.add(asyncio.create_task(commit()))
        return result

    routing.in_transaction = answering_first  # type: ignore[attr-defined,assignment]


def _mark_before_publishing() -> None:
    async def publish_batch(self: Relay, connection: OwnConnection, source: str) -> int:
        rows = await connection.fetch(outbox._CLAIM.sql, *outbox._CLAIM.arguments({"limit": 1000}))
        if rows:
            await self._mark(connection, rows)
            crash_point("relay.committed")
            await self._bus.publish([outbox.message_of(row, source) for row in rows])
        return len(rows)

    async def no_reconciler(_: Reconciler) -> None:
        await asyncio.Event().wait()

    outbox.Relay._publish_batch = publish_batch  # type: ignore[method-assign]
    Reconciler.run = no_reconciler  # type: ignore[method-assign,assignment]  # it would make good what this bug does


def _evidence_after_the_commit() -> None:
    flush = Work.flush

    async def flush_without_evidence(self: Work, answer: KeptAnswer | None = None) -> None:
        if self._outbox:
            self._audit.clear()
        await flush(self, answer)

    Work.flush = flush_without_evidence  # type: ignore[method-assign]


def _held_events_overtaken() -> None:
    """An event behind a gap is applied at once."""
    take = Sequencer.take

    def take_all(self: Sequencer, events: Any) -> None:
        for event in sorted(events, key=lambda event: event.envelope.sequence):
            key = event.envelope.partition_key
            if event.envelope.sequence > self.position(key):
                self._now[key] = event.envelope.sequence - 1
            take(self, [event])

    Sequencer.take = take_all  # type: ignore[method-assign]


def _file_stored_before_it_is_announced() -> None:
    async def keep(self: ReceivedFile) -> None:
        sealed = self.taken.sealed
        await self._attachments.store.put(sealed)
        crash_point("upload.stored")
        await in_transaction(self._pool, partial(rows.announce, address=sealed.address), rows=SERVICE)

    ReceivedFile.keep = keep  # type: ignore[method-assign]


BUGS: dict[str, Callable[[], None]] = {
    "acknowledge-before-commit": _acknowledge_before_commit,
    "position-outside-the-transaction": _position_outside_the_transaction,
    "relay-by-highest-id": _relay_by_highest_id,
    "key-claimed-after-the-handler": _key_claimed_after_the_handler,
    "answer-before-commit": _answer_before_commit,
    "mark-before-publishing": _mark_before_publishing,
    "evidence-after-the-commit": _evidence_after_the_commit,
    "held-events-overtaken": _held_events_overtaken,
    "file-stored-before-it-is-announced": _file_stored_before_it_is_announced,
}
