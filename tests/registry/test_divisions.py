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
