"""Divisions as the API tells them: on a day, with successor and source, level by level, page by page."""

import hashlib
from datetime import date
from typing import Any

import pytest

from tests.registry.case_files import NATIONAL_DIVISIONS, PARAMETERS
from tests.registry.conftest import Office, expect

PATH = "/v1/divisions"


async def everything_below(office: Office, path: str, **query: Any) -> list[dict[str, Any]]:
    """Every item of a list, page after page."""
    asked = "&".join(f"{name}={value}" for name, value in {"limit": 7, **query}.items())
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = expect(await office.caller().get(f"{path}?{asked}&cursor={cursor}"), 200)
        items += page["items"]
        if not (cursor := page["next_cursor"]):
            return items


async def test_an_ended_code_is_told_with_its_name_and_where_the_place_is_now(office: Office) -> None:
    with office.on(date(2026, 3, 1)):
        today = expect(await office.caller().get(f"{PATH}/330222"), 200)
        then = expect(await office.caller().get(f"{PATH}/330222000000?on=1985-06-01"), 200)

    assert (today["name_zh"], today["is_in_force"], today["current_code"]) == ("慈溪县", False, "330282")
    assert (then["name_zh"], then["is_in_force"], then["current_code"]) == ("慈溪县", True, "330222")
    assert today["parent_code"] == "3302"
    assert today["confidence"] == "S2"


async def test_the_tree_of_this_city_goes_down_to_the_village(office: Office) -> None:
    counties = await everything_below(office, f"{PATH}/3302/children", on="2024-01-01")
    towns = await everything_below(office, f"{PATH}/330282/children")
    villages = await everything_below(office, f"{PATH}/330282107/children", limit=200)

    assert [county["code"] for county in counties] == [
        *("330203", "330205", "330206", "330211", "330212", "330213", "330225", "330226", "330281", "330282"),
    ]
    assert len(towns) == 24
    assert {town["level"] for town in towns} == {"township"}
    assert len(villages) > 20
    assert {village["code"][:9] for village in villages} == {"330282107"}


@pytest.mark.parametrize(
    ("code", "name", "over", "successor", "source"),
    [
        ("370684", "蓬莱市", "2021-01-01", "370614", "国函〔2020〕81号"),  # two joined
        ("370634", "长岛县", "2021-01-01", "370614", "国函〔2020〕81号"),
        ("130521", "邢台县", "2021-01-01", None, "国函〔2020〕78号"),  # divided: nobody says where somebody's village went
        ("230711", "乌马河区", "2020-01-01", None, "国函〔2019〕63号"),
        ("341822", "广德县", "2020-01-01", "341882", "民函〔2019〕70号"),  # of Anhui, where many come from (C-24)
        ("520522", "黔西县", "2022-01-01", "520581", "民政部行政区划代码(2021年)"),
        ("371203", "钢城区", "2019-01-01", "370117", "国函〔2018〕163号"),
    ],
)
async def test_changes_between_the_two_lists_have_their_year_a_successor_and_a_source(
    office: Office, code: str, name: str, over: str, successor: str | None, source: str
) -> None:
    last = date.fromisoformat(over).replace(month=1, day=1)
    before = expect(await office.caller().get(f"{PATH}/{code}?on={last.replace(year=last.year - 2)}"), 200)
    after = expect(await office.caller().get(f"{PATH}/{code}?on={last}"), 200)
    assert (before["name_zh"], before["is_in_force"], before["current_code"]) == (name, True, code)
    assert (after["is_in_force"], after["valid_until"], after["successor_code"]) == (False, over, successor)
    assert (after["current_code"], after["source"]) == (successor or code, source)
    if successor is not None:
        begun = expect(await office.caller().get(f"{PATH}/{successor}?on={last}"), 200)
        assert begun["is_in_force"]
        assert begun["valid_from"] >= f"{last.year - 1}-01-01"


async def test_a_code_with_another_name_since_is_the_same_place(office: Office) -> None:
    named = [expect(await office.caller().get(f"{PATH}/130502?on={on}"), 200) for on in ("2019-12-31", "2021-01-01")]
    assert [(each["name_zh"], each["current_code"]) for each in named] == [("桥东区", "130502"), ("襄都区", "130502")]


async def test_what_is_not_held_is_said_in_every_answer(office: Office) -> None:
    """Changes after the last list are a gap, and no answer hides it."""
    for path in (f"{PATH}/330282", f"{PATH}/130521"):
        assert expect(await office.caller().get(path), 200)["held_until"] == "2023-06-30"
    assert {each["held_until"] for each in expect(await office.caller().get(PATH), 200)["items"]} == {"2023-06-30"}


async def test_what_lies_below_depends_on_the_day(office: Office) -> None:
    before = await everything_below(office, f"{PATH}/3302/children", on="2016-01-01")
    provinces = await everything_below(office, PATH)

    assert {"330204", "330283"} <= {county["code"] for county in before}
    assert len(provinces) == 34
    assert expect(await office.caller().get(f"{PATH}/110101001/children"), 200)["items"] == []


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        ("/330299", 404, "division-not-held"),
        ("/330299/children", 404, "division-not-held"),
        ("/333", 422, "invalid-request"),
        ("/330282?on=yesterday", 422, "invalid-request"),
        ("/3302821x", 422, "invalid-request"),
    ],
)
async def test_codes_nobody_holds_and_codes_that_are_none(office: Office, path: str, status: int, problem: str) -> None:
    answer = expect(await office.caller().get(f"{PATH}{path}"), status)

    assert answer["type"].endswith(problem)


async def test_a_cursor_is_good_for_its_own_list_only(office: Office) -> None:
    page = expect(await office.caller().get(f"{PATH}/3302/children?limit=2&on=2024-01-01"), 200)

    answer = await office.caller().get(f"{PATH}/330282/children?limit=2&cursor={page['next_cursor']}")
    expect(answer, 400)


def test_the_snapshot_is_the_one_that_is_written_down() -> None:
    """Whoever builds it anew writes the digest beside it (tools/build_divisions.py says it)."""
    assert hashlib.sha256(NATIONAL_DIVISIONS).hexdigest() in (PARAMETERS / "divisions.toml").read_text(encoding="utf-8")
    assert len(NATIONAL_DIVISIONS) < 400_000
