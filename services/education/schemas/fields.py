"""The classes of this service's fields (`fields.toml`) and the masks of its own."""

from pathlib import Path

from services.chassis.fields import FieldTable

_TOWNSHIP_DIGITS = 9


def _town(code: str | None) -> str | None:
    return None if code is None else code[:_TOWNSHIP_DIGITS]


def _withheld(_: object) -> None:
    """A fact that is not shown; an empty list in its place would say that there is nothing."""


FIELDS = FieldTable.load("education", Path(__file__).with_name("fields.toml"), {"town": _town, "withheld": _withheld})
"""Which fields are shown to whom."""
