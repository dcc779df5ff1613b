"""Schools and their classes through the door: who may do what, what is told, what stays."""

import asyncio

from tests.education.conftest import (
    CITY,
    NEXT_COUNTY,
    NEXT_TOWN,
    PLANS,
    SCHOOLS,
    TOWN,
    YEAR,
    Office,
    code_of,
    expect,
    faults,
    places,
    school,
)

A_DAY = "2026-03-01"


async def test_a_school_is_registered_changed_closed_and_every_step_is_told(office: Office) -> None:
    made = await office.school(101)
    one, desk = f"{SCHOOLS}/{made['school_id']}", office.desk(TOWN)
    body = {"name": "掌起镇中心学校", "first_grade": 1, "last_grade": 9}
    assert (await desk.call("PUT", one, json=body, headers={"if-match": '"7"'})).status_code == 412
    changed = expect(await desk.call("PUT", one, json=body, headers={"if-match": '"1"'}), 200)
    assert (changed["name"], changed["last_grade"], changed["version"]) == ("掌起镇中心学校", 9, 2)
    closing = {"closed_on": f"{YEAR}-08-31", "reason": "并入实验学校"}
    expect(await desk.post(f"{one}/close", closing), 200)
    assert code_of(await desk.post(f"{one}/close", closing)) == "school-closed"
    versions = expect(await desk.get(f"{one}/history"), 200)["items"]
    assert [(each["version"], each["actor"], each["state"]["closed_on"]) for each in versions] == [
        (3, "officer-1", f"{YEAR}-08-31"),
        (2, "officer-1", None),
        (1, "officer-1", None),
    ]
    told = await office.told(made["school_id"])
    assert [(each["type"], each["version"], each["to"], each["closed_on"]) for each in told] == [
        ("education.school.registered.v1", 1, [TOWN], None),
        ("education.school.changed.v1", 2, [TOWN], None),
        ("education.school.closed.v1", 3, [TOWN], f"{YEAR}-08-31"),
    ]
    lines = await office.look.fetch("SELECT line FROM audit_line WHERE line LIKE $1", f"%{made['school_id']}%")
    assert len(lines) >= 3


async def test_a_code_is_registered_once_however_many_ask_at_once(office: Office) -> None:
    asked = [office.desk(TOWN).post(SCHOOLS, school(102, name=f"第{n}校")) for n in range(6)]
    answers = await asyncio.gather(*asked)
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409, 409, 409]
    assert {code_of(each) for each in answers if each.status_code == 409} == {"school-code-taken"}


async def test_the_same_key_gives_the_same_school(office: Office) -> None:
    desk, key = office.desk(TOWN), {"idempotency-key": "school-103-once"}
    first = await desk.call("POST", SCHOOLS, json=school(103), headers=key)
    again = await desk.call("POST", SCHOOLS, json=school(103), headers=key)
    assert expect(first, 201)["school_id"] == expect(again, 201)["school_id"]


async def test_a_school_is_its_offices_until_it_publishes_places(office: Office) -> None:
    made = await office.school(104)
    one, beside = f"{SCHOOLS}/{made['school_id']}", office.desk(NEXT_TOWN)
    assert code_of(await office.desk(NEXT_TOWN).post(SCHOOLS, school(105))) == "division-out-of-scope"
    assert (await beside.get(one)).status_code == 404
    assert expect(await office.desk(CITY).get(one), 200)["school_id"] == made["school_id"]
    plan = await office.plan(made)
    assert (await beside.get(one)).status_code == (await beside.get(f"{PLANS}/{plan['plan_id']}")).status_code == 404
    expect(await office.desk().post(f"{PLANS}/{plan['plan_id']}/publish"), 200)
    for elsewhere in (beside, office.desk(NEXT_COUNTY)):
        assert expect(await elsewhere.get(one), 200)["school_id"] == made["school_id"]
        assert expect(await elsewhere.get(f"{one}/history"), 200)["items"] == []
        assert code_of(await elsewhere.get(f"{one}/classes")) == "class-report-not-found"
        listed = expect(await elsewhere.get(f"{PLANS}?entry_year={YEAR}&school_id={made['school_id']}"), 200)["items"]
        assert [each["plan_id"] for each in listed] == [plan["plan_id"]]
        closing = {"closed_on": "2090-01-01", "reason": "x"}
        assert code_of(await elsewhere.post(f"{one}/close", closing)) == "school-not-found"
        assert code_of(await elsewhere.post(f"{PLANS}/{plan['plan_id']}/correct", places() | {"reason": "x"})) == (
            "place-plan-not-found"
        )


