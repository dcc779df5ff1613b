"""The demo's rosters: the same each time, readable as what they say they are, and right but for what is wrong on purpose."""

import csv
import io
from datetime import date
from pathlib import Path

import pytest

from services.chassis.attachments.kinds import Inspection
from services.chassis.clock import utc_now
from services.chassis.long_work.tables.files import _workbook
from services.chassis.long_work.tables.layout import Layout
from services.chassis.principal import Principal
from services.registry.actions.registration_entry import assess_entry
from services.registry.imports.prepared import as_locked
from services.registry.imports.rows import Bringer, examine
from services.registry.rules.credit_code import credit_code_problem
from services.registry.schemas.rosters.kinds import COLUMNS, RosterKind
from services.suite.demo_rosters import EMPLOYER, ROSTERS, XLSX, DemoRoster

DAY = date(2026, 6, 1)
ROOT = Path(__file__).parent.parent.parent
_WRONG = {"factory.csv": 11, "guests.csv": 0, "school.xlsx": 1}
_RESIDENTS = [roster for roster in ROSTERS if "residents" in roster.kinds]


def rows_of(roster: DemoRoster, content: bytes) -> list[list[str]]:
    """The file's rows, header first."""
    if roster.media_type == XLSX:
        return _workbook(content)
    text = content.decode("gb18030" if roster.name == "factory.csv" else "utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if roster.name == "guests.csv" else ","))


@pytest.mark.parametrize("roster", _RESIDENTS, ids=lambda roster: roster.name)
def test_rosters_are_right_but_for_what_is_wrong_on_purpose(roster: DemoRoster) -> None:
    content = roster.content(DAY)
    inspection = Inspection(roster.media_type, content[:4096])
    inspection.feed(content)
    inspection.finish()
    header, *rows = rows_of(roster, content)
    assert len(rows) == roster.size
    layout = Layout.of(COLUMNS[RosterKind.RESIDENTS], header, {})
    desk = Bringer(Principal("demo", "demo", "330282"), DAY, utc_now())
    wrong = 0
    for number, cells in enumerate(rows, start=2):
        row = examine(desk, layout, number, cells)
        if row.errors:
            wrong += 1
            continue
        assert row.person is not None
        assert row.entry is not None
        assess_entry(desk, row.entry, as_locked(row.person))
    assert wrong == _WRONG[roster.name]
    numbers = [cells[layout.places["document_number"]] for cells in rows]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    ("roster", "kind"), [(roster, kind) for roster in ROSTERS for kind in roster.kinds], ids=lambda value: str(value)[:20]
)
def test_rosters_have_the_columns_of_every_kind_they_are_brought_as(roster: DemoRoster, kind: str) -> None:
    header, *rows = rows_of(roster, roster.content(DAY, 20))
    layout = Layout.of(COLUMNS[RosterKind(kind)], header, {})
    needed = [column.field for column in COLUMNS[RosterKind(kind)] if column.needed_by]
    assert all(layout.fields(row)[field] for row in rows for field in needed)


def test_the_employer_has_a_code_in_order() -> None:
    assert credit_code_problem(EMPLOYER) is None


@pytest.mark.parametrize("roster", ROSTERS, ids=lambda roster: roster.name)
def test_the_samples_are_their_beginnings(roster: DemoRoster) -> None:
    """`xinshimin demo write --persons 20` on the first of June 2026."""
    assert rows_of(roster, (ROOT / "demo" / roster.name).read_bytes()) == rows_of(roster, roster.content(DAY, 20))
