"""The national snapshot of divisions: province to township, with the county codes of 1980 and later, and the villages of this
prefecture (C-20, C-23, C-26, C-27).

Made by `tools/build_divisions.py` from two public data sets and the decisions of the years between them (decision 0018);
`divisions.toml` says what it is and speaks before it wherever both know a code. The rows stay packed until somebody asks and
are then searched as text: a megabyte and a half, unpacked in a few hundredths of a second.
"""

import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from services.chassis.parameters import Confidence, Dated
from services.registry.rules.division import Division, DivisionKind

_ROWS_REMEMBERED = 4096
_COUNTY_DIGITS = 6
_STATISTICAL_FROM = 71  # county numbers the statistics bureau gives to zones, which are no county-level divisions
_NOT_DISTRICTS = ("林区", "特区")  # Shennongjia and Liuzhi: county level, but no district of a city


@dataclass(frozen=True, slots=True)
class NationalDivisions:
    """The snapshot as it ships; `source` and `confidence` are those of every row that has no source of its own. What changed
    after `held_until` it does not know.
    """

    packed: bytes
    held_until: date
    source: str
    confidence: Confidence

    def rows_of(self, code: str) -> tuple[Dated[Division], ...]:
        """What the code has named, oldest first; empty for a code the snapshot does not hold. Around a change, whose day is
        not known, an old and a new row overlap. The code is without trailing zeros.
        """
        return _rows_of(self, code)

    def children_of(self, code: str) -> tuple[str, ...]:
        """The codes one level below, ever, in order; those of the provinces for an empty code."""
        return _children_of(self, code)


@lru_cache(maxsize=_ROWS_REMEMBERED)
def _rows_of(snapshot: NationalDivisions, code: str) -> tuple[Dated[Division], ...]:
    found = [line for line in _lines_from(snapshot.packed, code) if line.startswith(f"{code}\t")]
    rows = (_read(line, snapshot) for line in found)
    return tuple(sorted(rows, key=lambda row: row.valid_from or date.min))


@lru_cache(maxsize=256)
def _children_of(snapshot: NationalDivisions, code: str) -> tuple[str, ...]:
    below = {"": 2, 2: 4, 4: 6, 6: 9, 9: 12}.get(len(code) or "", 0)
    codes = (line.partition("\t")[0] for line in _lines_from(snapshot.packed, code))
    return tuple(dict.fromkeys(found for found in codes if len(found) == below))


def _lines_from(packed: bytes, prefix: str) -> Iterator[str]:
    """The lines that begin with the prefix. They are sorted, so they stand together."""
    text, wanted = _unpacked(packed), prefix.encode()
    low, high = 0, len(text)
    while low < high:
        start = text.rfind(b"\n", 0, (low + high) // 2) + 1
        end = text.index(b"\n", start) + 1
        if text[start:end] < wanted:
            low = end
        else:
            high = start
    while text.startswith(wanted, low) and low < len(text):
        end = text.index(b"\n", low)
        yield text[low:end].decode()
        low = end + 1


@lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> bytes:
    return lzma.decompress(packed)


def _read(line: str, snapshot: NationalDivisions) -> Dated[Division]:
    code, name, valid_from, valid_until, successor, source = (*line.split("\t"), "", "", "", "")[:6]
    return Dated(
        Division(code, name, _kind_of(code, name), successor or None),
        date.fromisoformat(valid_from) if valid_from else None,
        date.fromisoformat(valid_until) if valid_until else None,
        source or snapshot.source,
        snapshot.confidence,
        "C-23",
    )


def _kind_of(code: str, name: str) -> DivisionKind | None:
    """What a county is, by its name; `None` for other levels and for zones of the statistics bureau."""
    if len(code) != _COUNTY_DIGITS or (int(code[4:]) >= _STATISTICAL_FROM and not name.endswith("市")):
        return None
    if name.endswith("市"):
        return DivisionKind.COUNTY_CITY
    return DivisionKind.DISTRICT if name.endswith("区") and not name.endswith(_NOT_DISTRICTS) else DivisionKind.COUNTY
