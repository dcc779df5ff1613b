"""Connections that rest between two uses: never more than there may be, nobody forgotten, nothing usable after its time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from services.chassis.db import Pool, Reader, Transaction, create_pool, in_transaction, prepare, release, without_transaction
from services.chassis.errors import DomainError
from services.chassis.rows import SERVICE
from tests.conftest import Database

BACKEND = prepare("SELECT pg_backend_pid()")
_SIZE = 2


@pytest.fixture
async def pool(office_database: Database) -> AsyncIterator[Pool]:
    made = await create_pool(office_database.application_url, size=_SIZE, command_timeout=5, application="test")
    yield made
    async with asyncio.timeout(5):
        await made.close()


async def backend(pool: Pool, acquire_timeout: float = 2.0) -> int:
    async with without_transaction(pool, rows=SERVICE, acquire_timeout=acquire_timeout) as tx:
        return int(await tx.fetch_value(BACKEND))


async def test_the_same_connection_is_taken_up_again(pool: Pool) -> None:
    assert len({await backend(pool) for _ in range(5)}) == 1
    assert pool.get_size() == pool.get_idle_size() == 1


async def test_the_connection_used_most_is_taken_up_first(pool: Pool) -> None:
    most_used = await backend(pool)
    usual = await pool.acquire()
    other = await pool.acquire()  # what the service's own work does while a request has the usual one
    await release(pool, usual, in_order=True)
    await release(pool, other, in_order=True)
    assert usual.get_server_pid() == most_used != other.get_server_pid()
    assert {await backend(pool) for _ in range(3)} == {most_used}


async def test_a_transaction_that_is_over_cannot_be_used(pool: Pool) -> None:
    kept: list[Transaction | Reader] = []

    async def body(tx: Transaction) -> None:
        kept.append(tx)

    await in_transaction(pool, body, rows=SERVICE)
    async with without_transaction(pool, rows=SERVICE) as tx:
        kept.append(tx)
    for one in kept:
        with pytest.raises(asyncpg.InterfaceError, match="has ended"):
            await one.fetch(BACKEND)


async def test_a_connection_lost_at_rest_is_replaced(pool: Pool) -> None:
    first = await backend(pool)
    connection = await pool.acquire()
    connection.terminate()
    with suppress(asyncpg.InterfaceError):
        await pool.release(connection)
    assert await backend(pool) != first

    async with asyncio.TaskGroup() as group:
        for _ in range(_SIZE):
            group.create_task(backend(pool))
    killer = await pool.acquire()  # the other one is at rest
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'test' AND datname = current_database() AND pid <> $1",
        killer.get_server_pid(),
    )
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        assert await backend(pool) != killer.get_server_pid()
    await pool.release(killer)


async def test_who_waits_is_served_in_order_and_not_for_ever(pool: Pool) -> None:
    held = [await pool.acquire() for _ in range(_SIZE)]
    with pytest.raises(DomainError, match="busy"):
        await backend(pool, acquire_timeout=0.05)
    served: list[int] = []

    async def wait(number: int) -> None:
        await backend(pool)
        served.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(6)]
    await asyncio.sleep(0.02)
    waiting[1].cancel()
    await pool.release(held.pop())
    await asyncio.gather(*waiting, return_exceptions=True)
    assert served == [0, 2, 3, 4, 5]
    await pool.release(held.pop())


async def test_whatever_befalls_its_users_the_pool_stays_whole(pool: Pool) -> None:
    chance = random.Random(7)
    at_once = most = 0

    async def use() -> None:
        nonlocal at_once, most
        async with without_transaction(pool, rows=SERVICE, acquire_timeout=chance.choice((0.001, 1.0))) as tx:
            at_once += 1
            most = max(most, at_once)
            try:
                await tx.fetch(BACKEND)
                match chance.randrange(6):
                    case 0:
                        await tx.connection.execute("SELECT 1 / 0")
                    case 1:
                        await tx.connection.execute("SELECT pg_sleep(0.01)")
                    case 2:
                        await tx.connection.close()
            finally:
                at_once -= 1

    for _ in range(30):
        users = [asyncio.create_task(use()) for _ in range(8)]
        await asyncio.sleep(chance.random() * 0.01)
        for user in chance.sample(users, 2):
            user.cancel()
        await asyncio.gather(*users, return_exceptions=True)
    assert most <= _SIZE
    held = [await asyncio.wait_for(pool.acquire(), 5) for _ in range(_SIZE)]
    assert pool.get_idle_size() == 0
    for connection in held:
        assert await connection.fetchval("SELECT 1") == 1
        await pool.release(connection)
    async with asyncio.timeout(5):
        await pool.close()
    with pytest.raises(DomainError, match="database-unavailable"):
        await backend(pool)
