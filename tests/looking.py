"""How a test looks into a service's database past row-level security: as the service itself, and saying so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.chassis.db import Connection, Pool, in_transaction
from services.chassis.rows import KIND_SETTING, SERVICE


@dataclass(frozen=True, slots=True)
class Looking:
    """A pool whose every statement is a transaction in the service's row context."""

    pool: Pool

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """All rows."""

        async def body(connection: Connection) -> list[asyncpg.Record]:
            return list(await connection.fetch(sql, *arguments))

        return await in_transaction(self.pool, lambda tx: body(tx.connection), rows=SERVICE)

    async def fetchrow(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row or `None`."""
        rows: Sequence[asyncpg.Record] = await self.fetch(sql, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        """The first column of the first row or `None`."""
        row = await self.fetchrow(sql, *arguments)
        return None if row is None else row[0]


def as_service(url: str) -> str:
    """The database URL for connections whose whole session is in the service's row context."""
    return f"{url}{'&' if '?' in url else '?'}{KIND_SETTING}=service"
