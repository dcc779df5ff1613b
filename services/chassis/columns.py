"""The words that columns and constraints of every service's tables are written with."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, text

from services.chassis.retention import Retention, kept

INSTANT = DateTime(timezone=True)
NOW: dict[str, Any] = {"server_default": text("now()")}
UNDER_SERVICE_KEY = "get_byte(sealed, 0) & 192 = 0"
"""Which values lie under the service's key and not a person's (`sealing.KeyKind`), for the index a resealing looks through."""
_DIGEST_BYTES = 32


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
