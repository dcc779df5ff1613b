"""Leadership: one at a time, ended by whatever ends the connection or the lock."""

import asyncio
from contextlib import suppress
from typing import cast

import asyncpg
import pytest

from services.chassis.leadership import STANDBY, Leader, LeadershipLostError, OwnConnection, lead_forever, leadership
from tests.chassis.events.stage import Party, leader_pid, superuser, until
from tests.servers import Servers


async def test_a_task_has_one_leader_and_tasks_do_not_hinder_each_other(origin: Party) -> None:
    heard: set[str] = set()
    stands_by = asyncio.Event()

    def hear(state: str) -> None:
        heard.add(state)
        stands_by.set()

    async def wait_for_it() -> None:
        async with leadership(origin.dsn, "one", application="second", on_change=hear) as leader:
            await leader.check()

    async with leadership(origin.dsn, "one", application="first") as leader:
        await leader.check()
        async with leadership(origin.dsn, "two", application="other") as other:
            await other.check()
        successor = asyncio.create_task(wait_for_it())
        await asyncio.wait_for(stands_by.wait(), 5)
        assert not successor.done()
        await leader.check()
    await asyncio.wait_for(successor, 5)
    assert heard == {STANDBY}


async def test_a_leader_whose_connection_dies_knows_at_its_next_check(origin: Party, servers: Servers) -> None:
    async with leadership(origin.dsn, "one", application="doomed") as leader:
        async with superuser(servers) as owner:
            await owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed'")
        with pytest.raises(LeadershipLostError):
            await leader.check()


async def test_a_farewell_in_the_middle_of_a_statement_ends_the_leadership() -> None:
    class Surprised:
        async def fetchval(self, *_: object) -> None:
            raise asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress")

    with pytest.raises(LeadershipLostError):
        await Leader(cast("OwnConnection", Surprised()), "one").check()


async def test_a_leader_whose_lock_is_gone_knows_at_its_next_check(origin: Party) -> None:
    async with leadership(origin.dsn, "one", application="careless") as leader:
        await leader.connection.execute("SELECT pg_advisory_unlock_all()")
        with pytest.raises(LeadershipLostError):
            await leader.check()


async def test_a_failure_ends_one_term_not_the_office(origin: Party) -> None:
    terms = 0
    heard: list[str] = []
    settled = asyncio.Event()

    async def lead(leader: Leader) -> None:
        nonlocal terms
        await leader.check()
        terms += 1
        if terms < 3:
            raise ZeroDivisionError
        settled.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(lead_forever(origin.dsn, "one", application="term", lead=lead, on_change=heard.append))
    await asyncio.wait_for(settled.wait(), 10)
    task.cancel()
    await asyncio.wait([task])
    assert heard == ["ZeroDivisionError", "ZeroDivisionError"]

    async def lock_is_free() -> bool:
        return await leader_pid(origin, "term") is None

    await until(lock_is_free)


async def test_a_swallowed_cancellation_still_ends_the_leader(origin: Party) -> None:
    started = asyncio.Event()

    async def lead(leader: Leader) -> None:
        started.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        while True:
            await leader.check()

    task = asyncio.create_task(lead_forever(origin.dsn, "one", application="deaf", lead=lead, on_change=lambda _: None))
    await started.wait()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=5)
    assert done
    assert task.cancelled()
