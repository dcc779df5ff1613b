"""The queue of pairs who may be one human: found behind every door, shown to whoever sees both, decided by an officer."""

import itertools
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.chassis.clock import utc_now
from services.chassis.ids import new_id
from tests.registry.case_files import Case, cases
from tests.registry.conftest import Office, expect
from tests.registry.duplicate_model import Told
from tests.registry.factories import EVERY_SCOPE, a_person, a_residence, citizen_number
from tests.registry.test_merging import PAPERS, are_related, merged
from tests.registry.test_person_deletion import deleted
from tests.registry.test_two_officers import PROPOSALS, code, second
from tests.running import Caller

QUEUE = "/v1/duplicate-candidates"
_PHONES = itertools.count(utc_now().microsecond * 10)
_RARE = itertools.count(0x4A00)
BORN = date(1988, 3, 5)


def a_phone() -> str:
    """A number nobody else has."""
    return f"177{next(_PHONES):08d}"


def a_name() -> str:
    """A name nobody else has."""
    return chr(next(_RARE)) + "晓红"


def person_of(told: Told) -> dict[str, Any]:
    """The body that enters such a person."""
    body = a_person(name=told.name, phone=told.phone, hukou_division_code=told.home)
    if told.number:
        number = citizen_number(birth_date=told.born, division=told.home or "341204", male=told.sex == "1")
        return body | {"identity_documents": [{"type": "citizen_id", "number": number}]}
    stated = {"birth_date": told.born.isoformat(), "sex_code": told.sex, "no_document_reason": "lost"}
    return body | stated | {"identity_documents": []}


async def entered(caller: Caller, told: Told) -> str:
    return str(expect(await caller.post("/v1/persons", person_of(told)), 201)["person_id"])


async def a_pair(caller: Caller) -> tuple[str, str]:
    """Two records of one woman, the second without a document."""
    first = Told(a_name(), BORN, "2", "341204", a_phone(), number=True)
    return await entered(caller, first), await entered(caller, replace(first, number=False))


async def listed(caller: Caller, person_id: str, **filters: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in ({"person_id": person_id} | filters).items())
    items: list[dict[str, Any]] = expect(await caller.get(f"{QUEUE}?{query}"), 200)["items"]
    return items


async def the_candidate(caller: Caller, person_id: str, **filters: str) -> dict[str, Any]:
    (found,) = await listed(caller, person_id, **filters)
    return found


async def decided(caller: Caller, candidate: dict[str, Any], body: dict[str, Any], **options: Any) -> dict[str, Any]:
    return expect(await caller.post(f"{QUEUE}/{candidate['candidate_id']}/decide", body, **options), 200)


def same(kept: str) -> dict[str, Any]:
    return {
        "decision": "same_person",
        "merge": {"kept_person_id": kept, "reason": "changed_document", "evidence": PAPERS},
    }


@pytest.mark.parametrize("case", cases("duplicates", "pair"))
async def test_what_the_cases_say_the_register_finds_by_digests(cixi: Caller, case: Case) -> None:
    """With a surname before it, and phones, that nobody of the other cases has."""
    surname, both = chr(next(_RARE)), (Told.of(case["one"]), Told.of(case["other"]))
    phones = {told.phone: a_phone() if told.phone else None for told in both}
    first, second_ = [await entered(cixi, replace(told, name=surname + told.name, phone=phones[told.phone])) for told in both]
    found = [
        item for item in await listed(cixi, first) if {person["person_id"] for person in item["persons"]} == {first, second_}
    ]
    if case["expected"] == "not_shown":
        assert found == []
    else:
        assert [(item["level"], [sign["code"] for sign in item["signs"]]) for item in found] == [
            (case["expected"], case["because"])
        ]
        assert found[0]["score"] == sum(sign["points"] for sign in found[0]["signs"])


