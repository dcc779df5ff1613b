"""Parts killed, frozen and restarted at any moment, answers lost after the commit."""

import random
from collections.abc import Callable

import pytest

from tests.crashes import drive, faults
from tests.crashes.drive import Fault, Report, Scene
from tests.crashes.lossy import LossyDoor

pytestmark = pytest.mark.timeout(300)

SEEDS = range(10)
QUICK = {("kill-nats", 1), ("kill-postgres", 1)}
FAULTS: dict[str, Fault] = {
    "kill-nats": faults.kill("nats"),
    "kill-postgres": faults.kill("postgres"),
    "kill-registry": faults.kill("registry", times=2),
    "kill-points_hukou": faults.kill("points_hukou", times=2),
    "kill-counting": faults.kill("counting", times=2),
    "kill-gateway": faults.kill("gateway"),
    "freeze-nats": faults.freeze("nats"),
    "freeze-postgres": faults.freeze("postgres"),
    "freeze-registry": faults.freeze("registry"),
    "freeze-counting": faults.freeze("counting"),
    "restart-nats": faults.restart("nats"),
    "restart-postgres": faults.restart("postgres"),
}
CASES = [
    pytest.param(name, seed, id=f"{name}-{seed}", marks=[] if (name, seed) in QUICK else [pytest.mark.long])
    for name in FAULTS
    for seed in SEEDS
]


@pytest.mark.parametrize(("name", "seed"), CASES)
async def test_a_part_fails(scene: Scene, tell: Callable[[Report], None], name: str, seed: int) -> None:
    tell(await drive.run(scene, name, seed, FAULTS[name]))


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.long] if seed else []) for seed in SEEDS])
async def test_answers_are_lost_after_the_commit(scene: Scene, tell: Callable[[Report], None], seed: int) -> None:
    async with LossyDoor(scene.world.base_url, random.Random(seed), 0.3).open() as door:
        report = await drive.run(scene, "lost-answers", seed, faults.NONE, base_url=door.url)
        tell(report)
        assert door.lost > 3
        assert report.unknown >= 3
