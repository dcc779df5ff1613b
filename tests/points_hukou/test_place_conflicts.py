"""Two who hold places of final lists turn out to be one human: one place is given up, and nobody moves on either until then."""

from datetime import date
from typing import Any

import pytest

from services.contracts import registry
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.story import NEXT_TOWN, TOWN, Story
from tests.points_hukou.test_application_conflicts import conflicts, merged
from tests.points_hukou.test_household_transfers import ALL as TRANSFERS
from tests.points_hukou.test_household_transfers import DAY, FINAL, HANGZHOU, entry, hangzhou, resident, window, with_a_place
from tests.points_hukou.test_round_places import finished
from tests.points_hukou.test_round_validity import held
from tests.points_hukou.test_rounds import ALL as ROUNDS
from tests.points_hukou.test_rounds import OVER, START, applied, desk, grown_up, known, opened
from tests.points_hukou.window import ALL as APPLICATIONS
from tests.points_hukou.window import counter, on, tell

__all__ = ["hangzhou"]


@pytest.fixture(scope="module")
async def law(office: PointsOffice) -> dict[str, Any]:
    async with on(office, START):
        return await in_force(office, START, "housing", "other", "rest_leave")


async def holder(office: PointsOffice, story: Story, purpose: str, town: str) -> tuple[str, str]:
    """An application of somebody, and the round of that town in which it won a place."""
    await known(office, story)
    application = await applied(office, story, purpose, town)
    one = await opened(office, purpose, 1, division_code=town)
    await finished(office, one)
    return application, one


async def test_of_two_places_of_one_human_one_is_given_up(office: PointsOffice, law: dict[str, Any]) -> None:
    kept, duplicate = grown_up(41), grown_up(42, NEXT_TOWN)
    (here, _), (there, other_round) = [
        await holder(office, story, "housing", town) for story, town in ((kept, TOWN), (duplicate, NEXT_TOWN))
    ]
    async with on(office, OVER):
        city, next_town, third = (
            counter(office, division=CITY),
            counter(office, division=NEXT_TOWN),
            counter(office, division="330282104"),
        )
        assert await conflicts(city, here, there) == []
        await merged(office, duplicate, kept)
        (conflict,) = await conflicts(city, here, there)
        assert (conflict["person_id"], conflict["purpose"]) == (str(kept.person_id), "housing")
        assert len(await conflicts(next_town, here, there)) == 1
        assert await conflicts(third, here, there) == []
        expect(await desk(office).post(f"{other_round}/give-up", {"application_id": there}), 200)
        assert await conflicts(city, here, there) == []
        assert len(await conflicts(city, here, there, status="settled")) == 1


async def test_a_withdrawal_or_a_merge_taken_back_settles_it(office: PointsOffice, law: dict[str, Any]) -> None:
    kept, duplicate = grown_up(41), grown_up(42, NEXT_TOWN)
    (here, _), (there, _) = [
        await holder(office, story, "other", town) for story, town in ((kept, TOWN), (duplicate, NEXT_TOWN))
    ]
    async with on(office, OVER):
        city = counter(office, division=CITY)
        await merged(office, duplicate, kept)
        assert len(await conflicts(city, here, there)) == 1
        told = len(duplicate.events)
        duplicate.merge(registry.PersonUnmerged, 2, kept.person_id)
        await tell(office, duplicate, told)
        assert len(await conflicts(city, here, there, status="settled")) == 1
        told = len(duplicate.events)
        duplicate.merge(registry.PersonMerged, 3, kept.person_id)
        await tell(office, duplicate, told)
        assert len(await conflicts(city, here, there)) == 1, "the same one is open again"
        expect(await desk(office).post(f"{APPLICATIONS}/{here}/withdraw"), 200)
        assert len(await conflicts(city, here, there, status="settled")) == 1


async def test_a_place_won_after_the_other_list_was_final_is_no_conflict(office: PointsOffice, law: dict[str, Any]) -> None:
    """As for one id: whoever applied later may have another year's place."""
    kept, duplicate = grown_up(41), grown_up(42, NEXT_TOWN)
    here, _ = await holder(office, kept, "rest_leave", TOWN)
    await known(office, duplicate)
    body = {"person_id": str(duplicate.person_id), "purpose": "rest_leave", "division_code": NEXT_TOWN}
    terms = {"freeze_on": "2026-08-10", "notice_working_days": 5, "objection_working_days": 5}
    async with on(office, date(2026, 8, 3)):
        there = str(expect(await desk(office).post(APPLICATIONS, body), 201)["application_id"])
        for act in ("score", "confirm"):
            expect(await desk(office).post(f"{APPLICATIONS}/{there}/{act}"), 200)
        terms |= {"purpose": "rest_leave", "division_code": NEXT_TOWN}
        one = f"{ROUNDS}/{expect(await desk(office).post(ROUNDS, terms | {'quota': 1}), 201)['round_id']}"
    async with on(office, date(2026, 8, 11)):
        for act in ("rank", "publish"):
            expect(await desk(office).post(f"{one}/{act}"), 200)
    async with on(office, date(2026, 9, 29)):
        expect(await desk(office).post(f"{one}/finish"), 200)
        assert await held(office, one) == [there]
        await merged(office, duplicate, kept)
        assert await conflicts(counter(office, division=CITY), here, there) == []


@pytest.mark.usefixtures("hangzhou")
async def test_nobody_moves_on_either_place_meanwhile(office: PointsOffice) -> None:
    city, province = window(office, division=HANGZHOU), window(office, division="330000")
    kept, duplicate = await resident(office, HANGZHOU), await resident(office, HANGZHOU)
    async with on(office, DAY):
        _, place = await with_a_place(office, kept)
    async with on(office, DAY):
        other, other_place = await with_a_place(office, duplicate)
    async with on(office, FINAL):
        one = f"{TRANSFERS}/{expect(await city.post(TRANSFERS, entry(kept, **place)), 201)['transfer_id']}"
        await merged(office, duplicate, kept)
        refused = await city.post(f"{one}/approve")
        assert (code_of(refused), len(refused.json()["conflict_ids"])) == ("application-conflict-open", 1)
        far = {"division_code": "330106", "hukou_division_code": "330106"}
        assert code_of(await province.post(TRANSFERS, entry(kept, **other_place | far))) == "application-conflict-open"
        expect(await city.post(f"{ROUNDS}/{other_place['round_id']}/give-up", {"application_id": other}), 200)
        expect(await city.post(f"{one}/approve"), 200)
