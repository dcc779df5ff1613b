"""What every table module of education stands on: one metadata, and the words its constraints are written with."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, MetaData, text
from sqlmodel import SQLModel

from services.chassis.db import NAMING_CONVENTION
from services.chassis.retention import Retention, kept

METADATA = MetaData(naming_convention=NAMING_CONVENTION)

INSTANT = DateTime(timezone=True)
NOW: dict[str, Any] = {"server_default": text("now()")}


class Table(SQLModel):
    """Base of every table."""

    metadata = METADATA


def one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    """The column holds one of these, or nothing where it may."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def is_kept(retention: Retention, note: str = "") -> dict[str, str]:
    """The table's comment, which names its retention class."""
    return {"comment": kept(retention, note)}