async def test_a_school_with_places_neither_closes_nor_loses_the_grade(office: Office) -> None:
    made = await office.school(106)
    plan, one, desk = await office.plan(made), f"{SCHOOLS}/{made['school_id']}", office.desk(TOWN)
    expect(await desk.post(f"{PLANS}/{plan['plan_id']}/publish"), 200)
    closing = {"closed_on": f"{YEAR}-01-01", "reason": "并校"}
    assert code_of(await desk.post(f"{one}/close", closing)) == "school-offers-places"
    without = {"name": "高年级部", "first_grade": 2, "last_grade": 6}
    answer = await desk.call("PUT", one, json=without, headers={"if-match": '"1"'})
    assert (code_of(answer), answer.json()["plan_id"]) == ("school-offers-places", plan["plan_id"])
    none = places(classes=0, count=0) | {"reason": "停止招生"}
    expect(await desk.post(f"{PLANS}/{plan['plan_id']}/correct", none), 200)
    expect(await desk.post(f"{one}/close", closing), 200)
    assert code_of(await desk.post(f"{PLANS}/{plan['plan_id']}/correct", none | places())) == "school-closed"


async def test_classes_have_their_band_and_a_grade_its_vacancies(office: Office) -> None:
    made = await office.school(107)
    classes, desk = f"{SCHOOLS}/{made['school_id']}/classes", office.desk(TOWN)
    assert code_of(await desk.get(classes)) == "class-report-not-found"
    sizes = {(1, 1): 45, (1, 2): 46, (2, 1): 40, (2, 2): 44, (3, 1): 55, (4, 1): 56, (5, 1): 65}
    reported = [{"grade": grade, "number": number, "pupils": pupils} for (grade, number), pupils in sizes.items()]
    kept = expect(await desk.call("PUT", classes, json={"as_of": A_DAY, "classes": reported}), 200)
    bands = ["normal", "somewhat_large", "normal", "normal", "somewhat_large", "large", "large"]
    assert [each["band"] for each in kept["classes"]] == bands
    assert [(each["grade"], each["vacancies"]) for each in kept["grades"]] == [(1, 0), (2, 6), (3, 0), (4, 0), (5, 0)]
    assert [each["code"] for each in kept["grades"][0]["against_transfer"]] == ["no_vacancy"]
    reported[-1]["pupils"] = 66
    expect(await desk.call("PUT", classes, json={"as_of": "2026-03-02", "classes": reported}), 200)
    now = expect(await desk.get(classes), 200)
    assert now["classes"][-1]["band"] == "very_large"
    assert [(each["grade"], each["vacancies"]) for each in now["grades"]][1] == (2, 0), "EDU-18: nobody transfers in"
    assert [each["rule"] for each in now["grades"][1]["against_transfer"]] == ["EDU-18"]
    earlier = expect(await desk.get(f"{classes}/history"), 200)["items"]
    assert [each["state"]["classes"][-1]["pupils"] for each in earlier] == [66, 65]


async def test_every_fault_of_a_report_is_told_at_once(office: Office) -> None:
    made = await office.school(108)
    classes, desk = f"{SCHOOLS}/{made['school_id']}/classes", office.desk(TOWN)
    one, two = {"grade": 7, "number": 1, "pupils": 40}, {"grade": 1, "number": 1, "pupils": 40}
    answer = await desk.call("PUT", classes, json={"as_of": "2090-01-01", "classes": [one, two, two]})
    assert faults(answer) == [
        ("/as_of", "future"),
        ("/classes/0/grade", "not_at_school"),
        ("/classes/1/number", "repeated"),
        ("/classes/2/number", "repeated"),
    ]
    expect(await desk.call("PUT", classes, json={"as_of": A_DAY, "classes": [two]}), 200)
    assert faults(await desk.call("PUT", classes, json={"as_of": "2026-02-28", "classes": [two]})) == [("/as_of", "older")]


async def test_schools_are_listed_by_kind_in_pages(office: Office) -> None:
    for code in (110, 111, 112):
        await office.school(code, kind="private")
    desk, seen, cursor = office.desk(TOWN), [], ""
    while cursor is not None:
        page = expect(await desk.get(f"{SCHOOLS}?kind=private&limit=2&cursor={cursor}"), 200)
        seen += [each["school_code"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"21{code:08d}" for code in (110, 111, 112)]
