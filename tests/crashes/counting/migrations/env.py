"""Alembic environment of the counting service."""

from services.chassis.migrations import run
from tests.crashes.counting.app import METADATA

run(METADATA)
