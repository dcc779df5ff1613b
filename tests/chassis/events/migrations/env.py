"""Alembic environment of the two parties."""

from sqlalchemy import MetaData

from services.chassis.migrations import run

run(MetaData())
