"""The registry's migrations; run by `xinshimin migrate`."""

from services.chassis.migrations import run
from services.registry.tables import METADATA

run(METADATA)
