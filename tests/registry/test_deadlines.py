"""Every deadline the registry keeps is watched by a job, or says why by none (`cases/deadlines.toml`)."""

import re
import tomllib
from typing import Any

from services.registry.jobs import JOBS
from services.registry.tables import METADATA
from tests.registry.case_files import CASES
from tests.registry.conftest import Office

DEADLINES: list[dict[str, Any]] = tomllib.loads((CASES / "deadlines.toml").read_text("utf-8"))["deadline"]
IS_DEADLINE = re.compile(r"due_on$|until$|expires_(on|at)$|expected_end_on$")
OF_THE_CHASSIS = {"proposal.expires_on"}
"""Tables that are not the registry's own, and whose deadline a job of the registry watches."""


def test_every_column_with_a_deadline_is_in_the_table() -> None:
    columns = {f"{table.name}.{column.name}" for table in METADATA.sorted_tables for column in table.columns}
    listed = [deadline["column"] for deadline in DEADLINES]
    assert len(listed) == len(set(listed))
    assert {column for column in columns if IS_DEADLINE.search(column)} - set(listed) == set()
    assert set(listed) - columns == OF_THE_CHASSIS


def test_each_is_watched_by_a_job_there_is_or_says_why_not() -> None:
    jobs = {job.name for job in JOBS}
    for deadline in DEADLINES:
        if "job" in deadline:
            assert deadline["job"] in jobs, deadline
        else:
            assert {"why_zh", "why_en"} <= deadline.keys(), deadline


async def test_no_job_runs_beside_the_tests(office: Office) -> None:
    """On whatever day a test has set: the day's rates, for one, would be there before what the test counts."""
    done = await office.rows("SELECT DISTINCT job FROM job_run")
    assert {row["job"] for row in done} & {job.name for job in JOBS} == set()
