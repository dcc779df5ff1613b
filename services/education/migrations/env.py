"""Alembic environment of this service."""

from services.chassis.migrations import run
from services.education.tables import METADATA

run(METADATA)
