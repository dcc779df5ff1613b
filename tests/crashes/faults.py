"""What is done to a world while clients work. Every fault ends with all parts running."""

import asyncio
import os
import random
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from nats.aio.client import Client

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
        async with _database(world, "counting") as connection:
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
        async with _database(world, "counting") as connection:
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


def lose_messages(how: str, *, reconcile_crash_at: str = "") -> Fault:
    """The broker loses acknowledged messages of the registry while clients work (F6); then an operator reconciles.

    `deleted` and `purged` take the whole stream; `cut` takes the end of its file while the broker is down.
    """

    async def during(world: World, choose: random.Random) -> None:
        await asyncio.sleep(choose.uniform(0.2, 0.6))
        if how == "cut":
            await _cut_stream(world, choose)
            await world.until_ready()
        else:
            client = Client()
            await client.connect(world.nats.url())
            jetstream = client.jetstream()
            await (jetstream.delete_stream("registry") if how == "deleted" else jetstream.purge_stream("registry"))
            await client.close()
        await asyncio.sleep(choose.uniform(0.5, 1.5))
        if reconcile_crash_at:
            died = await asyncio.to_thread(world.command, "events", "reconcile", "registry", crash_at=reconcile_crash_at)
            if died.returncode != -signal.SIGKILL:
                raise NotReachedError(f"nothing was published again: {died.stdout} {died.stderr}")
        for _ in range(3):  # keys are behind for a moment while clients still work
            done = await asyncio.to_thread(world.command, "events", "reconcile", "registry", "--json")
            if done.returncode == 0:
                return
        raise AssertionError(f"reconcile: {done.stdout} {done.stderr}")

    return Fault(during)


def fill_disk() -> Fault:
    """No byte is left for the broker for some seconds; then there is room again, and it is started anew.

    It has to be: a stream that met a full disk stays read-only until then (reliability.md 8).
    """

    async def during(world: World, choose: random.Random) -> None:
        await asyncio.sleep(choose.uniform(0.1, 0.4))
        filler = world.nats_folder / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        async with _database(world, "registry") as connection:
            await _until(connection, "SELECT count(*) > 5 FROM outbox WHERE published_position IS NULL", 30)
        await asyncio.sleep(choose.uniform(0.5, 3))
        filler.unlink()
        world.kill("nats")
        world.start("nats")

    return Fault(during)


async def _cut_stream(world: World, choose: random.Random) -> None:
    """The file of the stream goes back to what it was a moment ago; the state of its consumers does not."""
    messages = world.nats_folder / "jetstream" / "$G" / "streams" / "registry" / "msgs"
    earlier = world.folder / "earlier"
    shutil.rmtree(earlier, ignore_errors=True)
    shutil.copytree(messages, earlier)
    await asyncio.sleep(choose.uniform(0.3, 0.8))
    world.kill("nats")
    owner = messages.stat()
    shutil.rmtree(messages)
    shutil.copytree(earlier, messages)
    for path in (messages, *messages.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    world.start("nats")


async def _until(connection: Any, query: str, within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not await connection.fetchval(query):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _database(world: World, name: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(world.database(name))
    try:
        yield connection
    finally:
        await connection.close()
