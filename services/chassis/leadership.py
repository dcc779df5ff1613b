"""One active worker per task across all replicas: leader is who holds a session advisory lock on a connection of its own.

The lock lives and dies with that connection, so PostgreSQL itself ends a leadership whose process is gone. The connection is
outside the pool: a pooled one would carry the lock to whoever uses it next.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from services.chassis.db import DEAD_CONNECTION, prepare, set_codecs
from services.chassis.rows import SERVICE_SESSION

if TYPE_CHECKING:
    OwnConnection = asyncpg.Connection[asyncpg.Record]
else:
    OwnConnection = asyncpg.Connection

logger = logging.getLogger(__name__)

STANDBY = "standby"
"""The state of a replica while another one leads."""

_STANDBY_LOOK_S = 1.0
_PAUSE_MIN_S = 0.1
_PAUSE_MAX_S = 5.0
_STEADY_S = 30.0  # a leader that worked this long starts again with short pauses
_COMMAND_TIMEOUT_S = 30.0

_TRY = prepare("SELECT pg_try_advisory_lock(hashtextextended('leader ' || CAST(:task AS text), 0))")
# pg_locks splits the 64-bit key of an advisory lock into two unsigned halves.
_STILL_HELD = prepare(
    """
    SELECT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted AND objsubid = 1
          AND (CAST(classid AS bigint) << 32 | CAST(objid AS bigint)) = hashtextextended('leader ' || CAST(:task AS text), 0)
    )
    """
)


class LeadershipLostError(Exception):
    """The lock or its connection is gone; somebody else may lead already."""


class Leader:
    """A held leadership. What must not be done twice at the same time runs on `connection`, and so cannot outlive the lock."""

    def __init__(self, connection: OwnConnection, task: str) -> None:
        self.connection = connection
        self._task = task

    async def check(self) -> None:
        """One round trip; raises `LeadershipLostError` when this process no longer leads.

        Every loop of a leader calls it, so it is also where a cancellation comes back that was swallowed on the way:
        `asyncio.wait_for` before Python 3.12, which the NATS client uses, drops one that meets its result.
        """
        _insist_on_cancellation()
        try:
            held = await self.connection.fetchval(_STILL_HELD.sql, *_STILL_HELD.arguments({"task": self._task}))
        except DEAD_CONNECTION as error:
            raise LeadershipLostError(self._task) from error
        if not held:
            raise LeadershipLostError(self._task)


def _insist_on_cancellation() -> None:
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@asynccontextmanager
async def leadership(
    dsn: str, task: str, *, application: str, on_change: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Leader]:
    """Wait until this process leads `task`; the leadership ends with the block.

    `application` names the connection in `pg_stat_activity`; `on_change` hears `STANDBY` while another process leads.
    """
    connection = await _connect(dsn, application)
    try:
        while not await connection.fetchval(_TRY.sql, *_TRY.arguments({"task": task})):
            on_change(STANDBY)
            await asyncio.sleep(_STANDBY_LOOK_S)
        yield Leader(connection, task)
    finally:
        await _close(connection)


async def _connect(dsn: str, application: str) -> OwnConnection:
    connection = await asyncpg.connect(
        dsn,
        timeout=5,
        command_timeout=_COMMAND_TIMEOUT_S,
        server_settings={
            "application_name": application,
            "timezone": "UTC",
            **SERVICE_SESSION,
            "lock_timeout": "5s",
            "idle_in_transaction_session_timeout": "30s",
            # A process cut off without a word must not keep the lock: PostgreSQL gives such a connection up after 15 s.
            "tcp_keepalives_idle": "5",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "2",
        },
    )
    await set_codecs(connection)
    return connection


async def _close(connection: OwnConnection) -> None:
    try:
        await connection.close(timeout=2)
    except DEAD_CONNECTION:
        connection.terminate()


async def lead_forever(
    dsn: str, task: str, *, application: str, lead: Callable[[Leader], Awaitable[None]], on_change: Callable[[str], None]
) -> None:
    """Run `lead` whenever this process leads `task`, until cancelled; a failure is logged and tried again after a pause.

    `on_change` hears `STANDBY` or the class of the last failure; that it works as a leader, `lead` itself knows best.
    """
    pause = _PAUSE_MIN_S
    while True:
        _insist_on_cancellation()
        started = time.monotonic()
        try:
            async with leadership(dsn, task, application=application, on_change=on_change) as leader:
                started = time.monotonic()
                logger.info("leading", extra={"fields": {"task": task}})
                await lead(leader)
        except Exception as error:
            on_change(type(error).__name__)
            logger.warning("leadership ended", extra={"fields": {"task": task}}, exc_info=error)
        pause = _PAUSE_MIN_S if time.monotonic() - started > _STEADY_S else min(pause * 2, _PAUSE_MAX_S)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
