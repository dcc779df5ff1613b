"""The classes of this service's fields (`fields.toml`) and the masks of its own."""

from pathlib import Path

from services.chassis.fields import FieldTable
from services.registry.rules.person_name import masked_name

_TOWNSHIP_DIGITS = 9


def _name(name: str | None) -> str | None:
    return None if name is None else masked_name(name)


def _town(code: str | None) -> str | None:
    return None if code is None else code[:_TOWNSHIP_DIGITS]


FIELDS = FieldTable.load("registry", Path(__file__).with_name("fields.toml"), {"name": _name, "town": _town})
