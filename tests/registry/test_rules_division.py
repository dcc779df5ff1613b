"""Division codes: form, ancestry as a partial order, doubts, and who is floating; and the national code tables."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.parameters import Document, ParameterError
from services.registry.rules.code_tables import CodeTable, read_code_tables
from services.registry.rules.division import (
    DivisionLevel,
    ancestors,
    county_of,
    covers,
    is_division_code,
    level_of,
    significant,
)
from tests.registry.case_files import Case, cases, law

TODAY = date(2026, 11, 23)
QUICK = settings(max_examples=80, deadline=None)
ANSWERS = {"floating": True, "not floating": False, "cannot be told": None}


@pytest.mark.parametrize("case", cases("divisions", "floating"))
def test_who_is_floating(case: Case) -> None:
    assert law().divisions.is_floating(case["hukou"], case["residence"], case["on"]) is ANSWERS[case["expected"]]


@pytest.mark.parametrize("case", cases("divisions", "doubt"))
def test_doubtful_codes_are_warnings(case: Case) -> None:
    found = law().divisions.warnings(case["code"], case.get("on", TODAY))

    assert [finding.code for finding in found] == case["expected"]


@pytest.mark.parametrize("case", cases("divisions", "resolved"))
def test_a_code_is_resolved_at_the_date_of_the_document(case: Case) -> None:
    found = law().divisions.resolved(case["code"], case["on"])
    expected = case.get("expected")
    if expected is None:
        assert found is None
        return

    assert found is not None
    assert (found.row.value.name_zh, level_of(found.row.value.code), found.current_code) == (
        expected["name_zh"],
        expected["level"],
        expected["now"],
    )


@QUICK
@given(st.dates(date(1980, 1, 1), date(2026, 12, 31)), st.sampled_from(["", "33", "3302", "330282", "52", "5224", "3622"]))
def test_children_are_in_force_in_order_and_one_level_down(on: date, parent: str) -> None:
    divisions = law().divisions
    codes = [child.row.value.code for child in divisions.children(parent or None, on)]

    assert codes == sorted(set(codes))
    assert all(
        divisions.named(code, on) is not None and ancestors(code)[-1:] == ((parent,) if parent else ()) for code in codes
    )


@QUICK
@given(st.dates(date(1980, 1, 1), date(2026, 12, 31)), st.sampled_from(["330222", "362221", "232432", "330219", "522401"]))
def test_following_successors_comes_to_rest(on: date, code: str) -> None:
    divisions = law().divisions
    now = divisions.current_code(code, on)

    assert divisions.current_code(now, on) == now


@pytest.mark.parametrize(
    ("code", "bare", "level"),
    [
        ("33", "33", DivisionLevel.PROVINCE),
        ("3300", "33", DivisionLevel.PROVINCE),
        ("330000000000", "33", DivisionLevel.PROVINCE),
        ("330200", "3302", DivisionLevel.PREFECTURE),
        ("330282", "330282", DivisionLevel.COUNTY),
        ("330282000000", "330282", DivisionLevel.COUNTY),
        ("330282002000", "330282002", DivisionLevel.TOWNSHIP),
        ("330282100", "330282100", DivisionLevel.TOWNSHIP),
        ("330282002001", "330282002001", DivisionLevel.VILLAGE),
    ],
)
def test_trailing_zeros_stand_for_the_whole(code: str, bare: str, level: DivisionLevel) -> None:
    assert significant(code) == bare
    assert level_of(code) is level


@pytest.mark.parametrize(
    "text",
    ["", "0", "3", "330", "33028", "330282 ", "33028a", "\uff13\uff13", "00", "000000", "000282", "330082", "330282000001"],
)
def test_malformed_codes_are_told_apart(text: str) -> None:
    assert not is_division_code(text)
    with pytest.raises(ValueError, match="division code"):
        significant(text)


def test_ancestors_and_county() -> None:
    assert ancestors("330282002001") == ("33", "3302", "330282", "330282002")
    assert ancestors("330000") == ()
    assert county_of("330282002001") == "330282"
    assert county_of("330200") is None


@st.composite
def division_codes(draw: st.DrawFn) -> str:
    """Codes close enough to one another that ancestry happens."""
    code = draw(st.sampled_from(["33", "34", "3302", "330282", "330283", "330282002", "330282102", "330282002001"]))
    padded = [length for length in (2, 4, 6, 9, 12) if length >= len(code)]
    return code.ljust(draw(st.sampled_from(padded)), "0")


@QUICK
@given(division_codes(), division_codes(), division_codes())
def test_covering_is_a_partial_order(one: str, two: str, three: str) -> None:
    assert covers(one, one)
    assert not (covers(one, two) and covers(two, three)) or covers(one, three)
    assert (covers(one, two) and covers(two, one)) == (significant(one) == significant(two))
    assert covers(one, two) == (significant(one) in (*ancestors(two), significant(two)))


def test_divisions_are_named_as_of_a_day() -> None:
    divisions = law().divisions

    assert divisions.city == "330282"
    for code, on, name in [
        ("330283", date(2016, 9, 15), "奉化市"),
        ("330213", date(2016, 9, 16), "奉化区"),
        ("330282123000", TODAY, "龙山镇"),
    ]:
        named = divisions.named(code, on)
        assert named is not None
        assert named.name_zh == name
    assert divisions.named("330283", date(2016, 9, 16)) is None


@pytest.mark.parametrize(
    ("table", "known", "unknown"),
    [
        (CodeTable.SEX, ["0", "1", "2", "9"], ["3", "", "01", "男"]),
        (CodeTable.ETHNICITY, ["01", "56", "97", "98"], ["00", "57", "1", "99"]),
        (CodeTable.EDUCATION, ["11", "28", "71", "72", "73", "82", "83", "90"], ["01", "08", "24", "50", "64"]),
    ],
)
def test_code_tables_know_the_standards_codes_and_no_others(table: CodeTable, known: list[str], unknown: list[str]) -> None:
    tables = law().code_tables

    assert [code for code in known if not tables.is_known(table, code, TODAY)] == []
    assert [code for code in unknown if tables.is_known(table, code)] == []


def test_code_tables_give_names_and_are_complete() -> None:
    tables = law().code_tables

    assert tables.name_zh(CodeTable.ETHNICITY, "05") == "维吾尔族"
    assert tables.name_zh(CodeTable.SEX, "7") is None
    assert {table: len(register.rows) for table, register in tables.tables.items()} == {
        CodeTable.SEX: 4,
        CodeTable.ETHNICITY: 58,
        CodeTable.EDUCATION: 42,
    }


def test_a_code_listed_twice_stops_the_start() -> None:
    row = '{ code = "1", zh = "男", en = "male" }'
    tables = (f'[{table}]\nsource = "S"\nconfidence = "S"\nrows = [{row}, {row}]\n' for table in CodeTable)
    document = Document.parse("code_tables.toml", "".join(tables))

    with pytest.raises(ParameterError, match="sex: listed twice: 1"):
        read_code_tables(document)
