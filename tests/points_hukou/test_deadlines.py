"""Every deadline this service keeps is watched by a job, or says why by none (`cases/deadlines.toml`)."""

import re
import tomllib
from pathlib import Path
from typing import Any

from services.points_hukou.jobs import JOBS
from services.points_hukou.tables import METADATA

_FILE = Path(__file__).parent / "cases" / "deadlines.toml"
DEADLINES: list[dict[str, Any]] = tomllib.loads(_FILE.read_text("utf-8"))["deadline"]
OF_THE_CHASSIS = {"proposal.expires_on"}
"""Tables that are not this service's own, and whose deadline a job of its watches."""
IS_DEADLINE = re.compile(r"due_on$|until$|expires_(on|at)$")


def test_every_column_with_a_deadline_is_in_the_table() -> None:
    columns = {f"{table.name}.{column.name}" for table in METADATA.sorted_tables for column in table.columns}
    listed = [deadline["column"] for deadline in DEADLINES]
    assert len(listed) == len(set(listed))
    assert {column for column in columns if IS_DEADLINE.search(column)} == set(listed) - OF_THE_CHASSIS


def test_each_is_watched_by_a_job_there_is_or_says_why_not() -> None:
    jobs = {job.name for job in JOBS}
    for deadline in DEADLINES:
        if "job" in deadline:
            assert deadline["job"] in jobs, deadline
        else:
            assert {"why_zh", "why_en"} <= deadline.keys(), deadline
