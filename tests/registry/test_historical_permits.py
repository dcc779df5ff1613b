"""Papers of the regime of 2009 through the door: recorded by an officer, valid to expiry, counted into residence years."""

from datetime import date
from typing import Any

import pytest

from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import a_paper, a_person, a_residence, citizen_number

PATH = "/v1/historical-permits"


async def recorded(resident: Resident, on: date, status: int = 201, **given: Any) -> dict[str, Any]:
    with resident.office.on(on):
        return expect(await resident.caller.post(PATH, a_paper(resident.person_id, **given)), status)


async def test_a_recorded_paper_stays_valid_to_its_expiry(office: Office, resident: Resident) -> None:
    await resident.register_person()
    made = await recorded(resident, date(2017, 3, 1), issued_on="2015-12-31", valid_until="2018-12-30")
    assert (made["regime"], made["status"], made["doubts"], made["card_number_masked"]) == ("zj-2009", "valid", [], "****0123")
    for day, status in ((date(2018, 12, 30), "valid"), (date(2018, 12, 31), "expired")):
        with office.on(day):
            found = expect(await resident.caller.get(f"{PATH}/{made['historical_permit_id']}"), 200)
            listed = expect(await resident.caller.get(f"/v1/persons/{resident.person_id}/historical-permits"), 200)["items"]
        assert [found] == listed
        assert found["status"] == status


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({"issued_on": "2016-01-01", "valid_until": "2016-12-31"}, "/issued_on", "no_longer_issued"),
        ({"issued_on": "2009-09-30", "valid_until": "2010-09-29"}, "/issued_on", "regulation_not_yet"),
        ({"valid_until": "2013-06-01"}, "/valid_until", "term_too_short"),
        ({"ended_on": "2013-02-28"}, "/ended_on", "too_early"),
        ({"applied_on": "2013-03-02"}, "/applied_on", "applied_after_issue"),
    ],
)
async def test_what_cannot_be_such_a_paper_is_refused_at_its_field(
    resident: Resident, given: dict[str, Any], pointer: str, code: str
) -> None:
    await resident.register_person()
    problem = await recorded(resident, date(2017, 3, 1), 422, **given)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]


async def test_a_nine_year_permit_is_recorded_with_its_doubts(office: Office, resident: Resident) -> None:
    await resident.register_person()
    nine: dict[str, Any] = {"kind": "residence_permit", "issued_on": "2014-03-01", "valid_until": "2023-02-28"}
    made = await recorded(resident, date(2017, 3, 1), **nine)
    assert [doubt["code"] for doubt in made["doubts"]] == ["years_not_on_file"]
    assert (await recorded(resident, date(2017, 3, 1), 409, **nine))["type"].endswith("historical-permit-exists")


async def test_old_papers_make_the_years_and_an_annulled_one_does_not(resident: Resident) -> None:
    await resident.register_person(number=citizen_number(birth_date=date(1980, 1, 1)))
    await resident.register_residence(date(2016, 7, 5))
    assert (await resident.apply(date(2016, 7, 6)))["status"] == "refused"
    made = await recorded(resident, date(2016, 7, 6), issued_on="2013-07-01", valid_until="2016-06-30")
    assert (await resident.apply(date(2016, 7, 6)))["status"] == "accepted"
    await resident.act("issue", date(2016, 7, 6))
    permit = await resident.permit(date(2016, 7, 6))
    assert permit["residence_years"] == {"counted_from": "2013-07-01", "whole_years": 3, "is_counting": True}
    endorsed = await resident.act("endorse", date(2017, 6, 15))
    assert endorsed["endorsement"]["accepted"] is True
    await resident.act("end", date(2017, 7, 1), {"reason": "surrendered"})
    with resident.office.on(date(2017, 7, 1)):
        path = f"{PATH}/{made['historical_permit_id']}/annul"
        assert expect(await resident.caller.post(path, {"reason": "同名另一人"}), 200)["status"] == "annulled"
        assert expect(await resident.caller.post(path, {"reason": "同名另一人"}), 409)["type"].endswith("-annulled")


async def test_only_who_holds_the_person_records_and_annuls(office: Office, resident: Resident) -> None:
    await resident.register_person()
    made = await recorded(resident, date(2017, 3, 1))
    other = office.caller("330282109")
    assert (await other.get(f"{PATH}/{made['historical_permit_id']}")).status_code == 404
    assert (await other.post(PATH, a_paper(resident.person_id, division_code="330282109"))).status_code == 404
    elsewhere = a_paper(resident.person_id, division_code="330281001")
    assert expect(await resident.caller.post(PATH, elsewhere), 403)["type"].endswith("division-out-of-scope")


