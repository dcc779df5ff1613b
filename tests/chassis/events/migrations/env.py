"""Alembic environment of the test service."""

from services.chassis.migrations import run
from tests.chassis.office.app import METADATA

run(METADATA)
