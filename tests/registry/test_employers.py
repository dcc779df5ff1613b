"""Employers: one per social credit code, seen in their division, changed and ended with history and events."""

import asyncio
from typing import Any

import pytest

from tests.registry.conftest import Office, expect
from tests.registry.employers import an_employer, credit_code, registered
from tests.running import Caller

PATH = "/v1/employers"


async def events_of(office: Office, employer_id: str) -> list[str]:
    return [row["event_type"].split(".")[2] for row in await office.events_about(employer_id)]


async def test_an_employer_is_registered_read_and_found_by_its_code(cixi: Caller, office: Office) -> None:
    body = an_employer()
    answer = await cixi.post(PATH, body)
    made = expect(answer, 201)
    read = expect(await cixi.get(answer.headers["location"]), 200)
    found = expect(await cixi.post(f"{PATH}/search", {"credit_code": body["credit_code"]}), 200)

    assert read == made
    assert {name: made[name] for name in body} == body
    assert [each["employer_id"] for each in found["items"]] == [made["employer_id"]]
    event = (await office.events_about(made["employer_id"]))[-1]
    assert (event["event_type"], event["sequence"]) == ("registry.employer.registered.v1", 1)
    assert body["name"] not in str(event["data"])
    assert body["credit_code"] not in str(event["data"])


@pytest.mark.parametrize(
    ("given", "pointer", "rule"),
    [
        ({"credit_code": "91110000600037341N"}, "/credit_code", "C-17"),
        ({"industry_code": "C47"}, "/industry_code", "C-29"),
        ({"credit_code": "9111000060003IOZSV"}, "/credit_code", None),
        ({"industry_code": "U"}, "/industry_code", None),
    ],
)
async def test_wrong_codes_are_refused(cixi: Caller, given: dict[str, str], pointer: str, rule: str | None) -> None:
    problem = expect(await cixi.post(PATH, an_employer(**given)), 422)

    assert [(error["pointer"], error.get("rule")) for error in problem["errors"]] == [(pointer, rule)]


async def test_a_code_is_registered_once_wherever_and_in_whatever_race(office: Office) -> None:
    code = credit_code()
    towns = [office.caller("330282104"), office.caller("330282107")]
    bodies = [an_employer(credit_code=code, division_code=town) for town in ("330282104", "330282107") * 3]
    answers = await asyncio.gather(*(towns[n % 2].post(PATH, body) for n, body in enumerate(bodies)))
    made = [answer.json()["employer_id"] for answer in answers if answer.status_code == 201]
    refused = [answer.json() for answer in answers if answer.status_code == 409]

    assert (len(made), len(refused)) == (1, 5)
    assert {each["type"].rpartition(":")[2] for each in refused} == {"employer-exists"}
    assert {each["employer_id"] for each in refused} == set(made)


async def test_an_employer_is_seen_in_its_division_and_nowhere_else(office: Office, cixi: Caller) -> None:
    made = await registered(cixi)
    path = f"{PATH}/{made['employer_id']}"
    own, beside = office.caller("330282104"), office.caller("330282107")

    assert expect(await own.get(path), 200) == made
    for answer in [
        await beside.get(path),
        await beside.get(f"{path}/history"),
        await beside.get(f"{path}/employments"),
        await beside.patch(path, {"industry_code": "C38"}, version=1),
        await beside.post(f"{path}/end", {"reason": "deregistered"}),
    ]:
        assert expect(answer, 404)["type"].endswith("employer-not-found")
    assert expect(await beside.post(f"{PATH}/search", {"credit_code": made["credit_code"]}), 200) == {"items": []}
    expect(await beside.post(PATH, an_employer()), 403)


async def test_changes_and_the_end_leave_versions_and_events(office: Office, cixi: Caller) -> None:
    made = await registered(cixi)
    path = f"{PATH}/{made['employer_id']}"
    changed = expect(await cixi.patch(path, {"industry_code": "C3857", "division_code": "330282107"}, version=1), 200)
    expect(await cixi.patch(path, {"industry_code": "U99"}, version=2), 422)
    expect(await cixi.patch(path, {"industry_code": "C38"}, version=1), 412)
    ended = expect(await cixi.post(f"{path}/end", {"reason": "deregistered"}), 200)
    again = expect(await cixi.post(f"{path}/end", {"reason": "deregistered"}), 409)
    history = expect(await cixi.get(f"{path}/history"), 200)["items"]

    assert (changed["version"], changed["division_code"]) == (2, "330282107")
    assert (ended["status"], ended["ended_on"]) == ("ended", office.today.isoformat())
    assert again["type"].endswith("employer-ended")
    assert [item["version"] for item in history] == [3, 2, 1]
    assert history[1]["changed"] == ["division_code", "industry_code"]
    assert history[2]["state"]["industry_code"] == "C3856"
    assert await events_of(office, made["employer_id"]) == ["registered", "changed", "ended"]


async def test_a_division_lists_its_own_page_by_page(office: Office) -> None:
    town = office.caller("330282111")
    made = [(await registered(town, division_code="330282111"))["employer_id"] for _ in range(3)]
    expect(await town.post(f"{PATH}/{made[0]}/end", {"reason": "deregistered"}), 200)

    async def listed(query: str) -> list[str]:
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = expect(await town.get(f"{PATH}?limit=2&cursor={cursor}{query}"), 200)
            items += page["items"]
            if not (cursor := page["next_cursor"]):
                return [item["employer_id"] for item in items]

    assert await listed("") == made
    assert await listed("&status=registered") == made[1:]
    assert await listed("&division_code=330282111000") == made
    expect(await town.get(f"{PATH}?division_code=330282104"), 403)
