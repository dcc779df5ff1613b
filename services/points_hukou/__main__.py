"""`python -m services.points_hukou <operation id>`: the process that works off one operation: a file, or counting everybody."""

from pathlib import Path

from services.chassis.long_work.worker import WorkerDefinition, main
from services.points_hukou.actions import simulations
from services.points_hukou.imports import ACTS
from services.points_hukou.settings import PointsHukouSettings
from services.points_hukou.store.visibility import sees_any_of

WORKER = WorkerDefinition(
    name=PointsHukouSettings.process,
    settings=PointsHukouSettings,
    problems=Path(__file__).with_name("problems.toml"),
    attachments=sees_any_of,
)

if __name__ == "__main__":
    main(WORKER, {**ACTS, **simulations.ACTS})
