"""Rooms of tests: which process tests a room, and what each costs beside its budget.

`make test` has to stay below ten minutes with seven services, so two processes share the rooms, the one with most tests first.
A room is tested by one process from its first test to its last, for its tests share a database or a whole suite. The table is
printed, never enforced: the machine is shared, and a slow neighbour is no defect. A room that stays over its budget on a quiet
machine moves its slowest cases to `make test-long`.
"""

from collections import defaultdict
from pathlib import Path

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

SERVICE_S = 60
GROUND_S = 180  # chassis, gateway, suite, journeys and whatever else belongs to no single service

_seconds: defaultdict[str, float] = defaultdict(float)
_ROOT = Path(__file__).parent
_SERVICES = _ROOT.parent / "services"
# Rooms of services/ that are no service of their own but what services stand on.
_COMMON = {"chassis", "contracts", "suite"}


class RoomByRoom(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each process the tests of whole rooms."""

    def _split_scope(self, nodeid: str) -> str:
        return _room(nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> RoomByRoom:
    """Where several processes share the work (`-n`), they share it by rooms."""
    return RoomByRoom(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add a phase of a test – its fixtures too – to its room."""
    _seconds[_room(report.location[0])] += report.duration


def _room(path: str) -> str:
    return path.removeprefix(f"{_ROOT.name}/").partition("/")[0]


def _services() -> set[str]:
    """Every service, whether it runs already or is only rules so far."""
    return {folder.name for folder in _SERVICES.iterdir() if (folder / "rules").is_dir()} - _COMMON


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table when more than one room was tested."""
    if len(_seconds) < 2:
        return
    services = _services()
    terminalreporter.write_sep("-", "seconds by room (budget)")
    for room in sorted(services & set(_seconds)):
        terminalreporter.write_line(f"{_seconds[room]:6.0f} ({SERVICE_S:3}) {room}")
    ground = {room: seconds for room, seconds in _seconds.items() if room not in services}
    detail = ", ".join(f"{room} {seconds:.0f}" for room, seconds in sorted(ground.items(), key=lambda item: -item[1]))
    terminalreporter.write_line(f"{sum(ground.values()):6.0f} ({GROUND_S:3}) all else: {detail}")
