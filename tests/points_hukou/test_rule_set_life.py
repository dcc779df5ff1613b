"""The life of a rule set: handed in, checked by its own cases, approved by two officers, in force from a day, withdrawn."""

import asyncio
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from services.chassis.clock import LawClock
from services.points_hukou.actions.rule_sets import released, released_cases
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import ALL, approved, code_of, drafted, expect, in_force, officer

TODAY = LawClock().today()
BEIJING, ANHUI = "110000", "340000"
_COUNTY = """
format = 1
id = "cixi-2026"
version = 1
name_zh = "慈溪市个性指标"
name_en = "Cixi's own indicators"
jurisdiction = "330282"
valid_from = 2026-01-01
confidence = "design"
extends = "ningbo-2022"

[[sources]]
ref = "city"
title_zh = "慈溪市(示例)"
kind = "supposed"
confidence = "design"

[[facts]]
id = "volunteer_days"
kind = "number"
name_zh = "志愿服务天数"
name_en = "days of volunteering"
unit_zh = "天"
unit_en = "days"
at_most = 3660

[[items]]
id = "volunteering"
name_zh = "志愿服务"
name_en = "Volunteering"
article = "示例第1条"
rule = "P-01"
sources = ["city"]
confidence = "design"
part = "county"
lines = [{ points = 1, units = { amount = "volunteer_days" }, per = 10, cap = 5 }]
"""
_CASES = """
applied_on = 2026-03-01
[usual]
birth_date = 1990-01-01
has_valid_permit = true
lives_and_works_in_city = true
[[cases]]
name_zh = "二十五天"
name_en = "twenty-five days"
rule = "P-01"
facts = { volunteer_days = 25 }
expected = { volunteering = 2, age = 20, total = 22 }
[[cases]]
name_zh = "不持证、不居住、失信、违法"
name_en = "no permit, lives elsewhere, dishonest, offended"
rule = "P-05"
facts = { has_valid_permit = false, lives_and_works_in_city = false, is_dishonest = true, has_offended = true }
expected = { frozen = true, not_eligible = ["permit_holder", "lives_and_works_here"] }
"""


def county(**changed: str) -> dict[str, Any]:
    """A county's own table on top of the city's."""
    return {"rule_set": _COUNTY, "cases": _CASES} | changed


async def test_a_released_rule_set_goes_from_draft_to_force(office: PointsOffice) -> None:
    draft = await drafted(office)
    assert (draft["status"], draft["version"], draft["problems"], draft["digest"]) == ("draft", 1, None, None)
    assert draft["texts"].keys() == {"ningbo-2022", "zhejiang-common-2023"}
    assert draft["texts"]["ningbo-2022"]["rule_set"] == released()["ningbo-2022"].rule_set
    assert draft["cases"] == released_cases("ningbo-2022")
    one, first, second = f"{ALL}/{draft['rule_set_id']}", officer(office), officer(office, "officer-2")
    assert code_of(await first.post(f"{one}/approve")) == "rule-set-act-not-allowed"
    checked = expect(await first.post(f"{one}/check"), 200)
    assert (checked["status"], checked["problems"], len(checked["digest"])) == ("checked", [], 64)
    proposal = expect(await first.post(f"{one}/approve"), 201)
    assert proposal["content"] == {"digest": checked["digest"]}
    approve = f"/v1/points/proposals/{proposal['proposal_id']}/approve"
    assert code_of(await first.post(approve)) == "second-officer-needed"
    expect(await second.post(approve), 200)
    law = expect(await first.get(one), 200)
    assert (law["status"], law["proposed_by"], law["approved_by"]) == ("approved", "officer-1", "officer-2")
    day = (TODAY + timedelta(days=400)).isoformat()
    asked = {"purposes": ["school", "housing"], "division_code": CITY, "valid_from": day}
    put = expect(await first.post(f"{one}/put-in-force", asked), 200)
    assert [(item["purpose"], item["service"], item["digest"]) for item in put["items"]] == [
        ("school", "score", law["digest"]),
        ("housing", "score", law["digest"]),
    ]
    found = expect(await first.get(f"{ALL}/in-force?division_code=330282107205&on={day}&purpose=school"), 200)
    assert [item["rule_set_id"] for item in found["items"]] == [draft["rule_set_id"]]
    versions = expect(await first.get(f"{one}/history"), 200)["items"]
    assert [(each["version"], each["actor"], each["proposed_by"]) for each in versions] == [
        (3, "officer-2", "officer-1"),
        (2, "officer-1", None),
        (1, "officer-1", None),
    ]


