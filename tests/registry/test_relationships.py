"""Relationships: what the other person is to this one, once, while it holds."""

import asyncio
from datetime import date
from typing import Any

import pytest

from tests.registry.conftest import Office, expect
from tests.registry.factories import a_person, a_residence, citizen_number
from tests.running import Caller


async def a_family(caller: Caller) -> tuple[str, str]:
    """(child, mother)."""
    child = a_person(number=citizen_number(birth_date=date(2016, 1, 1)))
    mother = a_person(number=citizen_number(birth_date=date(1990, 1, 1), male=False))
    made = [expect(await caller.post("/v1/persons", body), 201)["person_id"] for body in (child, mother)]
    return made[0], made[1]


def is_parent(child: str, parent: str, **given: Any) -> dict[str, Any]:
    return {"person_id": child, "related_person_id": parent, "kind": "parent", "valid_from": "2016-01-01"} | given


async def test_a_relationship_shows_on_both_sides_and_ends_once(office: Office, cixi: Caller) -> None:
    child, mother = await a_family(cixi)
    evidence = [{"type": "birth_certificate", "document_number": "T330282001", "issued_on": "2016-01-03"}]
    answer = await cixi.post("/v1/relationships", is_parent(child, mother, evidence=evidence))
    made = expect(answer, 201)
    assert (made["kind"], made["evidence_types"]) == ("parent", ["birth_certificate"])
    assert "T330282001" not in answer.text
    for person_id in (child, mother):
        page = expect(await cixi.get(f"/v1/persons/{person_id}/relationships"), 200)
        assert [item["relationship_id"] for item in page["items"]] == [made["relationship_id"]]
    path = f"/v1/relationships/{made['relationship_id']}"
    ended = expect(await cixi.post(f"{path}/end", {"ended_on": "2020-05-05", "reason": "recorded_in_error"}), 200)
    assert (ended["ended_on"], ended["version"]) == ("2020-05-05", 2)
    assert expect(await cixi.get(path), 200) == ended
    assert (await cixi.post(f"{path}/end", {"reason": "other"})).status_code == 409
    assert expect(await cixi.post("/v1/relationships", is_parent(child, mother)), 201)["version"] == 1
    path = f"/v1/persons/{child}/relationships?limit=1"
    first = expect(await cixi.get(path), 200)
    second = expect(await cixi.get(f"{path}&cursor={first['next_cursor']}"), 200)
    assert [page["items"][0]["ended_on"] for page in (first, second)] == ["2020-05-05", None]
    types = [event["event_type"].removeprefix("registry.") for event in await office.events_about(child)]
    assert types[1:] == ["relationship.registered.v1", "relationship.ended.v1", "relationship.registered.v1"]


@pytest.mark.parametrize("kind", ["spouse", "sibling"])
async def test_a_mutual_relationship_is_one_whichever_way_round(cixi: Caller, kind: str) -> None:
    one, other = await a_family(cixi)
    made = expect(await cixi.post("/v1/relationships", is_parent(one, other, kind=kind)), 201)
    problem = expect(await cixi.post("/v1/relationships", is_parent(other, one, kind=kind)), 409)
    assert problem["relationship_id"] == made["relationship_id"]


async def test_nonsense_is_refused(cixi: Caller) -> None:
    child, mother = await a_family(cixi)
    for body, pointer in (
        (is_parent(child, child), "/related_person_id"),
        (is_parent(mother, child, valid_from="2017-01-01"), "/related_person_id"),
        (is_parent(child, mother, valid_from="2015-12-31"), "/valid_from"),
        (is_parent(child, mother, valid_from="2999-01-01"), "/valid_from"),
    ):
        problem = expect(await cixi.post("/v1/relationships", body), 422)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    made = expect(await cixi.post("/v1/relationships", is_parent(child, mother)), 201)
    path = f"/v1/relationships/{made['relationship_id']}/end"
    assert (await cixi.post(path, {"ended_on": "2015-01-01", "reason": "other"})).status_code == 422


async def test_the_town_of_either_person_reads_hears_of_and_ends_it(office: Office, cixi: Caller) -> None:
    child, mother = await a_family(cixi)
    towns = {child: "330282107", mother: "330282108"}
    for person_id, division in towns.items():
        body = a_residence(person_id, division_code=division, started_on=office.today.isoformat(), reported_by="guardian")
        expect(await cixi.post("/v1/residence-registrations", body), 201)
    made = expect(await cixi.post("/v1/relationships", is_parent(child, mother)), 201)
    event = (await office.events_about(child))[-1]
    assert set(towns.values()) < set(event["division_codes"])
    path = f"/v1/relationships/{made['relationship_id']}"
    for division in towns.values():
        assert expect(await office.caller(division).get(path), 200) == made
    assert (await office.caller("330282109").get(path)).status_code == 404
    ended = await office.caller(towns[mother]).post(f"{path}/end", {"reason": "recorded_in_error"})
    assert expect(ended, 200)["end_reason"] == "recorded_in_error"


async def test_both_persons_must_be_known_to_the_client(office: Office, cixi: Caller) -> None:
    child, mother = await a_family(cixi)
    yuyao = office.caller("330281")
    stranger = expect(await yuyao.post("/v1/persons", a_person()), 201)["person_id"]
    for body, pointer in ((is_parent(child, stranger), "/related_person_id"), (is_parent(stranger, mother), "/person_id")):
        problem = expect(await cixi.post("/v1/relationships", body), 404)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    made = expect(await cixi.post("/v1/relationships", is_parent(child, mother)), 201)
    path = f"/v1/relationships/{made['relationship_id']}"
    assert (await yuyao.get(path)).status_code == 404
    assert (await yuyao.post(f"{path}/end", {"reason": "other"})).status_code == 404


async def test_racing_registrations_leave_one_relationship(cixi: Caller) -> None:
    one, other = await a_family(cixi)
    bodies = [is_parent(one, other, kind="spouse"), is_parent(other, one, kind="spouse")]
    answers = await asyncio.gather(*(cixi.post("/v1/relationships", bodies[i % 2]) for i in range(16)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15


async def test_racing_ends_end_it_once(cixi: Caller) -> None:
    child, mother = await a_family(cixi)
    made = expect(await cixi.post("/v1/relationships", is_parent(child, mother)), 201)
    path = f"/v1/relationships/{made['relationship_id']}/end"
    answers = await asyncio.gather(*(cixi.post(path, {"reason": "other"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
