"""What is done to a world while clients work. Every fault ends with all parts running."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from tests.crashes.drive import Fault
from tests.crashes.world import World

REACHED_WITHIN_S = 40.0


class NotReachedError(AssertionError):
    """The process did not pass the point, so the run proves nothing."""


def crash_at(name: str, point: str, passes: int) -> Fault:
    """The process is started to die at a point, does so, and is started again."""

    async def before(world: World) -> None:
        world.kill(name)
        world.start(name, crash_at=f"{point}:{passes}")
        await world.until_ready_or_dead(name)

    async def during(world: World, _: random.Random) -> None:
        died = await world.until_dead(name, REACHED_WITHIN_S)
        if not died:
            raise NotReachedError(f"{name} did not pass {point} {passes} times")
        world.start(name)

    return Fault(during, before)


def kill(name: str, *, times: int = 1) -> Fault:
    """SIGKILL at any moment; back after up to a second."""

    async def during(world: World, choose: random.Random) -> None:
        for _ in range(times):
            await asyncio.sleep(choose.uniform(0.1, 0.8))
            world.kill(name)
            await asyncio.sleep(choose.uniform(0, 1))
            world.start(name)

    return Fault(during)


def freeze(name: str, *, longest_s: float = 10.0) -> Fault:
    """SIGSTOP for one second or more: connections stay open, nobody answers."""

    async def during(world: World, choose: random.Random) -> None:
        await asyncio.sleep(choose.uniform(0.1, 0.5))
        world.send(name, signal.SIGSTOP)
        await asyncio.sleep(choose.uniform(1, longest_s))
        world.send(name, signal.SIGCONT)

    return Fault(during)


def restart(name: str) -> Fault:
    """An orderly stop, and up again."""

    async def during(world: World, choose: random.Random) -> None:
        await asyncio.sleep(choose.uniform(0.1, 0.5))
        world.send(name, signal.SIGINT if name == "postgres" else signal.SIGTERM)
        while world.is_alive(name):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        world.start(name)

    return Fault(during)


async def _nothing(_: World, __: random.Random) -> None:
    """A good day."""


NONE = Fault(_nothing)


def poison(*, service_dies: bool = False, replay_crash_at: str = "") -> Fault:
    """Events of the residents are more than the counting service can bear; healed when one is dead, replayed a little later.

    The service may die as it buries the event, the replay at a point of its own; then each is done again.
    """

    async def before(world: World) -> None:
        async with _counting(world) as connection:
            await connection.execute("INSERT INTO poison SELECT DISTINCT person_id FROM effect")
        if service_dies:
            world.kill("counting")
            world.start("counting", crash_at="inbox.buried")
            await world.until_ready_or_dead("counting")

    async def during(world: World, choose: random.Random) -> None:
        if service_dies:
            if not await world.until_dead("counting", REACHED_WITHIN_S):
                raise NotReachedError("counting buried nothing")
            world.start("counting")
        async with _counting(world) as connection:
            await _until(connection, "SELECT count(*) FROM inbox_dead")
            await connection.execute("DELETE FROM poison")
            with suppress(TimeoutError):  # a follower that holds nothing back is for the checker to find
                await _until(connection, "SELECT count(*) FROM inbox_held")
        await asyncio.sleep(choose.uniform(0.5, 1.5))
        if replay_crash_at:
            died = await asyncio.to_thread(world.command, "events", "replay", "counting", crash_at=replay_crash_at)
            if died.returncode != -signal.SIGKILL:
                raise NotReachedError(f"the replay did not pass {replay_crash_at}: {died.stdout} {died.stderr}")
        for _ in range(3):  # what the service found poisonous in the last moment is dead a moment later
            done = await asyncio.to_thread(world.command, "events", "replay", "counting")
            assert done.returncode == 0, done.stdout + done.stderr

    return Fault(during, before)


def snapshot(*, crash_at: str) -> Fault:
    """A snapshot of the registry for points_hukou dies under way and is sent again, while clients work."""

    async def during(world: World, _: random.Random) -> None:
        arguments = ("events", "snapshot", "registry", "--for", "points_hukou")
        died = await asyncio.to_thread(world.command, *arguments, crash_at=crash_at)
        if died.returncode != -signal.SIGKILL:
            raise NotReachedError(f"the snapshot did not pass {crash_at}: {died.stdout} {died.stderr}")
        done = await asyncio.to_thread(world.command, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    return Fault(during)


async def _until(connection: Any, query: str, within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not await connection.fetchval(query):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _counting(world: World) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(world.database("counting"))
    try:
        yield connection
    finally:
        await connection.close()