async def test_what_it_says_in_the_events(office: PointsOffice) -> None:
    law = await in_force(office, TODAY + timedelta(days=500), "rest_leave")
    rows = await Looking(office.service.runtime.pool).fetch(
        "SELECT event_type, partition_key, division_codes, data FROM outbox WHERE data LIKE '%rest_leave%'"
    )
    ((event_type, key, divisions, data),) = [tuple(row) for row in rows]
    assert (event_type, str(key), divisions) == ("points_hukou.rule_set.put_in_force.v1", law["rule_set_id"], [CITY])
    assert law["digest"] in data


async def test_a_county_puts_its_own_table_on_top_of_the_citys(office: PointsOffice) -> None:
    law = await approved(office, county())
    assert law["texts"].keys() == {"cixi-2026", "ningbo-2022", "zhejiang-common-2023"}
    one = f"{ALL}/{law['rule_set_id']}/put-in-force"
    elsewhere = {"purposes": ["school"], "division_code": "330281", "valid_from": (TODAY + timedelta(days=90)).isoformat()}
    answer = await officer(office, division="330281").post(one, elsewhere)
    assert [error["code"] for error in expect(answer, 422)["errors"]] == ["not_valid_there"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"cases": _CASES.replace("volunteering = 2", "volunteering = 3")}, "应为 expected 3, 实为 came to 2"),
        ({"cases": _CASES.replace("volunteer_days = 25", "volunteer_days = 9")}, "no case in which it gives points"),
        ({"cases": _CASES.replace(", has_offended = true", "")}, "crime (违法犯罪(扣分冻结)): 没有成立的案例"),
        ({"cases": ""}, "cases: applied_on: Field required"),
        ({"cases": _CASES + '[[cases]]\nname_zh = "一"\n'}, "cases/2/name_en: Field required"),
        ({"rule_set": _COUNTY.replace('amount = "volunteer_days"', 'amount = "birth_date"')}, "cannot be counted like this"),
        ({"cases": _CASES.replace("total = 22", "total = 1e999999999")}, "无法计算 cannot be counted"),
    ],
)
async def test_a_rule_set_that_does_not_hold_stays_a_draft(office: PointsOffice, changed: dict[str, str], told: str) -> None:
    draft = await drafted(office, county(**changed))
    one = f"{ALL}/{draft['rule_set_id']}"
    checked = expect(await officer(office).post(f"{one}/check"), 200)
    assert (checked["status"], checked["digest"]) == ("draft", None)
    assert any(told in problem for problem in checked["problems"]), checked["problems"]
    assert code_of(await officer(office).post(f"{one}/approve")) == "rule-set-act-not-allowed"
    repaired = await officer(office).call("PUT", one, json=county(), headers={"if-match": '"2"'})
    assert expect(repaired, 200)["problems"] is None
    assert expect(await officer(office).post(f"{one}/check"), 200)["problems"] == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (county(rule_set="["), "rule_set: not TOML"),
        (county(rule_set="a = 1"), "rule_set: format: Field required"),
        (county(rule_set=f"a = {'9' * 6000}"), "rule_set: not TOML"),
        (county(rule_set=f"a = {'[' * 5000}"), "rule_set: not TOML"),
        (county(rule_set=_COUNTY.replace("ningbo-2022", "nowhere-2022")), "the rule set nowhere-2022 is not held"),
        (county(rule_set=_COUNTY.replace("cixi-2026", "ningbo-2022")), "extends itself"),
    ],
)
async def test_what_is_no_rule_set_is_not_kept(office: PointsOffice, body: dict[str, Any], told: str) -> None:
    answer = await officer(office).post(ALL, body)
    problem = expect(answer, 422)
    assert code_of(answer) == "rule-set-unreadable"
    assert any(told in each["message_en"] for each in problem["errors"]), problem["errors"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "one_of"),
        ({"released": "ningbo-2022", "rule_set": "x"}, "one_of"),
        ({"released": "nowhere-1999"}, "unknown"),
        ({"rule_set": "a\u0000"}, "control_character"),
    ],
)
async def test_a_body_that_says_nothing_lawful_is_refused(office: PointsOffice, body: dict[str, Any], code: str) -> None:
    assert [error["code"] for error in expect(await officer(office).post(ALL, body), 422)["errors"]] == [code]


