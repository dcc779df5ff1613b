"""Places of a list: whose they are, what stays of them, and how they are handed on."""

import asyncio
import json
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.chassis.ids import new_id
from services.chassis.sealing import KeyKind, is_of
from services.contracts import registry
from services.points_hukou import jobs
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.story import NEXT_TOWN, TOWN, Story
from tests.points_hukou.test_household_transfers import run
from tests.points_hukou.test_round_validity import act, held
from tests.points_hukou.test_rounds import ALL as ROUNDS
from tests.points_hukou.test_rounds import (
    OVER,
    PUBLISHED,
    START,
    applied,
    candidates,
    desk,
    grown_up,
    known,
    opened,
    places,
)
from tests.points_hukou.window import ALL as APPLICATIONS
from tests.points_hukou.window import on


@pytest.fixture(scope="module")
async def law(office: PointsOffice) -> dict[str, Any]:
    async with on(office, START):
        return await in_force(office, START, "school", "housing", "rest_leave", "other", "health_check")


async def finished(office: PointsOffice, one: str) -> None:
    """The list is final."""
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
    async with on(office, OVER):
        await act(office, one, "finish")


async def erased(office: PointsOffice, story: Story) -> None:
    """The registry has erased somebody."""
    story.deletion()
    await office.tell(story.messages(first=len(story.events)))
    await office.settled()


async def lines(office: PointsOffice, operation: str, person_id: UUID) -> list[dict[str, Any]]:
    """The evidence of such acts about a person."""
    rows = await Looking(office.service.runtime.pool).fetch("SELECT line FROM audit_line WHERE person_id = $1", person_id)
    found = [json.loads(row["line"]) for row in rows]
    return [line for line in found if line["operation"] == operation]


async def test_who_moved_away_within_one_registration_stays_in_the_towns_round(
    office: PointsOffice, law: dict[str, Any]
) -> None:
    mover, registration = Story(), new_id()
    mover.person(birth_date=date(1985, 1, 15))
    mover.registration(registry.ResidenceRegistrationRegistered, registration, 1)
    mover.permit(registry.ResidencePermitIssued, new_id(), 1)
    mover.employment(registry.EmploymentStarted, new_id(), 1)
    await known(office, mover)
    application = await applied(office, mover, "school")
    mover.registration(registry.ResidenceRegistrationChanged, registration, 2, division_code=NEXT_TOWN)
    await office.tell(mover.messages(first=len(mover.events)))
    await office.settled()
    assert await office.status(mover.person_id, TOWN) == 404, "the town sees the file no more"
    town = desk(office, TOWN)
    async with on(office, START):
        terms = {"notice_working_days": 5, "objection_working_days": 5, "freeze_on": "2026-03-31"}
        made = expect(await town.post(f"{ROUNDS}", {"purpose": "school", "division_code": TOWN, "quota": 50, **terms}), 201)
    one = f"{ROUNDS}/{made['round_id']}"
    async with on(office, PUBLISHED):
        assert expect(await town.post(f"{one}/rank"), 200)["standing"] == 1
        (row,) = expect(await town.get(f"{one}/places"), 200)["items"]
        assert (row["application_id"], row["masked_name"], row["outcome"]) == (application, "王*", "admitted")
        expect(await desk(office).post(f"{APPLICATIONS}/{application}/withdraw"), 200)


async def test_a_town_without_places_is_refused_by_name(office: PointsOffice, law: dict[str, Any]) -> None:
    (stranger,) = await candidates(office, "rest_leave", [44], NEXT_TOWN)
    one = await opened(office, "rest_leave", 5, town_quotas=[{"division_code": TOWN, "places": 5}])
    async with on(office, PUBLISHED):
        refused = await desk(office).post(f"{one}/rank")
        assert (code_of(refused), refused.json()["application_ids"]) == ("town-without-quota", [stranger])
        expect(await desk(office).post(f"{APPLICATIONS}/{stranger}/withdraw"), 200)
        await act(office, one, "rank")


