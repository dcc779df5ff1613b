"""Strict reading shared by every part of the format."""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from services.health.rules.spans import Span, parse_span

T = TypeVar("T")


class Part(BaseModel):
    """A part of a document: frozen, strict, without unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", arbitrary_types_allowed=True)


def _as_tuple(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


Many = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Length = Annotated[Span, BeforeValidator(parse_span)]
Confidence = Literal["H", "M", "L", "G"]
"""H official text, M restatement that agrees with another, L one restatement, G our default where no text was seen."""


class Sourced(Part):
    """What every fact carries; `doubt_*` says what the sources leave open and what is taken until the city decides."""

    source: Text | None = None
    confidence: Confidence | None = None
    doubt_zh: Text | None = None
    doubt_en: Text | None = None
