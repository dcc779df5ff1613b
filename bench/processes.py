"""What processes of the suite have used, from `/proc`: what a busy machine disturbs least."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def with_children(pid: int) -> set[int]:
    """A process and all it started."""
    found = {pid}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= with_children(int(child))
    return found


def cpu_s(pids: Iterable[int]) -> float:
    """User and system time of processes so far."""
    return sum(map(_ticks, pids)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    """Nothing, once it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0