async def test_a_ranking_that_was_replaced_stays_known(office: PointsOffice, law: dict[str, Any]) -> None:
    first, second = await candidates(office, "health_check", [41, 46])
    one = await opened(office, "health_check", 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        expect(await desk(office).post(f"{APPLICATIONS}/{first}/withdraw"), 200)
    async with on(office, OVER):
        assert (await act(office, one, "rank"))["rankings"] == 2
        earlier = expect(await desk(office).get(f"{one}/places?ranking=1"), 200)["items"]
        assert [(row["application_id"], row["superseded_on"]) for row in earlier] == [
            (first, OVER.isoformat()),
            (second, OVER.isoformat()),
        ]
        assert [(row["application_id"], row["superseded_on"]) for row in await places(office, one)] == [(second, None)]
        assert await held(office, one) == [second]


async def test_ties_are_shown_and_places_lie_under_the_persons_key(office: PointsOffice, law: dict[str, Any]) -> None:
    await candidates(office, "other", [41])
    one = await opened(office, "other", 50)
    async with on(office, PUBLISHED):
        await act(office, one, "rank")
        (row,) = await places(office, one)
        assert row["tie_breaks"] == {}, "this rule set breaks no ties"
        plain = desk(office, scopes=frozenset({"points.round.read"}))
        assert {each["tie_breaks"] for each in expect(await plain.get(f"{one}/places"), 200)["items"]} == {None}
    stored = await Looking(office.service.runtime.pool).fetch("SELECT sealed FROM round_place")
    assert all(is_of(KeyKind.PERSON, each["sealed"]) for each in stored)


async def test_evidence_names_who_gave_up_and_who_moved_up(office: PointsOffice, law: dict[str, Any]) -> None:
    leaver, follower = grown_up(41), grown_up(46)
    await known(office, leaver, follower)
    first, _ = [await applied(office, each, "housing") for each in (leaver, follower)]
    one = await opened(office, "housing", 1)
    await finished(office, one)
    async with on(office, OVER):
        expect(await desk(office).post(f"{one}/give-up", {"application_id": first}), 200)
    (gave_up,), (moved_up,) = (
        await lines(office, "give_up", leaver.person_id),
        await lines(office, "move_up", follower.person_id),
    )
    assert {line["resource"] for line in (gave_up, moved_up)} == {"round_place"}


async def test_a_place_of_somebody_erased_is_handed_on_at_once(office: PointsOffice, law: dict[str, Any]) -> None:
    gone, follower = grown_up(41), grown_up(46)
    await known(office, gone, follower)
    _, second = [await applied(office, each, "housing", NEXT_TOWN) for each in (gone, follower)]
    one = await opened(office, "housing", 1, town_quotas=[{"division_code": NEXT_TOWN, "places": 1}], division_code=NEXT_TOWN)
    await finished(office, one)
    async with on(office, OVER):
        await erased(office, gone)
        assert await held(office, one) == [second]
        assert len(await lines(office, "leave", gone.person_id)) == 1


async def test_a_place_of_who_withdraws_after_the_final_list_is_handed_on(office: PointsOffice, law: dict[str, Any]) -> None:
    winner, next_one, _ = await candidates(office, "other", [43, 45, 47], NEXT_TOWN)
    one = await opened(office, "other", 1, division_code=NEXT_TOWN)
    await finished(office, one)
    async with on(office, OVER):
        expect(await desk(office).post(f"{APPLICATIONS}/{winner}/withdraw"), 200)
        for _ in range(2):
            await run(office, jobs.hand_on_left_places)
            assert await held(office, one) == [next_one]


async def test_who_won_elsewhere_meanwhile_moves_up_nowhere(office: PointsOffice, law: dict[str, Any]) -> None:
    best, double, last = await candidates(office, "school", [42, 45, 48])
    one = await opened(office, "school", 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        ranking = {row["application_id"]: row["outcome"] for row in await places(office, one)}
        assert ranking[best] == "admitted"
    two = await opened(office, "school", 1)
    async with on(office, PUBLISHED):
        await act(office, two, "rank", "publish")
        assert await held(office, two) == [double]
    async with on(office, OVER):
        await act(office, two, "finish")
        await act(office, one, "finish")
        expect(await desk(office).post(f"{one}/give-up", {"application_id": best}), 200)
        assert await held(office, one) == [last]


async def test_what_waited_for_an_office_ends_with_the_person_and_leaves_its_trail(
    office: PointsOffice, law: dict[str, Any]
) -> None:
    story = grown_up(42)
    await known(office, story)
    async with on(office, START):
        body = {"person_id": str(story.person_id), "purpose": "rest_leave", "division_code": TOWN}
        application = expect(await desk(office).post(APPLICATIONS, body), 201)["application_id"]
    await erased(office, story)
    looking = Looking(office.service.runtime.pool)
    facts = await looking.fetch("SELECT event_type FROM outbox WHERE partition_key = $1 ORDER BY sequence", story.person_id)
    assert facts[-1]["event_type"] == "points_hukou.application.withdrawn.v1"
    assert len(await lines(office, "forget", story.person_id)) == 1
    versions = await looking.fetch(
        "SELECT version, person_id FROM history WHERE resource_id = $1 ORDER BY version DESC", UUID(application)
    )
    assert (versions[0]["version"], versions[0]["person_id"]) == (2, None)
    keys = await looking.fetch("SELECT FROM person_key WHERE person_id = $1", story.person_id)
    assert keys == [], "no key was made for somebody who is gone"


async def test_the_same_place_is_not_handed_on_twice_by_erasure_and_office(office: PointsOffice, law: dict[str, Any]) -> None:
    stories = [grown_up(age) for age in (41, 43, 45, 47, 49)]
    await known(office, *stories)
    ids = [await applied(office, each, "health_check", CITY) for each in stories]
    one = await opened(office, "health_check", 2)
    await finished(office, one)
    async with on(office, OVER):
        before = await held(office, one)
        gone = next(story for story, each in zip(stories, ids, strict=True) if each == before[0])
        gone.deletion()
        await asyncio.gather(
            office.tell(gone.messages(first=len(gone.events))),
            desk(office).post(f"{one}/give-up", {"application_id": before[0]}),
            desk(office).post(f"{one}/give-up", {"application_id": before[1]}),
        )
        await office.settled()
        after = await held(office, one)
        assert len(after) == 2
        assert not set(after) & set(before)


async def test_whom_a_recheck_gave_more_loses_no_turn(office: PointsOffice, law: dict[str, Any]) -> None:
    winner, waiting, last = grown_up(41), grown_up(46), grown_up(50)
    await known(office, winner, waiting, last)
    first, second, _ = [await applied(office, each, "other", NEXT_TOWN) for each in (winner, waiting, last)]
    one = await opened(office, "other", 1, division_code=NEXT_TOWN)
    await finished(office, one)
    async with on(office, OVER):
        expect(await desk(office).post(f"{APPLICATIONS}/{second}/ask-recheck", {"reason": "出生日期有误"}), 200)
        waiting.person(registry.PersonCorrected, birth_date=date(2026 - 44, 1, 15))
        await office.tell(waiting.messages(first=len(waiting.events)))
        await office.settled()
        expect(await desk(office).post(f"{APPLICATIONS}/{second}/recheck"), 200)
        expect(await desk(office).post(f"{one}/give-up", {"application_id": first}), 200)
        assert await held(office, one) == [second]
