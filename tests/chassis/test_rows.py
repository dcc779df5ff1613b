"""The row context: the first act of every transaction and of every read, and gone after it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import pytest

from services.chassis.db import Pool, Prepared, Transaction, create_pool, in_transaction, prepare, without_transaction
from services.chassis.principal import Principal
from services.chassis.rows import SERVICE, RowContext
from tests.conftest import Database

SETTINGS = prepare(
    """
    SELECT current_setting('xinshimin.kind', true) AS kind, current_setting('xinshimin.division', true) AS division,
        current_setting('xinshimin.client', true) AS client, current_setting('xinshimin.law_date', true) AS law_date,
        pg_backend_pid() AS pid
    """
)
READ = prepare("SELECT number FROM guarded WHERE number >= CAST(:least AS integer) ORDER BY number DESC")
READ_BY_CTE = prepare("WITH chosen AS (SELECT max(number) AS number FROM guarded) SELECT number FROM chosen")
WRITE = prepare("INSERT INTO guarded (division_code, number) VALUES (CAST(:division AS text), 9) RETURNING number")
# Whoever may see nothing finds nothing, in whichever order the planner joins.
GUARDED = """
    CREATE TABLE guarded (division_code text NOT NULL, number integer PRIMARY KEY);
    ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY of_clients ON guarded
        USING (starts_with(division_code, nullif(current_setting('xinshimin.division', true), '')));
    CREATE POLICY of_the_service ON guarded USING (current_setting('xinshimin.kind', true) = 'service');
