from services.chassis.migrations import run
from services.points_hukou.tables import METADATA

run(METADATA)