async def test_whoever_is_found_is_masked_as_in_a_search(office: Office, cixi: Caller) -> None:
    told = Told(a_name(), BORN, "2", "341204", a_phone(), number=True)
    first = await entered(cixi, told)
    await entered(cixi, replace(told, number=False))
    answer = await cixi.get(f"{QUEUE}?person_id={first}")
    assert told.name not in answer.text
    assert str(told.phone) not in answer.text
    (shown,) = expect(answer, 200)["items"]
    assert [person["birth_year"] for person in shown["persons"]] == [1988, 1988]
    blind = office.caller(scopes={scope for scope in EVERY_SCOPE if ".field." not in scope})
    (hidden,) = await listed(blind, first)
    assert [(person["birth_year"], person["sex_code"]) for person in hidden["persons"]] == [(None, None)] * 2
    assert ([sign["code"] for sign in hidden["signs"]], hidden["score"], hidden["level"]) == (["name.same"], None, "likely")


async def test_only_who_sees_both_is_shown_a_pair(office: Office, cixi: Caller) -> None:
    here, there = office.caller("330282107", client="here"), office.caller("330282109", client="there")
    told = Told(a_name(), BORN, "2", "341204", a_phone(), number=True)
    first = await entered(here, told)
    await entered(there, replace(told, number=False))
    candidate = await the_candidate(cixi, first)
    path = f"{QUEUE}/{candidate['candidate_id']}"
    for caller in (here, there, office.caller("330281", client="elsewhere")):
        assert await listed(caller, first) == []
        for suffix in ("", "/history"):
            assert code(expect(await caller.get(path + suffix), 404)) == "duplicate-candidate-not-found"
        assert (await caller.post(f"{path}/decide", {"decision": "later"})).status_code == 404


async def test_who_saw_a_pair_is_evidence_about_both(office: Office, cixi: Caller) -> None:
    first, second_ = await a_pair(cixi)
    candidate = await the_candidate(cixi, first)
    expect(await office.caller(actor="officer-7").get(f"{QUEUE}/{candidate['candidate_id']}"), 200)
    lines = await office.rows(
        """SELECT person_id FROM audit_line WHERE CAST(line AS jsonb) ->> 'resource_id' = $1
            AND CAST(line AS jsonb) ->> 'actor' = 'officer-7' AND CAST(line AS jsonb) ->> 'operation' = 'read'""",
        candidate["candidate_id"],
    )
    assert {str(line["person_id"]) for line in lines} == {first, second_}


async def test_two_who_are_different_are_shown_no_more_until_their_data_change(cixi: Caller) -> None:
    first, second_ = await a_pair(cixi)
    candidate = await the_candidate(cixi, first)
    done = await decided(cixi, candidate, {"decision": "different_persons"})
    assert (done["status"], done["decision"], done["version"]) == ("different", "different_persons", 2)
    assert await listed(cixi, first) == []
    expect(await cixi.patch(f"/v1/persons/{second_}", {"education_code": "80"}, version=1), 200)
    assert await listed(cixi, first) == [], "what does not tell who somebody is changes nothing"
    expect(await cixi.patch(f"/v1/persons/{second_}", {"phone": a_phone()}, version=2), 200)
    again = await the_candidate(cixi, first)
    assert (again["candidate_id"], again["level"], again["decision"]) == (candidate["candidate_id"], "possible", None)
    history = expect(await cixi.get(f"{QUEUE}/{candidate['candidate_id']}/history"), 200)["items"]
    assert [(item["version"], item["state"]["decision"]) for item in history] == [(2, "different_persons")]


async def test_who_agrees_no_more_after_a_correction_is_shown_no_more(cixi: Caller) -> None:
    first, second_ = await a_pair(cixi)
    candidate = await the_candidate(cixi, first)
    expect(await cixi.patch(f"/v1/persons/{second_}", {"name": "司马相如", "phone": a_phone()}, version=1), 200)
    assert await listed(cixi, first) == []
    found = expect(await cixi.get(f"{QUEUE}/{candidate['candidate_id']}"), 200)
    assert (found["status"], found["level"]) == ("unlike", None)
    refused = await cixi.post(f"{QUEUE}/{candidate['candidate_id']}/decide", {"decision": "later"})
    assert code(expect(refused, 409)) == "duplicate-candidate-decided"


