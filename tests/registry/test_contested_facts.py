"""What a neighbour's client contests is looked into as the person's own request, and the neighbour is answered (V-18, V-25)."""

from datetime import date
from typing import Any

import pytest

from services.chassis.clock import utc_now
from services.chassis.db import Transaction, in_transaction
from services.chassis.events import Envelope, Received
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE
from services.contracts.points_hukou import RegistryContestOpened
from services.registry.actions.contested_facts import open_correction
from tests.registry.conftest import Office, Resident, expect
from tests.registry.test_merging import a_resident, merged
from tests.registry.test_person_deletion import deleted
from tests.registry.test_rights import PATH, act

TOWN = "330282107"
DAY = date(2026, 3, 2)


async def contest(office: Office, person_id: str, *, contest_id: str | None = None, field: str = "residence_since") -> str:
    """The event as the inbox hands it over; the contest's id."""
    asked = contest_id or str(new_id())
    state = {"version": 1, "division_code": TOWN, "status": "open", "opened_on": DAY, "due_on": DAY, "decided_on": None}
    data = RegistryContestOpened.model_validate(state | {"person_id": person_id, "contest_id": asked, "field": field})
    envelope = Envelope(new_id(), data.event_type, "points_hukou", utc_now(), data.person_id, 1)

    async def body(tx: Transaction) -> None:
        work = office.service.runtime.own_work(tx)
        await open_correction(work, Received(envelope, data))
        await work.flush()

    await in_transaction(office.service.runtime.pool, body, rows=SERVICE)
    return asked


async def answers(office: Office, person_id: str) -> list[tuple[str, list[str]]]:
    """Outcomes with the codes of their reasons, the oldest first."""
    rows = [row["data"] for row in await office.events_about(person_id) if "correction" in row["event_type"]]
    return [(row["outcome"], [reason["code"] for reason in row["reasons"]]) for row in rows]


async def requests(resident: Resident) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = expect(await resident.caller.get(f"{PATH}?person_id={resident.person_id}"), 200)["items"]
    return found


async def verified(resident: Resident) -> dict[str, Any]:
    (request,) = await requests(resident)
    return await act(resident, request, "verify", note="窗口核验")


async def test_it_becomes_a_request_of_the_person_once(office: Office, resident: Resident) -> None:
    await resident.register_person()
    with office.on(DAY):
        asked = await contest(office, resident.person_id)
        await contest(office, resident.person_id, contest_id=asked)
        (request,) = await requests(resident)
    assert (request["kind"], request["requester"], request["status"]) == ("correction", "self", "received")
    assert (request["contest_id"], request["contested_field"]) == (asked, "residence_since")
    assert (request["received_on"], request["due_on"], request["division_code"]) == ("2026-03-02", "2026-04-01", TOWN)
    assert asked in request["wish"]
    assert await answers(office, resident.person_id) == []


async def test_what_is_upheld_is_answered_when_it_is_decided(office: Office, resident: Resident) -> None:
    await resident.register_person()
    asked = await contest(office, resident.person_id)
    request = await verified(resident)
    await act(resident, request, "decide", outcome="refused", reason_codes=["data_correct"])
    assert await answers(office, resident.person_id) == [("upheld", ["data_correct"])]
    await act(resident, request, "complete", note="书面答复已寄出")
    assert len(await answers(office, resident.person_id)) == 1
    await contest(office, resident.person_id, contest_id=asked)
    assert await answers(office, resident.person_id) == [("upheld", ["data_correct"])] * 2, "who asks again is told again"


async def test_what_is_corrected_is_answered_when_the_register_shows_it(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today)
    await contest(office, resident.person_id)
    request = await verified(resident)
    await act(resident, request, "decide", outcome="granted")
    refused = await act(resident, request, "complete", 409, recipients_are_told=True)
    assert refused["type"].endswith("rights-request-not-carried-out")
    assert await answers(office, resident.person_id) == []
    ended = {"ended_on": office.today.isoformat(), "reason": "recorded_in_error"}
    expect(await resident.caller.post(f"/v1/residence-registrations/{resident.registration_id}/end", ended), 200)
    await act(resident, request, "complete", recipients_are_told=True)
    assert await answers(office, resident.person_id) == [("corrected", [])]


async def test_another_field_than_the_contested_one_is_no_correction(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today)
    await contest(office, resident.person_id, field="permits")
    request = await verified(resident)
    await act(resident, request, "decide", outcome="granted")
    ended = {"ended_on": office.today.isoformat(), "reason": "recorded_in_error"}
    expect(await resident.caller.post(f"/v1/residence-registrations/{resident.registration_id}/end", ended), 200)
    await act(resident, request, "complete", 409, recipients_are_told=True)


async def test_what_the_person_takes_back_is_answered(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await contest(office, resident.person_id)
    (request,) = await requests(resident)
    await act(resident, request, "withdraw")
    assert await answers(office, resident.person_id) == [("withdrawn", [])]


@pytest.mark.parametrize("was_there", [True, False])
async def test_of_nobody_nothing_can_be_looked_into(office: Office, resident: Resident, was_there: bool) -> None:
    person_id = str(new_id())
    if was_there:
        await resident.register_person()
        person_id = resident.person_id
        await deleted(office, resident.caller, resident.person_id)
    await contest(office, person_id)
    assert await answers(office, person_id) == [("rejected", ["person_deleted" if was_there else "person_unknown"])]


async def test_an_alias_leads_to_its_human(office: Office) -> None:
    kept, alias = await a_resident(office), Resident(office, office.caller(TOWN, client=f"client-{TOWN}"))
    await alias.register_person()
    await merged(office, kept.caller, kept.person_id, alias.person_id)
    asked = await contest(office, alias.person_id)
    (request,) = await requests(kept)
    assert (request["contest_id"], request["person_id"]) == (asked, kept.person_id)


async def test_an_ordinary_request_answers_nobody(office: Office, resident: Resident) -> None:
    await resident.register_person()
    body = {"person_id": resident.person_id, "kind": "correction", "requester": "self"}
    request = expect(await resident.caller.post(PATH, body | {"wish": "更正"}), 201)
    await act(resident, request, "verify", note="窗口核验")
    await act(resident, request, "decide", outcome="refused", reason_codes=["data_correct"])
    assert await answers(office, resident.person_id) == []