async def test_the_citys_own_choices_replace_those_that_ship(office: PointsOffice) -> None:
    own = '[choices.housing]\nreading = "owner_not_scored"\nreason_zh = "市定"\nreason_en = "the city"\ndecided_by = "test"\n'
    draft = await drafted(office, {"released": "ningbo-2022", "choices": own})
    checked = expect(await officer(office).post(f"{ALL}/{draft['rule_set_id']}/check"), 200)
    assert any("housing: 应为 expected 20, 实为 came to 0" in problem for problem in checked["problems"])


async def test_an_approved_rule_set_is_never_edited(office: PointsOffice) -> None:
    law = await approved(office)
    one = f"{ALL}/{law['rule_set_id']}"
    rewrite = await officer(office).call("PUT", one, json=county(), headers={"if-match": f'"{law["version"]}"'})
    assert code_of(rewrite) == "rule-set-act-not-allowed"
    looking = Looking(office.service.runtime.pool)
    for column, value in {"cases": "''", "texts": "'{}'", "own_choices": "'x'", "approved_by": "'nobody'"}.items():
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="not edited"):
            await looking.fetch(f"UPDATE rule_set SET {column} = {value} WHERE rule_set_id = $1", law["rule_set_id"])


async def test_a_proposal_stands_for_one_text_alone(office: PointsOffice) -> None:
    draft = await drafted(office)
    one, first = f"{ALL}/{draft['rule_set_id']}", officer(office)
    expect(await first.post(f"{one}/check"), 200)
    proposal = expect(await first.post(f"{one}/approve"), 201)
    expect(await first.call("PUT", one, json={"released": "ningbo-2010"}, headers={"if-match": '"2"'}), 200)
    expect(await first.post(f"{one}/check"), 200)
    late = await officer(office, "officer-2").post(f"/v1/points/proposals/{proposal['proposal_id']}/approve")
    assert code_of(late) == "proposal-outdated"


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({"valid_from": (TODAY - timedelta(days=1)).isoformat()}, ["in_past"]),
        ({"valid_from": "2023-07-25"}, ["in_past", "not_valid_then"]),
        ({"division_code": "330281"}, ["out_of_scope"]),
        ({"service": "nothing"}, ["service_unknown"]),
    ],
)
async def test_a_rule_set_is_put_in_force_only_where_and_when_it_can_be(
    office: PointsOffice, changed: dict[str, Any], codes: list[str]
) -> None:
    law = await approved(office)
    asked = {"purposes": ["school"], "division_code": CITY, "valid_from": TODAY.isoformat()} | changed
    problem = (await officer(office).post(f"{ALL}/{law['rule_set_id']}/put-in-force", asked)).json()
    assert [error["code"] for error in problem["errors"]] == codes


async def test_nobody_in_zhejiang_is_counted_for_settlement_any_more(office: PointsOffice) -> None:
    law = await approved(office)
    asked = {"purposes": ["school", "settlement"], "division_code": CITY, "valid_from": TODAY.isoformat()}
    answer = await officer(office).post(f"{ALL}/{law['rule_set_id']}/put-in-force", asked)
    assert code_of(answer) == "purpose-closed"
    assert [reason["rule"] for reason in answer.json()["reasons"]] == ["P-12"]


