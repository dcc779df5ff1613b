"""Two who move their registration turn out to be one human: nothing is chosen, an office withdraws one (architecture §1)."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from services.chassis.db import Transaction, in_transaction
from services.chassis.events import EventData
from services.chassis.rows import SERVICE
from services.contracts import registry
from services.contracts.points_hukou import HouseholdTransferConflictOpened
from services.points_hukou.store.snapshot import snapshot
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect
from tests.points_hukou.story import NEXT_TOWN, Story, copy_of
from tests.points_hukou.test_application_conflicts import merged
from tests.points_hukou.test_household_transfers import ALL, DAY, entered, entry, resident, window
from tests.points_hukou.window import on, tell

CONFLICTS = "/v1/points/household-transfer-conflicts"


@pytest.fixture(autouse=True)
async def today(office: PointsOffice) -> AsyncIterator[None]:
    async with on(office, DAY):
        yield


async def two(office: PointsOffice) -> tuple[Story, Story, list[str]]:
    """Two persons with an open transfer each; the first is found to be the second's duplicate."""
    duplicate, kept = await resident(office), await resident(office)
    made = [expect(await window(office).post(ALL, entry(each)), 201)["transfer_id"] for each in (duplicate, kept)]
    return duplicate, kept, made


async def conflicts(office: PointsOffice, pair: list[str], division: str = CITY, status: str = "open") -> list[dict[str, Any]]:
    """Those of a status between these two."""
    items = expect(await window(office, division=division).get(f"{CONFLICTS}?status={status}&limit=200"), 200)["items"]
    return [each for each in items if {each["transfer_id"], each["other_transfer_id"]} == set(pair)]


async def test_neither_goes_on_until_one_is_withdrawn(office: PointsOffice) -> None:
    duplicate, kept, pair = await two(office)
    first, second = pair
    expect(await window(office).post(f"{ALL}/{first}/approve"), 200)
    assert await conflicts(office, pair) == []
    await merged(office, duplicate, kept)
    (conflict,) = await conflicts(office, pair)
    assert (conflict["person_id"], conflict["status"]) == (str(kept.person_id), "open")
    refused = await window(office).post(f"{ALL}/{second}/approve")
    assert (code_of(refused), refused.json()["conflict_ids"]) == ("transfer-conflict-open", [conflict["conflict_id"]])
    assert code_of(await window(office, "officer-2").post(f"{ALL}/{first}/complete", entered())) == "transfer-conflict-open"
    expect(await window(office).post(f"{ALL}/{second}/withdraw", {"reason": "重复立案"}), 200)
    assert await conflicts(office, pair) == []
    assert len(await conflicts(office, pair, status="settled")) == 1
    expect(await window(office, "officer-2").post(f"{ALL}/{first}/complete", entered()), 200)


async def test_a_merge_taken_back_settles_it(office: PointsOffice) -> None:
    duplicate, kept, pair = await two(office)
    await merged(office, duplicate, kept)
    assert len(await conflicts(office, pair)) == 1
    told = len(duplicate.events)
    duplicate.merge(registry.PersonUnmerged, 2, kept.person_id)
    await tell(office, duplicate, told)
    assert len(await conflicts(office, pair, status="settled")) == 1
    for each in pair:
        expect(await window(office).post(f"{ALL}/{each}/approve"), 200)


async def test_it_is_told_once_and_to_a_new_neighbour_and_shown_to_its_offices(office: PointsOffice) -> None:
    duplicate, kept, pair = await two(office)
    await merged(office, duplicate, kept)
    await office.tell([copy_of(message) for message in duplicate.messages()])
    await office.settled()
    (conflict,) = await conflicts(office, pair)
    assert await conflicts(office, pair, division=NEXT_TOWN) == []
    rows = await Looking(office.service.runtime.pool).fetch(
        "SELECT event_type FROM outbox WHERE data LIKE $1", f"%{conflict['conflict_id']}%"
    )
    assert [row["event_type"] for row in rows] == ["points_hukou.household_transfer_conflict.opened.v1"]
    runtime = office.service.runtime

    async def told(tx: Transaction) -> dict[UUID, list[EventData]]:
        return {key: states async for key, states in snapshot(tx, runtime.keyring)}

    states = (await in_transaction(runtime.pool, told, rows=SERVICE))[kept.person_id]
    assert [str(each.conflict_id) for each in states if isinstance(each, HouseholdTransferConflictOpened)] == [
        conflict["conflict_id"]
    ]
