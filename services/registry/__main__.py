"""`python -m services.registry <operation id>`: the process that works off one operation; it alone knows imports."""

from pathlib import Path

from services.chassis.long_work.worker import WorkerDefinition, main
from services.registry.actions import duplicate_passes
from services.registry.imports import ACTS
from services.registry.settings import RegistrySettings
from services.registry.store.visibility import sees_any_of

WORKER = WorkerDefinition(
    name=RegistrySettings.process,
    settings=RegistrySettings,
    problems=Path(__file__).with_name("problems.toml"),
    attachments=sees_any_of,
)

if __name__ == "__main__":
    main(WORKER, {**ACTS, **duplicate_passes.ACTS})