async def test_the_newest_word_of_the_nearest_division_counts(office: PointsOffice) -> None:
    start = TODAY + timedelta(days=1000)
    ningbo = await in_force(office, start, "other", division="330200")
    cixi = await in_force(office, start + timedelta(days=10), "other", body=county())
    later = await in_force(office, start + timedelta(days=20), "other", body=county())
    one = f"{ALL}/{later['rule_set_id']}/take-out-of-force"
    ended = {"purpose": "other", "division_code": CITY, "ended_on": (start + timedelta(days=30)).isoformat()}
    expect(await officer(office).post(one, ended), 200)
    speaking = {-1: None, 0: ningbo, 9: ningbo, 10: cixi, 19: cixi, 20: later, 29: later, 30: ningbo}
    for days, law in speaking.items():
        day = start + timedelta(days=days)
        found = await officer(office).get(f"{ALL}/in-force?division_code=330282107&purpose=other&on={day}")
        ids = [item["rule_set_id"] for item in expect(found, 200)["items"]]
        assert ids == ([] if law is None else [law["rule_set_id"]]), days


async def test_what_has_not_begun_is_called_off_and_another_takes_its_day(office: PointsOffice) -> None:
    day = TODAY + timedelta(days=2000)
    first = await in_force(office, day, "health_check")
    second = await approved(office)
    put = {"purposes": ["health_check"], "division_code": CITY, "valid_from": day.isoformat()}
    taken = await officer(office).post(f"{ALL}/{second['rule_set_id']}/put-in-force", put)
    assert code_of(taken) == "rule-set-day-taken"
    assert code_of(await officer(office).post(f"{ALL}/{first['rule_set_id']}/withdraw")) == "rule-set-in-force"
    off = {"purpose": "health_check", "division_code": CITY, "ended_on": day.isoformat()}
    expect(await officer(office).post(f"{ALL}/{first['rule_set_id']}/take-out-of-force", off), 200)
    expect(await officer(office).post(f"{ALL}/{second['rule_set_id']}/put-in-force", put), 200)
    expect(await officer(office).post(f"{ALL}/{first['rule_set_id']}/withdraw"), 200)
    found = await officer(office).get(f"{ALL}/in-force?division_code={CITY}&purpose=health_check&on={day}")
    assert [item["rule_set_id"] for item in expect(found, 200)["items"]] == [second["rule_set_id"]]


async def test_two_officers_who_put_two_in_force_on_one_day_are_not_both_told_yes(office: PointsOffice) -> None:
    day = TODAY + timedelta(days=3000)
    laws = [await approved(office) for _ in range(3)]
    put = {"purposes": ["housing"], "division_code": CITY, "valid_from": day.isoformat()}
    asked = (officer(office).post(f"{ALL}/{law['rule_set_id']}/put-in-force", put) for law in laws)
    answers = sorted(answer.status_code for answer in await asyncio.gather(*asked))
    assert answers == [200, 409, 409]


async def test_a_draft_is_its_offices_and_law_is_everybodys(office: PointsOffice) -> None:
    draft = await drafted(office)
    stranger = officer(office, division=ANHUI)
    assert code_of(await stranger.get(f"{ALL}/{draft['rule_set_id']}")) == "rule-set-not-found"
    law = await approved(office)
    one = f"{ALL}/{law['rule_set_id']}"
    assert expect(await stranger.get(one), 200)["digest"] == law["digest"]
    assert code_of(await stranger.post(f"{one}/withdraw")) == "rule-set-not-found"
    listed = expect(await stranger.get(f"{ALL}?limit=200"), 200)["items"]
    assert {item["status"] for item in listed} <= {"approved", "withdrawn"}


async def test_every_day_the_law_clock_can_show_has_an_answer(office: PointsOffice) -> None:
    for day in (date(1900, 1, 1), date(2199, 12, 31)):
        found = await officer(office).get(f"{ALL}/in-force?division_code={CITY}&on={day}")
        assert expect(found, 200)["on"] == day.isoformat()
