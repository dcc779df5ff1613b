"""The whole story through the gateway: a resident comes, is registered, gets a permit, keeps it, and a second service knows."""

import asyncio
import json
import time
from typing import Any

import asyncpg
import pytest

from tests.journeys.suite import Office, Suite, citizen_number

PROOF = {"evidence": [{"type": "labour_contract"}]}


def person(number: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": "欧阳·𠮷娃",
        "ethnicity_code": "06",
        "education_code": "70",
        "hukou_division_code": "522401",
        "phone": "13805740001",
        "identity_documents": [{"type": "citizen_id", "number": number}],
        **fields,
    }


def registration(person_id: str, division: str, started_on: str, **fields: Any) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "division_code": division,
        "address": "陈家村东路12号201室",
        "residence_kind": "rented",
        "started_on": started_on,
        "reported_by": "self",
        **fields,
    }


def points_file(city: Office, person_id: str, *, permit_status: str | None = None) -> dict[str, Any]:
    """The file, as soon as it is there and knows a permit of that status: events arrive a moment after the act."""
    for _ in range(200):
        answer = city.call("GET", f"/v1/points/files/{person_id}")
        if answer.status_code == 200:
            content: dict[str, Any] = answer.json()
            if permit_status in {None, *(permit["status"] for permit in content["residence_permits"])}:
                return content
        time.sleep(0.05)
    raise AssertionError(answer.text)


def test_one_resident_from_registration_to_permit_and_beyond(city: Office) -> None:
    city.set_clock("2023-03-15T09:00:00+08:00")
    number = citizen_number("522401", "19920229", 6)
    resident = city.post("/v1/persons", person(number))
    person_id = resident["person_id"]
    assert (resident["sex_code"], resident["birth_date"]) == ("2", "1992-02-29")
    registered = city.post("/v1/residence-registrations", registration(person_id, "330282107", "2023-03-10"))
    assert registered["registered_on"] == "2023-03-15"

    # RR-21: registered 2023-03-15, application 2023-09-14 / 2023-09-15: not yet / eligible.
    city.set_clock("2023-09-14T09:00:00+08:00")
    refused = city.post("/v1/residence-permits", {"person_id": person_id, "ground": "employment", "evidence": []})
    assert refused["status"] == "refused"
    assert len(refused["reasons"]) == 2  # RR-24: everything that is missing is told at once
    assert all(reason["article"] and reason["message_zh"] and reason["message_en"] for reason in refused["reasons"])
    city.set_clock("2023-09-15T09:00:00+08:00")
    accepted = city.post("/v1/residence-permits", {"person_id": person_id, "ground": "employment", **PROOF})
    assert (accepted["status"], accepted["reasons"], accepted["due_on"]) == ("accepted", [], "2023-09-30")
    permit = f"/v1/residence-permits/{accepted['permit_id']}"
    assert city.get(f"/v1/persons/{person_id}/entitlements")["items"] == []
    city.set_clock("2023-09-20T09:00:00+08:00")
    assert city.post(f"{permit}/issue", {"card_number": "330282C000000001"})["status"] == "valid"

    entitlements = city.get(f"/v1/persons/{person_id}/entitlements")["items"]
    assert {item["rule"] for item in entitlements} == {"RR-40", "RR-41", "RR-42", "RR-43"}
    known = points_file(city, person_id, permit_status="valid")["residence_permits"]
    assert [(item["permit_id"], item["residence_years_from"]) for item in known] == [(accepted["permit_id"], "2023-03-15")]

    # RR-30 to RR-32, anchored on residence: window 2024-02-15 to 2024-03-14, then suspended by the law clock.
    city.set_clock("2024-02-14T09:00:00+08:00")
    early = city.call("POST", f"{permit}/endorse", {})
    assert early.status_code in {200, 409}
    city.set_clock("2024-02-15T09:00:00+08:00")
    assert city.post(f"{permit}/endorse")["endorsed_on"] == ["2024-02-15"]
    city.set_clock("2025-03-14T23:59:00+08:00")
    assert city.get(permit)["status"] == "valid"
    city.set_clock("2025-03-15T00:00:01+08:00")
    assert city.get(permit)["status"] == "suspended"
    assert [item["status"] for item in points_file(city, person_id)["residence_permits"]] == ["suspended"]
    assert city.get(f"/v1/persons/{person_id}/entitlements")["items"] == []
    late = city.post(f"{permit}/endorse")
    assert (late["status"], late["residence_years"]["counted_from"]) == ("valid", "2025-03-15")

    lost = city.post(f"{permit}/report-loss")
    assert lost["status"] == "valid"
    replaced = city.post(f"{permit}/replace", {"cause": "lost", "card_number": "330282C000000002"})
    assert replaced["residence_years"]["counted_from"] == "2025-03-15"
    ended = city.post(f"{permit}/end", {"reason": "left"})
    assert ended["status"] == "ended"
    history = city.get(f"{permit}/history")["items"]
    assert [item["version"] for item in history] in (list(range(1, len(history) + 1)), list(range(len(history), 0, -1)))
    assert len(history) >= 7


