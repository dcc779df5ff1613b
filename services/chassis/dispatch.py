"""From an event in its lawful place to the handlers of the subscription table, and whose fault a failure is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg
from pydantic import ValidationError

from services.chassis.cloudevents import Arrived
from services.chassis.db import RETRIABLE, Transaction
from services.chassis.errors import DomainError
from services.chassis.events import EventData, Received
from services.chassis.pool import is_lost
from services.chassis.snapshots import Snapshot
from services.chassis.subscriptions import Subscription
from services.chassis.work import Work

MakeWork = Callable[[Transaction, str | None], Work]
"""A unit of work of the service itself on this transaction, in the trace of this `traceparent`."""

_GROUND_CODES = ("busy", "database-unavailable")
_GROUND = (
    *RETRIABLE,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)
_FIELDS_NAMED_MAX = 20


class UnprocessableError(Exception):
    """`event` cannot be applied, and not because the ground gave way; `reason` holds no value of its data."""

    def __init__(self, event: Arrived, reason: str) -> None:
        super().__init__(reason)
        self.event = event
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Call:
    """One event on its way to one handler."""

    origin: Arrived
    subscription: Subscription
    received: Received[EventData]


class Dispatcher:
    """Hands events of one producer to handlers; `models` is the table by event type."""

    def __init__(
        self, models: Mapping[str, tuple[type[EventData], Subscription]], snapshot_type: str, make_work: MakeWork
    ) -> None:
        self._models = models
        self._snapshot_type = snapshot_type
        self._make_work = make_work

    async def deliver(self, tx: Transaction, events: Sequence[Arrived]) -> bool:
        """Validate each event once and call the handlers; returns whether one of them emitted.

        When all events are for `many` handlers, each of those is called once with its list; otherwise all go in order, one by
        one. Raises `UnprocessableError`, or what the ground raised.
        """
        calls: list[_Call] = []
        for event in events:
            with _blaming(event, tx):
                calls.extend(self._calls(event))
        emitted = False
        for group in _groups(calls):
            with _blaming(group[0].origin, tx):
                emitted |= await self._call(tx, group)
        return emitted

    def _calls(self, event: Arrived) -> Iterator[_Call]:
        """An event as its handler's argument, a snapshot as those of its states; types nobody handles give nothing."""
        for event_type, text in self._states(event):
            if known := self._models.get(event_type):
                model, subscription = known
                yield _Call(event, subscription, Received(event.envelope, model.model_validate_json(text)))

    def _states(self, event: Arrived) -> list[tuple[str, str]]:
        envelope = event.envelope
        if envelope.type != self._snapshot_type:
            return [(envelope.type, event.body)]
        snapshot = Snapshot.model_validate_json(event.body)
        if (snapshot.partition_key, snapshot.sequence) != (envelope.partition_key, envelope.sequence):
            raise ValueError("snapshot and envelope disagree")
        return snapshot.texts()

    async def _call(self, tx: Transaction, group: Sequence[_Call]) -> bool:
        traces = {call.received.envelope.traceparent for call in group}
        work = self._make_work(tx, traces.pop() if len(traces) == 1 else None)
        subscription = group[0].subscription
        received = [call.received for call in group]
        await subscription.handler(work, received if subscription.in_bulk else received[0])
        emitted = work.has_events
        await work.flush()
        return emitted


def _groups(calls: Sequence[_Call]) -> list[list[_Call]]:
    if not all(call.subscription.in_bulk for call in calls):
        return [[call] for call in calls]
    by_type: dict[str, list[_Call]] = {}
    for call in calls:
        by_type.setdefault(call.received.data.event_type, []).append(call)
    return list(by_type.values())


@contextmanager
def _blaming(event: Arrived, tx: Transaction) -> Iterator[None]:
    """Whatever fails inside is the event's fault, unless the ground failed: that may never make an event poison."""
    try:
        yield
    except _GROUND:
        raise
    except Exception as error:
        if is_lost(tx.connection) or (isinstance(error, DomainError) and error.code in _GROUND_CODES):
            raise
        raise UnprocessableError(event, reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """Why, without any value of the data: class, and where there is one the fields, the code or the constraint."""
    name = type(error).__name__
    if isinstance(error, ValidationError):
        details = error.errors(include_url=False, include_context=False, include_input=False)[:_FIELDS_NAMED_MAX]
        places = (f"/{'/'.join(str(part) for part in detail['loc'])} {detail['type']}" for detail in details)
        return f"{name}: {', '.join(places)}"
    if isinstance(error, DomainError):
        return f"{name}: {error.code}"
    if constraint := getattr(error, "constraint_name", None):
        return f"{name}: {constraint}"
    return name
