"""Exact numbers: points are fractions until a component is rounded (P-32); nothing here is ever a binary float."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

RoundingMode = Literal["half_up", "down"]

_WRITTEN = re.compile(r"-?\d{1,10}(\.\d{1,6}|/\d{1,10})?", re.ASCII)


def exact(raw: object) -> Fraction:
    """A number as written: `20`, `0.25` (a decimal), `"1/24"` (a fraction); no exponents, which can be huge. Raises
    ValueError.
    """
    if isinstance(raw, Fraction):
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str) or not _WRITTEN.fullmatch(str(raw)):
        raise ValueError('a number such as 20, 0.25 or "1/24"')
    try:
        return Fraction(raw)
    except ZeroDivisionError:
        raise ValueError('a number such as 20, 0.25 or "1/24"') from None


def written(value: Fraction, places: int | None = None) -> str:
    """The number as people write it: with that many places, or as short as it is; `7/24` where no decimal is exact."""
    if places is not None:
        scaled = value * 10**places
        if scaled.denominator == 1:
            return _with_places(scaled.numerator, places)
    if value.denominator == 1:
        return str(value.numerator)
    fewest = next((few for few in range(1, 7) if (value * 10**few).denominator == 1), None)
    if fewest is None:
        return f"{value.numerator}/{value.denominator}"
    return _with_places((value * 10**fewest).numerator, fewest)


def _with_places(scaled: int, places: int) -> str:
    digits = str(abs(scaled)).rjust(places + 1, "0")
    sign = "-" if scaled < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


@dataclass(frozen=True, slots=True)
class Rounding:
    """To `places` decimals; `half_up` takes a half away from zero (−9.625 becomes −9.63), `down` cuts towards zero."""

    places: int
    mode: RoundingMode

    def round(self, value: Fraction) -> Fraction:
        """The value on this scale."""
        scaled = abs(value) * 10**self.places
        whole = int(scaled + Fraction(1, 2)) if self.mode == "half_up" else int(scaled)
        return Fraction(whole if value >= 0 else -whole, 10**self.places)


Exact = Annotated[
    Fraction,
    BeforeValidator(exact),
    PlainSerializer(written, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["0.25", "1/24"]}),
]
"""A field of a document that holds an exact number."""
