"""Registering, correcting and reading persons through the service's own door."""

import asyncio
import random
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.chassis.work import Work
from services.registry.rules.citizen_number import check_character
from tests.registry.conftest import Office, expect
from tests.registry.factories import a_person, citizen_number
from tests.running import Caller


def pointers(problem: dict[str, Any]) -> set[str]:
    return {error["pointer"] for error in problem["errors"]}


async def test_a_citizen_number_gives_sex_and_birth_date(cixi: Caller) -> None:
    answer = await cixi.post("/v1/persons", a_person(number="341204198808080050"))
    person = expect(answer, 201)
    assert (person["birth_date"], person["sex_code"]) == ("1988-08-08", "1")
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == f"/v1/persons/{person['person_id']}"
    assert expect(await cixi.get(answer.headers["location"]), 200) == person


async def test_only_a_person_is_needed_and_a_document(cixi: Caller) -> None:
    body = {"name": "阿卜杜拉", "identity_documents": [{"type": "citizen_id", "number": citizen_number()}]}
    person = expect(await cixi.post("/v1/persons", body), 201)
    assert person["phone_masked"] is None
    assert person["hukou_division_code"] is None


async def test_numbers_and_phones_are_not_given_back_without_their_scopes(office: Office) -> None:
    number = citizen_number()
    cixi = office.caller(scopes={"registry.person.read", "registry.person.write"})
    answer = await cixi.post("/v1/persons", a_person(number=number, phone="+86 138 0574 9876"))
    person = expect(answer, 201)
    assert person["phone_masked"] == "138****9876"
    assert person["identity_documents"][0]["number_masked"].endswith(number[-4:])
    history = await cixi.get(f"/v1/persons/{person['person_id']}/history")
    for text in (answer.text, history.text):
        assert number not in text
        assert "13805749876" not in text
        assert number[6:14] not in text


@pytest.mark.parametrize(("stated", "field"), [({"sex_code": "2"}, "/sex_code"), ({"birth_date": "1990-01-01"}, "/birth_date")])
async def test_a_contradiction_with_the_number_is_told_at_both_fields(cixi: Caller, stated: dict[str, str], field: str) -> None:
    problem = expect(await cixi.post("/v1/persons", a_person(**stated)), 422)
    assert pointers(problem) == {field, "/identity_documents/0/number"}
    assert {error["code"] for error in problem["errors"]} == {"conflict"}


async def test_sex_not_stated_is_kept_and_contradicts_nothing(cixi: Caller) -> None:
    assert expect(await cixi.post("/v1/persons", a_person(sex_code="9")), 201)["sex_code"] == "9"


async def test_everything_wrong_is_told_at_once(cixi: Caller) -> None:
    number = citizen_number()
    wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
    body = a_person(number=wrong, name="王\u200b小明", ethnicity_code="77", education_code="05", hukou_division_code="34120")
    problem = expect(await cixi.post("/v1/persons", body), 422)
    assert pointers(problem) == {
        "/name",
        "/ethnicity_code",
        "/education_code",
        "/hukou_division_code",
        "/identity_documents/0/number",
    }
    table = next(error for error in problem["errors"] if error["pointer"] == "/ethnicity_code")
    assert "GB/T 3304" in table["message_zh"]
    assert wrong not in str(problem)


async def test_a_phone_that_is_none_is_refused(cixi: Caller) -> None:
    assert pointers(expect(await cixi.post("/v1/persons", a_person(phone="12345")), 422)) == {"/phone"}


@pytest.mark.parametrize("division", ["330222", "500154", "440401"])
async def test_a_doubtful_division_is_a_warning_and_no_rejection(cixi: Caller, division: str) -> None:
    person = expect(await cixi.post("/v1/persons", a_person(hukou_division_code=division)), 201)
    assert [warning["rule"] for warning in person["warnings"]]
    assert all(warning["message_zh"] and warning["message_en"] for warning in person["warnings"])


