"""Two who applied turn out to be one human: nothing is chosen, an office has one application withdrawn (P-08)."""

from datetime import date
from typing import Any
from uuid import UUID

from services.chassis.db import Transaction, in_transaction
from services.chassis.events import EventData
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE
from services.contracts import registry
from services.contracts.points_hukou import ApplicationConflictOpened
from services.points_hukou.store.snapshot import snapshot
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect
from tests.points_hukou.story import NEXT_TOWN, Story, copy_of
from tests.points_hukou.window import ALL, body, counter, couple, resident, tell
from tests.running import Caller

CONFLICTS = "/v1/points/application-conflicts"


async def merged(office: PointsOffice, duplicate: Story, kept: Story) -> None:
    told = len(duplicate.events)
    duplicate.merge(registry.PersonMerged, 1, kept.person_id)
    await tell(office, duplicate, told)


async def applied(window: Caller, story: Story, **more: Any) -> str:
    return str(expect(await window.post(ALL, body(story, **more)), 201)["application_id"])


async def conflicts(window: Caller, *applications: str, status: str = "open") -> list[dict[str, Any]]:
    """Those of a status between two of these applications, in whatever order."""
    items = expect(await window.get(f"{CONFLICTS}?status={status}&limit=200"), 200)["items"]
    return [each for each in items if {each["application_id"], each["other_application_id"]} == set(applications)]


async def test_a_merge_puts_two_applications_before_people(office: PointsOffice, open_window: Caller) -> None:
    kept, duplicate = await resident(office), await resident(office)
    one, other = await applied(open_window, kept), await applied(open_window, duplicate)
    assert await conflicts(open_window, one, other) == []
    await merged(office, duplicate, kept)
    (conflict,) = await conflicts(open_window, one, other)
    assert (conflict["person_id"], conflict["purpose"], conflict["status"]) == (str(kept.person_id), "school", "open")
    for each in (one, other):
        expect(await open_window.post(f"{ALL}/{each}/score"), 200)
        refused = await open_window.post(f"{ALL}/{each}/confirm")
        assert code_of(refused) == "application-conflict-open"
        assert refused.json()["conflict_ids"] == [conflict["conflict_id"]]
    expect(await open_window.post(f"{ALL}/{other}/withdraw"), 200)
    assert await conflicts(open_window, one, other) == []
    assert len(await conflicts(open_window, one, other, status="settled")) == 1
    expect(await open_window.post(f"{ALL}/{one}/confirm"), 200)


async def test_a_recheck_waits_too_and_a_merge_taken_back_settles_it(office: PointsOffice, open_window: Caller) -> None:
    kept, duplicate = await resident(office), await resident(office)
    one, other = await applied(open_window, kept), await applied(open_window, duplicate)
    expect(await open_window.post(f"{ALL}/{one}/score"), 200)
    expect(await open_window.post(f"{ALL}/{one}/refuse-automatic", {"reason": "请人工审核"}), 200)
    await merged(office, duplicate, kept)
    assert code_of(await open_window.post(f"{ALL}/{one}/recheck", {})) == "application-conflict-open"
    told = len(duplicate.events)
    duplicate.merge(registry.PersonUnmerged, 2, kept.person_id)
    await tell(office, duplicate, told)
    assert len(await conflicts(open_window, one, other, status="settled")) == 1
    expect(await open_window.post(f"{ALL}/{one}/recheck", {}), 200)


async def test_of_two_aliases_of_one_human_and_of_a_spouse_it_is_the_same(office: PointsOffice, open_window: Caller) -> None:
    kept, first = await resident(office), await resident(office)
    applicant, spouse = await couple(office, date(1970, 1, 1), date(1992, 1, 1))
    one = await applied(open_window, first)
    other = await applied(open_window, applicant, family_person_ids=[str(spouse.person_id)])
    await merged(office, first, kept)
    assert await conflicts(open_window, one, other) == []
    await merged(office, spouse, kept)
    (conflict,) = await conflicts(open_window, one, other)
    assert conflict["person_id"] == str(kept.person_id)


async def test_a_child_of_two_ids_is_applied_for_once(office: PointsOffice, open_window: Caller) -> None:
    parents = [await resident(office), await resident(office)]
    children = [await resident(office, date(2020, 2, 2)), await resident(office, date(2020, 2, 2))]
    applications = []
    for parent, child in zip(parents, children, strict=True):
        told = len(child.events)
        child.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=parent.person_id, kind="parent")
        await tell(office, child, told)
        applications.append(await applied(open_window, parent, for_person_id=str(child.person_id)))
    await merged(office, children[1], children[0])
    (conflict,) = await conflicts(open_window, *applications)
    assert conflict["person_id"] == str(children[0].person_id)


async def test_other_uses_and_what_is_settled_are_no_conflict(office: PointsOffice, open_window: Caller) -> None:
    kept, duplicate, third = [await resident(office) for _ in range(3)]
    one, other = await applied(open_window, kept), await applied(open_window, duplicate, purpose="housing")
    confirmed = await applied(open_window, third)
    expect(await open_window.post(f"{ALL}/{confirmed}/score"), 200)
    expect(await open_window.post(f"{ALL}/{confirmed}/confirm"), 200)
    await merged(office, duplicate, kept)
    await merged(office, third, kept)
    listed = expect(await open_window.get(f"{CONFLICTS}?limit=200"), 200)["items"]
    named = {each[name] for each in listed for name in ("application_id", "other_application_id")}
    assert not named & {one, other, confirmed}


async def test_it_is_told_once_whatever_comes_twice_and_to_a_new_neighbour(office: PointsOffice, open_window: Caller) -> None:
    kept, duplicate = await resident(office), await resident(office)
    one, other = await applied(open_window, kept), await applied(open_window, duplicate)
    await merged(office, duplicate, kept)
    await office.tell([*(copy_of(message) for message in duplicate.messages()), duplicate.snapshot(len(duplicate.events))])
    await office.settled()
    (conflict,) = await conflicts(open_window, one, other)
    looking = Looking(office.service.runtime.pool)
    rows = await looking.fetch(
        "SELECT event_type, division_codes FROM outbox WHERE data LIKE $1", f"%{conflict['conflict_id']}%"
    )
    assert [row["event_type"] for row in rows] == ["points_hukou.application_conflict.opened.v1"]
    assert rows[0]["division_codes"] == ["330282107", "330282107"]
    assert (
        await looking.fetchval("SELECT count(*) FROM audit_line WHERE line LIKE $1", f'%"open"%{conflict["conflict_id"]}%') == 1
    )
    runtime = office.service.runtime

    async def told(tx: Transaction) -> dict[UUID, list[EventData]]:
        return {key: states async for key, states in snapshot(tx, runtime.keyring)}

    states = (await in_transaction(runtime.pool, told, rows=SERVICE))[kept.person_id]
    assert [str(each.conflict_id) for each in states if isinstance(each, ApplicationConflictOpened)] == [
        conflict["conflict_id"]
    ]


async def test_it_is_shown_to_the_offices_that_have_the_cases(office: PointsOffice, open_window: Caller) -> None:
    kept, duplicate = await resident(office), await resident(office)
    city = counter(office, division=CITY)
    one = await applied(open_window, kept)
    other = await applied(city, duplicate, division_code=NEXT_TOWN)
    await merged(office, duplicate, kept)
    next_town, third = counter(office, division=NEXT_TOWN), counter(office, division="330282104")
    for window, number in ((open_window, 1), (next_town, 1), (city, 1), (third, 0)):
        assert len(await conflicts(window, one, other)) == number
    assert code_of(await next_town.get(f"{ALL}/{one}")) == "application-not-found"
