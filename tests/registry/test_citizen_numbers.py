"""Two citizen numbers of one human: put before two officers, never chosen; nothing is made out with either meanwhile (C-15)."""

from datetime import date
from typing import Any

import pytest

from services.contracts.registry import PersonCorrected
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import a_person, an_application, citizen_number
from tests.registry.test_household_transfers import APPLIED, answers, refused_for, tell
from tests.registry.test_merging import PAPERS, conflicts_of, entered, merged, parted
from tests.registry.test_shared_numbers import document, found_by, shared
from tests.registry.test_two_officers import PROPOSALS, code, second
from tests.running import Caller

BORN = date(1990, 5, 1)
FACTS = {"birth_date": "1985-03-03", "sex_code": "1"}


async def documents_of(caller: Caller, person_id: str) -> list[dict[str, Any]]:
    return list(expect(await caller.get(f"/v1/persons/{person_id}"), 200)["identity_documents"])


async def two_numbers(office: Office, caller: Caller) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    """Ids, numbers and documents of the canonical person and the alias of a human entered twice, each with a number."""
    numbers = citizen_number(birth_date=BORN), citizen_number(birth_date=date(1991, 6, 2))
    kept, alias = [await entered(caller, number=number) for number in numbers]
    (first,), (other,) = [await documents_of(caller, person_id) for person_id in (kept, alias)]
    await merged(office, caller, kept, alias)
    return (kept, alias), numbers, (first["document_id"], other["document_id"])


async def settled(office: Office, caller: Caller, person_id: str, document_id: str) -> dict[str, Any]:
    """Two officers say that the number of this document is the human's."""
    body = {"document_id": document_id, "evidence": PAPERS}
    made = expect(await caller.post(f"/v1/persons/{person_id}/citizen-number", body), 201)
    assert made["content"] == {"document_id": document_id, "evidence_types": ["police_certificate"]}
    return expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)


@pytest.mark.parametrize("true", [0, 1], ids=["the canonical person's", "the alias's"])
async def test_two_officers_say_which_number_is_the_humans(office: Office, cixi: Caller, true: int) -> None:
    (kept, alias), numbers, papers = await two_numbers(office, cixi)
    assert await conflicts_of(cixi, kept) == {("citizen_number", *papers)}
    assert {await found_by_one(cixi, number) for number in numbers} == {kept}
    assert (await settled(office, cixi, kept, papers[true]))["status"] == "approved"
    assert await conflicts_of(cixi, kept) == set()
    right, wrong = numbers[true], numbers[1 - true]
    assert [item["number"] for item in await documents_of(cixi, kept)] == [right]
    seen = expect(await cixi.get(f"/v1/persons/{kept}"), 200)
    assert (seen["birth_date"], seen["version"]) == (f"{right[6:10]}-{right[10:12]}-{right[12:14]}", 2)
    assert (await found_by(cixi, right), await found_by(cixi, wrong)) == ({kept}, set())
    told = {
        person_id: [row for row in await office.events_about(person_id) if row["event_type"] == PersonCorrected.event_type]
        for person_id in (kept, alias)
    }
    assert [len(rows) for rows in told.values()] == [1, 1], "neighbours drop the wrong token and find the right one"
    assert PersonCorrected.model_validate(told[alias][0]["data"]).document_tokens == ()
    assert len(PersonCorrected.model_validate(told[kept][0]["data"]).document_tokens) > 0
    versions = await office.rows(
        "SELECT actor, proposed_by FROM history WHERE resource = 'person' AND resource_id = $1 AND version = 2", kept
    )
    assert [tuple(row) for row in versions] == [("officer-2", "officer-1")]
    assert "PC-77-0077" not in str(await office.rows("SELECT CAST(t AS text) FROM identity_document t"))
    again = {"document_id": papers[true], "evidence": PAPERS}
    assert code(expect(await cixi.post(f"/v1/persons/{kept}/citizen-number", again), 409)) == "citizen-number-settled"
    # The wrong number is free for whose it is.
    expect(await cixi.post("/v1/persons", a_person(number=wrong, name="李大勇")), 201)


