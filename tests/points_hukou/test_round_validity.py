"""A list goes public, and is final, only as long as it says what its applications and scores say (P-26, P-27, V-28)."""

from datetime import date
from typing import Any

import pytest

from services.chassis.ids import new_id
from services.contracts import registry
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.story import NEXT_TOWN, TOWN, Story
from tests.points_hukou.test_rounds import (
    OVER,
    PUBLISHED,
    SCOPES,
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


async def act(office: PointsOffice, one: str, *acts: str, status: int = 200) -> dict[str, Any]:
    """The answer to the last of the acts on a round."""
    answer: dict[str, Any] = {}
    for each in acts:
        answer = expect(await desk(office).post(f"{one}/{each}"), status)
    return answer


async def held(office: PointsOffice, one: str) -> list[str]:
    """The applications that hold a place."""
    return [row["application_id"] for row in await places(office, one, admitted=True)]


async def asks_recheck(office: PointsOffice, application: str) -> None:
    expect(await desk(office).post(f"{APPLICATIONS}/{application}/ask-recheck", {"reason": "请复核"}), 200)


async def test_an_upheld_objection_orders_the_recheck_it_rests_on(office: PointsOffice, law: dict[str, Any]) -> None:
    first, _ = await candidates(office, "other", [41, 46])
    one = await opened(office, "other", 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        said = expect(await desk(office).post(f"{one}/objections", {"application_id": first, "reason": "居住不实"}), 201)
        answer = f"{one}/objections/{said['objection_id']}/answer"
        expect(await desk(office).post(answer, {"outcome": "upheld", "answer": "确有疑问"}), 200)
        asked = expect(await desk(office).get(f"{APPLICATIONS}/{first}"), 200)
        assert (asked["status"], asked["words"], asked["confirmed_by"]) == ("in_recheck", ["确有疑问"], None)
        refused = await desk(office).post(f"{one}/rank")
        assert (code_of(refused), refused.json()["waiting"]) == ("round-not-settled", {"in_recheck": 1})
        expect(await desk(office).post(f"{APPLICATIONS}/{first}/recheck"), 200)
    async with on(office, OVER):
        refused = await desk(office).post(f"{one}/finish")
        assert (code_of(refused), refused.json()["upheld"]) == ("round-not-over", 1)
        again = await act(office, one, "rank")
        assert again["status"] == "published", "the list that is up says the same as before"
        assert again["notice_until"] == "2026-04-09"
        (settled,) = expect(await desk(office).get(f"{one}/objections"), 200)["items"]
        assert (settled["settled_on"], settled["version"]) == (OVER.isoformat(), 3)
        await act(office, one, "finish")
        assert await held(office, one) == [first]


async def test_what_is_not_true_any_more_is_not_published(office: PointsOffice, law: dict[str, Any]) -> None:
    first, second = await candidates(office, "housing", [41, 46])
    one = await opened(office, "housing", 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank")
        expect(await desk(office).post(f"{APPLICATIONS}/{first}/withdraw"), 200)
        refused = await desk(office).post(f"{one}/publish")
        counts = {name: refused.json()[name] for name in ("left", "rescored", "joined")}
        assert (code_of(refused), counts) == ("ranking-out-of-date", {"left": 1, "rescored": 0, "joined": 0})
        await act(office, one, "rank", "publish")
        assert await held(office, one) == [second]
        expect(await desk(office).post(f"{APPLICATIONS}/{second}/withdraw"), 200)
        await act(office, one, "rank", "publish")


async def test_who_withdraws_during_the_notice_is_on_no_final_list(office: PointsOffice, law: dict[str, Any]) -> None:
    first, second, third, fourth = await candidates(office, "rest_leave", [41, 44, 47, 50])
    one = await opened(office, "rest_leave", 2)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        for gone in (first, third):
            expect(await desk(office).post(f"{APPLICATIONS}/{gone}/withdraw"), 200)
    async with on(office, OVER):
        assert (await act(office, one, "finish"))["finished_by"] == "officer-1"
        rows = {row["application_id"]: row for row in await places(office, one)}
        assert await held(office, one) == [second, fourth]
        assert {each for each, row in rows.items() if row["given_up_on"] == OVER.isoformat()} == {first, third}
        assert rows[fourth]["moved_up_on"] == OVER.isoformat()


async def test_who_is_erased_during_the_notice_holds_nothing(office: PointsOffice, law: dict[str, Any]) -> None:
    gone, follower = grown_up(31), grown_up(46)
    await known(office, gone, follower)
    _, second = [await applied(office, each, "rest_leave", NEXT_TOWN) for each in (gone, follower)]
    one = await opened(office, "rest_leave", 1, division_code=NEXT_TOWN)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        gone.deletion()
        await office.tell(gone.messages(first=len(gone.events)))
        await office.settled()
        assert await held(office, one) != [second], "no list is final yet"
    async with on(office, OVER):
        await act(office, one, "finish")
        assert await held(office, one) == [second]


async def test_whose_counted_score_went_with_a_spouse_is_scored_again_first(office: PointsOffice, law: dict[str, Any]) -> None:
    spouse, applicant = grown_up(31), grown_up(52)
    applicant.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=spouse.person_id)
    await known(office, spouse, applicant)
    asked = {"family_person_ids": [str(spouse.person_id)]}
    application = await applied(office, applicant, "health_check", NEXT_TOWN, **asked)
    one = await opened(office, "health_check", 1, division_code=NEXT_TOWN)
    spouse.deletion()
    await office.tell(spouse.messages(first=len(spouse.events)))
    await office.settled()
    async with on(office, PUBLISHED):
        refused = await desk(office).post(f"{one}/rank")
        assert (code_of(refused), refused.json()["waiting"]) == ("round-not-settled", {"without_score": 1})
        await asks_recheck(office, application)
        expect(await desk(office).post(f"{APPLICATIONS}/{application}/recheck"), 200)
        await act(office, one, "rank")
        assert await held(office, one) == [application]


async def test_a_list_is_not_final_while_a_score_of_it_is_looked_at(office: PointsOffice, law: dict[str, Any]) -> None:
    younger, older = grown_up(43), grown_up(47)
    await known(office, younger, older)
    first, second = [await applied(office, each, "health_check") for each in (younger, older)]
    one = await opened(office, "health_check", 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        await asks_recheck(office, first)
    async with on(office, OVER):
        refused = await desk(office).post(f"{one}/finish")
        assert (code_of(refused), refused.json()["waiting"]) == ("round-not-settled", {"in_recheck": 1})
        younger.person(registry.PersonCorrected, birth_date=date(2026 - 52, 1, 15))
        await office.tell(younger.messages(first=len(younger.events)))
        await office.settled()
        expect(await desk(office).post(f"{APPLICATIONS}/{first}/recheck"), 200)
        refused = await desk(office).post(f"{one}/finish")
        assert (code_of(refused), refused.json()["rescored"]) == ("ranking-out-of-date", 1)
        assert (await act(office, one, "rank"))["status"] == "ranked"
        assert (await act(office, one, "publish"))["notice_until"] == "2026-04-20"
    async with on(office, date(2026, 4, 21)):
        await act(office, one, "finish")
        assert await held(office, one) == [second]


async def test_who_is_found_to_stand_after_all_is_ranked(office: PointsOffice, law: dict[str, Any]) -> None:
    settled, without_permit = grown_up(43), Story()
    without_permit.person(birth_date=date(1985, 1, 15))
    without_permit.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, division_code=TOWN)
    without_permit.employment(registry.EmploymentStarted, new_id(), 1)
    await known(office, settled, without_permit)
    first, found = [await applied(office, each, "school") for each in (settled, without_permit)]
    one = await opened(office, "school", 5)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        assert await held(office, one) == [first]
        await asks_recheck(office, found)
        without_permit.permit(registry.ResidencePermitIssued, new_id(), 1, division_code=TOWN)
        await office.tell(without_permit.messages(first=len(without_permit.events)))
        await office.settled()
        expect(await desk(office).post(f"{APPLICATIONS}/{found}/recheck"), 200)
    async with on(office, OVER):
        refused = await desk(office).post(f"{one}/finish")
        assert (code_of(refused), refused.json()["joined"]) == ("ranking-out-of-date", 1)
        await act(office, one, "rank")
        assert set(await held(office, one)) == {first, found}


async def test_every_act_names_its_officer(office: PointsOffice, law: dict[str, Any]) -> None:
    await candidates(office, "housing", [42])
    one = await opened(office, "housing", 9)
    officers = {"rank": "officer-7", "publish": "officer-8", "finish": "officer-9"}
    answer: dict[str, Any] = {}
    for each, officer in officers.items():
        by = office.service.caller(SCOPES, division=CITY, purpose="points", actor=officer)
        async with on(office, OVER if each == "finish" else PUBLISHED):
            answer = expect(await by.post(f"{one}/{each}"), 200)
    assert [answer[name] for name in ("ranked_by", "published_by", "finished_by")] == list(officers.values())


async def test_what_was_public_is_led_to_its_end(office: PointsOffice, law: dict[str, Any]) -> None:
    """Ranked anew because somebody left, it is not cancelled: whoever objected meanwhile would never have an answer."""
    first, second = await candidates(office, "other", [42, 47])
    one = await opened(office, "other", 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        expect(await desk(office).post(f"{one}/objections", {"application_id": second, "reason": "居住不实"}), 201)
        expect(await desk(office).post(f"{APPLICATIONS}/{first}/withdraw"), 200)
        await asks_recheck(office, second)
        expect(await desk(office).post(f"{APPLICATIONS}/{second}/recheck"), 200)
        await act(office, one, "rank")
        assert code_of(await desk(office).post(f"{one}/cancel")) == "round-act-not-allowed"
        await act(office, one, "publish")
