"""Alembic's entry; `xinshimin migrate` runs it."""

from gateway.tables import METADATA
from services.chassis.migrations import run

run(METADATA)