def test_the_same_person_entered_twice_is_one_person(city: Office, suite: Suite) -> None:
    old = "522401620927691"
    number = citizen_number("522401", "19620927", 691)
    first = city.post("/v1/persons", person(old))
    problem = city.refused("POST", "/v1/persons", person(number), 409, "person-exists")
    assert problem["person_id"] == first["person_id"]

    zhangqi = suite.office_of("掌起镇", "330282107")
    henghe = suite.office_of("横河镇", "330282114")
    mine = zhangqi.post("/v1/persons", person(citizen_number("360426", "19910101", 770)))
    theirs = henghe.refused("POST", "/v1/persons", person(citizen_number("360426", "19910101", 770)), 409, "person-exists")
    assert "person_id" not in theirs
    assert "resolve" in str(theirs)
    henghe.refused("GET", f"/v1/persons/{mine['person_id']}", None, 404, "person-not-found")
    document = {"type": "citizen_id", "number": citizen_number("360426", "19910101", 770)}
    henghe.refused("POST", "/v1/persons/resolve", {"identity_document": document, "name": "别人"}, 404, "person-unresolved")
    found = henghe.post("/v1/persons/resolve", {"identity_document": document, "name": "欧阳𠮷娃"})
    assert found["person_id"] == mine["person_id"]
    assert found["masked_name"] != "欧阳·𠮷娃"
    today = time.strftime("%Y-%m-%d", time.gmtime())
    moved = henghe.post("/v1/residence-registrations", registration(found["person_id"], "330282114", today))
    assert moved["status"] == "current"
    assert henghe.get(f"/v1/persons/{found['person_id']}")["person_id"] == found["person_id"]


def test_bad_input_names_field_and_rule_in_both_languages(city: Office) -> None:
    number = citizen_number("341204", "19880808", 5)
    conflict = city.refused("POST", "/v1/persons", person(number, sex_code="2"), 422, "invalid-request")
    assert {error["pointer"] for error in conflict["errors"]} == {"/sex_code", "/identity_documents/0/number"}
    wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
    check = city.refused("POST", "/v1/persons", person(wrong), 422, "invalid-request", accept_language="en")
    assert check["errors"][0]["rule"] == "C-03"
    assert number not in str(check)
    city.refused("POST", "/v1/persons", {"name": "张三", "colour": 1}, 422, "invalid-request")
    city.refused("GET", "/v1/persons/not-a-uuid", None, 422, "invalid-request")
    city.refused("GET", "/v1/nowhere", None, 404, "not-found")
    city.refused(
        "PATCH", "/v1/persons/019ab0c2-1111-7000-8000-000000000001", {"phone": "13805740001"}, 428, "if-match-required"
    )


def test_followers_see_everything_that_happened(city: Office) -> None:
    token = ""
    while True:
        page = city.get("/v1/registry/changes?limit=200" + (f"&after={token}" if token else ""))
        token = page["next"]
        if not page["items"]:
            break
    made = city.post("/v1/persons", person(citizen_number("341204", "19880808", 7)))
    city.set_clock(None)  # returns when every event has been published and consumed
    items = city.get(f"/v1/registry/changes?after={token}")["items"]
    assert [(item["type"], item["partitionkey"]) for item in items] == [("registry.person.registered.v1", made["person_id"])]
    assert "number" not in str(items)
    assert "document_tokens" not in items[0]["data"]
    assert "欧阳·𠮷娃" not in str(items)