async def found_by_one(caller: Caller, number: str) -> str:
    (found,) = await found_by(caller, number)
    return found


async def test_no_permit_is_made_out_while_two_numbers_stand(office: Office, holder: Resident, cixi: Caller) -> None:
    kept = await entered(cixi, number=citizen_number(birth_date=BORN))
    (mine,), (theirs,) = await documents_of(cixi, kept), await documents_of(cixi, holder.person_id)
    await merged(office, cixi, kept, holder.person_id)
    for verb, body in (("replace", {"cause": "damaged", "is_old_card_returned": True}), ("endorse", {})):
        assert code(await holder.act(verb, date(2024, 2, 20), body, 409)) == "merge-conflict-open"
    # What ends it or takes its function away waits for nothing.
    await holder.act("report-loss", date(2024, 2, 20))
    await settled(office, cixi, kept, theirs["document_id"])
    assert (await holder.act("endorse", date(2024, 2, 20)))["endorsement"]["accepted"]
    assert mine["document_id"] not in {item["document_id"] for item in await documents_of(cixi, kept)}


async def test_no_permit_is_applied_for_with_one_of_two_numbers(office: Office, cixi: Caller) -> None:
    (kept, _), _, papers = await two_numbers(office, cixi)
    assert code(expect(await cixi.post("/v1/residence-permits", an_application(kept)), 409)) == "merge-conflict-open"
    await settled(office, cixi, kept, papers[0])
    expect(await cixi.post("/v1/residence-permits", an_application(kept)), 201)


async def test_of_two_permits_neither_is_issued_or_endorsed(office: Office, holder: Resident, cixi: Caller) -> None:
    """The second would be another card of the same human."""
    applicant = await Resident(office, cixi).register_person()
    await applicant.register_residence(date(2023, 3, 15))
    assert (await applicant.apply(date(2023, 9, 20)))["status"] == "accepted"
    await merged(office, cixi, holder.person_id, applicant.person_id)
    kinds = {kind for kind, *_ in await conflicts_of(cixi, holder.person_id)}
    assert kinds == {"residence_registration", "residence_permit", "citizen_number"}
    (mine,) = await documents_of(cixi, holder.person_id)
    await settled(office, cixi, holder.person_id, mine["document_id"])
    ended = f"/v1/residence-registrations/{applicant.registration_id}/end"
    with office.on(date(2023, 9, 21)):
        expect(await cixi.post(ended, {"reason": "recorded_in_error"}), 200)
    day, card = date(2023, 9, 25), {"card_number": "33028226000999"}
    assert code(await applicant.act("issue", day, card, 409)) == "merge-conflict-open"
    assert code(await holder.act("endorse", date(2024, 2, 20), status=409)) == "merge-conflict-open"
    await applicant.act("end", day, {"reason": "surrendered"})
    assert (await holder.act("endorse", date(2024, 2, 20)))["endorsement"]["accepted"]


async def test_a_household_transfer_waits_for_the_number(office: Office, cixi: Caller) -> None:
    (kept, _), _, papers = await two_numbers(office, cixi)
    await tell(office, kept, office.today)
    assert await refused_for(office, kept) == ["merge_conflict_open"]
    await settled(office, cixi, kept, papers[0])
    await tell(office, kept, office.today)
    assert (await answers(office, kept))[-1][0] == APPLIED


async def test_a_paper_renewed_with_its_number_settles_nothing(office: Office, cixi: Caller) -> None:
    (kept, _), numbers, papers = await two_numbers(office, cixi)
    renewed = document(numbers[0]) | {"replaces": papers[0], "valid_from": "2026-01-05"}
    expect(await cixi.patch(f"/v1/persons/{kept}", {"identity_documents": [renewed]}, version=1), 200)
    assert await conflicts_of(cixi, kept) == {("citizen_number", *papers)}
    gone = {"document_id": papers[0], "evidence": PAPERS}
    problem = expect(await cixi.post(f"/v1/persons/{kept}/citizen-number", gone), 422)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/document_id", "not_on_file")]
    (now,) = await documents_of(cixi, kept)
    await settled(office, cixi, kept, now["document_id"])
    assert await conflicts_of(cixi, kept) == set()


