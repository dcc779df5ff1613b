"""Strict reading shared by every part of the format."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from services.points_hukou.rules.exact import Exact

T = TypeVar("T")

__all__ = ["Day", "Exact", "Many", "Month", "Name", "Part", "Text", "kind_by_key"]


class Part(BaseModel):
    """A part of a document: frozen, strict, without unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def _as_tuple(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


Many = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Day = date
Month = Annotated[str, StringConstraints(pattern=r"^(19|20|21)\d{2}-(0[1-9]|1[0-2])$")]


def kind_by_key(*keys: str) -> Callable[[Any], str | None]:
    """Tells which kind of thing a table is by the key it has: the first of `keys`, in order."""

    def kind(raw: Any) -> str | None:
        if isinstance(raw, dict):
            return next((key for key in keys if key in raw), None)
        return next((key for key in keys if hasattr(raw, key)), None)

    return kind
