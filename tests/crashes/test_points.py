"""Death by SIGKILL at every named point; afterwards nothing is lost, nothing is done twice, all agree.

The number of the seed decides what clients do and at which pass the process dies. One seed again:
`python -m pytest 'tests/crashes/test_points.py::test_death_at_a_point[relay.published-7]'`.
"""

import random
from collections.abc import Callable

import pytest

from services.chassis.crash_points import POINTS
from tests.crashes import drive, faults
from tests.crashes.drive import Report, Scene

pytestmark = pytest.mark.timeout(300)

SEEDS = range(10)
QUICK = {("route.committed", 1), ("upload.stored", 1), ("relay.published", 1), ("consumer.positioned", 1)}
# Passed by commands of an operator only: `test_commands.py`.
BY_COMMAND = {"inbox.buried", "inbox.released", "snapshot.sent", "reconciler.sent", "replay.applied"}
# Passed by the workers of long operations, which are processes of their own: `registry/test_imports_crashes.py` and
# `points_hukou/test_evidence_import_crashes.py` kill them.
BY_WORKER = {point for point in POINTS if point.startswith("operation.")}
# How often a run surely passes the point.
_PASSES = {
    "route": 12,
    "read": 2,
    "upload": 3,
    "relay": 5,
    "relay.batch_begun": 1,
    "consumer": 4,
    "job.acted": 2,
    "job.committed": 4,
}

CASES = [
    pytest.param(point, seed, id=f"{point}-{seed}", marks=[] if (point, seed) in QUICK else [pytest.mark.long])
    for point in POINTS
    if point not in BY_COMMAND | BY_WORKER
    for seed in SEEDS
]


@pytest.mark.parametrize(("point", "seed"), CASES)
async def test_death_at_a_point(scene: Scene, tell: Callable[[Report], None], point: str, seed: int) -> None:
    choose = random.Random(f"{point} {seed}")
    part = point.partition(".")[0]
    victim = choose.choice(("points_hukou", "counting")) if part == "consumer" else "registry"
    passes = choose.randint(1, _PASSES.get(point, _PASSES.get(part, 1)))
    tell(await drive.run(scene, point, seed, faults.crash_at(victim, point, passes)))


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("relay.")])
async def test_death_of_a_relay_whose_events_come_from_handlers(
    scene: Scene, tell: Callable[[Report], None], point: str, seed: int
) -> None:
    passes = random.Random(f"handlers {point} {seed}").randint(1, _PASSES.get(point, 3))
    tell(await drive.run(scene, f"handlers-{point}", seed, faults.crash_at("counting", point, passes)))