async def test_a_number_that_comes_in_later_is_put_before_a_human_too(office: Office, cixi: Caller) -> None:
    number = citizen_number(birth_date=date(1985, 3, 3))
    kept = await entered(cixi, identity_documents=[], no_document_reason="lost", **FACTS)
    alias = await entered(cixi, number=citizen_number(birth_date=BORN))
    await merged(office, cixi, kept, alias)
    assert await conflicts_of(cixi, kept) == set()
    expect(await cixi.patch(f"/v1/persons/{kept}", {"identity_documents": [document(number)]}, version=1), 200)
    ((kind, *things),) = await conflicts_of(cixi, kept)
    (mine,) = await documents_of(cixi, kept)
    assert (kind, things[0]) == ("citizen_number", mine["document_id"])


async def test_one_number_of_two_who_are_one_after_all_is_no_conflict(office: Office, cixi: Caller) -> None:
    number = citizen_number()
    known = await entered(cixi, number=number)
    other = await shared(office, cixi, known, number)
    await merged(office, cixi, known, other)
    assert await conflicts_of(cixi, known) == set()


async def test_the_number_of_the_alias_that_a_third_has_too_goes_over_with_its_papers(office: Office, cixi: Caller) -> None:
    number = citizen_number(birth_date=BORN)
    third = await entered(cixi, number=number, name="李大勇")
    alias = await shared(office, cixi, third, number, name="王小明")
    kept = await entered(cixi, number=citizen_number(birth_date=BORN))
    (paper,) = await documents_of(cixi, alias)
    await merged(office, cixi, kept, alias)
    await settled(office, cixi, kept, paper["document_id"])
    assert [(item["number"], item["is_shared"]) for item in await documents_of(cixi, kept)] == [(number, True)]
    assert await found_by(cixi, number) == {third, kept}


async def test_parted_the_conflict_is_settled_and_what_was_found_stays(office: Office, cixi: Caller) -> None:
    (kept, alias), _, _ = await two_numbers(office, cixi)
    await parted(office, cixi, kept, alias)
    assert await conflicts_of(cixi, kept) == set()
    (kept, alias), numbers, papers = await two_numbers(office, cixi)
    await settled(office, cixi, kept, papers[1])
    await parted(office, cixi, kept, alias)
    assert [item["number"] for item in await documents_of(cixi, kept)] == [numbers[1]]
    assert await documents_of(cixi, alias) == []


async def test_what_changed_meanwhile_makes_the_finding_outdated(office: Office, cixi: Caller) -> None:
    (kept, alias), _, papers = await two_numbers(office, cixi)
    body = {"document_id": papers[1], "evidence": PAPERS}
    assert (await cixi.post(f"/v1/persons/{kept}/citizen-number", body | {"evidence": []})).status_code == 422
    assert (await office.caller(actor=None).post(f"/v1/persons/{kept}/citizen-number", body)).status_code == 403
    made = expect(await cixi.post(f"/v1/persons/{kept}/citizen-number", body), 201)
    expect(await cixi.patch(f"/v1/persons/{kept}", {"phone": None}, version=1), 200)
    assert code(expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 409)) == "proposal-outdated"
    elsewhere = office.caller("330281", client="elsewhere")
    assert (await elsewhere.post(f"/v1/persons/{kept}/citizen-number", body)).status_code == 404
    problem = expect(await cixi.post(f"/v1/persons/{alias}/citizen-number", body), 409)
    assert (code(problem), problem["person_id"]) == ("person-merged", kept)
