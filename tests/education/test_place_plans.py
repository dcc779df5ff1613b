"""Places of a school in a year: drafted, published, corrected; what was published changes with a reason or not at all."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.chassis.db import Transaction, in_transaction, prepare
from services.chassis.rows import SERVICE
from services.contracts.education import PlacePlanPublished
from services.education.store.snapshot import snapshot
from tests.education.conftest import CITY, PLANS, SCHOOLS, TOWN, YEAR, Office, code_of, expect, faults, places

SOLDIERS = {"group": "soldier", "places": 4}


async def test_a_plan_is_published_and_corrected_and_the_log_says_why(office: Office) -> None:
    made = await office.school(201)
    plan = await office.plan(made, **places(reserves=[SOLDIERS]))
    one, desk = f"{PLANS}/{plan['plan_id']}", office.desk(CITY)
    (grade,) = plan["grades"]
    assert (grade["places"], grade["band"], plan["status"]) == (180, "normal", "draft")
    (reserve,) = grade["sources"][0]["reserves"]
    assert (reserve["legal_ground"], reserve["returns_to"]) == ("《义务教育法》第十二条第三款", ["everybody"])
    correction = places(5, 225) | {"reason": "新增一个班"}
    assert code_of(await desk.post(f"{one}/correct", correction)) == "place-plan-not-published"
    published = expect(await desk.post(f"{one}/publish"), 200)
    assert (published["status"], published["published_by"]) == ("published", "officer-1")
    assert code_of(await desk.post(f"{one}/publish")) == "place-plan-published"
    assert code_of(await desk.call("PUT", one, json=places(), headers={"if-match": '"2"'})) == "place-plan-published"
    expect(await desk.post(f"{one}/correct", correction), 200)
    assert code_of(await desk.post(f"{one}/correct", correction)) == "nothing-corrected"
    (logged,) = expect(await office.desk("440100").get(f"{one}/corrections"), 200)["items"]
    assert (logged["reason"], logged["plan_version"], logged["corrected_by"]) == ("新增一个班", 3, "officer-1")
    counts = [logged[when]["grades"][0]["sources"][0]["places"] for when in ("before", "after")]
    assert counts == [180, 225]
    told = [each for each in await office.told(made["school_id"]) if "place_plan" in each["type"]]
    assert [(each["type"].split(".")[2], each["version"], each["grades"][0]["classes"]) for each in told] == [
        ("published", 2, 4),
        ("corrected", 3, 5),
    ]
    assert [each["version"] for each in expect(await desk.get(f"{one}/history"), 200)["items"]] == [3, 2, 1]


async def test_a_draft_is_rewritten_at_the_version_that_was_read(office: Office) -> None:
    plan = await office.plan(await office.school(202))
    one, desk = f"{PLANS}/{plan['plan_id']}", office.desk(TOWN)
    assert (await desk.call("PUT", one, json=places(), headers={"if-match": '"9"'})).status_code == 412
    changed = expect(await desk.call("PUT", one, json=places(2, 110), headers={"if-match": '"1"'}), 200)
    assert (changed["grades"][0]["band"], changed["version"]) == ("somewhat_large", 2)


async def test_a_school_has_one_plan_a_year_however_many_ask(office: Office) -> None:
    made = await office.school(203)
    body = {"school_id": made["school_id"], "entry_year": YEAR, **places()}
    answers = await asyncio.gather(*(office.desk(TOWN).post(PLANS, body) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    assert {code_of(each) for each in answers if each.status_code == 409} == {"place-plan-exists"}
    expect(await office.desk(TOWN).post(PLANS, body | {"entry_year": YEAR + 1}), 201)
    assert faults(await office.desk(TOWN).post(PLANS, body | {"entry_year": 2016})) == [("/entry_year", "past")]


async def test_two_corrections_at_once_are_both_logged_on_what_they_found(office: Office) -> None:
    plan = await office.plan(await office.school(204))
    one, desk = f"{PLANS}/{plan['plan_id']}", office.desk(TOWN)
    expect(await desk.post(f"{one}/publish"), 200)
    asked = [desk.post(f"{one}/correct", places(4, count) | {"reason": str(count)}) for count in (170, 160)]
    for answer in await asyncio.gather(*asked):
        expect(answer, 200)
    logged = expect(await desk.get(f"{one}/corrections"), 200)["items"]
    assert [each["plan_version"] for each in logged] == [3, 4]
    assert logged[1]["before"] == logged[0]["after"]
    first = expect(await desk.get(f"{one}/corrections?limit=1"), 200)
    second = expect(await desk.get(f"{one}/corrections?limit=1&cursor={first['next_cursor']}"), 200)
    assert [*first["items"], *second["items"]] == logged
    assert second["next_cursor"] is None


async def test_places_of_private_schools_are_bought_or_subsidised_and_cost_something(office: Office) -> None:
    made = await office.school(205, kind="private")
    bought = {"source": "bought", "places": 40, "fen_per_place": 350_000}
    subsidised = {"source": "subsidised", "places": 30, "fen_per_place": 500_000}
    grade = {"grade": 1, "classes": 2, "sources": [bought, subsidised]}
    plan = await office.plan(made, areas=[], grades=[grade])
    assert [(each["source"], each["fen_per_place"]) for each in plan["grades"][0]["sources"]] == [
        ("bought", 350_000),
        ("subsidised", 500_000),
    ]
    wrong = {
        "areas": ["330282107"],
        "grades": [{**grade, "sources": [{"source": "public", "places": 10}, {**bought, "fen_per_place": None}]}],
    }
    answer = await office.desk(TOWN).post(PLANS, {"school_id": made["school_id"], "entry_year": YEAR + 1, **wrong})
    assert faults(answer) == [
        ("/areas", "not_allowed"),
        ("/grades/0/sources/0/source", "not_of_this_school"),
        ("/grades/0/sources/1/fen_per_place", "money"),
    ]


async def test_grades_between_take_as_many_as_the_reported_classes_have_room_for(office: Office) -> None:
    made = await office.school(206)
    classes, desk = f"{SCHOOLS}/{made['school_id']}/classes", office.desk(TOWN)
    third = {"grade": 3, "classes": 0, "sources": [{"source": "public", "places": 5}]}
    body = {"school_id": made["school_id"], "entry_year": YEAR, "areas": ["330282107"], "grades": [third]}
    assert faults(await desk.post(PLANS, body)) == [("/grades/0/sources", "no_vacancy")]
    third_class = {"grade": 3, "number": 1, "pupils": 40}
    expect(await desk.call("PUT", classes, json={"as_of": "2026-03-01", "classes": [third_class]}), 200)
    plan = expect(await desk.post(PLANS, body), 201)
    grown = {"as_of": "2026-03-02", "classes": [third_class | {"pupils": 41}]}
    expect(await desk.call("PUT", classes, json=grown), 200)
    answer = await desk.post(f"{PLANS}/{plan['plan_id']}/publish")
    assert faults(answer) == [("/grades/0/sources", "no_vacancy")], "looked at again when it is published"


async def test_what_is_published_changes_with_a_logged_reason_or_not_at_all(office: Office) -> None:
    plan = await office.plan(await office.school(207))
    expect(await office.desk(TOWN).post(f"{PLANS}/{plan['plan_id']}/publish"), 200)
    for change in ("grades = '[]'", "areas = '{}'", "status = 'draft', published_on = NULL", "entry_year = 2040"):
        statement = prepare(f"UPDATE place_plan SET {change} WHERE plan_id = :plan_id")

        async def past_the_service(tx: Transaction, statement: Any = statement) -> None:
            await tx.execute(statement, plan_id=UUID(plan["plan_id"]))

        with pytest.raises(Exception, match="corrected with a reason"):
            await in_transaction(office.service.runtime.pool, past_the_service, rows=SERVICE)


async def test_a_snapshot_tells_schools_and_published_places_alone(office: Office) -> None:
    made, draft = await office.school(208), await office.school(209)
    plan = await office.plan(made)
    await office.plan(draft)
    expect(await office.desk(TOWN).post(f"{PLANS}/{plan['plan_id']}/publish"), 200)
    told: dict[str, list[Any]] = {}

    async def read(tx: Transaction) -> None:
        async for key, states in snapshot(tx, office.service.runtime.keyring):
            told[str(key)] = states

    await in_transaction(office.service.runtime.pool, read, rows=SERVICE)
    assert [type(each).__name__ for each in told[made["school_id"]]] == ["SchoolChanged", "PlacePlanPublished"]
    assert [type(each).__name__ for each in told[draft["school_id"]]] == ["SchoolChanged"]
    published = told[made["school_id"]][1]
    assert isinstance(published, PlacePlanPublished)
    said = [each for each in await office.told(made["school_id"]) if each["type"] == "education.place_plan.published.v1"]
    assert published.model_dump(mode="json").items() <= said[0].items()
