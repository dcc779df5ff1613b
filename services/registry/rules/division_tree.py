"""The tree of divisions: what a code names on a day, what took its place, whose children are held (C-20 to C-27); and who
is floating (RR-01, RR-02).

`divisions.toml` holds this city and its neighbours with sources of their own; wherever it knows a code it speaks, otherwise the
national snapshot does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from services.chassis.parameters import Dated, Document, Fields, History, Register, flag, list_of, one_of, text
from services.registry.rules.division import Division, DivisionKind, ancestors, is_division_code, parent_of, significant
from services.registry.rules.findings import Finding
from services.registry.rules.national_divisions import NationalDivisions

_REMEMBERED = 4096  # a roster asks again and again about the same homes
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


_Doubtful = tuple[tuple[Dated[Division], ...], Finding]
"""When a code was in force, and the doubt on a day when it was not."""


@dataclass(frozen=True, slots=True)
class DatedDivision:
    """A division with its validity and source, as resolved for a day; `current_code` is its code on that day (C-26): another
    one when the division named has ended and a successor is known.
    """

    row: Dated[Division]
    current_code: str


@dataclass(frozen=True, slots=True)
class Divisions:
    """The snapshot of divisions (C-27) and what follows from it.

    `city` is the six-digit code of this city. `complete_below` holds the codes whose direct children `divisions.toml` lists
    completely (`""`: the provinces); down to the counties the national snapshot is complete, too. `questioned` holds
    well-formed codes that are known to be doubtful.
    """

    city: str
    complete_below: frozenset[str]
    questioned: frozenset[str]
    rows: Register[Division]
    national: NationalDivisions
    moves_between_districts_float: History[bool]
    _by_code: Mapping[str, tuple[Dated[Division], ...]] = field(init=False, repr=False, compare=False)
    _doubtful: "Callable[[str], tuple[_Doubtful, ...]]" = field(init=False, repr=False, compare=False)
    _floating: Callable[[str, str, date], bool | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """The rows by code; what is asked most is remembered."""
        by_code: dict[str, tuple[Dated[Division], ...]] = {}
        for row in self.rows.rows:
            by_code[row.value.code] = (*by_code.get(row.value.code, ()), row)
        object.__setattr__(self, "_by_code", by_code)
        object.__setattr__(self, "_doubtful", lru_cache(_REMEMBERED)(self._find_doubtful))
        object.__setattr__(self, "_floating", lru_cache(_REMEMBERED)(self._find_floating))

    def named(self, code: str, on: date) -> Division | None:
        """The division in force under this code on that day, if the snapshot holds it. Raises ValueError on a malformed
        code.
        """
        row = self._row_on(significant(code), on)
        return row.value if row else None

    def resolved(self, code: str, on: date) -> DatedDivision | None:
        """What the code names, or named, as seen on that day: the row in force, else the one that ended last before it, else
        the first. `None`: not held. Raises ValueError on a malformed code.
        """
        bare = significant(code)
        rows = self._rows(bare)
        if not rows:
            return None
        begun = [row for row in rows if row.valid_from is None or row.valid_from <= on]
        row = self._row_on(bare, on) or (begun[-1] if begun else rows[0])
        return DatedDivision(row, self.current_code(bare, on))

    def current_code(self, code: str, on: date) -> str:
        """The code of the same place on that day: an ended county is followed to the one that took its place by then. Raises
        ValueError on a malformed code.
        """
        bare, passed = significant(code), set[str]()
        while bare not in passed and (successor := self._successor(bare, on)):
            passed.add(bare)
            bare = successor
        return bare

    def children(self, code: str | None, on: date) -> tuple[DatedDivision, ...]:
        """The divisions one level below in force on that day, in the order of their codes; of the nation for `None`. Raises
        ValueError on a malformed code.
        """
        parent = significant(code) if code else ""
        own = (known for known in self._by_code if parent_of(known) == parent)
        listed = own if parent in self.complete_below else (*own, *self.national.children_of(parent))
        found = ((child, self._row_on(child, on)) for child in sorted(set(listed)))
        return tuple(DatedDivision(row, child) for child, row in found if row)

    def warnings(self, code: str, on: date, since: date | None = None) -> tuple[Finding, ...]:
        """Doubts about a well-formed code; never a reason to reject it (C-07). With `since` the code may have been given on
        any day from then on: the number of somebody born before a change rightly carries the old one. Raises ValueError on
        a malformed code.
        """
        for rows, doubt in self._doubtful(significant(code)):
            if not any(_overlaps(row, since or on, on) for row in rows):
                return (doubt,)
        return ()

    def is_floating(self, hukou_code: str, residence_code: str, on: date) -> bool | None:
        """Whether somebody with this hukou (户籍) who lives there is floating (流动人口).

        RR-01, ZJ-2016 Art 2: one has left the county or county-level city of the hukou or, from an urban district, the
        urban districts of its prefecture-level city; before 2016-07-01 (RR-02) the district alone. `None`: a code is too
        coarse to tell. Raises ValueError on a malformed code.
        """
        return self._floating(hukou_code, residence_code, on)

    def _find_floating(self, hukou_code: str, residence_code: str, on: date) -> bool | None:
        hukou, residence = self.current_code(hukou_code, on), self.current_code(residence_code, on)
        shorter = min(len(hukou), len(residence), 6)
        if shorter < 6:
            return True if hukou[:shorter] != residence[:shorter] else None
        home, here = hukou[:6], residence[:6]
        if home == here or self.moves_between_districts_float.on(on):
            return home != here
        return not (home[:4] == here[:4] and self._is_district(home, on) and self._is_district(here, on))

    def _find_doubtful(self, bare: str) -> "tuple[_Doubtful, ...]":
        """Of the code and those above it, province first, what may be in doubt on some day."""
        found: list[_Doubtful] = []
        for part in (*ancestors(bare), bare):
            rows = self._rows(part)
            if part in self.questioned:
                found.append(((), DIVISION_CODE_CHANGED))
            elif not rows and self._is_complete_below(parent_of(part)):
                found.append(((), DIVISION_CODE_UNKNOWN))
            elif rows and not any(row.valid_from is None and row.valid_until is None for row in rows):
                found.append((rows, DIVISION_CODE_CHANGED))
        return tuple(found)

    def _rows(self, bare: str) -> tuple[Dated[Division], ...]:
        return self._by_code.get(bare) or self.national.rows_of(bare)

    def _row_on(self, bare: str, on: date) -> Dated[Division] | None:
        """The row in force; where the day of a change is not known, the later of two."""
        return next((row for row in reversed(self._rows(bare)) if row.is_in_force(on)), None)

    def _successor(self, bare: str, on: date) -> str | None:
        rows = self._rows(bare)
        ended = [row for row in rows if row.valid_until is not None and row.valid_until <= on]
        return ended[-1].value.successor if ended and not any(row.is_in_force(on) for row in rows) else None

    def _is_complete_below(self, bare: str) -> bool:
        return bare in self.complete_below or (0 < len(bare) <= 4 and bool(self.national.rows_of(bare)))

    def _is_district(self, county: str, on: date) -> bool:
        known = self.named(county, on)
        if known is not None and known.kind is not None:
            return known.kind is DivisionKind.DISTRICT
        return _is_district_by_number(county)


def read_divisions(document: Document, packed: bytes) -> Divisions:
    """The snapshot: `divisions.toml` and the national one beside it. Raises ParameterError."""
    city = document.value("city", _code)
    complete = document.value("complete_below", list_of(text))
    counties, towns = document.register("counties", _read_division), document.register("towns", _read_division)
    upper = document.register("provinces_and_prefectures", _read_division)
    national = document.register("national", _read_national).rows[0]
    questioned = document.register("questioned_codes", lambda fields: fields.take("code", _code))
    between_districts = document.history("moves_between_districts_float", flag)
    document.finish()
    return Divisions(
        city=city,
        complete_below=frozenset("" if code == "nation" else significant(code) for code in complete),
        questioned=frozenset(row.value for row in questioned.rows),
        rows=Register("divisions", (*upper.rows, *counties.rows, *towns.rows)),
        national=NationalDivisions(packed, national.value, national.source, national.confidence),
        moves_between_districts_float=between_districts,
    )


def _read_national(fields: Fields) -> date:
    """The last day the file beside speaks of."""
    fields.take("file", text)
    return fields.take("held_until", _day)


def _day(raw: object) -> date:
    if type(raw) is not date:
        raise ValueError("a day, without quotation marks")
    return raw


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


def _overlaps(row: Dated[Division], first: date, last: date) -> bool:
    """Whether the row was in force on any of the days, both included."""
    return (row.valid_from is None or row.valid_from <= last) and (row.valid_until is None or first < row.valid_until)


def _is_district_by_number(county: str) -> bool:
    """By the numbering of GB/T 2260 (G-high): prefecture-level cities are 01–20 and 51–70, their districts 01–20; in a
    municipality `01` holds the districts and `02` the counties.
    """
    prefecture, number = int(county[2:4]), int(county[4:6])
    if county[:2] in _MUNICIPALITIES:
        return prefecture == 1
    return (prefecture <= 20 or 51 <= prefecture <= 70) and 1 <= number <= 20
