"""What every table module of the registry stands on: one metadata, and the words its constraints are written with."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, MetaData, text
from sqlmodel import SQLModel

from services.chassis.db import NAMING_CONVENTION
from services.chassis.retention import Retention, kept

METADATA = MetaData(naming_convention=NAMING_CONVENTION)

INSTANT = DateTime(timezone=True)
NOW: dict[str, Any] = {"server_default": text("now()")}
UNSETTLED = "Day of a report whose deadline was counted before the calendar was held, until it is settled."
_DIGEST_BYTES = 32


class Table(SQLModel):
    """Base of every table."""

    metadata = METADATA


def one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    """The column holds one of these, or nothing where it may."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def digest(column: str) -> CheckConstraint:
    """The column holds a keyed digest."""
    return CheckConstraint(f"octet_length({column}) = {_DIGEST_BYTES}", name=column)


def is_kept(retention: Retention, note: str = "") -> dict[str, str]:
    """The table's comment, which names its retention class."""
    return {"comment": kept(retention, note)}
