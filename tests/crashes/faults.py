"""What is done to a world while clients work. Every fault ends with all parts running."""

import asyncio
import random
import signal

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


def poison_and_heal(name: str) -> Fault:
    """Of one person everything is more than the service can bear, until an operator has healed it and replays."""

    async def during(world: World, choose: random.Random) -> None:
        await asyncio.sleep(choose.uniform(0.2, 0.6))

    return Fault(during)
