"""Administrative division codes (行政区划代码) by form: 2, 4, 6, 9 or 12 digits, province to village (C-20, C-21).

In a longer code trailing zeros stand for "the whole of": `330200` is the prefecture, `330282000000` the county.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_LENGTHS = (2, 4, 6, 9, 12)
_CODES_REMEMBERED = 4096  # an act asks a dozen times about the same two or three


class DivisionLevel(StrEnum):
    """What a code names."""

    PROVINCE = "province"
    PREFECTURE = "prefecture"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"


class DivisionKind(StrEnum):
    """The kind of a county-level division, which decides who is floating (RR-01)."""

    DISTRICT = "district"
    """市辖区"""
    COUNTY = "county"
    """县"""
    COUNTY_CITY = "county_city"
    """县级市"""


_LEVELS = dict(zip(_LENGTHS, DivisionLevel, strict=True))


@dataclass(frozen=True, slots=True)
class Division:
    """One division as the snapshot holds it, its code without trailing zeros; `successor` took its place when it ended."""

    code: str
    name_zh: str
    kind: DivisionKind | None = None
    successor: str | None = None


@lru_cache(maxsize=_CODES_REMEMBERED)
def is_division_code(code: str) -> bool:
    """Whether the text has the form of a code: 2, 4, 6, 9 or 12 ASCII digits, the province not zero, no gap of zeros before
    a lower level.
    """
    if len(code) not in _LENGTHS or not (code.isascii() and code.isdigit()):
        return False
    bare = _without_trailing_zero_levels(code)
    levels = zip((0, *_LENGTHS[:-1]), _LENGTHS, strict=True)
    return bool(bare) and all(set(bare[start:end]) != {"0"} for start, end in levels if end <= len(bare))


@lru_cache(maxsize=_CODES_REMEMBERED)
def significant(code: str) -> str:
    """The code without the zeros of levels it does not name: `330200` → `3302`. Raises ValueError on a malformed code."""
    if not is_division_code(code):
        raise ValueError("not a division code: 2, 4, 6, 9 or 12 digits are expected")
    return _without_trailing_zero_levels(code)


def level_of(code: str) -> DivisionLevel:
    """The level a code names. Raises ValueError on a malformed code."""
    return _LEVELS[len(significant(code))]


def ancestors(code: str) -> tuple[str, ...]:
    """The codes above it, province first, as 2, 4, 6 and 9 digits; empty for a province. Raises ValueError on a malformed
    code.
    """
    bare = significant(code)
    return tuple(bare[:length] for length in _LENGTHS if length < len(bare))


def covers(scope: str, code: str) -> bool:
    """Whether `code` is `scope` itself or lies inside it. A partial order over places. Raises ValueError on a malformed
    code.
    """
    return significant(code).startswith(significant(scope))


def county_of(code: str) -> str | None:
    """The six-digit county-level code, `None` when the code is coarser. Raises ValueError on a malformed code."""
    bare = significant(code)
    return bare[:6] if len(bare) >= 6 else None


def _without_trailing_zero_levels(code: str) -> str:
    for start, end in zip((*reversed(_LENGTHS[:-1]), 0), reversed(_LENGTHS), strict=True):
        if end == len(code) and set(code[start:end]) == {"0"}:
            code = code[:start]
    return code


def parent_of(bare: str) -> str:
    """The code one level up, empty for a province; `bare` has no trailing zeros."""
    return max((bare[:length] for length in (0, *_LENGTHS) if length < len(bare)), key=len)
