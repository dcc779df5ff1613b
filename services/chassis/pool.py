"""A pool whose connections may rest between two uses, ready to be taken up at once.

asyncpg gives a connection back in a task of its own and hands it out under a timer, which together cost a tenth of a read. A
connection that ended its last statement in order needs neither: it rests here, still taken out as far as asyncpg knows, until
the next one asks. Whatever is unclear about a connection – an error, a cancellation, somebody waiting, the end of the pool – is
asyncpg's to handle, by `release`.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:
    # The runtime classes are not subscriptable.
    _Pool = asyncpg.Pool[asyncpg.Record]
    _Connection = PoolConnectionProxy[asyncpg.Record]
else:
    _Pool = asyncpg.Pool
    _Connection = PoolConnectionProxy

_REST_MAX_S = 300.0
_QUERIES_MAX = 50_000
_SEEN_BY_ASYNCPG_EVERY = 1000


class RestingPool(_Pool):
    """asyncpg's pool, with `rest` beside `release`."""

    __slots__ = ("_resting", "_rests", "_waiting")

    def __init__(self, dsn: str, *, min_size: int, max_size: int, **options: Any) -> None:
        """As `asyncpg.create_pool`, without what nobody here needs."""
        super().__init__(
            dsn,
            min_size=min_size,
            max_size=max_size,
            max_queries=_QUERIES_MAX,
            max_inactive_connection_lifetime=_REST_MAX_S,
            loop=asyncio.get_running_loop(),
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            **options,
        )
        self._resting: deque[tuple[_Connection, float]] = deque()
        self._waiting = 0
        self._rests = 0

    def rest(self, connection: _Connection) -> bool:
        """Take back a connection whose last statement ended in order, outside a transaction; false when it must be released."""
        if self._waiting or self.is_closing() or connection.is_closed():
            return False
        self._rests += 1
        if self._rests % _SEEN_BY_ASYNCPG_EVERY == 0:  # it replaces a connection after so many queries
            return False
        now = self._loop.time()
        self._resting.append((connection, now))
        while self._resting[0][1] < now - _REST_MAX_S:
            self._resting.popleft()[0].terminate()
        return True

    async def _acquire(self, timeout: float | None) -> _Connection:  # noqa: ASYNC109 - asyncpg's own
        """The connection that rested last; it is the warmest, and those at the other end may be closed."""
        while self._resting:
            connection, _ = self._resting.pop()
            if not connection.is_closed():
                return connection
        self._waiting += 1
        try:
            return await super()._acquire(timeout)
        finally:
            self._waiting -= 1

    def get_idle_size(self) -> int:
        """Connections nobody uses."""
        return super().get_idle_size() + len(self._resting)

    async def close(self) -> None:
        """As asyncpg's, which waits until every connection is released."""
        self._closing = not self._closed
        while self._resting:
            await self.release(self._resting.pop()[0])
        await super().close()
