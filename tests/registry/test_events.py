"""What neighbours are told: exactly the contract, in order per person, nothing that may not travel."""

import asyncio
import json
from datetime import date
from uuid import UUID

from services.chassis.db import Transaction, in_transaction
from services.chassis.events import EventData
from services.chassis.rows import SERVICE
from services.contracts.registry import (
    EVENTS,
    HistoricalPermitState,
    NoticeRequested,
    PersonState,
    RelationshipState,
    ResidencePermitState,
    ResidenceRegistrationState,
)
from services.registry.store.snapshot import snapshot
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import EVERY_SCOPE, a_paper, a_person, citizen_number
from tests.registry.test_two_officers import PROPOSALS, proposed, second
from tests.running import Caller

TYPES = {event.event_type: event for event in EVENTS}


def subject(event: EventData) -> UUID:
    """The id of the thing an event is about."""
    match event:
        case RelationshipState():
            return event.relationship_id
        case ResidenceRegistrationState():
            return event.registration_id
        case ResidencePermitState():
            return event.permit_id
        case HistoricalPermitState():
            return event.historical_permit_id
        case PersonState():
            return event.person_id
    raise AssertionError(event)


async def a_full_life(office: Office, holder: Resident) -> None:
    """A relationship, a correction, a move, an endorsement in time and a missed one, on top of the holder's story."""
    caller = holder.caller
    spouse = expect(await caller.post("/v1/persons", a_person()), 201)["person_id"]
    body = {"person_id": holder.person_id, "related_person_id": spouse, "kind": "spouse", "valid_from": "2020-01-01"}
    made = expect(await caller.post("/v1/relationships", body), 201)
    expect(await caller.post(f"/v1/relationships/{made['relationship_id']}/end", {"reason": "divorce"}), 200)
    correction = await proposed(caller, holder.person_id, {"name": "王大明"})
    expect(await second(office).post(f"{PROPOSALS}/{correction['proposal_id']}/approve"), 200)
    for issued_on in ("2012-03-01", "2013-03-01"):
        paper = a_paper(holder.person_id, issued_on=issued_on, valid_until=f"{int(issued_on[:4]) + 1}-02-28")
        made = expect(await caller.post("/v1/historical-permits", paper), 201)
    expect(await caller.post(f"/v1/historical-permits/{made['historical_permit_id']}/annul", {"reason": "误录"}), 200)
    await holder.register_residence(date(2023, 11, 1), division_code="330282109")
    await holder.act("endorse", date(2024, 3, 1))
    with office.on(date(2025, 4, 1)):
        await office.run_jobs()


async def test_every_event_is_exactly_its_contract_and_in_order(office: Office, holder: Resident) -> None:
    await a_full_life(office, holder)
    rows = await office.events_about(holder.person_id, with_notices=True)
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    versions: dict[UUID, int] = {}
    for row in rows:
        event = TYPES[row["event_type"]].model_validate(row["data"])
        assert json.loads(event.model_dump_json()) == row["data"]
        assert event.partition_key == UUID(holder.person_id)
        assert row["division_codes"]
        if isinstance(event, NoticeRequested):  # a request, not a state
            continue
        assert getattr(event, "version") == versions.get(subject(event), 0) + 1  # noqa: B009 - every state has one
        versions[subject(event)] = versions.get(subject(event), 0) + 1
    assert {row["event_type"].removeprefix("registry.") for row in rows} == {
        "person.registered.v1",
        "person.corrected.v1",
        "relationship.registered.v1",
        "relationship.ended.v1",
        "residence_registration.registered.v1",
        "residence_registration.ended.v1",
        "historical_permit.recorded.v1",
        "historical_permit.annulled.v1",
        "residence_permit.accepted.v1",
        "residence_permit.issued.v1",
        "residence_permit.endorsed.v1",
        "residence_permit.suspended.v1",
        "notice.requested.v1",
    }


async def test_the_snapshot_is_the_last_state_of_everything(office: Office, holder: Resident) -> None:
    await a_full_life(office, holder)
    last: dict[UUID, EventData] = {}
    for row in await office.events_about(holder.person_id):
        event = TYPES[row["event_type"]].model_validate(row["data"])
        last[subject(event)] = event

    async def collect(tx: Transaction) -> list[EventData]:
        found: list[EventData] = []
        async for key, states in snapshot(tx, office.service.runtime.keyring):
            assert all(state.partition_key == key for state in states)
            if key == UUID(holder.person_id):
                found += states
        return found

    states = await in_transaction(office.service.runtime.pool, collect, rows=SERVICE)
    assert {subject(state): state.model_dump() for state in states} == {key: event.model_dump() for key, event in last.items()}
    assert isinstance(states[0], PersonState)


async def test_a_document_has_one_token_however_typed_and_whoever_computes_it(office: Office, resident: Resident) -> None:
    number = citizen_number()
    await resident.register_person(number=f" {number.lower()} ")
    event = (await office.events_about(resident.person_id))[0]
    tokens = office.service.runtime.keyring.document_tokens("citizen_id", number)
    assert event["data"]["document_tokens"] == [
        {"document_type": "citizen_id", "key_id": key_id, "token": token} for key_id, token in tokens.items()
    ]


async def test_no_event_carries_what_must_not_travel(office: Office, holder: Resident) -> None:
    await a_full_life(office, holder)
    rows = await office.events_about(holder.person_id, with_notices=True)
    text = json.dumps([row["data"] for row in rows], ensure_ascii=False)
    for secret in ("王小明", "王大明", "13805740001", "陈家村", "33028226000123"):
        assert secret not in text


async def followed(caller: Caller, person_id: str, awaited: int) -> list[str]:
    """Types of the person's events in the changes list, once `awaited` of them are published (or ten seconds have passed)."""
    found: list[str] = []
    after, deadline = "", asyncio.get_running_loop().time() + 10
    while len(found) < awaited and asyncio.get_running_loop().time() < deadline:
        page = expect(await caller.get(f"/v1/registry/changes?limit=200{after}"), 200)
        found += [item["type"] for item in page["items"] if item["partitionkey"] == person_id]
        after = f"&after={page['next']}"
        if not page["items"]:
            await asyncio.sleep(0.05)
    return found


async def test_followers_see_their_division_and_what_their_scopes_cover(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today)
    types = ["registry.person.registered.v1", "registry.residence_registration.registered.v1"]
    assert await followed(office.caller("330282"), resident.person_id, 2) == types
    # The person was entered by the county; the town is told from the registration on.
    assert await followed(office.caller("330282107"), resident.person_id, 1) == types[1:]
    clerk = office.caller("330282", scopes=EVERY_SCOPE - {"registry.registration.read"})
    assert await followed(clerk, resident.person_id, 1) == types[:1]
    for elsewhere in ("330281", "330282109"):
        page = expect(await office.caller(elsewhere).get("/v1/registry/changes?limit=200"), 200)
        assert all(item["partitionkey"] != resident.person_id for item in page["items"])
