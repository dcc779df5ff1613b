"""Applications: by the law of their day, scored in their term, explained, confirmed by people, frozen for good."""

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from services.chassis.db import Transaction, in_transaction
from services.chassis.events import EventData
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE
from services.contracts import registry
from services.contracts.points_hukou import ApplicationScored
from services.points_hukou.store.snapshot import snapshot
from services.suite.cli import app as cli
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import approved, code_of, expect, in_force, officer
from tests.points_hukou.story import TOWN
from tests.points_hukou.window import ALL, START, assessment_of, body, counter, on, resident, run_job, scored
from tests.running import Caller

EARLIER = """
format = 1
id = "cixi-2023"
version = 1
name_zh = "慈溪市2023年积分(示例)"
name_en = "Cixi's points of 2023 (supposed)"
jurisdiction = "330282"
valid_from = 2023-01-01
confidence = "design"
rounding = { places = 2, mode = "half_up", confidence = "design" }

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

[[parts]]
id = "county"
name_zh = "个性指标"
name_en = "Indicators"
cap = 50

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
EARLIER_CASES = """
applied_on = 2023-03-01
[[cases]]
name_zh = "二十五天"
name_en = "twenty-five days"
rule = "P-01"
facts = { volunteer_days = 25 }
expected = { volunteering = 2, total = 2 }
[[cases]]
name_zh = "没有"
name_en = "none"
rule = "P-01"
facts = { volunteer_days = 0 }
expected = { volunteering = 0, total = 0 }
"""


async def test_an_application_is_bound_to_the_law_of_its_day(
    office: PointsOffice, open_window: Caller, law: dict[str, Any]
) -> None:
    made = expect(await open_window.post(ALL, body(await resident(office))), 201)
    assert (made["status"], made["rule_set_id"], made["service"]) == ("received", law["rule_set_id"], "score")
    assert (made["applied_on"], made["due_on"], made["is_due_provisional"]) == ("2026-03-02", "2026-03-16", False)
    assert made["counted_assessment_id"] is None


async def test_every_component_is_told_with_facts_rule_article_and_arithmetic(
    office: PointsOffice, open_window: Caller
) -> None:
    found = await assessment_of(open_window, await scored(open_window, await resident(office)))
    components = {each["id"]: each for each in found["explanation"]["components"]}
    assert components["age"]["counted"] == "20.00"
    time = components["residence_time"]
    assert (time["counted"], time["article"], time["rule"]) == ("3.00", "省级共性指标表·居住时间", "P-05, P-34")
    assert time["arithmetic_zh"].endswith("0.25 × 12个月 = 3 → 3.00")
    assert time["arithmetic_en"].endswith("0.25 × 12 months = 3 → 3.00")
    assert time["facts"]["registered_in_province_since"]["source"] == "本市居住登记系统"
    assert found["total"] == found["explanation"]["total"]
    assert any("再有" in each["text_zh"] and "more months" in each["text_en"] for each in found["what_would_help"])
    assert "insurance_in_province" in found["missing"]
    assert found["untold"] == ["is_dishonest", "has_offended"], "no office was asked yet"
    assert (found["kind"], found["is_counted"], found["scored_by"]) == ("first", True, None)


async def test_the_document_is_replayed_bit_for_bit_offline(office: PointsOffice, open_window: Caller, tmp_path: Path) -> None:
    application = await scored(open_window, await resident(office))
    answer = await open_window.get(f"/v1/points/assessments/{application['counted_assessment_id']}/document")
    file = tmp_path / "ASSESSMENT.json"
    file.write_bytes(answer.content)
    told = CliRunner().invoke(cli, ["points", "replay", str(file), "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["same"] is True
    altered = json.loads(answer.content)
    altered["score"]["total"] = "99.00"
    file.write_text(json.dumps(altered), "utf-8")
    assert CliRunner().invoke(cli, ["points", "replay", str(file)]).exit_code == 35


async def test_a_score_is_the_machines_until_an_officer_stands_for_it(office: PointsOffice, open_window: Caller) -> None:
    application = await scored(open_window, await resident(office))
    one = f"{ALL}/{application['application_id']}"
    assert (application["status"], application["confirmed_by"]) == ("scored", None)
    nobody = counter(office, actor=None)
    assert code_of(await nobody.post(f"{one}/confirm")) == "actor-required"
    confirmed = expect(await open_window.post(f"{one}/confirm", {"note": "已与社保中心核对"}), 200)
    assert (confirmed["status"], confirmed["confirmed_by"], confirmed["words"]) == (
        "confirmed",
        "officer-1",
        ["已与社保中心核对"],
    )
    assert code_of(await open_window.post(f"{one}/refuse-automatic", {"reason": "不同意"})) == "application-act-not-allowed"
    versions = expect(await open_window.get(f"{one}/history"), 200)["items"]
    assert [each["state"]["status"] for each in versions] == ["confirmed", "scored", "received"]


async def test_who_refuses_the_machine_gets_an_officer_in_five_working_days(office: PointsOffice, open_window: Caller) -> None:
    application = await scored(open_window, await resident(office))
    one = f"{ALL}/{application['application_id']}"
    refused = expect(await open_window.post(f"{one}/refuse-automatic", {"reason": "请人工审核"}), 200)
    assert (refused["status"], refused["due_on"], refused["words"]) == ("in_recheck", "2026-03-09", ["请人工审核"])
    assert code_of(await open_window.post(f"{one}/score")) == "application-act-not-allowed"
    rechecked = expect(await open_window.post(f"{one}/recheck", {}), 200)
    assert (rechecked["status"], rechecked["confirmed_by"]) == ("confirmed", "officer-1")
    kinds = [each["kind"] for each in expect(await open_window.get(f"{one}/assessments"), 200)["items"]]
    assert kinds == ["first", "recheck"]


async def test_a_recheck_counts_what_is_known_since_and_leaves_the_first_score_as_it_was(
    office: PointsOffice, open_window: Caller
) -> None:
    story = await resident(office)
    application = await scored(open_window, story)
    before = await assessment_of(open_window, application)
    told = len(story.events)
    story.person(registry.PersonCorrected, birth_date=date(1975, 5, 1))
    await office.tell(story.messages(first=told + 1))
    await office.settled()
    one = f"{ALL}/{application['application_id']}"
    expect(await open_window.post(f"{one}/ask-recheck", {"reason": "出生日期已更正"}), 200)
    rechecked = expect(await open_window.post(f"{one}/recheck"), 200)
    after = await assessment_of(open_window, rechecked)
    assert (before["total"], after["total"]) != (after["total"], before["total"])
    assert float(after["total"]) < float(before["total"])
    again = expect(await open_window.get(f"/v1/points/assessments/{before['assessment_id']}"), 200)
    assert (again["total"], again["document_sha256"]) == (before["total"], before["document_sha256"])


async def test_a_later_law_scores_nobody_who_applied_before(
    office: PointsOffice, open_window: Caller, law: dict[str, Any]
) -> None:
    story = await resident(office)
    made = expect(await open_window.post(ALL, body(story)), 201)
    later = await approved(office)
    async with on(office, START + timedelta(days=1)):
        put = {"purposes": ["school"], "division_code": CITY, "valid_from": (START + timedelta(days=1)).isoformat()}
        expect(await officer(office).post(f"/v1/points/rule-sets/{later['rule_set_id']}/put-in-force", put), 200)
        old = expect(await open_window.post(f"{ALL}/{made['application_id']}/score"), 200)
        new = expect(await open_window.post(ALL, body(await resident(office))), 201)
        assert (old["rule_set_id"], new["rule_set_id"]) == (law["rule_set_id"], later["rule_set_id"])


async def test_law_does_not_come_into_force_behind_somebody_who_applied_today(
    office: PointsOffice, law: dict[str, Any]
) -> None:
    day = START + timedelta(days=3)
    async with on(office, day):
        expect(await counter(office).post(ALL, body(await resident(office), purpose="housing")), 201)
        later = await approved(office)
        put = {"purposes": ["housing"], "division_code": CITY, "valid_from": day.isoformat()}
        answer = await officer(office).post(f"/v1/points/rule-sets/{later['rule_set_id']}/put-in-force", put)
        assert code_of(answer) == "rule-set-overtaken"
        put["valid_from"] = (day + timedelta(days=1)).isoformat()
        expect(await officer(office).post(f"/v1/points/rule-sets/{later['rule_set_id']}/put-in-force", put), 200)


async def test_a_family_counts_its_highest_holder_and_adds_nothing(office: PointsOffice, open_window: Caller) -> None:
    older, younger = await resident(office, date(1970, 1, 1)), await resident(office, date(1992, 1, 1))
    told = len(older.events)
    older.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=younger.person_id)
    await office.tell(older.messages(first=told + 1))
    await office.settled()
    application = await scored(open_window, older, family_person_ids=[str(younger.person_id)])
    items = expect(await open_window.get(f"{ALL}/{application['application_id']}/assessments"), 200)["items"]
    totals = {each["person_id"]: float(each["total"]) for each in items}
    (counted,) = [each for each in items if each["is_counted"]]
    assert counted["person_id"] == str(younger.person_id)
    assert float(counted["total"]) == max(totals.values())
    assert application["counted_assessment_id"] == counted["assessment_id"]
    second = await open_window.post(ALL, body(younger))
    assert code_of(second) == "application-open"
    stranger = await resident(office)
    refused = expect(await open_window.post(ALL, body(stranger, family_person_ids=[str(younger.person_id)])), 422)
    assert [error["code"] for error in refused["errors"]] == ["not_of_family"]


async def test_a_family_that_asks_at_two_windows_at_once_has_one_application(office: PointsOffice, open_window: Caller) -> None:
    story = await resident(office)
    asked = (open_window.post(ALL, body(story)) for _ in range(6))
    answers = sorted(answer.status_code for answer in await asyncio.gather(*asked))
    assert answers == [201, 409, 409, 409, 409, 409]


async def test_who_withdrew_or_was_confirmed_may_apply_again(office: PointsOffice, open_window: Caller) -> None:
    story = await resident(office)
    made = expect(await open_window.post(ALL, body(story)), 201)
    expect(await open_window.post(f"{ALL}/{made['application_id']}/withdraw"), 200)
    again = await scored(open_window, story)
    expect(await open_window.post(f"{ALL}/{again['application_id']}/confirm"), 200)
    expect(await open_window.post(ALL, body(story)), 201)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"person_id": str(UUID(int=5))}, 404, "person-not-found"),
        ({"division_code": "330281"}, 403, "division-out-of-scope"),
        ({"purpose": "rest_leave"}, 409, "no-rules-in-force"),
        ({"for_person_id": str(UUID(int=6))}, 404, "person-not-found"),
    ],
)
async def test_what_cannot_be_applied_for(
    office: PointsOffice, open_window: Caller, changed: dict[str, Any], status: int, code: str
) -> None:
    answer = await open_window.post(ALL, body(await resident(office)) | changed)
    assert (answer.status_code, code_of(answer)) == (status, code)


async def test_a_school_place_is_asked_for_a_child_of_ones_own(office: PointsOffice, open_window: Caller) -> None:
    parent, child = await resident(office), await resident(office, date(2020, 2, 2))
    foreign = expect(await open_window.post(ALL, body(parent, for_person_id=str(child.person_id))), 422)
    assert [error["code"] for error in foreign["errors"]] == ["not_raising"]
    told = len(child.events)
    child.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=parent.person_id, kind="parent")
    await office.tell(child.messages(first=told + 1))
    await office.settled()
    expect(await open_window.post(ALL, body(parent, for_person_id=str(child.person_id))), 201)


async def test_a_child_is_applied_for_once_whoever_of_its_parents_comes(office: PointsOffice, open_window: Caller) -> None:
    father, mother, child = await resident(office), await resident(office), await resident(office, date(2020, 2, 2))
    told = len(child.events)
    for parent in (father, mother):
        child.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=parent.person_id, kind="parent")
    await office.tell(child.messages(first=told + 1))
    await office.settled()
    asked = (open_window.post(ALL, body(each, for_person_id=str(child.person_id))) for each in (father, mother))
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert [code_of(answer) for answer in answers if answer.status_code == 409] == ["application-open"]


async def test_a_use_closed_since_its_rules_came_into_force_takes_no_application_and_no_round(office: PointsOffice) -> None:
    story = await resident(office)
    async with on(office, date(2023, 3, 1)):
        await in_force(office, date(2023, 3, 1), "settlement", body={"rule_set": EARLIER, "cases": EARLIER_CASES})
    terms = {"quota": 1, "freeze_on": "2023-08-31", "notice_working_days": 5, "objection_working_days": 5}
    runner = office.service.caller(["points.round.run"], division=CITY, purpose="points")
    async with on(office, date(2023, 7, 26)):
        answer = await counter(office).post(ALL, body(story, purpose="settlement"))
        assert code_of(answer) == "purpose-closed"
        assert [each["code"] for each in answer.json()["reasons"]] == ["settlement_not_limited"]
        opened = await runner.post("/v1/points/rounds", {"purpose": "settlement", "division_code": CITY} | terms)
        assert code_of(opened) == "purpose-closed"


async def test_only_the_office_of_the_case_sees_it(office: PointsOffice, open_window: Caller) -> None:
    application = await scored(open_window, await resident(office))
    paths = (f"{ALL}/{application['application_id']}", f"/v1/points/assessments/{application['counted_assessment_id']}")
    for division, status in {TOWN: 200, CITY: 200, "330282113": 404, f"{TOWN}201": 404, "330281": 404}.items():
        for path in paths:
            assert (await counter(office, division=division).get(path)).status_code == status, (division, path)


async def test_what_is_sensitive_is_shown_by_scope_alone(office: PointsOffice, open_window: Caller) -> None:
    application = await scored(open_window, await resident(office))
    path = f"/v1/points/assessments/{application['counted_assessment_id']}"
    plain = counter(office, without=frozenset({"points.field.personal", "points.field.sensitive"}))
    seen = expect(await plain.get(path), 200)
    assert (seen["total"], seen["explanation"], seen["what_would_help"]) == (None, None, [])
    assert {"total", "explanation", "what_would_help"} <= set(seen["masked_fields"])
    assert code_of(await plain.get(f"{path}/document")) == "scope-missing"


async def test_the_machine_scores_on_the_last_day_what_nobody_scored(office: PointsOffice, open_window: Caller) -> None:
    made = expect(await open_window.post(ALL, body(await resident(office))), 201)
    one = f"{ALL}/{made['application_id']}"
    async with on(office, date(2026, 3, 13)):
        await run_job(office, "score-due-applications")
        assert expect(await open_window.get(one), 200)["status"] == "received"
    async with on(office, date(2026, 3, 16)):
        await run_job(office, "score-due-applications")
        found = expect(await open_window.get(one), 200)
        assert (found["status"], found["scored_on"], found["confirmed_by"]) == ("scored", "2026-03-16", None)


async def test_a_recheck_that_is_late_is_told_once(office: PointsOffice, open_window: Caller) -> None:
    application = await scored(open_window, await resident(office))
    one = f"{ALL}/{application['application_id']}"
    expect(await open_window.post(f"{one}/ask-recheck", {"reason": "少计三个月"}), 200)
    async with on(office, date(2026, 3, 10)):
        found = expect(await open_window.get(one), 200)
        assert found["is_overdue"] is True
        late = expect(await open_window.get(f"{ALL}?overdue=true&person_id={application['person_id']}"), 200)["items"]
        assert [each["application_id"] for each in late] == [application["application_id"]]
        for _ in range(2):
            await run_job(office, "tell-overdue-applications")
    told = await Looking(office.service.runtime.pool).fetchval(
        "SELECT count(*) FROM outbox WHERE event_type = 'points_hukou.application.overdue.v1' AND data LIKE $1",
        f"%{application['application_id']}%",
    )
    assert told == 1


async def test_nothing_of_a_score_is_in_events_evidence_or_plain_columns(office: PointsOffice, open_window: Caller) -> None:
    application = await scored(open_window, await resident(office))
    total = (await assessment_of(open_window, application))["total"]
    looking = Looking(office.service.runtime.pool)
    for sql in (
        "SELECT data FROM outbox WHERE partition_key = $1",
        "SELECT line FROM audit_line WHERE person_id = $1",
        "SELECT to_jsonb(a)::text FROM assessment a WHERE person_id = $1",
        "SELECT to_jsonb(a)::text FROM application a WHERE person_id = $1",
    ):
        rows = await looking.fetch(sql, UUID(application["person_id"]))
        assert rows
        assert not [row for row in rows if total in str(row[0])], sql


async def test_what_was_scored_of_a_deleted_person_is_gone_and_that_it_was_is_not(
    office: PointsOffice, open_window: Caller
) -> None:
    story = await resident(office)
    application = await scored(open_window, story)
    told = len(story.events)
    story.deletion()
    await office.tell(story.messages(first=told + 1))
    await office.settled()
    city = counter(office, division=CITY)
    found = expect(await city.get(f"{ALL}/{application['application_id']}"), 200)
    assert (found["status"], found["words"]) == ("withdrawn", None)
    seen = expect(await city.get(f"/v1/points/assessments/{application['counted_assessment_id']}"), 200)
    assert (seen["is_erased"], seen["total"], seen["explanation"]) == (True, None, None)
    document = await city.get(f"/v1/points/assessments/{application['counted_assessment_id']}/document")
    assert code_of(document) == "assessment-erased"


async def test_a_new_neighbour_is_told_every_application_where_it_stands(office: PointsOffice, open_window: Caller) -> None:
    application = await scored(open_window, await resident(office))
    runtime = office.service.runtime

    async def told(tx: Transaction) -> dict[UUID, list[EventData]]:
        return {key: states async for key, states in snapshot(tx, runtime.keyring)}

    states = (await in_transaction(runtime.pool, told, rows=SERVICE))[UUID(application["person_id"])]
    (state,) = [each for each in states if isinstance(each, ApplicationScored)]
    assert (str(state.application_id), state.status) == (application["application_id"], "scored")


async def test_before_there_was_a_procedure_nobody_applies(office: PointsOffice, law: dict[str, Any]) -> None:
    story = await resident(office)
    for day in (date(1900, 1, 1), date(2199, 12, 30)):
        async with on(office, day):
            answer = await counter(office, division=CITY).post(ALL, body(story))
            assert answer.status_code in {404, 409, 201}, answer.text
            listed = await counter(office).get(f"{ALL}?limit=5")
            assert listed.status_code == 200