async def test_no_document_needs_a_reason(cixi: Caller) -> None:
    child = {"name": "王小小", "birth_date": "2026-11-01", "sex_code": "2", "identity_documents": []}
    assert pointers(expect(await cixi.post("/v1/persons", child), 422)) == {"/identity_documents"}
    person = expect(await cixi.post("/v1/persons", child | {"no_document_reason": "newborn"}), 201)
    assert person["no_document_reason"] == "newborn"


async def test_without_a_citizen_number_sex_and_birth_date_are_needed(cixi: Caller) -> None:
    body = {"name": "Anna Schmidt", "identity_documents": [{"type": "passport", "number": f"C{citizen_number()[6:14]}"}]}
    assert pointers(expect(await cixi.post("/v1/persons", body), 422)) == {"/sex_code", "/birth_date"}
    stated = body | {"sex_code": "2", "birth_date": "1990-05-05"}
    assert expect(await cixi.post("/v1/persons", stated), 201)["birth_date"] == "1990-05-05"


@pytest.mark.parametrize("name", ["𠮷田𬭎", "䶮", "阿卜杜热依木·阿卜杜拉", "诺布·次仁卓玛", "王\ue000明"])
async def test_rare_names_are_kept_as_they_are(cixi: Caller, name: str) -> None:
    person = expect(await cixi.post("/v1/persons", a_person(name=name)), 201)
    assert expect(await cixi.get(f"/v1/persons/{person['person_id']}"), 200)["name"] == name


def typed_otherwise(number: str) -> list[str]:
    """The same citizen number as people type it."""
    full_width = number.translate(str.maketrans("0123456789X", "０１２３４５６７８９Ｘ"))
    return [number, number.lower(), f" {number[:6]} {number[6:14]} {number[14:]} ", full_width]


async def test_the_same_document_is_the_same_person_however_typed(cixi: Caller) -> None:
    first = "3412041977010199"
    number = next(n for n in (f"{first}{d}" + check_character(f"{first}{d}") for d in "13579") if len(n) == 18)
    person = expect(await cixi.post("/v1/persons", a_person(number=number)), 201)
    for typed in [*typed_otherwise(number), number[:6] + number[8:17]]:
        problem = expect(await cixi.post("/v1/persons", a_person(number=typed, name="别名")), 409)
        assert problem["type"].endswith("person-exists")
        assert problem["person_id"] == person["person_id"]


async def test_a_known_number_under_another_name_is_told(cixi: Caller) -> None:
    """Of old records two humans may share a number (C-08): who enters the second is told that the names differ."""
    number = citizen_number()
    expect(await cixi.post("/v1/persons", a_person(number=number, name="阿依·古丽")), 201)
    for name, expected in (("阿依古丽", ["taken"]), ("买买提", ["taken", "another_name"])):
        problem = expect(await cixi.post("/v1/persons", a_person(number=number, name=name)), 409)
        assert [error["code"] for error in problem["errors"]] == expected


async def test_a_birth_before_1900_is_to_be_reviewed_whoever_tells_it(cixi: Caller) -> None:
    stated = {"name": "王老", "no_document_reason": "lost", "sex_code": "1", "birth_date": "1899-12-31"}
    for body in (stated, a_person(number=citizen_number(birth_date=date(1899, 12, 31)))):
        person = expect(await cixi.post("/v1/persons", body), 201)
        assert [warning["code"] for warning in person["warnings"]] == ["birth_date_needs_review"]
    assert expect(await cixi.post("/v1/persons", stated | {"birth_date": "1900-01-01"}), 201)["warnings"] == []


