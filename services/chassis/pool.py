"""A pool whose connections may rest between two uses, ready to be taken up at once.

asyncpg gives a connection back in a task of its own and hands it out under a timer, which together cost a tenth of a read. A
connection that ended its last statement in order needs neither: it goes to whoever waits, or rests here until somebody asks,
and is taken out all the while as far as asyncpg knows. Whatever is unclear about a connection – an error, a cancellation, the
end of the pool – is asyncpg's to handle, by `release`.
"""

import asyncio
import time
from collections import deque
from contextlib import suppress
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
_SEEN_BY_ASYNCPG_EVERY = 10_000  # uses of a connection


def is_lost(connection: "asyncpg.Connection[asyncpg.Record] | _Connection") -> bool:
    """Whether the connection is gone; the pool takes a closed one back, and its proxy then refuses even this question."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


class RestingPool(_Pool):
    """asyncpg's pool, with `rest` beside `release`."""

    __slots__ = ("_ending", "_opening", "_resting", "_uses", "_waiting")

    def __init__(self, dsn: str, *, min_size: int, max_size: int, **options: Any) -> None:
        """As `asyncpg.create_pool`; what nobody here needs has asyncpg's default."""
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
        self._resting: dict[_Connection, float] = {}  # since when; the first has rested longest
        self._waiting: deque[asyncio.Future[_Connection | None]] = deque()
        self._uses: dict[_Connection, int] = {}  # of every connection taken out, at work or at rest
        self._opening = 0
        self._ending = False

    def rest(self, connection: _Connection) -> bool:
        """Take back a connection whose last statement ended in order, outside a transaction; false when it must be released."""
        if self._ending or is_lost(connection):
            return False
        self._uses[connection] += 1
        if self._uses[connection] % _SEEN_BY_ASYNCPG_EVERY == 0:  # it replaces a connection after so many queries
            return False
        if not self._hand_over(connection):
            self._resting[connection] = now = time.monotonic()
            while self._resting[longest := next(iter(self._resting))] < now - _REST_MAX_S:
                del self._resting[longest]
                self._drop(longest)
        return True

    async def release(self, connection: _Connection, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's own
        """Give a connection back to asyncpg, whatever became of it."""
        try:
            await super().release(connection, timeout=timeout)
        finally:
            self._forget(connection)

    async def _acquire(self, timeout: float | None) -> _Connection:  # noqa: ASYNC109 - what every way of acquiring calls
        if (connection := self._rested()) is not None:
            return connection
        async with asyncio.timeout(timeout):
            return await self._next()

    async def _next(self) -> _Connection:
        """The first connection there is; those who wait are served in order."""
        while True:
            if (connection := self._rested()) is not None:
                return connection
            if len(self._uses) + self._opening < self.get_max_size():
                return await self._open()
            turn: asyncio.Future[_Connection | None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                connection = await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._pass_on(turn.result())
                raise
            if connection is not None:
                return connection

    async def _open(self) -> _Connection:
        self._opening += 1
        try:
            connection: _Connection = await super()._acquire(None)  # type: ignore[misc]
        except BaseException:
            self._hand_over(None)
            raise
        finally:
            self._opening -= 1
        self._uses[connection] = 0
        return connection

    def _rested(self) -> _Connection | None:
        """The connection used most: its backend knows the statements; a first use of one costs tens of milliseconds.

        Not the one that rested last: that may be one which the service's own work took up for a moment.
        """
        while self._resting:
            connection = max(self._resting, key=self._uses.__getitem__)
            del self._resting[connection]
            if not is_lost(connection):
                return connection
            self._drop(connection)
        return None

    def _hand_over(self, connection: _Connection | None) -> bool:
        """Give it to the first who waits; without one, wake the first to look for itself. Whether there was somebody."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    def _pass_on(self, connection: _Connection | None) -> None:
        """What came to somebody who waits no longer."""
        if connection is None:
            self._hand_over(None)
        elif not self.rest(connection):
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        """Close a connection that is in nobody's hands; asyncpg then has its place back."""
        with suppress(asyncpg.InterfaceError):  # asyncpg took a closed one back already
            connection.terminate()
        self._forget(connection)

    def _forget(self, connection: _Connection) -> None:
        if self._uses.pop(connection, None) is not None:
            self._hand_over(None)

    def get_idle_size(self) -> int:
        """Connections nobody uses."""
        return super().get_idle_size() + len(self._resting)

    async def close(self) -> None:
        """As asyncpg's, which waits until every connection is released."""
        self._ending = True
        while self._resting:
            await self.release(self._resting.popitem()[0])
        await super().close()
