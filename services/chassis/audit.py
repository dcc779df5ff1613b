"""Evidence of reads: lines are committed in groups, and an answer leaves only after its group's commit.

Lines of *changes* are rows of the business transaction (`Work.flush`). A read has no transaction to join, and one
commit per read would cost more than the read; so concurrent reads share one. When the group cannot be committed, none
of its answers is given.
"""

import asyncio
import logging
from contextlib import suppress

from services.chassis.db import Pool, prepare, without_transaction
from services.chassis.errors import DomainError
from services.chassis.rows import SERVICE
from services.chassis.work import AuditLine

logger = logging.getLogger(__name__)

_GROUP_MAX = 1000
_LAST_GROUPS_S = 5.0

_Waiting = tuple[list[AuditLine], asyncio.Future[None]]

_LINES = prepare(
    """
    SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:person_ids AS uuid[]), CAST(:lines AS text[]), CAST(:digests AS bytea[])
    ) AS g (audit_id, person_id, line, digest)
    """
)
# A transaction of its own that brings its row context along: one round trip instead of three. A group whose commit was cut off
# is written again, and may be there already.
_INSERT = f"INSERT INTO audit_line (audit_id, person_id, line, digest) {_LINES.protected} ON CONFLICT DO NOTHING"


class ReadAuditor:
    """Collects the lines of concurrent reads and commits them together."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._stopping = False

    async def write(self, lines: list[AuditLine]) -> None:
        """Return when `lines` are committed; raises `DomainError('audit-unavailable')` when they cannot be."""
        if self._stopping:
            raise DomainError("audit-unavailable", retry_after=1)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        self._wake.set()
        await done

    async def run(self) -> None:
        """Commit groups until cancelled; on cancellation the last groups are still written, and nobody is left waiting."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._commit_group()
        finally:
            self._stopping = True
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_GROUPS_S):
                    while self._waiting:
                        await self._commit_group()
            _refuse(self._waiting)

    async def _commit_group(self) -> None:
        group: list[_Waiting] = []
        count = 0
        while self._waiting and count < _GROUP_MAX:
            group.append(self._waiting.pop(0))
            count += len(group[-1][0])
        lines = [line for some, _ in group for line in some]
        try:
            await commit_lines(self._pool, lines)
        except asyncio.CancelledError:
            self._waiting[:0] = group
            raise
        except Exception:
            logger.exception("reads could not be audited")
            _refuse(group)
            return
        for _, done in group:
            if not done.done():
                done.set_result(None)


def _refuse(group: list[_Waiting]) -> None:
    for _, done in group:
        if not done.done():
            done.set_exception(DomainError("audit-unavailable", retry_after=2))


async def commit_lines(pool: Pool, lines: list[AuditLine]) -> None:
    """Return when they are committed, by themselves."""
    given = {
        "ids": [line.audit_id for line in lines],
        "person_ids": [line.person_id for line in lines],
        "lines": [line.line for line in lines],
        "digests": [line.digest for line in lines],
    }
    async with without_transaction(pool, rows=SERVICE) as tx:
        await tx.connection.execute(_INSERT, *_LINES.arguments(given), *SERVICE.values)