@pytest.mark.parametrize(
    ("document_type", "division"),
    [("hmt_residence_permit", "810000"), ("foreign_permanent_resident_card", "933156")],
)
async def test_one_number_is_one_person_under_whichever_card_it_was_entered(
    cixi: Caller, document_type: str, division: str
) -> None:
    number = citizen_number(division=division)
    entries = [{"type": entered_as, "number": number} for entered_as in (document_type, "citizen_id")]
    body = a_person(identity_documents=entries[:1], sex_code="1")
    first = expect(await cixi.post("/v1/persons", body), 201)
    problem = expect(await cixi.post("/v1/persons", a_person(identity_documents=entries[1:])), 409)
    assert problem["person_id"] == first["person_id"]
    found = expect(await cixi.post("/v1/persons/search", {"identity_document": entries[1]}), 200)
    assert [item["person_id"] for item in found["items"]] == [first["person_id"]]
    path = f"/v1/persons/{first['person_id']}"
    twice = expect(await cixi.patch(path, {"identity_documents": entries[1:]}, version=1), 422)
    assert pointers(twice) == {"/identity_documents/0/number"}
    both = a_person(identity_documents=[entry | {"number": citizen_number(division=division)} for entry in entries])
    both["identity_documents"][1]["number"] = both["identity_documents"][0]["number"]
    assert pointers(expect(await cixi.post("/v1/persons", both | {"sex_code": "1"}), 422)) == {"/identity_documents/1/number"}
    replaced = [entries[1] | {"replaces": first["identity_documents"][0]["document_id"]}]
    corrected = expect(await cixi.patch(path, {"identity_documents": replaced}, version=1), 200)
    assert [document["type"] for document in corrected["identity_documents"]] == ["citizen_id"]


async def test_another_town_is_not_told_who_but_how_to_go_on(office: Office, cixi: Caller) -> None:
    number = citizen_number()
    person = expect(await cixi.post("/v1/persons", a_person(number=number)), 201)
    problem = expect(await office.caller("330281").post("/v1/persons", a_person(number=number)), 409)
    assert person["person_id"] not in str(problem)
    assert problem["resolve"] == "/v1/persons/resolve"


