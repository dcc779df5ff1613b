"""A new data key for everything the registry keeps, by the command an operator gives, while the suite runs."""

import json
import subprocess
import sys

from bench.figures import Figure, Goal
from bench.stage import Stage
from tests.journeys.suite import ROOT

# reliability.md 35: a million rows in 30 minutes.
_ROWS_PER_SECOND = 1_000_000 / (30 * 60)


def measure(stage: Stage) -> list[Figure]:
    """Sealed values brought over to another key per second, from the first page to the proof that none is left."""
    command = [sys.executable, "-m", "services.suite", "keys", "rotate", "--service", "registry", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=stage.suite.environment, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    values = sum(report["resealed"].values())
    return [
        Figure(
            name="rotation of data keys",
            unit="values/s",
            ours=values / report["seconds"],
            kind=Goal.AT_LEAST,
            goal=_ROWS_PER_SECOND,
            note=f"{values:,} values, {report['left']} left under another key",
        )
    ]
