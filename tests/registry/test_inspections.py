"""Inspections: grades by the checklist, findings closed by another inspection alone, pairings; about homes and never people."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.jobs import Scheduler
from services.registry.jobs import JOBS
from services.registry.rules.homes.star_rating import ItemAnswer, checklist_problems, grade
from services.registry.tables.ground import METADATA
from tests.registry.case_files import Case, cases, law
from tests.registry.conftest import Office, expect
from tests.registry.employers import registered
from tests.registry.homes import Home, register_home
from tests.running import Caller

PATH, FINDINGS = "/v1/inspections", "/v1/inspection-findings"
ON = date(2026, 5, 10)
ITEMS = [item.code for item in law().homes.inspections.items.on(ON)]
MET = [{"code": code, "answer": "met"} for code in ITEMS]


@pytest.mark.parametrize("case", cases("star_ratings", "grade"))
def test_stars(case: Case) -> None:
    answers = {code: ItemAnswer(case["answers"].get(code, "met")) for code in ITEMS}
    found = grade(answers, ON, law().homes.inspections)
    assert {"score": found.score, "stars": found.stars} == case["expected"]
    assert found.valid_until == date(2027, 5, 10)


@pytest.mark.parametrize("case", cases("star_ratings", "stars_of_a_day"))
async def test_the_stars_of_a_day_are_those_of_the_last_grade(office: Office, home: Home, case: Case) -> None:
    not_met: dict[int, set[str]] = {5: set(), 4: {"clean"}, 2: {"exits_clear", "guests_registered"}}
    for given_grade in case["graded"]:
        failed = not_met[given_grade["stars"]]
        answers = [{"code": code, "answer": "not_met" if code in failed else "met"} for code in ITEMS]
        with office.on(given_grade["on"]):
            made = await inspect(home, inspected_on=given_grade["on"].isoformat(), answers=answers)
        assert made["stars"] == given_grade["stars"]
    with office.on(case["on"]):
        found = expect(await home.caller.get(home.path), 200)
        listed = expect(await home.caller.get("/v1/premises?division_code=330282111&limit=200"), 200)["items"]
    assert found["stars"] == (case["stars"] or None)
    assert (found["stars_valid_until"] is None) == (found["stars"] is None)
    assert found in listed


@pytest.mark.parametrize("case", cases("finding_deadlines", "told"))
async def test_a_landlord_is_told_before_a_deadline_and_after_it_once(office: Office, home: Home, case: Case) -> None:
    with office.on(ON):
        made = await inspect(home, findings=[{"kind": "exit_blocked", "due_on": case["due_on"].isoformat()}])
        finding_id = made["findings"][0]["finding_id"]
    jobs = [replace(job, name=f"{job.name} {finding_id}") for job in JOBS if job.name == "remind-of-findings"]
    replicas = [Scheduler(office.service.runtime, jobs) for _ in range(2)]
    for day in sorted({*case["running"], *(case[name] for name in ("remedied_on", "put_off_on", "ended_on") if name in case)}):
        with office.on(day):
            if day == case.get("ended_on"):
                expect(await home.caller.post(f"{home.path}/end", {"reason": "letting_ended"}), 200)
            if day in {case.get("remedied_on"), case.get("put_off_on")}:
                again: dict[str, Any] = {"finding_id": finding_id, "is_remedied": "put_off_on" not in case}
                if "put_off_until" in case:
                    again["due_on"] = case["put_off_until"].isoformat()
                await inspect(home, inspected_on=day.isoformat(), reinspected=[again])
            if day in case["running"]:
                for replica in replicas:
                    await replica.run_due()
    told = await office.rows(
        "SELECT template, requested_on, parameters FROM notice WHERE subject_id = $1 ORDER BY 2", finding_id
    )
    assert [[row["template"], row["requested_on"]] for row in told] == case["told"]
    assert all(row["parameters"]["kind"] == "exit_blocked" for row in told)


@settings(max_examples=50)
@given(
    given_answers=st.lists(st.sampled_from(list(ItemAnswer)), min_size=len(ITEMS), max_size=len(ITEMS)), place=st.integers(0, 5)
)
def test_an_item_put_right_never_costs_a_star(given_answers: list[ItemAnswer], place: int) -> None:
    before = dict(zip(ITEMS, given_answers, strict=True))
    after = before | {ITEMS[place]: ItemAnswer.MET}
    parameters = law().homes.inspections
    if checklist_problems(before, ON, parameters) or before[ITEMS[place]] is not ItemAnswer.NOT_MET:
        return
    assert grade(after, ON, parameters).stars >= grade(before, ON, parameters).stars


@pytest.fixture(autouse=True)
def summer(office: Office) -> Iterator[None]:
    """A few months after the inspections."""
    with office.on(date(2026, 8, 3)):
        yield


@pytest.fixture
async def home(cixi: Caller) -> Home:
    """A home of this year."""
    return await register_home(cixi, division_code="330282111", let_from="2026-01-01")


async def inspect(home: Home, *, status: int = 201, **given: Any) -> dict[str, Any]:
    """POST /v1/inspections."""
    body = {"premises_id": home.premises_id, "inspected_on": ON.isoformat()} | given
    return expect(await home.caller.post(PATH, body), status)


async def test_a_grade_takes_the_whole_checklist(home: Home) -> None:
    made = await inspect(home, answers=sorted(MET, key=lambda item: item["code"]))
    assert (made["score"], made["stars"], made["stars_valid_until"]) == (100, 5, "2027-05-10")
    assert (made["checklist_version"], len(made["answers"])) == ("1", len(ITEMS))
    assert expect(await home.caller.get(f"{PATH}/{made['inspection_id']}"), 200) == made
    for answers, code in ((MET[1:], "items_missing"), ([*MET, {"code": "pool", "answer": "met"}], "items_unknown")):
        problem = await inspect(home, status=422, answers=answers)
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/answers", code)]
    none = [{"code": code, "answer": "not_applicable"} for code in ITEMS]
    assert (await inspect(home, status=422, answers=none))["errors"][0]["code"] == "nothing_applies"
    assert (await inspect(home))["stars"] is None


async def test_a_finding_is_closed_by_another_inspection_alone(office: Office, home: Home) -> None:
    due = {"kind": "smoke_alarm_missing", "room_id": home.rooms[0]["room_id"], "due_on": "2026-05-31"}
    first = await inspect(home, findings=[due, {"kind": "persons_per_room", "due_on": "2026-09-30"}])
    alarm, crowd = first["findings"]
    assert [(each["category"], each["is_overdue"]) for each in (alarm, crowd)] == [("fire", True), ("overcrowding", False)]
    overdue = expect(await home.caller.get(f"{FINDINGS}?which=overdue&division_code=330282111&limit=200"), 200)["items"]
    ids = {item["finding_id"] for item in overdue}
    assert alarm["finding_id"] in ids
    assert crowd["finding_id"] not in ids
    again = [
        {"finding_id": alarm["finding_id"], "is_remedied": True},
        {"finding_id": crowd["finding_id"], "is_remedied": False, "due_on": "2026-10-31"},
    ]
    second = await inspect(home, inspected_on="2026-06-01", reinspected=again)
    closed, put_off = second["findings"]
    assert (closed["status"], closed["closed_on"], closed["closed_by_inspection_id"]) == (
        "closed",
        "2026-06-01",
        second["inspection_id"],
    )
    assert (put_off["status"], put_off["due_on"], put_off["version"]) == ("open", "2026-10-31", 2)
    problem = await inspect(home, status=422, inspected_on="2026-06-02", reinspected=again[:1])
    assert problem["errors"][0]["code"] == "finding_not_open"
    listed = expect(await home.caller.get(f"{home.path}/inspections"), 200)["items"]
    assert [item["inspection_id"] for item in listed] == [second["inspection_id"], first["inspection_id"]]
    rows = await office.rows("SELECT version FROM history WHERE resource_id = $1 ORDER BY version", alarm["finding_id"])
    assert [row["version"] for row in rows] == [1, 2]
    history = expect(await home.caller.get(f"{FINDINGS}/{crowd['finding_id']}/history"), 200)["items"]
    assert [version["state"]["due_on"] for version in history] == ["2026-10-31", "2026-09-30"]
    expect(await office.caller("330282109").get(f"{FINDINGS}/{crowd['finding_id']}/history"), 404)


@pytest.mark.parametrize(
    ("given_body", "pointer"),
    [
        ({"inspected_on": "2026-08-04"}, "/inspected_on"),
        ({"findings": [{"kind": "ugly", "due_on": "2026-06-01"}]}, "/findings/0/kind"),
        ({"findings": [{"kind": "exit_blocked", "due_on": "2026-05-10"}]}, "/findings/0/due_on"),
        ({"findings": [{"kind": "exit_blocked", "due_on": "2026-06-01", "room_id": str(uuid4())}]}, "/findings/0/room_id"),
        ({"reinspected": [{"finding_id": str(uuid4()), "is_remedied": True}]}, "/reinspected/0/finding_id"),
    ],
)
async def test_what_is_not_entered(home: Home, given_body: dict[str, Any], pointer: str) -> None:
    problem = await inspect(home, status=422, **given_body)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_inspections_are_the_divisions_own_and_an_officers(office: Office, home: Home) -> None:
    made = await inspect(home, findings=[{"kind": "exit_blocked", "due_on": "2026-06-01"}])
    beside = office.caller("330282109")
    assert (await beside.get(f"{PATH}/{made['inspection_id']}")).status_code == 404
    assert expect(await beside.get(f"{FINDINGS}?which=all&limit=200"), 200)["items"] == []
    body = {"premises_id": home.premises_id, "inspected_on": ON.isoformat()}
    assert expect(await beside.post(PATH, body), 404)["type"].endswith("premises-not-found")
    assert expect(await office.caller(actor=None).post(PATH, body), 403)["type"].endswith("actor-required")


async def test_a_village_is_paired_with_an_enterprise_once(office: Office, cixi: Caller) -> None:
    body = {"division_code": "330282111201", "organisation_name": "某某电器", "credit_code": "91110000600037341L"}
    wrong = body | {"valid_from": "2026-01-01", "credit_code": "91110000600037341N"}
    assert expect(await cixi.post("/v1/village-pairings", wrong), 422)["errors"][0]["pointer"] == "/credit_code"
    made = expect(await cixi.post("/v1/village-pairings", body | {"valid_from": "2026-01-01"}), 201)
    assert (await cixi.post("/v1/village-pairings", body | {"valid_from": "2026-02-01"})).status_code == 409
    listed = expect(await cixi.get("/v1/village-pairings?division_code=330282111"), 200)["items"]
    assert [item["pairing_id"] for item in listed] == [made["pairing_id"]]
    assert (made["employer_id"], made["employer_name"]) == (None, None)
    path = f"/v1/village-pairings/{made['pairing_id']}"
    expect(await cixi.post(f"{path}/end", {"valid_until": "2026-01-01"}), 422)
    expect(await cixi.post(f"{path}/end", {"valid_until": "2026-07-01"}), 200)
    expect(await cixi.post(f"{path}/end", {"valid_until": "2026-07-01"}), 409)
    expect(await cixi.post("/v1/village-pairings", body | {"valid_from": "2026-07-01"}), 201)
    history = expect(await cixi.get(f"{path}/history"), 200)["items"]
    assert [version["state"]["valid_until"] for version in history] == ["2026-07-01", None]
    for hidden in (path, f"{path}/history"):
        assert (await office.caller("330282109").get(hidden)).status_code == 404


async def test_a_pairing_names_the_employer_of_its_code_wherever_it_lies(office: Office, cixi: Caller) -> None:
    employer = await registered(cixi, division_code="330282104")
    body = {"division_code": "330282111202", "organisation_name": "村里的叫法", "credit_code": employer["credit_code"]}
    village = office.caller("330282111")
    made = expect(await village.post("/v1/village-pairings", body | {"valid_from": "2026-01-01"}), 201)
    named = (made["employer_id"], made["employer_name"], made["organisation_name"])
    assert named == (employer["employer_id"], employer["name"], "村里的叫法")
    listed = expect(await village.get("/v1/village-pairings?division_code=330282111202"), 200)["items"]
    assert listed == [expect(await village.get(f"/v1/village-pairings/{made['pairing_id']}"), 200)] == [made]


def test_no_column_of_an_inspection_can_name_a_person() -> None:
    """Findings are about premises, never about persons (architecture §7)."""
    for table in ("inspection", "inspection_finding", "village_pairing"):
        assert not any("person" in column.name for column in METADATA.tables[table].columns)
