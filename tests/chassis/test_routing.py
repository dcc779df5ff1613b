"""The contract of the route class: strict parsing, admission, versions, problem documents, limits."""

import json
from typing import Any
from uuid import uuid4

import pytest

from services.chassis.logs import JsonFormatter
from services.chassis.principal import Principal, division_prefix
from services.chassis.problems import preferred_language
from tests.running import Caller, RunningService

NOTES = "/v1/notes"


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = response.json()
    assert content["type"] == f"urn:xinshimin:problem:{code}"
    assert content["title_zh"]
    assert content["title_en"]
    assert content["request_id"] == response.headers["x-request-id"]
    return content


async def written(clerk: Caller, content: str | None = None) -> dict[str, Any]:
    response = await clerk.post(NOTES, {"content": content or f"note {uuid4()}"})
    assert response.status_code == 201, response.text
    note: dict[str, Any] = response.json()
    return note


async def test_a_change_answers_with_its_location_and_version(clerk: Caller) -> None:
    response = await clerk.post(NOTES, {"content": "first"})
    note = response.json()
    assert response.status_code == 201
    assert response.headers["etag"] == '"1"'
    assert response.headers["location"] == f"/v1/notes/{note['note_id']}"
    again = await clerk.get(f"{NOTES}/{note['note_id']}")
    assert again.json() == note
    assert again.headers["etag"] == '"1"'


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/content", "missing"),
        ({"content": 5}, "/content", "string_type"),
        ({"content": "x", "urgent": "yes"}, "/urgent", "bool_type"),
        ({"content": "x", "urgent": 1}, "/urgent", "bool_type"),
        ({"content": "x", "colour": "red"}, "/colour", "extra_forbidden"),
        ({"content": "x" * 201}, "/content", "string_too_long"),
        ({"content": "  "}, "/content", "string_too_short"),
        ({"content": "a\u0000b"}, "/content", "control_character"),
        ({"content": "a\u202eb"}, "/content", "control_character"),
        ({"content": "x", "tags": ["a", 3]}, "/tags/1", "string_type"),
        ({"content": "x", "colour": 1}, "/colour", "extra_forbidden"),
        ({"content": "x", "a/b~c": 1}, "", "extra_forbidden"),  # what is no field's name is not said back
        ({"content": "x", "54012419880229001X": 1}, "", "extra_forbidden"),
    ],
)
async def test_a_bad_field_is_named_in_both_languages(clerk: Caller, body: dict[str, Any], pointer: str, code: str) -> None:
    errors = problem(await clerk.post(NOTES, body), 422, "invalid-request")["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [(pointer, code)]
    assert errors[0]["message_zh"] != errors[0]["message_en"]


async def test_every_bad_field_is_named_at_once(clerk: Caller) -> None:
    errors = problem(await clerk.post(NOTES, {"urgent": 3, "x": 1}), 422, "invalid-request")["errors"]
    assert {error["pointer"] for error in errors} == {"/content", "/urgent", "/x"}


@pytest.mark.parametrize("raw", [b"{", b"[1", b'{"content": "\xff"}', b"nul", b'{"content":"\\ud800"}', b"{} {}"])
async def test_what_is_not_json_is_refused(clerk: Caller, raw: bytes) -> None:
    response = await clerk.call("POST", NOTES, content=raw, headers={"content-type": "application/json"})
    problem(response, 400, "malformed-body")


async def test_limits_on_size_depth_and_media_type(clerk: Caller) -> None:
    json_type = {"content-type": "application/json"}
    large = json.dumps({"content": "x" * 5000}).encode()
    problem(await clerk.call("POST", NOTES, content=large, headers=json_type), 413, "body-too-large")
    deep = b'{"content":' + b"[" * 40 + b"]" * 40 + b"}"
    problem(await clerk.call("POST", NOTES, content=deep, headers=json_type), 400, "body-too-deep")
    brackets = json.dumps({"content": "[{" * 50}).encode()
    assert (await clerk.call("POST", NOTES, content=brackets, headers=json_type)).status_code == 201
    form = {"content-type": "application/x-www-form-urlencoded"}
    problem(await clerk.call("POST", NOTES, content=b"content=x", headers=form), 415, "unsupported-media-type")


async def test_the_body_is_counted_not_believed(clerk: Caller) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 512

    response = await clerk.call("POST", NOTES, content=chunks(), headers={"content-type": "application/json"})
    problem(response, 413, "body-too-large")


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("?limit=0", "?limit", "greater_than_equal"),
        ("?limit=201", "?limit", "less_than_equal"),
        ("?limit=two", "?limit", "int_parsing"),
        ("?colour=red", "?colour", "extra_forbidden"),
        ("?limit=2&limit=3", "?limit", "repeated"),
        ("?cursor=%00", "?cursor", "control_character"),
    ],
)
async def test_a_bad_query_parameter_is_named(clerk: Caller, query: str, pointer: str, code: str) -> None:
    errors = problem(await clerk.get(NOTES + query), 422, "invalid-request")["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [(pointer, code)]


async def test_a_bad_path_parameter_is_named(clerk: Caller) -> None:
    errors = problem(await clerk.get(f"{NOTES}/abc"), 422, "invalid-request")["errors"]
    assert errors[0]["pointer"] == "{note_id}"
    problem(await clerk.get(f"{NOTES}/{uuid4()}?x=1"), 422, "invalid-request")


async def test_unknown_paths_and_methods_are_problem_documents(clerk: Caller) -> None:
    problem(await clerk.get("/v1/nothing"), 404, "not-found")
    response = await clerk.call("DELETE", NOTES)
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"]


async def test_admission_by_scope_purpose_and_actor(office: RunningService) -> None:
    reader = office.caller(["office.note.read"])
    assert problem(await reader.post(NOTES, {"content": "x"}), 403, "scope-missing")["scope"] == "office.note.write"
    aimless = office.caller(["office.note.read"], purpose=None)
    problem(await aimless.get(NOTES), 400, "purpose-required")
    nobody = office.caller(["office.note.close"], actor=None)
    problem(await nobody.post(f"{NOTES}/{uuid4()}/close"), 403, "actor-required")


async def test_versions_guard_changes(clerk: Caller) -> None:
    note = await written(clerk)
    path = f"{NOTES}/{note['note_id']}"
    problem(await clerk.call("PATCH", path, json={"content": "a"}), 428, "if-match-required")
    problem(await clerk.patch(path, {"content": "a"}, 2), 412, "stale-version")
    for bad in ("1", 'W/"1"', "*", '"1", "2"', '"x"', '"0"'):
        problem(await clerk.call("PATCH", path, json={"content": "a"}, headers={"if-match": bad}), 400, "if-match-invalid")
    changed = await clerk.patch(path, {"content": f"changed {uuid4()}"}, 1)
    assert changed.headers["etag"] == '"2"'
    problem(await clerk.post(f"{path}/close", headers={"if-match": '"1"'}), 412, "stale-version")
    assert (await clerk.post(f"{path}/close")).json()["version"] == 3


async def test_an_internal_error_tells_nothing(clerk: Caller, caplog: pytest.LogCaptureFixture) -> None:
    note = await written(clerk, f"Zhang San {uuid4()}")
    response = await clerk.post(f"{NOTES}/{note['note_id']}/close", {"fail": True})
    problem(response, 500, "internal-error")
    assert "secret" not in response.text
    logged = "\n".join(JsonFormatter("office").format(record) for record in caplog.records)
    assert "request failed" in logged
    assert "RuntimeError" in logged
    assert "close_note" in logged
    assert "Zhang" not in logged
    assert "secret" not in logged
    assert (await clerk.get(f"{NOTES}/{note['note_id']}")).json()["closed"] is False


async def test_a_day_without_a_rule_is_refused_by_name(clerk: Caller) -> None:
    path = f"{NOTES}/{(await written(clerk))['note_id']}"
    answer = await clerk.post(f"{path}/close", {"as_of": "1900-01-01"})
    refused = problem(answer, 409, "law-not-held")
    assert (refused["parameter"], refused["on"]) == ("closing_days_max", "1900-01-01")
    assert (await clerk.get(path)).json()["closed"] is False


async def test_titles_follow_accept_language(clerk: Caller) -> None:
    english = await clerk.get(f"{NOTES}/{uuid4()}", headers={"accept-language": "fr, en-GB;q=0.8, zh;q=0.2"})
    assert english.json()["title"] == "Not found"
    assert english.headers["content-language"] == "en"
    chinese = await clerk.get(f"{NOTES}/{uuid4()}")
    assert chinese.json()["title"] == "没有找到"


def test_preferred_language_survives_garbage() -> None:
    assert preferred_language(None) == "zh"
    assert preferred_language("en;q=abc") == "zh"
    assert preferred_language("en;q=0") == "zh"
    assert preferred_language("EN") == "en"
    assert preferred_language("zh-CN,en;q=0.9") == "zh"


async def test_the_request_id_of_the_caller_is_kept_when_well_formed(clerk: Caller) -> None:
    kept = await clerk.get(NOTES, headers={"x-request-id": "abc-123"})
    assert kept.headers["x-request-id"] == "abc-123"
    replaced = await clerk.get(NOTES, headers={"x-request-id": "a b\tc" * 40})
    assert replaced.headers["x-request-id"] != "a b\tc" * 40


async def test_pages_lead_through_all_items_and_refuse_foreign_cursors(clerk: Caller) -> None:
    made = {(await written(clerk))["note_id"] for _ in range(5)}
    seen: list[str] = []
    cursor = None
    while True:
        page = (await clerk.get(NOTES + (f"?cursor={cursor}" if cursor else ""))).json()
        seen += [item["note_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert made <= set(seen)
    assert len(seen) == len(set(seen))
    first = (await clerk.get(NOTES)).json()["next_cursor"]
    for bad in (first[:-2] + "AA", "x", "A" * 40):
        problem(await clerk.get(f"{NOTES}?cursor={bad}"), 400, "cursor-invalid")


async def test_a_slow_request_ends_at_its_deadline_and_leaves_nothing(clerk: Caller) -> None:
    note = await written(clerk)
    path = f"{NOTES}/{note['note_id']}"
    response = await clerk.post(f"{path}/close", {"delay_s": 5.0}, headers={"x-request-deadline-ms": "200"})
    problem(response, 504, "deadline-exceeded")
    assert response.headers["retry-after"]
    assert (await clerk.get(path)).json()["closed"] is False


def test_division_prefixes_cover_what_lies_below() -> None:
    assert division_prefix("330000") == "33"
    assert division_prefix("330200") == "3302"
    assert division_prefix("330282") == "330282"
    assert division_prefix("330282107") == "330282107"
    assert division_prefix("330282100") == "330282100"
    assert division_prefix("330282107000") == "330282107"
    assert division_prefix("330282000000") == "330282"
    assert division_prefix("330282000") == "330282"
    assert division_prefix("330200000000") == "3302"
    assert division_prefix("330282107200") == "330282107200"
    assert Principal("c", "o", "").division_prefix == ""


async def test_an_address_names_all_its_methods(clerk: Caller) -> None:
    response = await clerk.call("PUT", f"{NOTES}/{uuid4()}", json={})
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET, PATCH"
