"""One world for all runs of a session that are expected to go well: each begins and ends in a quiet one."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.crashes.drive import Report, Scene, prepare
from tests.crashes.world import running_world


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    """The world with its residents; after everything that was done to it, all its evidence must be sound (I9)."""
    with running_world() as world:
        yield asyncio.run(prepare(world))
        verified = world.command("audit", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Callable[[Report], None]:
    """Show a run's report at once, and insist that it has no complaint; says how to see the same run again."""

    def show(report: Report) -> None:
        with capsys.disabled():
            print(f"\n{request.node.name}: {report}", end="", flush=True)  # noqa: T201 - hours of runs shall not be silent
        again = f".venv/bin/python -m pytest '{request.node.nodeid}'"
        assert not report.complaints, f"{report}\nagain: {again}"

    return show
