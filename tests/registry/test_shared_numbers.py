"""Two living persons with one number in old records (重号, C-08): refused until two officers state it, and never confused."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.contracts.registry import PersonCorrected, PersonRegistered
from tests.chassis.attachments import files
from tests.conftest import Database
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import a_person, citizen_number
from tests.registry.rosters import a_row, importer_on
from tests.registry.test_imports_employments import a_worker
from tests.registry.test_merging import PAPERS, a_resident, entered, merged
from tests.registry.test_two_officers import PROPOSALS, code, second
from tests.registry.uploads import uploaded
from tests.running import Caller, InsideKeys

TOWN, OTHER_TOWN = "330282107", "330282109"


def document(number: str) -> dict[str, str]:
    return {"type": "citizen_id", "number": number}


def sharing(number: str, name: str = "李大勇", **given: Any) -> dict[str, Any]:
    return {"person": a_person(number=number, name=name), "evidence": PAPERS} | given


async def shared(office: Office, caller: Caller, known: str, number: str, name: str = "李大勇") -> str:
    """The id of another person with the number, entered by two officers."""
    made = expect(await caller.post(f"/v1/persons/{known}/shared-number", sharing(number, name)), 201)
    expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)
    return str(made["content"]["person_id"])


async def found_by(caller: Caller, number: str) -> set[str]:
    items = expect(await caller.post("/v1/persons/search", {"identity_document": document(number)}), 200)["items"]
    return {item["person_id"] for item in items}


async def test_a_number_that_two_officers_state_to_be_shared_is_two_persons(office: Office, cixi: Caller) -> None:
    number = citizen_number()
    known = await entered(cixi, number=number)
    # Without a statement it is the same person, as ever.
    problem = expect(await cixi.post("/v1/persons", a_person(number=number, name="李大勇")), 409)
    assert (code(problem), problem["person_id"]) == ("person-exists", known)
    made = expect(await cixi.post(f"/v1/persons/{known}/shared-number", sharing(number)), 201)
    other = made["content"]["person_id"]
    assert made["content"]["evidence_types"] == ["police_certificate"]
    assert await found_by(cixi, number) == {known}
    assert code(expect(await cixi.get(f"/v1/persons/{other}"), 404)) == "person-not-found"
    expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)
    assert await found_by(cixi, number) == {known, other}
    documents = {
        person_id: expect(await cixi.get(f"/v1/persons/{person_id}"), 200)["identity_documents"] for person_id in (known, other)
    }
    assert [(item["number"], item["is_shared"]) for item in documents[known]] == [(number, False)]
    assert [(item["number"], item["is_shared"]) for item in documents[other]] == [(number, True)]
    # Whoever enters the number once more is told of both; the old form of the number is the same number.
    for again in (number, number[:6] + number[8:17]):
        problem = expect(await cixi.post("/v1/persons", a_person(number=again, name="王五")), 409)
        assert (code(problem), set(problem["person_ids"])) == ("person-exists", {known, other})
    # Both are told to the neighbours with the same token, each under its own id.
    events = [(await office.events_about(person_id))[0]["data"] for person_id in (known, other)]
    told = [PersonRegistered.model_validate(event) for event in events]
    assert told[0].document_tokens == told[1].document_tokens
    assert [str(event.person_id) for event in told] == [known, other]


async def test_the_statement_is_kept_with_its_papers_and_both_officers(office: Office, cixi: Caller) -> None:
    number = citizen_number()
    known = await entered(cixi, number=number)
    paper = await uploaded(cixi, files.pdf())
    evidence = [{"type": "police_certificate", "attachment_id": paper["attachment_id"], "document_number": "PC-88-0088"}]
    body = sharing(number, evidence=evidence)
    made = expect(await cixi.post(f"/v1/persons/{known}/shared-number", body), 201)
    expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)
    other = made["content"]["person_id"]
    (version,) = await office.rows(
        "SELECT actor, proposed_by FROM history WHERE resource = 'person' AND resource_id = $1", UUID(other)
    )
    assert tuple(version) == ("officer-2", "officer-1")
    lines = await office.rows(
        "SELECT line FROM audit_line WHERE person_id = $1 AND line::jsonb ->> 'operation' = 'share_number'", UUID(known)
    )
    assert len(lines) == 1
    kept = await office.rows("SELECT person_id FROM attachment_reference WHERE resource_id = $1", UUID(other))
    assert {str(row["person_id"]) for row in kept} == {known, other}
    assert "PC-88-0088" not in str(await office.rows("SELECT CAST(t AS text) FROM identity_document t"))


async def test_what_is_not_shared_is_not_stated_so(office: Office, cixi: Caller) -> None:
    known, third = await entered(cixi), await entered(cixi)
    number = expect(await cixi.get(f"/v1/persons/{known}"), 200)["identity_documents"][0]["number"]
    path = f"/v1/persons/{known}/shared-number"
    fresh = expect(await cixi.post(path, sharing(citizen_number())), 422)
    assert [(error["pointer"], error["code"]) for error in fresh["errors"]] == [("/person/identity_documents", "not_shared")]
    of_another = expect(await cixi.post(f"/v1/persons/{third}/shared-number", sharing(number)), 409)
    assert (code(of_another), of_another["person_id"]) == ("person-exists", known)
    assert of_another["errors"][0]["pointer"] == "/person/identity_documents/0/number"
    assert (await cixi.post(path, sharing(number, evidence=[]))).status_code == 422
    assert (await office.caller(actor=None).post(path, sharing(number))).status_code == 403
    # Who changed meanwhile was not what the officers looked at.
    made = expect(await cixi.post(path, sharing(number)), 201)
    expect(await cixi.patch(f"/v1/persons/{known}", {"phone": None}, version=1), 200)
    assert code(expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 409)) == "proposal-outdated"


async def test_a_town_shares_no_number_with_somebody_out_of_its_sight(office: Office, cixi: Caller) -> None:
    number = citizen_number()
    there, here = await a_resident(office, OTHER_TOWN, number=number), await a_resident(office)
    town = office.caller(TOWN)
    assert (await town.post(f"/v1/persons/{there.person_id}/shared-number", sharing(number))).status_code == 404
    hidden = expect(await town.post(f"/v1/persons/{here.person_id}/shared-number", sharing(number)), 409)
    assert code(hidden) == "person-exists"
    assert "person_id" not in hidden
    # The city sees both; the town then goes on by number and name, and each name leads to its own person.
    other = await shared(office, cixi, there.person_id, number)
    for name, person_id in (("王小明", there.person_id), ("李大勇", other)):
        resolved = expect(await town.post("/v1/persons/resolve", {"identity_document": document(number), "name": name}), 200)
        assert resolved["person_id"] == person_id
    assert (await town.post("/v1/persons/resolve", {"identity_document": document(number), "name": "王五"})).status_code == 404


async def test_of_two_with_one_number_and_one_name_nobody_is_chosen(office: Office, cixi: Caller) -> None:
    number = citizen_number()
    known = await entered(cixi, number=number)
    other = await shared(office, cixi, known, number, name="王小明")
    foreign = office.caller("330281", client="elsewhere")
    asked = {"identity_document": document(number), "name": "王小明"}
    problem = expect(await foreign.post("/v1/persons/resolve", asked), 409)
    assert code(problem) == "number-shared"
    assert known not in str(problem)
    for person_id in (known, other):
        assert (await foreign.get(f"/v1/persons/{person_id}")).status_code == 404
    # Found to be one human after all, they are resolved as one.
    await merged(office, cixi, known, other)
    assert expect(await foreign.post("/v1/persons/resolve", asked), 200)["person_id"] == known
    assert await found_by(cixi, number) == {known}
    problem = expect(await cixi.post("/v1/persons", a_person(number=number)), 409)
    assert problem["person_id"] == known


async def test_each_renews_its_own_paper_with_the_shared_number(office: Office, cixi: Caller) -> None:
    number = citizen_number()
    known = await entered(cixi, number=number)
    other = await shared(office, cixi, known, number)
    for person_id, is_shared in ((known, False), (other, True)):
        (before,) = expect(await cixi.get(f"/v1/persons/{person_id}"), 200)["identity_documents"]
        renewed = document(number) | {"replaces": before["document_id"], "valid_from": "2026-01-05"}
        answer = expect(await cixi.patch(f"/v1/persons/{person_id}", {"identity_documents": [renewed]}, version=1), 200)
        assert [(item["valid_from"], item["is_shared"]) for item in answer["identity_documents"]] == [("2026-01-05", is_shared)]
    # The first one's number was wrong; the other goes on with it, and it is not free for a third.
    (before,) = expect(await cixi.get(f"/v1/persons/{known}"), 200)["identity_documents"]
    right = document(citizen_number()) | {"replaces": before["document_id"]}
    expect(await cixi.patch(f"/v1/persons/{known}", {"identity_documents": [right]}, version=2), 200)
    assert await found_by(cixi, number) == {other}
    problem = expect(await cixi.post("/v1/persons", a_person(number=number)), 409)
    assert problem["person_id"] == other


async def test_two_entries_of_one_number_at_once_are_one_person(office: Office, cixi: Caller) -> None:
    """Without a statement, whoever is second is refused, of a number nobody has and of one that is shared already."""
    fresh, common = citizen_number(), citizen_number()
    known = await entered(cixi, number=common)
    await shared(office, cixi, known, common)
    entries = [a_person(number=number, name=f"王{name}") for name in "甲乙丙丁" for number in (fresh, common)]
    answers = await asyncio.gather(*(cixi.post("/v1/persons", entry) for entry in entries))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert {code(answer.json()) for answer in answers if answer.status_code == 409} == {"person-exists"}
    assert (len(await found_by(cixi, fresh)), len(await found_by(cixi, common))) == (1, 2)


async def test_the_index_itself_keeps_one_document_one_person(office: Office, cixi: Caller) -> None:
    """Whatever a door forgot to claim: nobody takes a number without a share of its own."""
    number = citizen_number()
    known, third = await entered(cixi, number=number), await entered(cixi)
    await shared(office, cixi, known, number)
    with pytest.raises(Exception, match="uq_identity_document_share"):
        await office.rows(
            """INSERT INTO identity_document (document_id, person_id, type, number_index, sealed)
            SELECT gen_random_uuid(), $2, type, number_index, sealed FROM identity_document WHERE person_id = $1""",
            UUID(known),
            UUID(third),
        )


async def test_a_roster_leaves_out_rows_with_a_shared_number(
    office: Office, cixi: Caller, registry_database: Database, key_file: Path, inside_keys: InsideKeys, tmp_path: Path
) -> None:
    here, across = citizen_number(), citizen_number()
    known = await entered(cixi, number=here)
    await shared(office, cixi, known, here)
    there = await a_resident(office, OTHER_TOWN, number=across)
    await shared(office, cixi, there.person_id, across)
    async with importer_on(registry_database, key_file, inside_keys, tmp_path) as importer:
        workers = [a_worker(number, 姓名=name) for number in (across, citizen_number()) for name in ("王小明", "张三")]
        ended = await importer.run(workers, kind="employments", division=TOWN)
        told = await importer.refused(ended)
        assert len(told) == 4
        assert {(line["错误列"], line["错误代码"]) for line in told} == {("证件号码", "not_registered")}, (
            "out of sight as unknown"
        )
        rows = [a_row(证件号码=number, 姓名=name) for number in (here, across) for name in ("王小明", "李大勇")]
        for division in ("330282", TOWN):
            ended = await importer.run([*rows, a_row()], division=division)
            assert ended.counts == {"refused": 4, "entered": 1}
            assert {line["错误代码"] for line in await importer.refused(ended)} == {"shared_number"}


def corrected(person_id: str, number: str, **given: Any) -> dict[str, Any]:
    """A person on the register who is to have the number, too."""
    return {
        "corrected_person_id": person_id,
        "correction": {"identity_documents": [document(number)]} | given,
        "evidence": PAPERS,
    }


FACTS = {"birth_date": "1985-03-03", "sex_code": "1"}
WITHOUT = FACTS | {"identity_documents": [], "no_document_reason": "lost", "name": "李大勇"}


async def test_who_is_on_the_register_is_corrected_to_a_shared_number_by_the_same_door(office: Office, cixi: Caller) -> None:
    number = citizen_number(birth_date=date(1985, 3, 3))
    known, other = await entered(cixi, number=number), await entered(cixi, **WITHOUT)
    patch = {"identity_documents": [document(number)]}
    problem = expect(await cixi.patch(f"/v1/persons/{other}", patch, version=1), 409)
    assert (code(problem), problem["person_id"]) == ("person-exists", known)
    made = expect(await cixi.post(f"/v1/persons/{known}/shared-number", corrected(other, number)), 201)
    assert (made["content"]["person_id"], made["content"]["evidence_types"]) == (other, ["police_certificate"])
    assert made["content"]["identity_documents"][0]["number"] == number
    assert await found_by(cixi, number) == {known}
    expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)
    assert await found_by(cixi, number) == {known, other}
    seen = expect(await cixi.get(f"/v1/persons/{other}"), 200)
    assert [(item["number"], item["is_shared"]) for item in seen["identity_documents"]] == [(number, True)]
    assert (seen["version"], seen["no_document_reason"]) == (2, None)
    (told,) = [row for row in await office.events_about(other) if row["event_type"].endswith("corrected.v1")]
    first = PersonRegistered.model_validate((await office.events_about(known))[0]["data"])
    assert PersonCorrected.model_validate(told["data"]).document_tokens == first.document_tokens
    (version,) = await office.rows(
        "SELECT actor, proposed_by FROM history WHERE resource = 'person' AND resource_id = $1 AND version = 2", UUID(other)
    )
    assert tuple(version) == ("officer-2", "officer-1")


async def test_a_wrong_number_is_replaced_by_the_shared_one(office: Office, holder: Resident, cixi: Caller) -> None:
    """Of a permit holder, too: the act has two officers anyway."""
    number = citizen_number(birth_date=date(1985, 3, 3))
    known = await entered(cixi, number=number)
    (wrong,) = expect(await cixi.get(f"/v1/persons/{holder.person_id}"), 200)["identity_documents"]
    second_number = corrected(holder.person_id, number)
    path = f"/v1/persons/{known}/shared-number"
    refused = expect(await cixi.post(path, second_number), 422)
    assert {(error["pointer"], error["code"]) for error in refused["errors"]} >= {
        ("/correction/identity_documents", "second_citizen_number")
    }
    right = corrected(holder.person_id, number, identity_documents=[document(number) | {"replaces": wrong["document_id"]}])
    made = expect(await cixi.post(path, right), 201)
    expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)
    (now,) = expect(await cixi.get(f"/v1/persons/{holder.person_id}"), 200)["identity_documents"]
    assert (now["number"], now["is_shared"]) == (number, True)


async def test_the_corrected_one_is_another_human_in_sight_and_as_it_was(office: Office, cixi: Caller) -> None:
    number = citizen_number(birth_date=date(1985, 3, 3))
    known, other = await entered(cixi, number=number), await entered(cixi, **WITHOUT)
    path = f"/v1/persons/{known}/shared-number"
    itself = expect(await cixi.post(path, corrected(known, number)), 422)
    assert [(error["pointer"], error["code"]) for error in itself["errors"]] == [("/corrected_person_id", "same_person")]
    nobody = expect(await cixi.post(path, corrected(str(uuid4()), number)), 404)
    assert (code(nobody), nobody["errors"][0]["pointer"]) == ("person-not-found", "/corrected_person_id")
    for body in (
        corrected(other, number) | {"person": a_person(number=number)},
        {"evidence": PAPERS},
        {"evidence": PAPERS, "corrected_person_id": other},
    ):
        assert "other_person" in {error["code"] for error in expect(await cixi.post(path, body), 422)["errors"]}
    fresh = expect(await cixi.post(path, corrected(other, citizen_number(birth_date=date(1985, 3, 3)))), 422)
    assert [(error["pointer"], error["code"]) for error in fresh["errors"]] == [
        ("/correction/identity_documents", "not_shared")
    ]
    made = expect(await cixi.post(path, corrected(other, number)), 201)
    expect(await cixi.patch(f"/v1/persons/{other}", {"phone": None}, version=1), 200)
    assert code(expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 409)) == "proposal-outdated"


async def test_a_third_is_corrected_to_the_number_as_well(office: Office, cixi: Caller) -> None:
    number = citizen_number(birth_date=date(1985, 3, 3))
    known = await entered(cixi, number=number)
    others = [await entered(cixi, **WITHOUT) for _ in range(2)]
    for other in others:
        made = expect(await cixi.post(f"/v1/persons/{known}/shared-number", corrected(other, number)), 201)
        expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)
    assert await found_by(cixi, number) == {known, *others}
