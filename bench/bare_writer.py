"""The limit of registering: bare asyncpg transactions that write the same rows, without HTTP, rules, keys or reading first.

The rows of one real registration are the pattern; each transaction writes copies of them with fresh ids, a statement per row,
into twins of the service's tables (same columns, indexes and checks, the same rows in them). Prints transactions per second.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from services.chassis.db import Connection, Pool
from services.chassis.ids import new_id

_CONNECTIONS = 8

# Table, and how the rows of a registration are found in it: $1 its id, $2 its person.
TABLES = {
    "residence_registration": "registration_id = $1 AND $2::uuid IS NOT NULL",
    "person_division": "person_id = $2 AND source = 'residence_registration' AND $1::uuid IS NOT NULL",
    "event_sequence": "partition_key = $2 AND $1::uuid IS NOT NULL",
    "outbox": "data LIKE '%' || $1::uuid::text || '%' AND $2::uuid IS NOT NULL",
    "history": "resource_id = $1 AND $2::uuid IS NOT NULL",
    "audit_line": "line LIKE '%' || $1::uuid::text || '%' AND person_id = $2",
    "idempotency_key": "headers ->> 'location' LIKE '%' || $1::uuid::text AND $2::uuid IS NOT NULL",
}
_NOT_WRITTEN = frozenset({"outbox_id", "published_position", "published_at"})
_FRESH = frozenset({"event_id", "audit_id", "person_division_id"})


@dataclass(frozen=True, slots=True)
class _Insert:
    """One row of the pattern as a statement; some of its values differ in every copy."""

    sql: str
    columns: tuple[str, ...]
    values: tuple[Any, ...]

    def copy(self, registration: tuple[UUID, UUID], person: tuple[UUID, str]) -> list[Any]:
        """The arguments for another registration of another person."""
        return [self._value(name, value, registration, person) for name, value in zip(self.columns, self.values, strict=True)]

    @staticmethod
    def _value(name: str, value: Any, registration: tuple[UUID, UUID], person: tuple[UUID, str]) -> Any:
        if name in _FRESH:
            return new_id()
        if name == "key":
            return str(new_id())
        if value == registration[0]:
            return registration[1]
        return UUID(person[1]) if value == person[0] else value


async def make_twins(connection: Connection) -> None:
    """Tables of the same kind with the same rows, in a schema of their own."""
    for table in TABLES:
        await connection.execute(f"CREATE TABLE bench.{table} (LIKE public.{table} INCLUDING ALL)")
        columns = [row["attname"] for row in await connection.fetch(_COLUMNS, f"public.{table}")]
        names = ", ".join(columns)
        await connection.execute(
            f"INSERT INTO bench.{table} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM public.{table}"
        )
        await connection.execute(f"ANALYZE bench.{table}")
    await connection.execute(
        "ALTER TABLE bench.outbox ALTER COLUMN outbox_id RESTART WITH 1000000000;"
        "ALTER TABLE bench.residence_registration ADD FOREIGN KEY (person_id) REFERENCES public.person (person_id);"
        "ALTER TABLE bench.person_division ADD FOREIGN KEY (person_id) REFERENCES public.person (person_id)"
    )


_COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""


async def pattern(connection: Connection, registration_id: UUID, person_id: UUID) -> list[_Insert]:
    """What one registration left in every table."""
    found = []
    for table, condition in TABLES.items():
        rows = await connection.fetch(f"SELECT * FROM public.{table} WHERE {condition}", registration_id, person_id)
        if not rows:
            raise RuntimeError(f"a registration left nothing in {table}")
        given = [row["attname"] for row in await connection.fetch(_COLUMNS, f"public.{table}")]
        columns = tuple(name for name in given if name not in _NOT_WRITTEN)
        places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
        upsert = " ON CONFLICT (partition_key) DO UPDATE SET last_sequence = 2" if table == "event_sequence" else ""
        sql = f"INSERT INTO bench.{table} ({', '.join(columns)}) VALUES ({places}){upsert}"
        found += [_Insert(sql, columns, tuple(row[name] for name in columns)) for row in rows]
    return found


async def _write(pool: Pool, given: dict[str, Any], inserts: Sequence[_Insert]) -> int:
    registration_id, person_id = UUID(given["registration_id"]), UUID(given["person_id"])
    left = iter(given["person_ids"])
    deadline = time.monotonic() + given["seconds"]
    count = 0

    async def writer() -> None:
        nonlocal count
        async with pool.acquire() as connection:
            while time.monotonic() < deadline and (other := next(left, None)) is not None:
                registration, person = (registration_id, new_id()), (person_id, other)
                async with connection.transaction():
                    for insert in inserts:
                        await connection.execute(insert.sql, *insert.copy(registration, person))
                count += 1

    async with asyncio.TaskGroup() as writers:
        for _ in range(_CONNECTIONS):
            writers.create_task(writer())
    return count


async def _run(given: dict[str, Any]) -> float:
    async with asyncpg.create_pool(given["database_url"], min_size=_CONNECTIONS, max_size=_CONNECTIONS) as pool:
        async with pool.acquire() as connection:
            inserts = await pattern(connection, UUID(given["registration_id"]), UUID(given["person_id"]))
        started = time.monotonic()
        return await _write(pool, given, inserts) / (time.monotonic() - started)


if __name__ == "__main__":
    print(uvloop.run(_run(json.load(sys.stdin))))
