"""Pulling from a durable consumer: one request at a time, answered as soon as there is anything.

The client's own `fetch` spends a task and a timer on each message, and drops messages that carry a `Status` header of their
own; here a callback collects what a request brings. While messages are plenty the next request is out before the last batch is
done.
"""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext

from services.chassis.bus_errors import translated

_GRACE_S = 0.5  # for the server's last word after a request expired
_QUIET_S = 0.02  # nothing more came for so long: go on with what is there
_PAUSE_S = 0.05  # before asking again after a refusal


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as a durable consumer got it."""

    subject: str
    headers: dict[str, str]
    body: bytes
    _message: Msg

    async def acknowledge(self) -> None:
        """Never deliver it again. A lost acknowledgement is normal: the inbox drops what comes twice."""
        with suppress(nats.errors.Error, OSError):
            await self._message.ack()

    async def give_back(self) -> None:
        """Deliver it again at once, to whoever leads then."""
        with suppress(nats.errors.Error, OSError):
            await self._message.nak()


class PullConsumer:
    """A durable pull consumer bound by this process; used by one task at a time."""

    def __init__(self, client: Client, jetstream: JetStreamContext, stream: str, durable: str) -> None:
        self._client = client
        self._jetstream = jetstream
        self._stream = stream
        self._durable = durable
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._arrived: list[Delivery] = []
        self._expected = 0  # messages the open request may still bring
        self._changed = asyncio.Event()

    async def open(self) -> None:
        """Listen for what requests will bring."""
        self._subscription = await self._client.subscribe(self._inbox, cb=self._take)

    async def _take(self, message: Msg) -> None:
        """A delivery names where to acknowledge it; anything else is the server's word that the request is over."""
        if message.reply:
            self._arrived.append(Delivery(message.subject, message.headers or {}, message.data, message))
            self._expected -= 1
        else:
            self._expected = 0
        self._changed.set()

    async def fetch(self, limit: int, wait_s: float) -> list[Delivery]:
        """Up to `limit` messages as soon as there are any; an empty list when none came in `wait_s` seconds."""
        started = time.monotonic()
        if self._expected <= 0 and not self._arrived:
            await self._request(limit, wait_s)
        while len(self._arrived) < limit and self._expected > 0:
            patience = _QUIET_S if self._arrived else started + wait_s + _GRACE_S - time.monotonic()
            if not await self._anything_more(patience):
                break
        taken, self._arrived = self._arrived[:limit], self._arrived[limit:]
        if not taken:
            self._expected = 0
            if time.monotonic() - started < wait_s / 2:
                await asyncio.sleep(_PAUSE_S)
        elif len(taken) == limit and self._expected <= 0 and not self._arrived:
            await self._request(limit, wait_s)
        return taken

    async def _request(self, limit: int, wait_s: float) -> None:
        """`no_wait` with `expires`: wait for the first message, then take what there is and end."""
        request = {"batch": limit, "expires": int(wait_s * 1e9), "no_wait": True}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._durable}"
        self._expected = limit
        with translated():
            await self._client.publish(subject, json.dumps(request).encode(), reply=self._inbox)

    async def _anything_more(self, patience_s: float) -> bool:
        self._changed.clear()
        try:
            async with asyncio.timeout(max(patience_s, 0)):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def verify(self) -> None:
        """Raises `StreamMissingError` when the durable is gone; a pull alone would wait for it in silence."""
        with translated():
            await self._jetstream.consumer_info(self._stream, self._durable)

    async def close(self) -> None:
        """Stop pulling and give back what nobody took; the durable stays."""
        if self._subscription is not None:
            with suppress(nats.errors.Error, OSError):
                await self._subscription.unsubscribe()
        for delivery in self._arrived:
            await delivery.give_back()
