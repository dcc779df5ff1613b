"""A neighbour tells that somebody has become local hukou: registration and permit end, or it is told why not."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.chassis.clock import utc_now
from services.chassis.db import Transaction, in_transaction
from services.chassis.events import Envelope, Received
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE
from services.contracts.points_hukou import HouseholdTransferCompleted
from services.registry.actions.household_transfers import apply_transfer
from services.registry.rules.household_transfer import TransferFacts, obstacles
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import a_residence
from tests.registry.test_merging import a_resident, merged
from tests.registry.test_person_deletion import deleted
from tests.registry.test_rights import decided
from tests.running import Caller

TOWN = "330282107"
ENTERED = date(2024, 5, 6)
APPLIED, REJECTED = "registry.household_transfer.applied.v1", "registry.household_transfer.rejected.v1"


async def tell(office: Office, person_id: str, entered_on: date = ENTERED, hukou: str = "330282107205", **more: Any) -> UUID:
    """The event as the inbox hands it over; its id."""
    state = {"transfer_id": new_id(), "version": 3, "division_code": TOWN, "status": "completed", "due_on": ENTERED}
    told = {"person_id": person_id, "hukou_division_code": hukou, "entered_on": entered_on}
    data = HouseholdTransferCompleted.model_validate(state | told | more)
    event_id = new_id()
    envelope = Envelope(event_id, data.event_type, "points_hukou", utc_now(), data.person_id, 1)

    async def body(tx: Transaction) -> None:
        work = office.service.runtime.own_work(tx)
        await apply_transfer(work, Received(envelope, data))
        await work.flush()

    await in_transaction(office.service.runtime.pool, body, rows=SERVICE)
    return event_id


async def answers(office: Office, person_id: str) -> list[tuple[str, dict[str, Any]]]:
    """What the registry answered about an id, the oldest first."""
    rows = await office.events_about(person_id)
    return [(row["event_type"], row["data"]) for row in rows if "household_transfer" in row["event_type"]]


async def refused_for(office: Office, person_id: str) -> Sequence[str]:
    """The reasons of the last answer."""
    kind, answer = (await answers(office, person_id))[-1]
    assert (kind, answer["ended_on"], answer["registration_id"], answer["permit_id"]) == (REJECTED, None, None, None)
    assert all(reason["message_zh"] and reason["message_en"] for reason in answer["reasons"])
    return [reason["code"] for reason in answer["reasons"]]


async def test_registration_and_permit_end_and_keep_what_ended_them(office: Office, holder: Resident) -> None:
    with office.on(date(2024, 5, 7)):
        event_id = await tell(office, holder.person_id)
        kind, answer = (await answers(office, holder.person_id))[-1]
        assert (kind, answer["caused_by"], answer["version"], answer["ended_on"]) == (APPLIED, str(event_id), 3, "2024-05-06")
        assert (answer["registration_id"], answer["permit_id"]) == (holder.registration_id, holder.permit_id)
        home = expect(await holder.caller.get(f"/v1/residence-registrations/{holder.registration_id}"), 200)
        assert (home["status"], home["ended_on"], home["end_reason"]) == ("ended", "2024-05-06", "household_transfer")
        permit = expect(await holder.caller.get(f"/v1/residence-permits/{holder.permit_id}"), 200)
        assert (permit["status"], permit["ended_on"], permit["end_reason"]) == ("ended", "2024-05-06", "household_transfer")
        assert permit["card_status"] == "withdrawn"
    ends = [row["data"] for row in await office.events_about(holder.person_id) if row["event_type"].endswith(".ended.v1")]
    assert [end["end_caused_by"] for end in ends] == [str(event_id)] * 2
    for table in ("residence_registration", "residence_permit"):
        rows = await office.rows(f"SELECT end_caused_by FROM {table} WHERE person_id = $1", holder.person_id)
        assert [row["end_caused_by"] for row in rows] == [event_id]


async def test_the_same_again_ends_nothing_and_is_answered_the_same(office: Office, holder: Resident) -> None:
    with office.on(date(2024, 5, 7)):
        first = await tell(office, holder.person_id)
        await tell(office, holder.person_id)
    told = await answers(office, holder.person_id)
    assert [(kind, answer["ended_on"]) for kind, answer in told] == [(APPLIED, "2024-05-06"), (APPLIED, None)]
    rows = await office.rows("SELECT version, end_caused_by FROM residence_permit WHERE person_id = $1", holder.person_id)
    assert {row["end_caused_by"] for row in rows} == {first}


async def test_an_application_that_is_open_is_withdrawn(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    await resident.apply(date(2023, 9, 15))
    with office.on(date(2023, 9, 18)):
        await tell(office, resident.person_id, date(2023, 9, 18))
        permit = expect(await resident.caller.get(f"/v1/residence-permits/{resident.permit_id}"), 200)
    assert (permit["status"], permit["end_reason"]) == ("withdrawn", "household_transfer")


async def test_a_permit_that_lapsed_meanwhile_is_suspended_before_it_ends(office: Office, holder: Resident) -> None:
    with office.on(date(2024, 5, 7)):
        await tell(office, holder.person_id)
    types = [
        row["event_type"].split(".")[2] for row in await office.events_about(holder.person_id) if "permit" in row["event_type"]
    ]
    assert types == ["accepted", "issued", "suspended", "ended"]


async def test_an_alias_leads_to_its_human(office: Office) -> None:
    kept, alias = await a_resident(office), Resident(office, office.caller(TOWN, client=f"client-{TOWN}"))
    await alias.register_person(identity_documents=[], no_document_reason="lost", birth_date="1985-03-03", sex_code="1")
    await merged(office, kept.caller, kept.person_id, alias.person_id)
    await tell(office, alias.person_id, office.today)
    kind, answer = (await answers(office, alias.person_id))[-1]
    assert (kind, answer["registration_id"]) == (APPLIED, kept.registration_id)


async def test_two_current_registrations_are_an_officers_to_part(office: Office) -> None:
    kept, alias = await a_resident(office), await a_resident(office, "330282109")
    await merged(office, office.caller("330282"), kept.person_id, alias.person_id)
    await tell(office, kept.person_id, office.today)
    assert await refused_for(office, kept.person_id) == ["merge_conflict_open"]


async def test_whoever_lives_in_another_county_than_the_hukou_stays_registered(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today)
    await tell(office, resident.person_id, office.today, "330281")
    assert await refused_for(office, resident.person_id) == ["still_floating"]
    found = expect(await resident.caller.get(f"/v1/residence-registrations/{resident.registration_id}"), 200)
    assert found["status"] == "current"


async def test_what_was_registered_after_the_entry_is_told_to_the_office(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today)
    await tell(office, resident.person_id, office.today - timedelta(days=1))
    assert await refused_for(office, resident.person_id) == ["registered_after_entry"]
    await tell(office, resident.person_id, office.today)
    assert (await answers(office, resident.person_id))[-1][0] == APPLIED


async def test_nobody_and_somebody_deleted(office: Office, resident: Resident) -> None:
    stranger = str(new_id())
    await tell(office, stranger)
    assert await refused_for(office, stranger) == ["person_unknown"]
    await resident.register_person()
    await deleted(office, resident.caller, resident.person_id)
    await tell(office, resident.person_id)
    assert await refused_for(office, resident.person_id) == ["person_deleted"]


async def test_with_nothing_current_it_is_applied_and_a_restriction_is_in_nobodys_way(office: Office, cixi: Caller) -> None:
    resident = Resident(office, cixi)
    await resident.register_person()
    await decided(resident, "restriction")
    await tell(office, resident.person_id)
    kind, answer = (await answers(office, resident.person_id))[-1]
    assert (kind, answer["ended_on"], answer["registration_id"]) == (APPLIED, None, None)


async def test_the_office_that_asked_and_who_holds_the_person_hear_the_answer(office: Office) -> None:
    resident = Resident(office, office.caller("330282109", client="client-330282109"))
    await resident.register_person()
    with office.on(ENTERED):
        body = a_residence(resident.person_id, division_code="330282109", started_on=ENTERED.isoformat())
        expect(await resident.caller.post("/v1/residence-registrations", body), 201)
        await tell(office, resident.person_id)
    row = [row for row in await office.events_about(resident.person_id) if row["event_type"] == APPLIED][-1]
    assert set(row["division_codes"]) >= {TOWN, "330282109"}


@pytest.mark.parametrize("contested", [False, True])
@pytest.mark.parametrize("floating", [None, False, True])
@pytest.mark.parametrize("begun", [(), (ENTERED,), (ENTERED + timedelta(days=1),)])
@pytest.mark.parametrize("ruled", [False, True])
def test_every_obstacle_is_named_at_once(contested: bool, floating: bool | None, begun: tuple[date, ...], ruled: bool) -> None:
    found = obstacles(TransferFacts(ENTERED, contested, floating, begun, ruled))
    expected = {
        *({"merge_conflict_open"} if contested else ()),
        *({"still_floating"} if floating else ()),
        *({"registered_after_entry"} if begun and begun[0] > ENTERED else ()),
        *(() if ruled else {"end_not_ruled"}),
    }
    assert {finding.code for finding in found} == expected
    assert len(found) == len(expected)
