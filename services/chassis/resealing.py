"""Sealing a whole column again under another key, in batches, while the service works on it.

Each batch reads some rows, seals them again here, and writes those back whose value is still the one that was read. It holds
its row locks for one statement and waits for nobody's: what somebody else holds or changed is left to the next pass.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from services.chassis.db import Connection, Pool, Record, Transaction, in_transaction
from services.chassis.rows import SERVICE
from services.chassis.sealed_columns import SealedColumn
from services.chassis.sealing import Key

_BATCH = 500
_KIND_BITS = 0xC0

Result = TypeVar("Result")
Open = Callable[[bytes, str], bytes]


@dataclass(frozen=True, slots=True)
class Resealing:
    """One column on its way from all other keys to `key`."""

    pool: Pool
    column: SealedColumn
    open: Open
    key: Key

    async def left(self) -> int:
        """How many values are under other keys of that kind."""
        sql = f"SELECT count(*) FROM {self._table} WHERE {self._others('$1')}"  # noqa: S608 - names declared in code
        count: int = await self._run(lambda connection: connection.fetchval(sql, self.key.head))
        return count

    async def pass_over(self, progress: Callable[[int], None]) -> int:
        """Go through the column once; returns how many values were sealed again."""
        types = await self._run(self._types)
        last: tuple[Any, ...] | None = None
        done = 0
        while rows := await self._page(last, types):
            done += await self._write_back(rows, types)
            last = tuple(rows[-1][name] for name in self.column.key)
            progress(done)
        return done

    async def _page(self, last: tuple[Any, ...] | None, types: dict[str, str]) -> list[Record]:
        keys = ", ".join(_quoted(name) for name in self.column.key)
        shown = ", ".join(_quoted(name) for name in (*self.column.key, *self.column.also))
        after, arguments = "", list(last or ())
        if last is not None:
            bounds = ", ".join(f"${place}::{types[name]}" for place, name in enumerate(self.column.key, start=2))
            after = f"AND ({keys}) > ({bounds})"
        sql = f"""
            SELECT {shown}, {self._value} AS sealed FROM {self._table}
            WHERE {self._others("$1")} {after} ORDER BY {keys} LIMIT {_BATCH}
        """  # noqa: S608
        return list(await self._run(lambda connection: connection.fetch(sql, self.key.head, *arguments)))

    async def _write_back(self, rows: list[Record], types: dict[str, str]) -> int:
        contexts = [self.column.context_of(dict(row)) for row in rows]
        fresh = [self.key.seal(self.open(row["sealed"], place), place) for row, place in zip(rows, contexts, strict=True)]
        keys = [_quoted(name) for name in self.column.key]
        arrays = ", ".join(f"${place}::{types[name]}[]" for place, name in enumerate(self.column.key, start=3))
        arguments: list[Any] = [[row["sealed"] for row in rows], fresh]
        arguments += ([row[name] for row in rows] for name in self.column.key)
        named = ""
        if self.column.names_key:
            arguments.append(self.key.key_id.decode())
            named = f", kek_id = ${len(arguments)}"
        sql = f"""
            WITH n AS (
                SELECT * FROM unnest($1::bytea[], $2::bytea[], {arrays}) AS n (was, fresh, {", ".join(keys)})
            ), held AS (
                SELECT n.* FROM {self._table} t JOIN n ON {_equal("t", "n", keys)} AND t.{self._value} = n.was
                ORDER BY {", ".join(f"t.{key}" for key in keys)} FOR UPDATE OF t SKIP LOCKED
            )
            UPDATE {self._table} t SET {self._value} = held.fresh{named} FROM held WHERE {_equal("t", "held", keys)}
        """  # noqa: S608
        tag = await self._run(lambda connection: connection.execute(sql, *arguments))
        return int(tag.removeprefix("UPDATE "))

    async def _types(self, connection: Connection) -> dict[str, str]:
        rows = await connection.fetch(
            "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = to_regclass($1)",
            self.column.table,
        )
        return {row["attname"]: row["type"] for row in rows}

    async def _run(self, statement: Callable[[Connection], Awaitable[Result]]) -> Result:
        async def body(tx: Transaction) -> Result:
            return await statement(tx.connection)

        return await in_transaction(self.pool, body, rows=SERVICE)

    @property
    def _table(self) -> str:
        return _quoted(self.column.table)

    @property
    def _value(self) -> str:
        return _quoted(self.column.column)

    def _others(self, head: str) -> str:
        """A condition: sealed by a key of the column's kind, but not by ours."""
        of_kind = f"get_byte({self._value}, 0) & {_KIND_BITS} = {int(self.column.kind)}"
        return f"({of_kind} AND substr({self._value}, 1, octet_length({head}::bytea)) <> {head})"


async def count_under(tx: Transaction, column: SealedColumn, head: bytes) -> int:
    """How many values of the column the key with this head sealed."""
    table, value = _quoted(column.table), _quoted(column.column)
    sql = f"SELECT count(*) FROM {table} WHERE substr({value}, 1, octet_length($1::bytea)) = $1"  # noqa: S608
    count: int = await tx.connection.fetchval(sql, head)
    return count


def _equal(one: str, other: str, keys: Sequence[str]) -> str:
    return " AND ".join(f"{one}.{key} = {other}.{key}" for key in keys)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
