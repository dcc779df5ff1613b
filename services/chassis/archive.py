"""Messages kept on NATS for good: a stream from which nobody can delete, for what must also exist outside the database.

Deleting and purging are denied by the stream itself, for ever; per subject the newest million messages are kept. Settings that
somebody changed are not put right in silence: keeping then fails, and that is seen.
"""

from collections.abc import AsyncGenerator

from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js import errors as js_errors

from services.chassis.bus_errors import BusUnavailableError, translated

STREAM = "audit_checkpoints"
_PER_SUBJECT_MAX = 1_000_000
_FETCH = 500
_FETCH_TIMEOUT_S = 5.0
_IDLE_S = 60.0


class Archive:
    """What one service keeps there."""

    def __init__(self, client: Client, jetstream: JetStreamContext, service: str) -> None:
        self._client = client
        self._jetstream = jetstream
        self._subject = f"{STREAM}.{service}"

    async def keep(self, body: bytes, message_id: str) -> None:
        """Store one message; returns when it is on disk. A second one with the same id within minutes is dropped."""
        self._demand_connection()
        with translated():
            await self._jetstream.add_stream(_config())
            await self._jetstream.publish(self._subject, body, stream=STREAM, headers={"Nats-Msg-Id": message_id})

    async def last(self) -> bytes | None:
        """The newest message."""
        self._demand_connection()
        with translated():
            try:
                return (await self._jetstream.get_last_msg(STREAM, self._subject)).data
            except js_errors.NotFoundError:
                return None

    async def everything(self) -> AsyncGenerator[bytes]:
        """All messages, oldest first, up to the newest at the beginning."""
        if await self.last() is None:
            return
        config = api.ConsumerConfig(
            ack_policy=api.AckPolicy.NONE, filter_subject=self._subject, mem_storage=True, inactive_threshold=_IDLE_S
        )
        with translated():
            subscription = await self._jetstream.pull_subscribe(self._subject, stream=STREAM, config=config)
            left = (await subscription.consumer_info()).num_pending or 0
        try:
            while left > 0:
                with translated():
                    messages = await subscription.fetch(min(left, _FETCH), timeout=_FETCH_TIMEOUT_S)
                left -= len(messages)
                for message in messages:
                    yield message.data
        finally:
            with translated():
                await subscription.unsubscribe()

    def _demand_connection(self) -> None:
        if not self._client.is_connected:
            raise BusUnavailableError("not connected")


def _config() -> api.StreamConfig:
    return api.StreamConfig(
        name=STREAM,
        subjects=[f"{STREAM}.*"],
        storage=api.StorageType.FILE,
        max_msgs_per_subject=_PER_SUBJECT_MAX,
        deny_delete=True,
        deny_purge=True,
    )
