"""Resident memory of the whole idle suite: the proportional share (PSS) of every process, so that shared pages count once."""

import re
from pathlib import Path

from bench.figures import Figure, Goal
from bench.processes import with_children
from bench.stage import Stage


def measure(stage: Stage, *, when: str) -> Figure:
    """Figure 7; `when` says what the suite has done before."""
    by_name = {name: with_children(pid) for name, pid in {**stage.running.pids, "supervisor": stage.running.pid}.items()}
    by_name["supervisor"] -= set().union(*(pids for name, pids in by_name.items() if name != "supervisor"))
    megabytes = {name: sum(map(_pss_bytes, pids)) / 1e6 for name, pids in by_name.items()}
    parts = ", ".join(f"{name} {size:.0f}" for name, size in sorted(megabytes.items(), key=lambda item: -item[1]))
    return Figure(
        name=f"memory of the suite, {when}",
        unit="MB",
        ours=sum(megabytes.values()),
        kind=Goal.AT_MOST,
        goal=900,
        note=parts,
    )


def _pss_bytes(pid: int) -> int:
    match = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert match is not None
    return int(match.group(1)) * 1024
