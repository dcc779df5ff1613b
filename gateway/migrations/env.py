from gateway.tables import METADATA
from services.chassis.migrations import run

run(METADATA)