def test_the_sandbox_tells_every_clock(city: Office) -> None:
    city.set_clock("2030-01-02T03:04:05+08:00")
    clocks = city.get("/v1/sandbox/clock")
    assert str(clocks).count("2030-01-02") >= 2


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/livez", "/.well-known/oauth-authorization-server"])
def test_open_pages(suite: Suite, path: str) -> None:
    assert suite.http.get(path).status_code == 200


def test_the_gateway_is_ready_again_soon_after_a_busy_moment(suite: Suite) -> None:
    """On a machine that does much else a process may be late with its keys; then the gateway says so, and only for a while."""
    for _ in range(200):
        answer = suite.http.get("/readyz")
        if answer.status_code == 200:
            return
        time.sleep(0.1)
    raise AssertionError(answer.text)


def test_the_command_line_knows_the_running_suite(suite: Suite, city: Office) -> None:
    city.post("/v1/persons", person(citizen_number("341204", "19880808", 9)))
    city.set_clock(None)
    lag = suite.command("events", "lag")
    assert "points_hukou" in str(lag)
    assert suite.command("events", "dead") is not None
    check = suite.command("check")
    assert "registry" in str(check)
    assert suite.started_in_s < 60


def test_two_officers_delete_a_person_and_every_service_forgets(city: Office) -> None:
    made = city.post("/v1/persons", person(citizen_number("341204", "19310719", 13), name="慕容雪见"))
    city.set_clock(None)
    points_file(city, made["person_id"])
    proposal = city.post(
        f"/v1/persons/{made['person_id']}/deletion", {"reason": "entered_in_error", "legal_ground": "pipl_47_1"}
    )
    approval = f"/v1/registry/proposals/{proposal['proposal_id']}/approve"
    city.refused("POST", approval, {}, 403, "second-officer-needed")
    assert city.post(approval, x_actor="officer-0018")["status"] == "approved"
    city.set_clock(None)
    city.refused("GET", f"/v1/persons/{made['person_id']}", None, 410, "person-deleted")
    city.refused("GET", f"/v1/points/files/{made['person_id']}", None, 404, "not-found")


def test_a_lost_mirror_is_rebuilt_from_a_snapshot(suite: Suite, city: Office) -> None:
    made = city.post("/v1/persons", person(citizen_number("410103", "19900101", 11), hukou_division_code="410103"))
    city.post("/v1/residence-registrations", registration(made["person_id"], "330282107", "2020-01-01"))
    city.set_clock(None)
    before = points_file(city, made["person_id"])
    url = json.loads((suite.data_dir / "suite.json").read_text())["variables"]["XINSHIMIN_POINTS_HUKOU__MIGRATION_URL"]
    asyncio.run(_forget_everything(url))
    city.refused("GET", f"/v1/points/files/{made['person_id']}", None, 404, "not-found")
    suite.command("events", "snapshot", "registry", "--for", "points_hukou")
    city.set_clock(None)
    after = points_file(city, made["person_id"])
    assert _without_instants(after) == _without_instants(before)
    again = city.call("GET", f"/v1/persons/{made['person_id']}")
    corrected = city.call("PATCH", f"/v1/persons/{made['person_id']}", {"name": "欧阳改"}, if_match=again.headers["etag"])
    assert corrected.status_code == 200, corrected.text
    city.set_clock(None)
    assert points_file(city, made["person_id"])["as_of_sequence"] == before["as_of_sequence"] + 1


async def _forget_everything(url: str) -> None:
    connection = await asyncpg.connect(url)
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE tablename LIKE 'mirror_%' OR tablename = 'inbox_position'"
    )
    await connection.execute("TRUNCATE " + ", ".join(row["tablename"] for row in tables))
    await connection.close()


def _without_instants(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _without_instants(value) for name, value in content.items() if name != "updated_at"}
    if isinstance(content, list):
        return [_without_instants(item) for item in content]
    return content