async def test_one_human_registered_by_many_at_once_is_one_person(office: Office) -> None:
    number = citizen_number()
    clients = [office.caller(division, client=f"client-{division}") for division in ("330282", "330281", "330203", "330282107")]
    typed = typed_otherwise(number)
    answers = await asyncio.gather(
        *(clients[i % 4].post("/v1/persons", a_person(number=typed[i % len(typed)])) for i in range(32))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 31
    made = next(answer.json()["person_id"] for answer in answers if answer.status_code == 201)
    assert [row["event_type"] for row in await office.events_about(made)] == ["registry.person.registered.v1"]


async def test_two_documents_claimed_in_opposite_order_do_not_deadlock(cixi: Caller) -> None:
    for _ in range(5):
        one = {"type": "citizen_id", "number": citizen_number()}
        other = {"type": "passport", "number": f"E{random.randrange(10**8):08d}"}
        bodies = [a_person(identity_documents=documents) for documents in ([one, other], [other, one])]
        answers = await asyncio.gather(*(cixi.post("/v1/persons", bodies[i % 2]) for i in range(8)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_a_correction_has_a_version_an_event_and_a_history(office: Office, cixi: Caller) -> None:
    person = expect(await cixi.post("/v1/persons", a_person()), 201)
    path = f"/v1/persons/{person['person_id']}"
    changes = {"name": "王晓明", "phone": None, "education_code": "61", "hukou_division_code": "341225"}
    answer = await cixi.patch(path, changes, version=1)
    corrected = expect(answer, 200)
    assert (corrected["name"], corrected["phone_masked"], corrected["version"]) == ("王晓明", None, 2)
    assert corrected["birth_date"] == person["birth_date"]
    assert answer.headers["etag"] == '"2"'
    history = expect(await cixi.get(f"{path}/history"), 200)["items"]
    assert [item["version"] for item in history] == [2, 1]
    assert set(history[0]["changed"]) == {"name", "phone", "education_code", "hukou_division_code"}
    assert (history[0]["client_id"], history[0]["actor"]) == ("test-client", "officer-1")
    assert [item["state"]["name"] for item in history] == ["王晓明", "王小明"]
    events = await office.events_about(person["person_id"])
    assert [event["event_type"] for event in events] == ["registry.person.registered.v1", "registry.person.corrected.v1"]
    assert (events[1]["data"]["version"], events[1]["data"]["hukou_division_code"]) == (2, "341225")


async def test_the_history_of_an_erased_person_says_so_and_holds_nothing(office: Office, cixi: Caller) -> None:
    person = expect(await cixi.post("/v1/persons", a_person()), 201)
    path = f"/v1/persons/{person['person_id']}"
    expect(await cixi.patch(path, {"phone": None}, version=1), 200)

    async def erase(work: Work) -> bool:
        await work.destroy_person_key(UUID(person["person_id"]))
        return False

    await office.run_job(erase)
    expect(await cixi.patch(path, {"phone": "13805740019"}, version=2), 200)
    items = expect(await cixi.get(f"{path}/history"), 200)["items"]
    assert [(item["version"], item["erased"], item["state"] is None) for item in items] == [
        (3, False, False),
        (2, True, True),
        (1, True, True),
    ]
    assert items[1]["changed"] == ["phone"]


async def test_history_is_paged_and_its_cursor_is_its_own(cixi: Caller) -> None:
    person = expect(await cixi.post("/v1/persons", a_person()), 201)
    path = f"/v1/persons/{person['person_id']}"
    for version, phone in enumerate(("13805740010", "13805740011", "13805740012"), start=1):
        expect(await cixi.patch(path, {"phone": phone}, version=version), 200)
    first = expect(await cixi.get(f"{path}/history?limit=3"), 200)
    rest = expect(await cixi.get(f"{path}/history?limit=3&cursor={first['next_cursor']}"), 200)
    assert [item["version"] for item in first["items"] + rest["items"]] == [4, 3, 2, 1]
    assert rest["next_cursor"] is None
    other = expect(await cixi.post("/v1/persons", a_person()), 201)
    stolen = await cixi.get(f"/v1/persons/{other['person_id']}/history?cursor={first['next_cursor']}")
    assert expect(stolen, 400)["type"].endswith("cursor-invalid")


async def test_a_correction_that_changes_nothing_leaves_nothing(office: Office, cixi: Caller) -> None:
    person = expect(await cixi.post("/v1/persons", a_person()), 201)
    same = await cixi.patch(f"/v1/persons/{person['person_id']}", {"name": "王小明", "ethnicity_code": "01"}, version=1)
    assert expect(same, 200)["version"] == 1
    assert len(await office.events_about(person["person_id"])) == 1


async def test_a_correction_is_based_on_the_version_that_was_read(cixi: Caller) -> None:
    person = expect(await cixi.post("/v1/persons", a_person()), 201)
    path = f"/v1/persons/{person['person_id']}"
    assert (await cixi.call("PATCH", path, json={"name": "王晓明"})).status_code == 428
    answers = await asyncio.gather(*(cixi.patch(path, {"phone": f"1380574{i:04d}"}, version=1) for i in range(10, 18)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


@pytest.mark.parametrize("body", [{}, {"name": None}, {"sex_code": None}, {"person_id": "x"}, {"name": 5}])
async def test_a_correction_that_says_nothing_or_nonsense_is_refused(cixi: Caller, body: dict[str, Any]) -> None:
    person = expect(await cixi.post("/v1/persons", a_person()), 201)
    assert (await cixi.patch(f"/v1/persons/{person['person_id']}", body, version=1)).status_code == 422


async def test_a_wrong_number_is_replaced_and_what_it_told_with_it(office: Office, cixi: Caller) -> None:
    wrong, right = citizen_number(birth_date=date(1970, 3, 4)), citizen_number(birth_date=date(1971, 3, 4), male=False)
    person = expect(await cixi.post("/v1/persons", a_person(number=wrong)), 201)
    path = f"/v1/persons/{person['person_id']}"
    added: dict[str, Any] = {"type": "citizen_id", "number": right}
    problem = expect(await cixi.patch(path, {"identity_documents": [added]}, version=1), 422)
    assert {"/identity_documents"} <= pointers(problem)
    added["replaces"] = person["identity_documents"][0]["document_id"]
    corrected = expect(await cixi.patch(path, {"identity_documents": [added]}, version=1), 200)
    assert (corrected["birth_date"], corrected["sex_code"]) == ("1971-03-04", "2")
    assert [item["number_masked"][-4:] for item in corrected["identity_documents"]] == [right[-4:]]
    first, second = await office.events_about(person["person_id"])
    assert first["data"]["document_tokens"] != second["data"]["document_tokens"]
    assert expect(await cixi.post("/v1/persons", a_person(number=wrong)), 201)["person_id"] != person["person_id"]


async def test_a_renewed_card_keeps_its_number(cixi: Caller) -> None:
    number = citizen_number()
    person = expect(await cixi.post("/v1/persons", a_person(number=number)), 201)
    path, old = f"/v1/persons/{person['person_id']}", person["identity_documents"][0]["document_id"]
    renewed = {"type": "citizen_id", "number": number, "valid_from": "2026-01-01", "valid_until": "2046-01-01"}
    assert (await cixi.patch(path, {"identity_documents": [renewed]}, version=1)).status_code == 422
    body = {"identity_documents": [renewed | {"replaces": old}]}
    assert expect(await cixi.patch(path, body, version=1), 200)["identity_documents"][0]["valid_until"] == "2046-01-01"


async def test_a_document_found_later_ends_the_reason_for_having_none(cixi: Caller) -> None:
    child = {"name": "王小小", "birth_date": "2020-11-01", "sex_code": "1", "no_document_reason": "never_issued"}
    person = expect(await cixi.post("/v1/persons", child), 201)
    number = citizen_number(birth_date=date(2020, 11, 1))
    body = {"identity_documents": [{"type": "citizen_id", "number": number}]}
    corrected = expect(await cixi.patch(f"/v1/persons/{person['person_id']}", body, version=1), 200)
    assert corrected["no_document_reason"] is None


async def test_a_document_of_somebody_else_cannot_be_added(cixi: Caller) -> None:
    number = citizen_number(birth_date=date(1980, 1, 1))
    somebody = expect(await cixi.post("/v1/persons", a_person(number=number)), 201)
    passport = {"type": "passport", "number": f"G{number[9:17]}"}
    other = expect(
        await cixi.post("/v1/persons", a_person(identity_documents=[passport], sex_code="1", birth_date="1980-01-01")), 201
    )
    body = {"identity_documents": [{"type": "citizen_id", "number": number}]}
    problem = expect(await cixi.patch(f"/v1/persons/{other['person_id']}", body, version=1), 409)
    assert problem["person_id"] == somebody["person_id"]


async def test_nothing_readable_is_stored(office: Office, cixi: Caller) -> None:
    number, name = citizen_number(), "慕容雪见"
    expect(await cixi.post("/v1/persons", a_person(number=number, name=name, phone="13911112222")), 201)
    for table in ("person", "identity_document", "history", "outbox", "audit_line", "idempotency_key"):
        text = str(await office.rows(f"SELECT CAST(t AS text) FROM {table} t"))
        for secret in (number, name, "13911112222"):
            assert secret not in text, table
            assert secret.encode().hex() not in text, table


async def test_every_act_and_every_reading_is_evidence(office: Office, cixi: Caller) -> None:
    person_id = expect(await cixi.post("/v1/persons", a_person()), 201)["person_id"]
    expect(await cixi.patch(f"/v1/persons/{person_id}", {"phone": None}, version=1), 200)
    expect(await cixi.get(f"/v1/persons/{person_id}"), 200)
    expect(await cixi.get(f"/v1/persons/{person_id}/history"), 200)
    rows = await office.rows("SELECT line::jsonb AS line FROM audit_line WHERE person_id = $1 ORDER BY recorded_at", person_id)
    lines = [row["line"] for row in rows]
    assert [line["operation"] for line in lines] == ["register", "correct", "read", "read", "read_history"]
    assert lines[1]["fields"] == ["phone"]
    assert {"name", "birth_date", "identity_documents.number"} <= set(lines[3]["fields"])
    assert "phone" not in lines[3]["fields"]
    assert {line["purpose"] for line in lines} == {"residence_registration"}
