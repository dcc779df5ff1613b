"""The classes of this service's fields (`fields.toml`) and the mask of its own."""

from pathlib import Path

from services.chassis.fields import FieldTable


def _withheld(_: object) -> None:
    """A fact that is not shown; an empty list in its place would say that there is nothing."""


FIELDS = FieldTable.load("health", Path(__file__).with_name("fields.toml"), {"withheld": _withheld})
"""Which fields are shown to whom."""
