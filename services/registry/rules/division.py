"""Administrative division codes (行政区划代码): 2, 4, 6, 9 or 12 digits, province to village (C-20 to C-26).

In a longer code trailing zeros stand for "the whole of": `330200` is the prefecture, `330282000000` the county. The
snapshot of divisions is partial on purpose: it says below which codes it is complete, and only there an unknown code is
doubtful.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache

from services.chassis.parameters import Dated, Document, Fields, Register, list_of, one_of, text
from services.registry.rules.findings import Finding

_LENGTHS = (2, 4, 6, 9, 12)
_CODES_REMEMBERED = 4096  # an act asks a dozen times about the same two or three
_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})

DIVISION_CODE_UNKNOWN = Finding(
    "division_code_unknown",
    "C-07",
    "行政区划代码不在现有代码表中,请核对原件。",
    "The division code is not in the list held; check it on the document.",
)
DIVISION_CODE_CHANGED = Finding(
    "division_code_changed",
    "C-07",
    "行政区划代码已撤销、变更或存疑,请核对原件。",
    "The division code has ended, changed or is in doubt; check it on the document.",
)


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


@dataclass(frozen=True, slots=True)
class Divisions:
    """The snapshot of divisions (C-27) and what follows from it.

    `city` is the six-digit code of this city. `complete_below` holds the codes whose direct children the snapshot lists
    completely (`""`: the provinces). `questioned` holds well-formed codes that are known to be doubtful.
    """

    city: str
    complete_below: frozenset[str]
    questioned: frozenset[str]
    rows: Register[Division]
    _by_code: Mapping[str, tuple[Dated[Division], ...]] = field(init=False, repr=False, compare=False)
    _warned: dict[tuple[str, date], tuple[Finding, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_code: dict[str, tuple[Dated[Division], ...]] = {}
        for row in self.rows.rows:
            by_code[row.value.code] = (*by_code.get(row.value.code, ()), row)
        object.__setattr__(self, "_by_code", by_code)

    def named(self, code: str, on: date) -> Division | None:
        """The division in force under this code on that day, if the snapshot holds it. Raises ValueError on a malformed
        code.
        """
        return next((row.value for row in self._by_code.get(significant(code), ()) if row.is_in_force(on)), None)

    def warnings(self, code: str, on: date) -> tuple[Finding, ...]:
        """Doubts about a well-formed code; never a reason to reject it (C-07). Raises ValueError on a malformed code."""
        if (found := self._warned.get((code, on))) is None:
            if len(self._warned) >= _CODES_REMEMBERED:
                self._warned.clear()
            found = self._warned[code, on] = self._find_warnings(code, on)
        return found

    def _find_warnings(self, code: str, on: date) -> tuple[Finding, ...]:
        bare = significant(code)
        for part in (*ancestors(bare), bare):
            if part in self.questioned or (self._by_code.get(part) and self.named(part, on) is None):
                return (DIVISION_CODE_CHANGED,)
            if part not in self._by_code and _parent(part) in self.complete_below:
                return (DIVISION_CODE_UNKNOWN,)
        return ()

    def is_floating(self, hukou_code: str, residence_code: str, on: date) -> bool | None:
        """Whether somebody with this hukou (户籍) who lives there is floating (流动人口).

        RR-01, ZJ-2016 Art 2: one has left the county or county-level city of the hukou or, from an urban district, the
        urban districts of its prefecture-level city. `None`: a code is too coarse to tell. Raises ValueError on a malformed
        code.
        """
        hukou, residence = self._today(hukou_code, on), self._today(residence_code, on)
        shorter = min(len(hukou), len(residence), 6)
        if shorter < 6:
            return True if hukou[:shorter] != residence[:shorter] else None
        home, here = hukou[:6], residence[:6]
        within_urban_districts = home[:4] == here[:4] and self._is_district(home, on) and self._is_district(here, on)
        return home != here and not within_urban_districts

    def _today(self, code: str, on: date) -> str:
        """The code with an ended county replaced by the one that took its place by that day."""
        bare = significant(code)
        while len(bare) >= 6 and (successor := self._successor(bare[:6], on)):
            bare = successor
        return bare

    def _successor(self, county: str, on: date) -> str | None:
        ended = [row for row in self._by_code.get(county, ()) if row.valid_until is not None and row.valid_until <= on]
        return ended[-1].value.successor if ended and self.named(county, on) is None else None

    def _is_district(self, county: str, on: date) -> bool:
        known = self.named(county, on)
        if known is not None and known.kind is not None:
            return known.kind is DivisionKind.DISTRICT
        return _is_district_by_number(county)


def read_divisions(document: Document) -> Divisions:
    """The snapshot in `divisions.toml`. Raises ParameterError."""
    city = document.value("city", _code)
    complete = document.value("complete_below", list_of(text))
    counties, towns = document.register("counties", _read_division), document.register("towns", _read_division)
    upper = document.register("provinces_and_prefectures", _read_division)
    questioned = document.register("questioned_codes", lambda fields: fields.take("code", _code))
    document.finish()
    return Divisions(
        city=city,
        complete_below=frozenset("" if code == "nation" else significant(code) for code in complete),
        questioned=frozenset(row.value for row in questioned.rows),
        rows=Register("divisions", (*upper.rows, *counties.rows, *towns.rows)),
    )


def _read_division(fields: Fields) -> Division:
    return Division(
        code=significant(fields.take("code", _code)),
        name_zh=fields.take("name_zh", text),
        kind=fields.take_optional("kind", one_of(DivisionKind)),
        successor=fields.take_optional("successor", _code),
    )


def _code(raw: object) -> str:
    if not isinstance(raw, str) or not is_division_code(raw):
        raise ValueError("a division code of 2, 4, 6, 9 or 12 digits, in quotation marks")
    return raw


def _without_trailing_zero_levels(code: str) -> str:
    for start, end in zip((*reversed(_LENGTHS[:-1]), 0), reversed(_LENGTHS), strict=True):
        if end == len(code) and set(code[start:end]) == {"0"}:
            code = code[:start]
    return code


def _parent(bare: str) -> str:
    return max((bare[:length] for length in (0, *_LENGTHS) if length < len(bare)), key=len)


def _is_district_by_number(county: str) -> bool:
    """By the numbering of GB/T 2260 (G-high): prefecture-level cities are 01–20 and 51–70, their districts 01–20; in a
    municipality `01` holds the districts and `02` the counties.
    """
    prefecture, number = int(county[2:4]), int(county[4:6])
    if county[:2] in _MUNICIPALITIES:
        return prefecture == 1
    return (prefecture <= 20 or 51 <= prefecture <= 70) and 1 <= number <= 20
