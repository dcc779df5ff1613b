"""Death where only poison and an operator's commands come: burial, replay, release of what was held, snapshots."""

from collections.abc import Callable

import pytest

from tests.crashes import drive, faults
from tests.crashes.drive import Fault, Report, Scene
from tests.crashes.test_points import BY_COMMAND, SEEDS

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

CASES: dict[str, Fault] = {
    "inbox.buried": faults.poison(service_dies=True),
    "inbox.released": faults.poison(replay_crash_at="inbox.released"),
    "replay.applied": faults.poison(replay_crash_at="replay.applied"),
    "snapshot.sent": faults.snapshot(crash_at="snapshot.sent"),
    "reconciler.sent": faults.lose_messages("deleted", reconcile_crash_at="reconciler.sent"),
}


def test_every_command_dies_here() -> None:
    assert CASES.keys() == BY_COMMAND


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("point", CASES)
async def test_death_by_command(scene: Scene, tell: Callable[[Report], None], point: str, seed: int) -> None:
    tell(await drive.run(scene, point, seed, CASES[point]))
