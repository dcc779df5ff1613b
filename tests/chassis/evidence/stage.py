"""A service reduced to its evidence: lines are written as its services write them, and sealed on real servers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from services.chassis.bus import Bus
from services.chassis.clock import utc_now
from services.chassis.db import Pool, Record
from services.chassis.evidence.checkpoint import SigningKeys
from services.chassis.evidence.copies import Copier, Folder, Place, Stream
from services.chassis.evidence.sealer import Sealer
from services.chassis.principal import Principal
from services.chassis.work import AuditLine, audit_line
from tests.chassis.events.stage import until

SERVICE = "office"
WHO = Principal(
    client_id="test-client",
    organisation="浒山街道",
    division_code="330282",
    scopes=frozenset(),
    actor="officer-𠮷",
    purpose="residence_registration",
)
INSERT = "INSERT INTO audit_line (audit_id, person_id, line, digest) VALUES ($1, $2, $3, $4)"


@dataclass(slots=True)
class Log:
    """The audit log of one service: database, keys, places."""

    dsn: str
    pool: Pool
    owner: "asyncpg.Connection[asyncpg.Record]"
    keys: SigningKeys
    bus: Bus
    folder: Path

    @property
    def places(self) -> list[Place]:
        """The two places outside."""
        return [Folder(self.folder, SERVICE), Stream(self.bus.archive(SERVICE))]

    def sealer(
        self,
        *,
        places: Sequence[Place] | None = None,
        every_s: float = 0.05,
        at: datetime | None = None,
        keys: SigningKeys | None = None,
        days_kept: int = 1096,
    ) -> Sealer:
        """A sealer; `at` stops its clock."""
        signing = keys or self.keys
        copier = Copier(signing.public, self.places if places is None else places)
        return Sealer(
            self.dsn,
            service=SERVICE,
            keys=signing,
            copier=copier,
            every_s=every_s,
            days_kept=days_kept,
            now=(lambda: at) if at else utc_now,
        )

    async def write(self, count: int, *, connection: "asyncpg.Connection[asyncpg.Record] | None" = None) -> list[UUID]:
        """Commit lines about made-up persons, or write them on a connection whose transaction is still open."""
        lines = [a_line() for _ in range(count)]
        rows = [(line.audit_id, line.person_id, line.line, line.digest) for line in lines]
        if connection is not None:
            await connection.executemany(INSERT, rows)
        else:
            await self.pool.executemany(INSERT, rows)
        return [line.audit_id for line in lines]

    async def sealed(self) -> list[UUID]:
        """Ids in order of their positions, which must be dense."""
        rows = await self.pool.fetch("SELECT position, audit_id FROM audit_seal ORDER BY position")
        assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
        return [row["audit_id"] for row in rows]

    async def checkpoints(self) -> list[Record]:
        """Rows, smallest first."""
        return list(await self.pool.fetch("SELECT * FROM audit_checkpoint ORDER BY tree_size"))

    async def unsealed(self) -> int:
        """Lines without a seal, by the plain definition."""
        count: int = await self.pool.fetchval(
            "SELECT count(*) FROM audit_line WHERE audit_id NOT IN (SELECT audit_id FROM audit_seal)"
        )
        return count

    async def seal(self, **options: object) -> None:
        """Run a sealer until every line has its seal and the newest checkpoint is in both places."""
        async with running(self.sealer(**options)):  # type: ignore[arg-type]
            await until(self.at_rest)

    async def at_rest(self) -> bool:
        """Whether nothing waits."""
        copied = "SELECT count(*) FROM audit_copy WHERE tree_size = (SELECT max(tree_size) FROM audit_checkpoint)"
        return await self.unsealed() == 0 and await self.pool.fetchval(copied) == len(self.places)


def a_line() -> AuditLine:
    """A line like those of the services."""
    return audit_line(
        WHO,
        operation="人员查询",
        resource="person",
        resource_id=uuid4(),
        person_id=uuid4(),
        fields=("name", "e\u0301", "😀"),
        outcome="done",
        request_id=str(uuid4()),
        at=utc_now(),
    )


@asynccontextmanager
async def running(*sealers: Sealer) -> AsyncIterator[None]:
    """Run sealers for the length of the block."""
    tasks = [asyncio.create_task(sealer.run()) for sealer in sealers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