async def test_what_is_put_off_comes_back(office: Office, cixi: Caller) -> None:
    first, _ = await a_pair(cixi)
    candidate = await the_candidate(cixi, first)
    done = await decided(cixi, candidate, {"decision": "later"})
    assert done["shown_again_on"] == (office.today + timedelta(days=30)).isoformat()
    assert await listed(cixi, first) == []
    assert await the_candidate(cixi, first, status="put_off") == done
    with office.on(office.today + timedelta(days=30)):
        assert (await the_candidate(cixi, first))["status"] == "open"


async def test_the_same_said_twice_changes_nothing(cixi: Caller) -> None:
    first, _ = await a_pair(cixi)
    candidate = await the_candidate(cixi, first)
    key = {"idempotency-key": str(new_id())}
    for body in ({"decision": "different_persons"}, {"decision": "later"}):
        done = await decided(cixi, candidate, body)
        assert await decided(cixi, candidate, body) == done
    done = await decided(cixi, candidate, {"decision": "different_persons"}, headers=key)
    assert await decided(cixi, candidate, {"decision": "different_persons"}, headers=key) == done
    assert done["version"] == 4
    path = f"{QUEUE}/{candidate['candidate_id']}/decide"
    stale = await cixi.post(path, {"decision": "later"}, headers={"if-match": '"1"'})
    assert code(expect(stale, 412)) == "stale-version"


async def test_one_human_is_merged_by_two_officers(office: Office, cixi: Caller) -> None:
    first, second_ = await a_pair(cixi)
    candidate = await the_candidate(cixi, first)
    done = await decided(cixi, candidate, same(first), headers={"if-match": '"1"'})
    assert done["status"] == "proposed"
    assert await listed(cixi, first) == []
    path = f"{QUEUE}/{candidate['candidate_id']}/decide"
    again = await cixi.post(path, {"decision": "different_persons"})
    assert code(expect(again, 409)) == "duplicate-candidate-decided"
    expect(await second(office).post(f"{PROPOSALS}/{done['proposal_id']}/approve"), 200)
    assert expect(await cixi.get(f"/v1/persons/{second_}"), 200)["person_id"] == first
    found = expect(await cixi.get(f"{QUEUE}/{candidate['candidate_id']}"), 200)
    assert (found["status"], [person["person_id"] for person in found["persons"]]) == ("merged", [first])


async def test_what_the_second_officer_declined_waits_again(office: Office, cixi: Caller) -> None:
    first, second_ = await a_pair(cixi)
    candidate = await the_candidate(cixi, first)
    done = await decided(cixi, candidate, same(second_))
    expect(await second(office).post(f"{PROPOSALS}/{done['proposal_id']}/decline"), 200)
    assert (await the_candidate(cixi, first))["status"] == "open"
    done = await decided(cixi, candidate, same(second_))
    with office.on(office.today + timedelta(days=8)):
        assert (await the_candidate(cixi, first))["status"] == "open", "nobody approved in time"


