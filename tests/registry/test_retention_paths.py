"""No table of the registry is without a rule, a clock and a way out (V-19, V-33, V-62, V-68), and each way is gone once."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.chassis.attachments import housekeeping
from services.chassis.long_work import housekeeping as operations
from services.chassis.retention import Retention, retention_of
from services.registry.jobs import JOBS, forget_past_evidence, review_retention
from services.registry.rules.retention import ReviewedClass
from tests.chassis.attachments import files
from tests.registry.case_files import CASES, law
from tests.registry.conftest import Office, Resident, expect
from tests.registry.employers import registered as employer_of
from tests.registry.employers import taken_on
from tests.registry.factories import a_home, a_landlord, citizen_number
from tests.registry.homes import register_home
from tests.registry.test_field_work import Walk, to_home, to_person
from tests.registry.test_merging import are_related, entered, merged
from tests.registry.test_person_deletion import deleted
from tests.registry.test_retention import PATH, PROPOSALS, reviews
from tests.registry.test_rights import act, received
from tests.registry.test_two_officers import second
from tests.registry.uploads import uploaded
from tests.running import Caller

PATHS: list[dict[str, Any]] = tomllib.loads((CASES / "retention_paths.toml").read_text("utf-8"))["table"]
POLICY = re.compile(r"V-\d+")
OVER, DUE = date(2024, 5, 6), date(2025, 5, 6)


def listed() -> Iterator[tuple[str, dict[str, Any]]]:
    for row in PATHS:
        for name in row["name"]:
            yield name, row


async def test_every_table_has_a_rule_a_clock_and_a_way_out(office: Office) -> None:
    found = await office.rows(
        """SELECT c.relname AS name, obj_description(c.oid) AS comment FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relname <> 'alembic_version'"""
    )
    assert {name: times for name, times in Counter(name for name, _ in listed()).items() if times > 1} == {}
    assert {row["name"] for row in found} == {name for name, _ in listed()}
    assert all(retention_of(row["comment"]) is not None for row in found)
    jobs = {job.name for job in (*JOBS, *housekeeping.JOBS, *operations.JOBS)}
    for row in PATHS:
        match row["by"]:
            case "review":
                assert law().retention.rule_of(ReviewedClass(row["class"]), DUE).review_after_months > 0
            case "job":
                assert row["job"] in jobs, row
            case "nobody" | "chassis":
                assert {"why_zh", "why_en"} <= row.keys(), row
            case other:
                assert other == "person", row
        assert row["by"] == "nobody" or POLICY.fullmatch(row["rule"]), row


async def test_every_reviewed_class_is_some_tables_way_out() -> None:
    by_review = {row["class"] for row in PATHS if row["by"] == "review"}
    persons = {each for each in ReviewedClass if each.is_person}
    assert by_review | persons == set(ReviewedClass)


async def test_what_goes_with_the_person_goes_by_the_deletion_itself(office: Office) -> None:
    """Either the database takes it along, or the function that erases names it."""
    (row,) = await office.rows("SELECT string_agg(prosrc, ' ') AS source FROM pg_proc WHERE proname LIKE '%erase_person%'")
    (files_row,) = await office.rows("SELECT prosrc AS source FROM pg_proc WHERE proname = 'release_attachments'")
    cascades = await office.rows(
        """SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint
        WHERE contype = 'f' AND confdeltype = 'c' AND confrelid = 'person'::regclass"""
    )
    erased = set(re.findall(r"DELETE FROM (\w+)", row["source"] + files_row["source"])) | {each["name"] for each in cascades}
    with_person = {name for name, path in listed() if path["by"] == "person"}
    assert with_person - erased == {"history"}, "unreadable without the person's key"
    kept = await office.rows(
        "SELECT c.relname AS name, obj_description(c.oid) AS comment FROM pg_class c WHERE c.relname = ANY ($1)",
        sorted(with_person),
    )
    assert {each["name"] for each in kept if retention_of(each["comment"]) is not Retention.PERSON} == set()


async def due(caller: Caller, subject_id: str, **query: str) -> list[dict[str, Any]]:
    return [item for item in await every_review(caller, **query) if item["subject_id"] == subject_id]


async def every_review(caller: Caller, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        options = "&".join(f"{name}={value}" for name, value in {**query, "cursor": cursor, "limit": "200"}.items())
        page = expect(await caller.get(f"{PATH}?{options}"), 200)
        found += page["items"]
        cursor = page["next_cursor"]
    return found


async def decided(office: Office, caller: Caller, review: dict[str, Any]) -> dict[str, Any]:
    """Two officers delete what is due."""
    path = f"{PATH}/{review['review_id']}"
    made = expect(await caller.post(f"{path}/deletion"), 201)
    expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)
    return expect(await caller.get(path), 200)


async def ended(caller: Caller, home: Any, on: date) -> None:
    expect(await caller.post(f"{home.path}/end", {"ended_on": on.isoformat(), "reason": "letting_ended"}), 200)


async def test_a_landlord_who_lets_nothing_any_more_is_forgotten_with_the_letters(office: Office, cixi: Caller) -> None:
    number = citizen_number(division="330222")
    with office.on(date(2024, 3, 1)):
        body = a_landlord(number=number, name="章阿忘", phone="13805749999")
        landlord = expect(await cixi.post("/v1/landlords", body), 201)["landlord_id"]
        home = expect(await cixi.post("/v1/premises", a_home(landlord, address="忘记弄7号")), 201)
        paper = await uploaded(cixi, files.pdf())
        letter = {"landlord_id": landlord, "signed_on": "2024-03-01", "valid_until": "2025-03-01"}
        letter |= {"evidence": [{"type": "responsibility_letter", "attachment_id": paper["attachment_id"]}]}
        made = expect(await cixi.post("/v1/responsibility-letters", letter), 201)
    with office.on(OVER):
        path = f"/v1/premises/{home['premises_id']}/end"
        expect(await cixi.post(path, {"ended_on": OVER.isoformat(), "reason": "letting_ended"}), 200)
    with office.on(DUE):
        await office.run_job(review_retention)
        assert await due(cixi, landlord) == [], "the letter held until March, so a year from then"
    with office.on(date(2026, 3, 1)):
        await office.run_job(review_retention)
        (review,) = await due(cixi, landlord, status="due")
        assert (review["retention_class"], review["person_id"], review["ended_on"]) == ("landlord", None, "2025-03-01")
        assert (await decided(office, cixi, review))["status"] == "deleted"
        left = expect(await cixi.get(f"/v1/landlords/{landlord}"), 200)
        assert [left[name] for name in ("name", "number", "phone", "person_id")] == [None] * 4
        assert (await cixi.get(f"/v1/responsibility-letters/{made['letter_id']}")).status_code == 404
        history = expect(await cixi.get(f"/v1/landlords/{landlord}/history"), 200)["items"]
        assert [item["version"] for item in history] == [2]
        assert await office.rows("SELECT FROM attachment_reference WHERE resource_id = $1", UUID(made["letter_id"])) == []
        assert await office.rows("SELECT FROM history WHERE resource_id = $1", UUID(made["letter_id"])) == []
        await office.run_job(review_retention)
        assert await due(cixi, landlord, status="due") == [], "what is gone is due no more"
        # The same person comes to let again, and is entered anew.
        expect(await cixi.post("/v1/landlords", a_landlord(number=number)), 201)


async def test_a_landlord_who_lets_again_is_due_no_more(office: Office, cixi: Caller) -> None:
    with office.on(date(2024, 3, 1)):
        home = await register_home(cixi)
    with office.on(OVER):
        await ended(cixi, home, OVER)
    with office.on(DUE):
        await office.run_job(review_retention)
        (review,) = await due(cixi, home.landlord_id, status="due")
        expect(await cixi.post("/v1/premises", a_home(home.landlord_id, let_from=DUE.isoformat())), 201)
        await office.run_job(review_retention)
        assert [each["status"] for each in await due(cixi, home.landlord_id)] == ["returned"]
        assert (await cixi.post(f"{PATH}/{review['review_id']}/deletion")).status_code == 409


async def test_where_a_home_was_is_forgotten_in_its_row_and_in_every_version(office: Office, cixi: Caller) -> None:
    with office.on(date(2024, 3, 1)):
        home = await register_home(cixi, address="忘记弄9号", manager_name="李看门", manager_phone="13805748888")
    with office.on(OVER):
        await ended(cixi, home, OVER)
    with office.on(DUE):
        await office.run_job(review_retention)
        (review,) = await due(cixi, home.premises_id, status="due")
        keep = {"reason_code": "open_claim", "keep_until": "2025-08-01"}
        expect(await cixi.post(f"{PATH}/{review['review_id']}/keep", keep), 200)
        await office.run_job(review_retention)
        assert await due(cixi, home.premises_id, status="due") == []
    with office.on(date(2025, 8, 1)):
        await office.run_job(review_retention)
        (again,) = await due(cixi, home.premises_id, status="due")
        assert (again["retention_class"], again["due_on"]) == ("premises", "2025-08-01")
        await decided(office, cixi, again)
        left = await home.read()
        assert (left["address"], left["manager_name"], left["manager_phone"]) == ("", None, None)
        versions = expect(await cixi.get(f"{home.path}/history"), 200)["items"]
        assert [item["state"]["address"] for item in versions] == [""]
        # Another home at that address is registered as ever.
        await register_home(cixi, address="忘记弄9号")


async def test_the_name_of_an_employer_that_is_no_more_is_forgotten(office: Office, cixi: Caller) -> None:
    with office.on(date(2024, 3, 1)):
        employer = await employer_of(cixi)
    path = f"/v1/employers/{employer['employer_id']}"
    person_id = await entered(cixi)
    with office.on(OVER):
        job = await taken_on(cixi, person_id, employer, "2024-05-06")
        expect(await cixi.post(f"{path}/end", {"reason": "deregistered"}), 200)
    with office.on(DUE):
        await office.run_job(review_retention)
        assert await due(cixi, employer["employer_id"]) == [], "somebody is on its books"
        left = {"ended_on": DUE.isoformat(), "reason": "resigned"}
        expect(await cixi.post(f"/v1/employments/{job['employment_id']}/end", left), 200)
        await office.run_job(review_retention)
        (review,) = await due(cixi, employer["employer_id"], status="due")
        await decided(office, cixi, review)
        assert expect(await cixi.get(path), 200)["name"] == ""
        versions = expect(await cixi.get(f"{path}/history"), 200)["items"]
        assert [item["state"]["name"] for item in versions] == [""]


async def test_who_was_entered_and_never_registered_is_due_after_a_year(office: Office, cixi: Caller) -> None:
    with office.on(OVER):
        nobody, child, parent, came, two = [await entered(cixi) for _ in range(5)]
        with_job = await entered(cixi)
        await taken_on(cixi, with_job, await employer_of(cixi), "2024-05-06")
        await are_related(cixi, child, parent, "sibling")
        await merged(office, cixi, came, two)
    with office.on(DUE):
        await office.run_job(review_retention)
        assert [each["retention_class"] for each in await reviews(cixi, nobody)] == ["unregistered_person"]
        for needed in (child, parent, with_job, two):
            assert await reviews(cixi, needed, status="due") == []
        (review,) = await reviews(cixi, nobody, status="due")
        assert (review["ended_on"], review["due_on"]) == (str(OVER), str(DUE))
        await decided(office, cixi, review)
        assert (await cixi.get(f"/v1/persons/{nobody}")).status_code == 410


async def test_who_registers_after_all_is_due_no_more(office: Office, resident: Resident, cixi: Caller) -> None:
    with office.on(OVER):
        await resident.register_person()
    with office.on(DUE):
        await office.run_job(review_retention)
        assert [each["status"] for each in await reviews(cixi, resident.person_id)] == ["due"]
        await resident.register_residence(DUE)
        await office.run_job(review_retention)
        assert [each["status"] for each in await reviews(cixi, resident.person_id)] == ["returned"]


async def test_another_town_neither_sees_nor_decides_what_is_due(office: Office, cixi: Caller) -> None:
    with office.on(date(2024, 3, 1)):
        home = await register_home(cixi, division_code="330282109")
    with office.on(OVER):
        await ended(cixi, home, OVER)
    with office.on(DUE):
        await office.run_job(review_retention)
        (review,) = await due(cixi, home.premises_id, status="due")
        other = office.caller("330282107", client="beside")
        assert await due(other, home.premises_id) == []
        assert (await other.post(f"{PATH}/{review['review_id']}/deletion")).status_code == 404
        with pytest.raises(Exception, match="no thing in sight is due"):
            await office.rows("SELECT erase_remembered($1)", uuid4())


async def test_evidence_goes_when_its_three_years_are_over_and_not_a_day_before(
    office: Office, resident: Resident, cixi: Caller
) -> None:
    with office.on(date(2024, 3, 1)):
        await resident.register_person()
        withdrawn = await received(resident, "explanation")
        await act(resident, withdrawn, "withdraw")
        open_one = await received(resident, "explanation")
        other = await entered(cixi)
        assert (await deleted(office, cixi, other))["status"] == "approved"
        body = {"coordinator": "walker-past", "division_code": "330282113", "valid_from": "2024-01-01"}
        assigned = expect(await cixi.post("/v1/coordinator-assignments", body), 201)["assignment_id"]
        expect(await cixi.post(f"/v1/coordinator-assignments/{assigned}/end", {"valid_until": "2024-03-01"}), 200)

    async def left() -> dict[str, int]:
        """How much is still there of each."""
        asked = {
            "request": ("rights_request", "rights_request_id", withdrawn["rights_request_id"]),
            "open request": ("rights_request", "rights_request_id", open_one["rights_request_id"]),
            "tombstone": ("deleted_person", "person_id", other),
            "assignment": ("coordinator_assignment", "assignment_id", assigned),
            "its versions": ("history", "resource_id", assigned),
        }
        counts = {}
        for name, (table, column, key) in asked.items():
            rows = await office.rows(f"SELECT FROM {table} WHERE {column} = $1", UUID(key))
            counts[name] = len(rows)
        return counts

    before = await left()
    assert min(before.values()) >= 1
    with office.on(date(2027, 2, 28)):
        await office.run_job(forget_past_evidence)
        assert await left() == before
    with office.on(date(2027, 3, 1)):
        for _ in range(2):
            await office.run_job(forget_past_evidence)
        assert await left() == dict.fromkeys(before, 0) | {"open request": 1}, "what is open waits"


async def test_visits_that_met_nobody_go_after_a_year_and_others_with_the_person(office: Office, cixi: Caller) -> None:
    with office.on(date(2025, 6, 12)):
        resident = await Resident(office, cixi).register_person()
        home = await register_home(cixi, division_code="330282113", let_from="2025-01-01")
        visits = {
            "nobody": to_person(None, "found_not_registered"),
            "home": to_home(home, "found"),
            "person": to_person(resident.person_id, "not_found"),
        }
        await Walk(office, cixi).hand_in(*visits.values())

    async def left() -> set[str]:
        rows = await office.rows(
            "SELECT visit_id FROM field_visit WHERE visit_id = ANY ($1)", [UUID(v["visit_id"]) for v in visits.values()]
        )
        there = {str(row["visit_id"]) for row in rows}
        return {name for name, visit in visits.items() if visit["visit_id"] in there}

    with office.on(date(2026, 6, 9)):
        await office.run_job(forget_past_evidence)
        assert await left() == set(visits)
    with office.on(date(2026, 6, 10)):
        await office.run_job(forget_past_evidence)
        assert await left() == {"person"}
        assert (await deleted(office, cixi, resident.person_id))["status"] == "approved"
        assert await left() == set()


async def test_younger_evidence_is_refused_to_whoever_asks(office: Office) -> None:
    with pytest.raises(Exception, match="three years at least"):
        await office.rows("SELECT forget_evidence($1, 35, 10)", DUE)
    with pytest.raises(Exception, match="not the service itself"):
        await office.rows("SELECT set_config('xinshimin.kind', 'client', true), forget_evidence($1, 36, 10)", DUE)
