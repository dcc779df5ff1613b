"""A place whose holder's score fell after the list was final: told once, decided by an officer (P-27, V-28)."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.contracts import registry
from services.points_hukou import jobs
from tests.looking import Looking
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.rule_sets import expect, in_force
from tests.points_hukou.story import Story
from tests.points_hukou.test_household_transfers import run
from tests.points_hukou.test_round_places import finished
from tests.points_hukou.test_round_validity import asks_recheck, held
from tests.points_hukou.test_rounds import OVER, START, applied, desk, grown_up, known, opened, places
from tests.points_hukou.window import ALL as APPLICATIONS
from tests.points_hukou.window import on


@pytest.fixture(scope="module")
async def law(office: PointsOffice) -> dict[str, Any]:
    async with on(office, START):
        return await in_force(office, START, "housing", "other")


async def rescored(office: PointsOffice, story: Story, application: str, age: int) -> None:
    """An officer looks again, after the registry corrected how old somebody is."""
    await asks_recheck(office, application)
    told = len(story.events)
    story.person(registry.PersonCorrected, birth_date=date(2026 - age, 1, 15))
    await office.tell(story.messages(first=told + 1))
    await office.settled()
    expect(await desk(office).post(f"{APPLICATIONS}/{application}/recheck"), 200)
    await run(office, jobs.tell_lowered_places)
    await run(office, jobs.tell_lowered_places)


async def told(office: PointsOffice, one: str) -> int:
    """How often followers were told of a lowered place of a round."""
    rows = await Looking(office.service.runtime.pool).fetch(
        "SELECT division_codes FROM outbox WHERE partition_key = $1 AND event_type = 'points_hukou.round_place.lowered.v1'",
        UUID(one.rpartition("/")[2]),
    )
    return len(rows)


async def test_it_is_told_once_and_shown_until_an_officer_decides(office: PointsOffice, law: dict[str, Any]) -> None:
    holder, follower = grown_up(41), grown_up(46)
    await known(office, holder, follower)
    first, second = [await applied(office, each, "housing") for each in (holder, follower)]
    one = await opened(office, "housing", 1)
    await finished(office, one)
    async with on(office, OVER):
        await rescored(office, holder, first, 55)
        (place,) = await places(office, one, admitted=True)
        assert (place["application_id"], place["lowered_on"]) == (first, OVER.isoformat()), "the machine takes no place away"
        assert await told(office, one) == 1
        expect(await desk(office).post(f"{one}/give-up", {"application_id": first}), 200)
        assert await held(office, one) == [second]


async def test_a_score_that_ranks_no_lower_is_nobodys_task(office: PointsOffice, law: dict[str, Any]) -> None:
    holder = grown_up(46)
    await known(office, holder)
    application = await applied(office, holder, "other")
    one = await opened(office, "other", 1)
    await finished(office, one)
    async with on(office, OVER):
        await rescored(office, holder, application, 41)
        (place,) = await places(office, one, admitted=True)
        assert (place["lowered_on"], await told(office, one)) == (None, 0)
