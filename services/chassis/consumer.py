"""Follows the streams of the producers a service subscribes to: fetch, settle in the inbox, then acknowledge.

One durable per producer, named like the service, and one active consumer per durable across all replicas. The commit comes
before the acknowledgement, always: an acknowledgement that is lost costs a duplicate, which the inbox drops; one that came too
early would cost the event.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from services.chassis.bus import Bus
from services.chassis.bus_errors import BusError, StreamMissingError
from services.chassis.clock import utc_now
from services.chassis.cloudevents import Arrived, read_arrived
from services.chassis.crash_points import crash_point
from services.chassis.db import Pool
from services.chassis.dispatch import MakeWork
from services.chassis.event_metrics import DEAD, HELD
from services.chassis.inbox import Inbox
from services.chassis.leadership import STANDBY, Leader, lead_forever
from services.chassis.pull import Delivery, PullConsumer
from services.chassis.snapshots import is_snapshot, snapshot_type
from services.chassis.subscriptions import Subscriptions, producers_of

logger = logging.getLogger(__name__)

_FETCH_MAX = 200
_FETCH_WAIT_S = 2.0
_STREAM_LOOK_S = 0.5
_RETRY_MIN_S = 0.1
_RETRY_MAX_S = 5.0
_MEASURE_EVERY_S = 10.0
# Longer than the producer's reconciler takes to publish again what its stream lost.
_STUCK_S = 600.0

_WAITING = "waiting for the producer's stream"
_FOLLOWING = "following"


class Consumer:
    """All a service follows. Every replica has one; per producer the leader works, the others stand by."""

    def __init__(
        self,
        pool: Pool,
        dsn: str,
        bus: Bus,
        *,
        service: str,
        subscriptions: Subscriptions,
        make_work: MakeWork,
        wake_relay: Callable[[], None] = lambda: None,
    ) -> None:
        """`wake_relay` is called after a commit in which a handler emitted."""
        self._followers = [
            _Follower(
                Inbox(
                    pool,
                    service=service,
                    producer=producer,
                    subscriptions=subscriptions,
                    make_work=make_work,
                    wake_relay=wake_relay,
                ),
                dsn,
                bus,
                service=service,
                producer=producer,
            )
            for producer in producers_of(subscriptions)
        ]

    async def run(self) -> None:
        """Follow every producer until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for follower in self._followers:
                tasks.create_task(follower.run())

    async def settled(self) -> bool:
        """Whether everything published to this service, by any replica's doing, has been applied and acknowledged."""
        return all([await follower.settled() for follower in self._followers])

    async def healthy(self) -> str | None:
        """`None` while this replica or another follows every producer; a stream that is not there yet is no failure."""
        reasons = [f"{follower.producer}: {follower.state}" for follower in self._followers if not follower.ready]
        return "; ".join(reasons) or None

    def states(self) -> dict[str, str]:
        """Per producer: `following`, `standby`, what is waited for, or the class of the last failure."""
        return {follower.producer: follower.state for follower in self._followers}


class _Follower:
    """Follows one producer."""

    def __init__(self, inbox: Inbox, dsn: str, bus: Bus, *, service: str, producer: str) -> None:
        self.producer = producer
        self.state = "starting"
        self._inbox = inbox
        self._dsn = dsn
        self._bus = bus
        self._service = service
        self._own_snapshot = snapshot_type(producer, service)
        self._busy = False
        self._measure_at = 0.0
        self._rewound_for: tuple[UUID, int] | None = None

    @property
    def ready(self) -> bool:
        return self.state in (_FOLLOWING, _WAITING, STANDBY)

    async def run(self) -> None:
        await lead_forever(
            self._dsn,
            f"consumer {self.producer}",
            application=f"{self._service}:consumer:{self.producer}",
            lead=self._lead,
            on_change=self._note_state,
        )

    async def settled(self) -> bool:
        if self._busy:
            return False
        try:
            backlog = await self._bus.backlog(self.producer, self._service)
        except BusError:
            return False
        return backlog is None or (backlog.pending == 0 and backlog.unacknowledged == 0)

    def _note_state(self, state: str) -> None:
        self.state = state

    async def _lead(self, leader: Leader) -> None:
        await self._inbox.drain_ready()
        consumer = await self._bind(leader)
        try:
            while True:
                self.state = _FOLLOWING
                deliveries = await consumer.fetch(_FETCH_MAX, _FETCH_WAIT_S)
                if deliveries:
                    await self._settle(leader, deliveries)
                else:
                    await leader.check()
                    await consumer.verify()
                await self._measure()
        finally:
            await consumer.close()

    async def _bind(self, leader: Leader) -> PullConsumer:
        while True:
            try:
                return await self._bus.pull_consumer(self.producer, self._service)
            except StreamMissingError:
                self.state = _WAITING
                await leader.check()
                await asyncio.sleep(_STREAM_LOOK_S)

    async def _settle(self, leader: Leader, deliveries: Sequence[Delivery]) -> None:
        """Settle and acknowledge; give back when stopped or no longer leading, so that a successor has them at once."""
        self._busy = True
        crash_point("consumer.fetched")
        try:
            await self._settle_until_done(leader, self._read(deliveries))
        except BaseException:
            for delivery in deliveries:
                await delivery.give_back()
            raise
        finally:
            self._busy = False
        crash_point("consumer.committed")
        for delivery in deliveries:
            await delivery.acknowledge()
            crash_point("consumer.partly_acknowledged")
        crash_point("consumer.acknowledged")

    def _read(self, deliveries: Sequence[Delivery]) -> list[Arrived]:
        """The events in them; snapshots for other services are none of ours."""
        now = utc_now()
        return [
            read_arrived(delivery.subject, delivery.headers, delivery.body, now)
            for delivery in deliveries
            if delivery.subject == self._own_snapshot or not is_snapshot(self.producer, delivery.subject)
        ]

    async def _settle_until_done(self, leader: Leader, events: Sequence[Arrived]) -> None:
        """A failure of the ground is waited out: it must not make an event poison."""
        pause = _RETRY_MIN_S
        while True:
            await leader.check()
            try:
                await self._inbox.settle(events)
            except Exception as error:
                self.state = type(error).__name__
                logger.warning("batch waits for the ground", extra={"fields": {"producer": self.producer}}, exc_info=error)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, _RETRY_MAX_S)
            else:
                return

    async def _measure(self) -> None:
        if time.monotonic() < self._measure_at:
            return
        self._measure_at = time.monotonic() + _MEASURE_EVERY_S
        held, dead = await self._inbox.count_waiting()
        HELD.labels(self._service, self.producer).set(held)
        DEAD.labels(self._service, self.producer).set(dead)
        if held:
            await self._inbox.drain_ready()  # set free by a replay that died before it applied them
            await self._rewind_when_stuck()

    async def _rewind_when_stuck(self) -> None:
        """The inbox's part of the reconciliation (reliability.md 13): what the stream has and the inbox has not is read again.

        Once per gap: one that the stream cannot close needs its producer's snapshot.
        """
        stuck = await self._inbox.longest_held(_STUCK_S)
        if stuck is None or stuck == self._rewound_for:
            return
        self._rewound_for = stuck
        fields = {"producer": self.producer, "partition_key": str(stuck[0]), "sequence": stuck[1]}
        logger.error("a gap does not close, the stream is read again", extra={"fields": fields})
        await self._bus.rewind(self.producer, self._service)
