"""The checker itself is tested: with each of these bugs planted, a run must be found wrong, and for the right reason."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.crashes import drive, faults, planted
from tests.crashes.drive import Fault, Report
from tests.crashes.world import World, running_world

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

_TRIES = 4
_PATIENCE_S = 12.0
# Where the bug is planted, what brings it out, and the invariants of which at least one must be seen broken.
CASES: dict[str, tuple[str, Fault, tuple[str, ...]]] = {
    "acknowledge-before-commit": ("counting", faults.crash_at("counting", "consumer.fetched", 2), ("I2", "I4")),
    "position-outside-the-transaction": ("counting", faults.crash_at("counting", "consumer.positioned", 2), ("I2",)),
    "relay-by-highest-id": ("registry", faults.NONE, ("I4",)),
    "key-claimed-after-the-handler": ("registry", faults.crash_at("registry", "route.committed", 4), ("I1", "I2", "I3")),
    "answer-before-commit": ("registry", faults.kill("registry", times=3), ("I1",)),
    "mark-before-publishing": ("registry", faults.crash_at("registry", "relay.committed", 2), ("I4",)),
    "evidence-after-the-commit": ("registry", faults.NONE, ("I9",)),
    "held-events-overtaken": ("counting", faults.poison(), ("I2",)),
    "file-stored-before-it-is-announced": ("registry", faults.crash_at("registry", "upload.stored", 1), ("I13",)),
}


def test_every_bug_is_planted_here() -> None:
    assert CASES.keys() == planted.BUGS.keys()


@pytest.mark.parametrize("bug", CASES)
def test_a_planted_bug_is_found(bug: str, tell: Callable[[Report], None]) -> None:
    victim, fault, invariants = CASES[bug]
    with running_world() as world:
        report = asyncio.run(_until_found(world, victim, bug, fault, invariants))
    with suppress(AssertionError):
        tell(report)
    assert any(complaint.startswith(invariants) for complaint in report.complaints), str(report)


async def _until_found(world: World, victim: str, bug: str, fault: Fault, invariants: tuple[str, ...]) -> Report:
    """Some bugs need a race to show, and some show first as a refused call: a few runs are allowed."""
    scene = await drive.prepare(world)
    world.plants[victim] = bug
    world.kill(victim)
    world.start(victim)
    await world.until_ready()
    for seed in range(_TRIES):
        report = await drive.run(scene, bug, seed, fault, patience_s=_PATIENCE_S)
        if any(complaint.startswith(invariants) for complaint in report.complaints):
            break
    return report
