"""The bounds of one forwarded request: its deadline, and its caller's presence.

One timer per request. Most requests end before it fires the first time and pay for nothing else; only then is the caller's
connection watched and the rest of the deadline awaited.
"""

import asyncio
from types import TracebackType
from typing import Self

from gateway.exchange import ClientGoneError, Exchange

_FIRST_LOOK_S = 0.05


class RequestGuard:
    """A context that ends with `TimeoutError` at the deadline, and with `ClientGoneError` when the caller goes away."""

    __slots__ = (
        "_cancelled_before",
        "_deadline_s",
        "_exchange",
        "_expired",
        "_gone",
        "_looking",
        "_task",
        "_timer",
        "_watcher",
    )

    def __init__(self, exchange: Exchange, deadline_s: float) -> None:
        self._exchange = exchange
        self._deadline_s = deadline_s
        self._expired = False
        self._gone = False
        self._looking = False
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelled_before = task.cancelling()
        self._timer = task.get_loop().call_later(min(self._deadline_s, _FIRST_LOOK_S), self._first_look)
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if not (self._expired or self._gone):
            return
        # Somebody else's cancellation of this task stays a cancellation.
        if self._task.uncancel() <= self._cancelled_before and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError if self._expired else ClientGoneError

    def body_read(self) -> None:
        """From now on the caller has nothing more to say: whatever is received is its leaving."""
        if self._looking:
            self._watch()
        self._looking = True

    def _first_look(self) -> None:
        if self._deadline_s <= _FIRST_LOOK_S:
            self._expire()
            return
        self._timer = self._task.get_loop().call_later(self._deadline_s - _FIRST_LOOK_S, self._expire)
        if self._looking:
            self._watch()
        self._looking = True

    def _expire(self) -> None:
        if not self._gone:
            self._expired = True
            self._task.cancel()

    def _watch(self) -> None:
        self._watcher = self._task.get_loop().create_task(self._wait_for_leaving())

    async def _wait_for_leaving(self) -> None:
        while (await self._exchange.receive())["type"] != "http.disconnect":
            pass
        if not self._expired:
            self._gone = True
            self._task.cancel()
