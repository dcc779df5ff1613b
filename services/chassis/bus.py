"""NATS JetStream: one connection, publishing in atomic batches, pulling for a durable consumer. Nothing else touches nats.

With `sync_interval: always` the server writes to disk once per atomic batch instead of once per message, which is ten times the
rate (measurements.md §5). Reliability rules 8 to 12 are kept here.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import nats
from nats.aio.client import Client
from nats.js import api
from nats.js import errors as js_errors

from services.chassis.archive import Archive
from services.chassis.bus_errors import BusError, BusUnavailableError, StreamMissingError, refusal, translated
from services.chassis.cloudevents import event_id_in
from services.chassis.crash_points import crash_point
from services.chassis.ids import new_id
from services.chassis.pull import PullConsumer

logger = logging.getLogger(__name__)

STREAM_MAX_AGE_S = 14 * 86400
STREAM_MAX_BYTES = 2 << 30
DUPLICATE_WINDOW_S = 600
BATCH_MESSAGES_MAX = 1000  # the server's limit for an atomic batch
_BATCH_BYTES_MAX = 8 << 20

_CONNECT_TIMEOUT_S = 2
_REQUEST_TIMEOUT_S = 5.0
_PUBLISH_TIMEOUT_S = 15.0
# How long a crashed consumer's messages wait for its successor. Only one process pulls, so a slow batch is at worst read twice.
_ACK_WAIT_S = 5.0
_ACK_PENDING_MAX = 1000
_READ_MAX = 500
_READING_PATIENCE_S = 60.0

# Error codes of the JetStream API.
_DUPLICATE_IN_BATCH = 10201
_STREAM_EXISTS_OTHERWISE = 10058


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish; the headers carry its `Nats-Msg-Id`."""

    subject: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a durable has before it: messages not delivered yet, and delivered ones not acknowledged yet."""

    pending: int
    unacknowledged: int


@dataclass(frozen=True, slots=True)
class StreamState:
    """Size of a stream; `bytes_max` is where it refuses new messages."""

    messages: int
    bytes: int
    bytes_max: int


class Bus:
    """The process's connection. Made by `connect`; usable before NATS is there: calls then raise `BusUnavailableError`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=_REQUEST_TIMEOUT_S)
        self._connecting: asyncio.Task[None] | None = None
        self.closing = False
        self._reconnected = asyncio.Event()

    async def start(self, connecting: "asyncio.Task[None]") -> None:
        """Wait a moment for the first connection; later it goes on in the background."""
        self._connecting = connecting
        await asyncio.wait([connecting], timeout=_CONNECT_TIMEOUT_S)
        if connecting.done():
            connecting.result()

    async def close(self) -> None:
        """Close the connection for good."""
        self.closing = True
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        with suppress(nats.errors.Error, OSError):
            await self._client.close()

    async def healthy(self) -> str | None:
        """`None` after a JetStream round trip, otherwise what is wrong."""
        try:
            self._demand_connection()
            with translated():
                await self._jetstream.account_info()
        except BusError as error:
            return str(error)
        return None

    def note_reconnection(self) -> None:
        """The broker went away and is back; whoever waits in `reconnected` goes on."""
        self._reconnected.set()

    async def reconnected(self, *, within_s: float) -> bool:
        """Wait until the connection was lost and made again since the last call, at most `within_s`; whether it was."""
        try:
            async with asyncio.timeout(within_s):
                await self._reconnected.wait()
        except TimeoutError:
            return False
        self._reconnected.clear()
        return True

    def _demand_connection(self) -> None:
        if not self._client.is_connected:
            raise BusUnavailableError("not connected")

    async def ensure_stream(self, service: str, *, bytes_max: int = STREAM_MAX_BYTES) -> None:
        """Make the producer's stream, or bring its settings up to date. Several replicas may do it at once."""
        self._demand_connection()
        config = api.StreamConfig(
            name=service,
            subjects=[f"{service}.>"],
            storage=api.StorageType.FILE,
            discard=api.DiscardPolicy.NEW,
            max_age=STREAM_MAX_AGE_S,
            max_bytes=bytes_max,
            duplicate_window=DUPLICATE_WINDOW_S,
            allow_atomic=True,
        )
        with translated():
            try:
                await self._jetstream.add_stream(config)
            except js_errors.BadRequestError as error:
                if error.err_code != _STREAM_EXISTS_OTHERWISE:
                    raise
                await self._jetstream.update_stream(config)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Store all messages, in order; returns when every one of them is on disk, raises `BusError` when that is not certain.

        Messages the stream already has (by `Nats-Msg-Id`, within ten minutes) count as stored.
        """
        for batch in _batches(messages):
            self._demand_connection()
            with translated():
                if len(batch) == 1 or not await self._publish_atomically(batch):
                    await self._publish_singly(batch)

    async def _publish_atomically(self, batch: Sequence[Outgoing]) -> bool:
        """All or nothing; `False` when the stream refused because it already has one of the messages."""
        batch_id = str(new_id())
        for place, message in enumerate(batch[:-1], 1):
            headers = {**message.headers, "Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(place)}
            await self._client.publish(message.subject, message.body, headers=headers)
        crash_point("relay.batch_begun")
        last = batch[-1]
        headers = {
            **last.headers,
            "Nats-Batch-Id": batch_id,
            "Nats-Batch-Sequence": str(len(batch)),
            "Nats-Batch-Commit": "1",
        }
        reply = await self._client.request(last.subject, last.body, timeout=_PUBLISH_TIMEOUT_S, headers=headers)
        answer = json.loads(reply.data)
        if error := answer.get("error"):
            if error.get("err_code") == _DUPLICATE_IN_BATCH:
                return False
            raise refusal(error.get("err_code"), error.get("description"))
        if answer.get("count") != len(batch):
            raise BusError("the stream did not commit the whole batch")
        return True

    async def _publish_singly(self, batch: Sequence[Outgoing]) -> None:
        """One by one, but without waiting for each: the connection keeps their order."""
        async with asyncio.timeout(_PUBLISH_TIMEOUT_S):
            answers = [
                await self._jetstream.publish_async(message.subject, message.body, headers=dict(message.headers))
                for message in batch
            ]
            failures = [f for f in await asyncio.gather(*answers, return_exceptions=True) if isinstance(f, BaseException)]
        if failures:
            raise failures[0]

    async def pull_consumer(self, stream: str, durable: str) -> PullConsumer:
        """Bind the durable that reads the whole of `stream`, making it at first.

        Raises `StreamMissingError` while the producer has not made its stream.
        """
        self._demand_connection()
        config = api.ConsumerConfig(
            durable_name=durable,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_S,
            max_ack_pending=_ACK_PENDING_MAX,
        )
        with translated():
            await self._jetstream.add_consumer(stream, config)
            consumer = PullConsumer(self._client, self._jetstream, stream, durable)
            await consumer.open()
        return consumer

    async def rewind(self, stream: str, durable: str) -> None:
        """Let `durable` be given everything in the stream again: it is ended, and its consumer makes it anew."""
        self._demand_connection()
        with translated():
            await self._jetstream.delete_consumer(stream, durable)

    def archive(self, service: str) -> Archive:
        """What `service` keeps on NATS for good."""
        return Archive(self._client, self._jetstream, service)

    async def backlog(self, stream: str, durable: str) -> Backlog | None:
        """What `durable` has before it; `None` when the stream does not exist.

        Raises `StreamMissingError` when only the durable does not.
        """
        stream_info = await self._stream_info(stream)
        if stream_info is None:
            return None
        with translated():
            info = await self._jetstream.consumer_info(stream, durable)
        pending = info.num_pending or 0
        delivered = info.delivered.stream_seq if info.delivered else 0
        if stream_info.state.messages > 0 and delivered < stream_info.state.last_seq:
            # The server counts what is pending a moment after it acknowledged the publisher.
            pending = max(pending, 1)
        return Backlog(pending, info.num_ack_pending or 0)

    async def stream_state(self, stream: str) -> StreamState | None:
        """Size of a stream, `None` when it does not exist."""
        info = await self._stream_info(stream)
        return StreamState(info.state.messages, info.state.bytes, info.config.max_bytes or 0) if info else None

    async def subject_counts(self, stream: str) -> dict[str, int]:
        """Messages per subject; empty when the stream does not exist."""
        self._demand_connection()
        try:
            with translated():
                info = await self._jetstream.stream_info(stream, subjects_filter=">")
        except StreamMissingError:
            return {}
        return info.state.subjects or {}

    async def event_ids(self, stream: str) -> AsyncIterator[list[tuple[str, UUID]]]:
        """Subject and id of all events in the stream when the reading began, in batches, in its order; bodies are not read.

        What is no event is passed over. Raises `BusError`, also when messages vanish while they are read.
        """
        self._demand_connection()
        config = api.ConsumerConfig(
            name=f"reading-{new_id()}",
            ack_policy=api.AckPolicy.NONE,
            headers_only=True,
            mem_storage=True,
            inactive_threshold=_READING_PATIENCE_S,
        )
        with translated():
            info = await self._jetstream.add_consumer(stream, config)
            consumer = PullConsumer(self._client, self._jetstream, stream, info.name)
            await consumer.open()
        left = info.num_pending or 0
        try:
            while left > 0:
                deliveries = await consumer.fetch(_READ_MAX, _REQUEST_TIMEOUT_S)
                if not deliveries:
                    raise BusUnavailableError("the stream ended before its end")
                left -= len(deliveries)
                yield [(each.subject, found) for each in deliveries if (found := event_id_in(each.headers)) is not None]
        finally:
            await consumer.close()
            with suppress(nats.errors.Error, OSError):
                await self._jetstream.delete_consumer(stream, info.name)

    async def _stream_info(self, stream: str) -> api.StreamInfo | None:
        self._demand_connection()
        try:
            with translated():
                return await self._jetstream.stream_info(stream)
        except StreamMissingError:
            return None


def _batches(messages: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    batch: list[Outgoing] = []
    size = 0
    for message in messages:
        if batch and (len(batch) == BATCH_MESSAGES_MAX or size + len(message.body) > _BATCH_BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.body)
    if batch:
        yield batch


async def connect(nats_url: str, *, name: str, on_closed: Callable[[], None], inbox: str = "_INBOX") -> Bus:
    """Connect; several servers of a cluster are separated by commas.

    Waits two seconds at most: a service must start while NATS is away and say so in its readiness. `on_closed` is called when
    the client gives up for good, which only a refusal by the server brings about; the process must then end. Answers come in
    below `inbox`: the one its user may hear.
    """
    client = Client()
    bus = Bus(client)

    async def closed() -> None:
        if not bus.closing:
            logger.critical("NATS connection closed for good")
            on_closed()

    async def disconnected() -> None:
        if not bus.closing:
            logger.warning("NATS connection lost")

    async def reconnected() -> None:
        logger.info("NATS connected again")
        bus.note_reconnection()

    async def failed(error: Exception) -> None:
        logger.debug("NATS client error", exc_info=error)

    connecting = asyncio.create_task(
        client.connect(
            servers=nats_url.split(","),
            name=name,
            inbox_prefix=inbox.encode(),
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=_CONNECT_TIMEOUT_S,
            ping_interval=5,
            max_outstanding_pings=2,
            flush_timeout=_PUBLISH_TIMEOUT_S,
            closed_cb=closed,
            disconnected_cb=disconnected,
            reconnected_cb=reconnected,
            error_cb=failed,
        )
    )
    await bus.start(connecting)
    return bus