"""
TOWN = RowContext("client", "330282107", "o'clock\\' || ':x", date(2026, 3, 1))


@pytest.fixture(scope="module")
async def pool(office_database: Database) -> AsyncIterator[Pool]:
    """One connection, so that what stays on it would be seen, on a database with a guarded table of three divisions."""
    owner = await asyncpg.connect(office_database.owner_url)
    await owner.execute(GUARDED)
    await owner.execute("GRANT SELECT, INSERT ON guarded TO office_app")
    made = await create_pool(office_database.application_url, size=1, command_timeout=5, application="test")
    try:
        rows = [("330282107001", 1), ("330282107", 2), ("330282109", 3)]
        await in_transaction(
            made,
            lambda tx: tx.connection.executemany("INSERT INTO guarded VALUES ($1, $2)", rows),
            rows=SERVICE,
        )
        yield made
    finally:
        await made.close()
        await owner.execute("DROP TABLE guarded")
        await owner.close()


async def settings(pool: Pool, rows: RowContext, *, writes: bool) -> tuple[Any, ...]:
    """The row context as a statement sees it."""

    async def body(tx: Transaction) -> Any:
        return await tx.fetch_row(SETTINGS)

    if writes:
        return tuple(await in_transaction(pool, body, rows=rows))[:4]
    async with without_transaction(pool, rows=rows) as tx:
        return tuple(await body(tx))[:4]


async def left_on_the_connection(pool: Pool) -> list[str]:
    """What a statement without a context finds of one."""
    (row,) = await pool.fetch(SETTINGS.sql)
    return [value for value in tuple(row)[:4] if value]


@pytest.mark.parametrize("writes", [False, True])
async def test_a_statement_sees_whom_it_runs_for_and_nothing_stays(pool: Pool, writes: bool) -> None:
    assert await settings(pool, TOWN, writes=writes) == ("client", "330282107", "o'clock\\' || ':x", "2026-03-01")
    assert await left_on_the_connection(pool) == []
    assert await settings(pool, SERVICE, writes=writes) == ("service", "", "", "")
    assert await left_on_the_connection(pool) == []


async def test_nothing_stays_when_the_block_fails_or_is_cancelled(pool: Pool) -> None:
    async def fails(tx: Transaction) -> None:
        await tx.connection.execute("SELECT 1 / 0")

    async def sleeps(tx: Transaction) -> None:
        await tx.connection.execute("SELECT pg_sleep(10)")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await in_transaction(pool, fails, rows=SERVICE)
    assert await pool.fetch(READ.sql, 0) == []
    sleeping = asyncio.create_task(in_transaction(pool, sleeps, rows=SERVICE))
    await asyncio.sleep(0.05)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await pool.fetch(READ.sql, 0) == []
    assert await left_on_the_connection(pool) == []


async def test_an_error_the_block_swallowed_is_no_commit(pool: Pool) -> None:
    async def swallows(tx: Transaction) -> None:
        try:
            await tx.connection.execute("SELECT 1 / 0")
        except asyncpg.DivisionByZeroError:
            return

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await in_transaction(pool, swallows, rows=SERVICE)


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        (TOWN, [2, 1]),
        (RowContext("client", "330282107001"), [1]),
        (RowContext("client", "3302"), [3, 2, 1]),
        (RowContext("client", "330281"), []),
        (RowContext("client"), []),
        (SERVICE, [3, 2, 1]),
    ],
)
async def test_a_protected_read_is_filtered_by_its_own_context(pool: Pool, rows: RowContext, seen: list[int]) -> None:
    assert await pool.fetch(READ.sql, 0) == []
    for _ in range(8):  # the sixth time PostgreSQL may go over to a generic plan
        async with without_transaction(pool, rows=rows) as tx:
            assert [row["number"] for row in await tx.fetch(READ, least=0)] == seen
            assert await tx.fetch_value(READ_BY_CTE) == (seen[0] if seen else None)


@pytest.mark.parametrize("switched_off", ["nestloop", "hashjoin", "mergejoin", "material", "indexscan", "seqscan"])
async def test_the_context_is_set_before_the_first_row_is_looked_at_whatever_the_plan(pool: Pool, switched_off: str) -> None:
    async with pool.acquire() as connection:
        await connection.execute(f"SET enable_{switched_off} = off")
        try:
            assert READ.protected is not None
            found = await connection.fetch(READ.protected, 0, *TOWN.values)
        finally:
            await connection.execute(f"RESET enable_{switched_off}")
    assert [row["number"] for row in found] == [2, 1]


def test_what_writes_is_not_a_query() -> None:
    def is_protected(statement: Prepared) -> bool:
        return statement.protected is not None

    assert is_protected(READ)
    assert is_protected(READ_BY_CTE)
    assert not is_protected(WRITE)
    assert not is_protected(prepare("WITH gone AS (delete from guarded RETURNING 1) SELECT count(*) FROM gone"))
    assert not is_protected(prepare("SELECT number FROM guarded FOR UPDATE"))


async def test_a_read_may_leave_a_count_in_a_short_transaction(pool: Pool) -> None:
    async with without_transaction(pool, rows=TOWN) as tx:
        assert await tx.fetch_value(WRITE, division="330282107002") == 9
        assert await tx.fetch_value(READ_BY_CTE) == 9
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.fetch_value(WRITE, division="330281001")


@pytest.mark.parametrize(
    ("division", "digits"), [("330200", "3302"), ("330282107000", "330282107"), ("330000000", "33"), ("330282", "330282")]
)
def test_a_clients_context_bounds_by_the_significant_digits(division: str, digits: str) -> None:
    rows = RowContext.of(Principal("c", "o", division), date(2026, 3, 1))
    assert rows == RowContext("client", digits, "c", date(2026, 3, 1))


def test_a_zero_byte_is_no_context() -> None:
    with pytest.raises(ValueError, match="zero"):
        _ = RowContext("client", "33", "a\0b").begin


async def test_a_task_cancelled_at_any_moment_leaves_no_transaction_open(pool: Pool) -> None:
    """Also while BEGIN is on its way: asyncpg would find it when the connection comes back, roll it back and complain."""
    loop = asyncio.get_running_loop()
    complaints: list[str] = []
    loop.set_exception_handler(lambda _, what: complaints.append(str(what["message"])))
    try:
        for moment in range(60):
            task = asyncio.create_task(settings(pool, TOWN, writes=True))
            for _ in range(moment // 4):
                await asyncio.sleep(0)
            await asyncio.sleep(moment % 4 / 5000)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        loop.set_exception_handler(None)
    assert complaints == []
    assert await settings(pool, TOWN, writes=True) == ("client", "330282107", "o'clock\\' || ':x", "2026-03-01")