async def test_a_pair_with_an_alias_is_one_with_its_human(office: Office, cixi: Caller) -> None:
    first, second_ = await a_pair(cixi)
    kept = expect(await cixi.post("/v1/persons", a_person(name=a_name(), phone=a_phone())), 201)["person_id"]
    candidate = await the_candidate(cixi, first)
    await merged(office, cixi, kept, second_)
    for asked in (second_, kept):
        found = await the_candidate(cixi, asked)
        assert {person["person_id"] for person in found["persons"]} == {first, kept}
    problem = expect(await cixi.post(f"{QUEUE}/{candidate['candidate_id']}/decide", same(second_)), 422)
    assert problem["errors"][0]["code"] == "not_of_the_pair"
    path = f"{QUEUE}/{candidate['candidate_id']}/decide"
    assert code(expect(await cixi.post(path, same(first)), 409)) == "merge-chain"
    assert (await decided(cixi, candidate, same(kept)))["status"] == "proposed"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"decision": "same_person"}, "/merge"),
        ({"decision": "later", "merge": same("019ab0c2-1111-7000-8000-000000000001")["merge"]}, "/merge"),
        (same("019ab0c2-1111-7000-8000-000000000001"), "/merge/kept_person_id"),
    ],
)
async def test_a_decision_that_says_too_little_or_too_much_is_refused(cixi: Caller, body: Any, pointer: str) -> None:
    first, _ = await a_pair(cixi)
    candidate = await the_candidate(cixi, first)
    problem = expect(await cixi.post(f"{QUEUE}/{candidate['candidate_id']}/decide", body), 422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert (await the_candidate(cixi, first))["version"] == 1


async def test_who_lets_go_of_both_reads_and_decides_nothing(office: Office, cixi: Caller) -> None:
    here = office.caller("330282107", client="here")
    first, second_ = await a_pair(here)
    away = office.caller("330282109", client="there")
    for person_id in (first, second_):
        told = expect(await cixi.get(f"/v1/persons/{person_id}"), 200)
        documents = told["identity_documents"]
        if documents:
            document = {"type": "citizen_id", "number": documents[0]["number"]}
            named = {"identity_document": document, "name": told["name"]}
            expect(await away.post("/v1/persons/resolve", named), 200)
        caller = away if documents else office.caller("330282", client="city")
        residence = a_residence(person_id, division_code="330282109", started_on=office.today.isoformat())
        expect(await caller.post("/v1/residence-registrations", residence), 201)
    candidate = await the_candidate(here, first)
    refused = await here.post(f"{QUEUE}/{candidate['candidate_id']}/decide", {"decision": "later"})
    assert code(expect(refused, 403)) == "person-not-held"
    assert (await decided(away, candidate, {"decision": "later"}))["status"] == "put_off"


async def test_relatives_are_no_pair(cixi: Caller) -> None:
    twin = Told(a_name(), date(2014, 9, 10), "1", "530622", a_phone(), number=False)
    first, brother = await entered(cixi, twin), await entered(cixi, replace(twin, name="司马相如"))
    assert await listed(cixi, first) == []
    await are_related(cixi, first, brother, "sibling")
    expect(await cixi.patch(f"/v1/persons/{brother}", {"name": twin.name}, version=1), 200)
    assert await listed(cixi, first) == []
    await entered(cixi, twin)
    assert len(await listed(cixi, first)) == len(await listed(cixi, brother)) == 1


async def test_a_deleted_person_takes_its_pairs_along(office: Office, cixi: Caller) -> None:
    first, second_ = await a_pair(cixi)
    candidate = await the_candidate(cixi, first)
    await decided(cixi, candidate, {"decision": "different_persons"})
    await deleted(office, cixi, second_)
    assert (await cixi.get(f"{QUEUE}/{candidate['candidate_id']}")).status_code == 404
    assert await office.rows("SELECT FROM duplicate_candidate WHERE person_id = $1", UUID(first)) == []


async def test_pairs_come_by_likeness_page_by_page(cixi: Caller) -> None:
    told = Told(a_name(), BORN, "2", "341204", a_phone(), number=True)
    first = await entered(cixi, told)
    for phone in (told.phone, a_phone(), None):
        await entered(cixi, replace(told, phone=phone, number=False))
    whole = await listed(cixi, first)
    assert [item["score"] for item in whole] == [135, 105, 100]
    assert [item["level"] for item in await listed(cixi, first, level="likely")] == ["likely"]
    paged: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = expect(await cixi.get(f"{QUEUE}?person_id={first}&limit=1&cursor={cursor}"), 200)
        paged += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert paged == whole
