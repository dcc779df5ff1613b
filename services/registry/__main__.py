"""`python -m services.registry <operation id>`: the process that works off one operation; it alone knows imports."""

from services.chassis.long_work.worker import main
from services.registry.actions import duplicate_passes
from services.registry.app import DEFINITION
from services.registry.imports import ACTS

if __name__ == "__main__":
    main(DEFINITION, {**ACTS, **duplicate_passes.ACTS})
