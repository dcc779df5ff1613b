"""The broker loses what it had acknowledged, or its disk is full: the outbox keeps everything, and followers get it."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crashes import drive, faults
from tests.crashes.drive import Report, Scene
from tests.crashes.test_points import SEEDS
from tests.crashes.world import running_world

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("how", ["cut", "deleted", "purged"])
async def test_acknowledged_messages_are_lost(scene: Scene, tell: Callable[[Report], None], how: str, seed: int) -> None:
    tell(await drive.run(scene, how, seed, faults.lose_messages(how)))


@pytest.fixture(scope="module")
def small_disk() -> Iterator[Path]:
    """A file system of 24 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk; a stream at its own limit is tested in tests/chassis/events")
    folder = Path(tempfile.mkdtemp(prefix="xsd-"))
    folder.chmod(0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture(scope="module")
def cramped_scene(small_disk: Path) -> Iterator[Scene]:
    """A world whose broker has little room."""
    with running_world(nats_folder=small_disk / "nats") as world:
        yield asyncio.run(drive.prepare(world))


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_brokers_disk_is_full(cramped_scene: Scene, tell: Callable[[Report], None], seed: int) -> None:
    tell(await drive.run(cramped_scene, "full-disk", seed, faults.fill_disk()))