# ── mended with it: what an ended permit and a document out of date are worth ───────────────────────────────────────────


async def test_an_ended_permit_keeps_the_suspension_it_ended_under(holder: Resident) -> None:
    for day in (date(2024, 3, 1), date(2025, 3, 1)):
        await holder.act("endorse", day)
    await holder.act("suspend", date(2025, 3, 10), {"reason": "核查"})
    ended = await holder.act("end", date(2025, 9, 1), {"reason": "surrendered"})
    assert (ended["status"], ended["suspended_on"], ended["suspension_cause"]) == ("ended", "2025-03-10", "officer")
    permit = await holder.permit(date(2026, 5, 1))
    assert permit["residence_years"] == {"counted_from": "2023-03-15", "whole_years": 1, "is_counting": False}


@pytest.mark.parametrize(
    ("until", "handed_in", "codes"),
    [
        ("2023-09-15", [], []),
        ("2023-09-14", [], ["identity_document_expired"]),
        ("2023-09-14", [{"type": "identity_document"}], []),
    ],
)
async def test_a_document_out_of_date_is_told_as_such(
    resident: Resident, until: str, handed_in: list[dict[str, str]], codes: list[str]
) -> None:
    document = {"type": "citizen_id", "number": citizen_number(), "valid_from": "2013-09-14", "valid_until": until}
    made = expect(await resident.caller.post("/v1/persons", a_person(identity_documents=[document])), 201)
    resident.person_id = made["person_id"]
    await resident.register_residence(date(2023, 3, 15))
    decided = await resident.apply(date(2023, 9, 15), evidence=[{"type": "labour_contract"}, *handed_in])
    assert [reason["code"] for reason in decided["reasons"]] == codes


async def test_what_the_text_of_2009_says_of_an_old_application(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await recorded(resident, date(2017, 3, 1), issued_on="2009-11-01", valid_until="2012-10-31")
    question: dict[str, Any] = {"person_id": resident.person_id, "kind": "residence_permit", "applied_on": "2012-11-01"}
    question |= {"has_fixed_home": True, "has_stable_work": True}
    said = expect(await resident.caller.post(f"{PATH}/assess", question), 200)
    assert (said["regime"], said["outcome"], said["reasons"], said["due_on"]) == ("zj-2009", "open", [], "2012-11-22")
    assert [gap["code"] for gap in said["gaps"]] == ["county_conditions_not_found"]
    problem = expect(await resident.caller.post(f"{PATH}/assess", question | {"applied_on": "2016-01-01"}), 422)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/applied_on", "no_longer_issued")]
    expect(await office.caller("330282109").post(f"{PATH}/assess", question), 404)


async def test_an_application_of_2012_is_not_decided_and_told_where_to_ask(office: Office, resident: Resident) -> None:
    await resident.register_person()
    with office.on(date(2012, 11, 1)):
        body = {"person_id": resident.person_id, "ground": "employment", "evidence": []}
        problem = expect(await resident.caller.post("/v1/residence-permits", body), 409)
    assert (problem["type"].rpartition(":")[2], problem["regime"]) == ("regime-not-held", "zj-2009")
    assert (problem["record"], problem["assess"]) == (PATH, f"{PATH}/assess")


@pytest.mark.parametrize(("until", "notes"), [("2023-03-15", []), ("2023-03-14", ["identity_document_expired"]), (None, [])])
async def test_a_registration_notes_that_every_document_is_out_of_date(
    office: Office, resident: Resident, until: str | None, notes: list[str]
) -> None:
    document = {"type": "citizen_id", "number": citizen_number(), "valid_from": "2013-03-14", "valid_until": until}
    document = {name: value for name, value in document.items() if value is not None}
    person = expect(await resident.caller.post("/v1/persons", a_person(identity_documents=[document])), 201)
    with office.on(date(2023, 3, 15)):
        body = a_residence(person["person_id"], started_on="2023-03-15")
        made = expect(await resident.caller.post("/v1/residence-registrations", body), 201)
    assert [note["code"] for note in made["notes"]] == notes
    assert all(note["rule"] == "RR-03" for note in made["notes"])
