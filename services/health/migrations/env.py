"""Alembic environment of this service."""

from services.chassis.migrations import run
from services.health.tables import METADATA

run(METADATA)
