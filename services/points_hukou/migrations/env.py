"""Alembic environment of this service."""

from services.chassis.migrations import run
from services.points_hukou.tables import METADATA

run(METADATA)
