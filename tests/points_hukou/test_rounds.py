"""Rounds: a quota, a freeze day, a ranking by confirmed scores, a masked notice, objections, a final list, next in line."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.chassis.ids import new_id
from services.contracts import registry
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.story import NEXT_TOWN, TOWN, Story
from tests.points_hukou.window import ALL as APPLICATIONS
from tests.points_hukou.window import SCOPES as WINDOW
from tests.points_hukou.window import on
from tests.running import Caller

ALL = "/v1/points/rounds"
START = date(2026, 3, 2)
FREEZE = date(2026, 3, 31)
SCOPES = WINDOW | {"points.round.run", "points.round.read", "points.round.notice", "points.round.object"}
PUBLISHED = date(2026, 4, 1)
OVER = date(2026, 4, 13)


def desk(office: PointsOffice, division: str = CITY, scopes: frozenset[str] = SCOPES) -> Caller:
    """Somebody of the city who runs rounds."""
    return office.service.caller(scopes, division=division, purpose="points", client=f"rounds-{division}")


@pytest.fixture(scope="module")
async def law(office: PointsOffice) -> dict[str, Any]:
    async with on(office, START):
        return await in_force(office, START, "school", "housing", "rest_leave", "other", "health_check")


def grown_up(age: int, town: str = TOWN) -> Story:
    """Somebody who lives and works in a town."""
    story = Story()
    story.person(birth_date=date(2026 - age, 1, 15))
    story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, division_code=town)
    story.permit(registry.ResidencePermitIssued, new_id(), 1, division_code=town)
    story.employment(registry.EmploymentStarted, new_id(), 1)
    return story


async def known(office: PointsOffice, *stories: Story) -> None:
    """They are told of."""
    await office.tell([message for story in stories for message in story.messages()])
    await office.settled()


async def applied(office: PointsOffice, story: Story, purpose: str, town: str = TOWN, **more: Any) -> str:
    """An application an officer stands for; its id."""
    window = desk(office)
    async with on(office, START):
        body = {"person_id": str(story.person_id), "purpose": purpose, "division_code": town}
        application: str = expect(await window.post(APPLICATIONS, body | more), 201)["application_id"]
        expect(await window.post(f"{APPLICATIONS}/{application}/score"), 200)
        expect(await window.post(f"{APPLICATIONS}/{application}/confirm"), 200)
    return application


async def candidates(office: PointsOffice, purpose: str, ages: list[int], town: str = TOWN) -> list[str]:
    """Confirmed applications of people who differ by their age alone, the youngest first in points; their ids."""
    stories = [grown_up(age, town) for age in ages]
    await known(office, *stories)
    return [await applied(office, story, purpose, town) for story in stories]


async def opened(office: PointsOffice, purpose: str, quota: int, **more: Any) -> str:
    """The path of a round just opened."""
    body = {"purpose": purpose, "division_code": CITY, "quota": quota, "freeze_on": FREEZE.isoformat()}
    body |= {"notice_working_days": 5, "objection_working_days": 5}
    async with on(office, START):
        made = expect(await desk(office).post(ALL, body | more), 201)
    return f"{ALL}/{made['round_id']}"


async def places(office: PointsOffice, one: str, *, admitted: bool = False) -> list[dict[str, Any]]:
    """Who stands where."""
    found = expect(await desk(office).get(f"{one}/places?limit=200&admitted={str(admitted).lower()}"), 200)
    items: list[dict[str, Any]] = found["items"]
    return items


async def test_a_round_from_its_opening_to_its_final_list(office: PointsOffice, law: dict[str, Any]) -> None:
    best, second, third, last = await candidates(office, "other", [41, 44, 47, 50])
    one = await opened(office, "other", 2)
    async with on(office, FREEZE):
        assert code_of(await desk(office).post(f"{one}/rank")) == "round-not-frozen"
    async with on(office, PUBLISHED):
        ranked = expect(await desk(office).post(f"{one}/rank"), 200)
        assert (ranked["status"], ranked["standing"]) == ("ranked", 4)
        rows = await places(office, one)
        assert [(row["application_id"], row["rank"], row["outcome"]) for row in rows] == [
            (best, 1, "admitted"),
            (second, 2, "admitted"),
            (third, 3, "below_the_cut"),
            (last, 4, "below_the_cut"),
        ]
        assert ranked["cut_off"] is not None
        assert float(ranked["cut_off"]) == float(rows[1]["total"])
        assert code_of(await desk(office).get(f"{one}/notice")) == "notice-not-up"
        published = expect(await desk(office).post(f"{one}/publish"), 200)
        assert (published["notice_until"], published["objections_until"]) == ("2026-04-09", "2026-04-09")
        notice = expect(await desk(office).get(f"{one}/notice"), 200)["items"]
        assert [entry["application_number"] for entry in notice] == [best, second, third, last]
        assert {entry["masked_name"] for entry in notice} == {"王*"}
        assert set(notice[0]) == {"rank", "application_number", "masked_name", "town", "total", "outcome"}
        assert code_of(await desk(office).post(f"{one}/finish")) == "round-not-over"
        assert code_of(await desk(office).post(f"{one}/rank")) == "round-act-not-allowed"
    async with on(office, date(2026, 4, 9)):
        assert code_of(await desk(office).post(f"{one}/finish")) == "round-not-over"
    async with on(office, date(2026, 4, 10)):
        assert expect(await desk(office).post(f"{one}/finish"), 200)["status"] == "finished"
        assert code_of(await desk(office).get(f"{one}/notice")) == "notice-not-up"
        given = expect(await desk(office).post(f"{one}/give-up", {"application_id": best}), 200)
        assert given["status"] == "finished"
        held = await places(office, one, admitted=True)
        assert [(row["application_id"], row["rank"]) for row in held] == [(second, 2), (third, 3)]
        assert code_of(await desk(office).post(f"{one}/give-up", {"application_id": best})) == "place-not-held"
        assert code_of(await desk(office).post(f"{one}/give-up", {"application_id": last})) == "place-not-held"
    told = await Looking(office.service.runtime.pool).fetch(
        "SELECT event_type FROM outbox WHERE partition_key = $1 ORDER BY sequence", UUID(given["round_id"])
    )
    facts = [row["event_type"].split(".")[2] for row in told]
    assert facts == ["opened", "published", "finished"]


async def test_of_what_concerns_children_a_notice_shows_no_names(office: PointsOffice, law: dict[str, Any]) -> None:
    await candidates(office, "school", [42])
    one = await opened(office, "school", 5)
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/rank"), 200)
        expect(await desk(office).post(f"{one}/publish"), 200)
        assert {entry["masked_name"] for entry in expect(await desk(office).get(f"{one}/notice"), 200)["items"]} == {None}


async def test_a_tie_on_the_cut_is_refused_by_name_where_the_law_is_silent(office: PointsOffice, law: dict[str, Any]) -> None:
    await candidates(office, "rest_leave", [41, 45, 45])
    one = await opened(office, "rest_leave", 2)
    async with on(office, PUBLISHED):
        answer = await desk(office).post(f"{one}/rank")
        assert code_of(answer) == "cut-undecided"
        assert "并列" in answer.json()["detail_zh"]
        assert await places(office, one) == []
        assert expect(await desk(office).get(one), 200)["status"] == "open"


async def test_an_objection_upheld_ranks_and_publishes_anew(office: PointsOffice, law: dict[str, Any]) -> None:
    first, second = await candidates(office, "housing", [41, 46])
    one = await opened(office, "housing", 1)
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/rank"), 200)
        expect(await desk(office).post(f"{one}/publish"), 200)
        said = expect(await desk(office).post(f"{one}/objections", {"application_id": first, "reason": "已迁出本市"}), 201)
        assert (said["status"], said["due_on"], said["reason"]) == ("open", "2026-04-09", "已迁出本市")
        stranger = {"application_id": str(new_id()), "reason": "不实"}
        assert code_of(await desk(office).post(f"{one}/objections", stranger)) == "application-not-found"
    async with on(office, OVER):
        late = await desk(office).post(f"{one}/objections", {"application_id": second, "reason": "迟了"})
        assert code_of(late) == "objections-over"
        assert code_of(await desk(office).post(f"{one}/finish")) == "round-not-over"
        answer = f"{one}/objections/{said['objection_id']}/answer"
        upheld = expect(await desk(office).post(answer, {"outcome": "upheld", "answer": "属实,撤销申请"}), 200)
        assert (upheld["status"], upheld["answered_by"]) == ("upheld", "officer-1")
        assert code_of(await desk(office).post(answer, {"outcome": "dismissed", "answer": "再议"})) == "objection-answered"
        assert code_of(await desk(office).post(f"{one}/finish")) == "round-not-over"
        expect(await desk(office).post(f"{APPLICATIONS}/{first}/withdraw"), 200)
        expect(await desk(office).post(f"{one}/rank"), 200)
        assert [row["application_id"] for row in await places(office, one)] == [second]
        expect(await desk(office).post(f"{one}/publish"), 200)
    async with on(office, OVER + timedelta(days=14)):
        assert expect(await desk(office).post(f"{one}/finish"), 200)["status"] == "finished"
        listed = expect(await desk(office).get(f"{one}/objections"), 200)["items"]
        assert [each["answer"] for each in listed] == ["属实,撤销申请"]


async def test_another_objection_is_answered_while_the_list_is_ranked_anew(office: PointsOffice, law: dict[str, Any]) -> None:
    first, second, _ = await candidates(office, "school", [41, 46, 49])
    one = await opened(office, "school", 2)
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/rank"), 200)
        expect(await desk(office).post(f"{one}/publish"), 200)
        right, wrong = [
            expect(await desk(office).post(f"{one}/objections", {"application_id": each, "reason": "不实"}), 201)
            for each in (first, second)
        ]
        answer = {"outcome": "upheld", "answer": "属实,撤销申请"}
        expect(await desk(office).post(f"{one}/objections/{right['objection_id']}/answer", answer), 200)
        expect(await desk(office).post(f"{APPLICATIONS}/{first}/withdraw"), 200)
        assert expect(await desk(office).post(f"{one}/rank"), 200)["status"] == "ranked"
        more = {"application_id": second, "reason": "迟了"}
        assert code_of(await desk(office).post(f"{one}/objections", more)) == "round-act-not-allowed"
        answer = {"outcome": "dismissed", "answer": "查无实据"}
        said = expect(await desk(office).post(f"{one}/objections/{wrong['objection_id']}/answer", answer), 200)
        assert said["status"] == "dismissed"
        assert expect(await desk(office).get(one), 200)["status"] == "ranked"


async def test_places_are_never_given_twice_when_many_give_up_at_once(office: PointsOffice, law: dict[str, Any]) -> None:
    ids = await candidates(office, "health_check", [41, 42, 43, 44, 45, 46, 47, 48, 49])
    one = await opened(office, "health_check", 4)
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/rank"), 200)
        expect(await desk(office).post(f"{one}/publish"), 200)
    async with on(office, OVER):
        expect(await desk(office).post(f"{one}/finish"), 200)
        takers = [*ids[:4], *ids[:4], ids[4], ids[8]]
        answers = await asyncio.gather(*(desk(office).post(f"{one}/give-up", {"application_id": each}) for each in takers))
        gone = [taker for taker, answer in zip(takers, answers, strict=True) if answer.status_code == 200]
        assert len(gone) == len(set(gone)) >= 4
        assert {answer.status_code for answer in answers} == {200, 409}
        held = [row["application_id"] for row in await places(office, one, admitted=True)]
        assert held == [each for each in ids if each not in gone][:4]


async def test_the_next_in_line_is_the_best_who_waits_also_after_an_erasure(office: PointsOffice, law: dict[str, Any]) -> None:
    first, erased, better, worse = await candidates(office, "housing", [41, 43, 45, 47], NEXT_TOWN)
    one = await opened(office, "housing", 2, town_quotas=[{"division_code": NEXT_TOWN, "places": 2}])
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/rank"), 200)
        expect(await desk(office).post(f"{one}/publish"), 200)
    async with on(office, OVER):
        expect(await desk(office).post(f"{one}/finish"), 200)
        gone = Story(UUID(expect(await desk(office).get(f"{APPLICATIONS}/{erased}"), 200)["person_id"]))
        for _ in range(4):
            gone.person()
        gone.deletion()
        await office.tell(gone.messages(first=5))
        await office.settled()
        expect(await desk(office).post(f"{one}/give-up", {"application_id": first}), 200)
        held = {row["application_id"] for row in await places(office, one, admitted=True)}
        assert held - {erased} == {better, worse}, "the place of somebody erased is free as well"


async def test_towns_have_their_own_places(office: PointsOffice, law: dict[str, Any]) -> None:
    here = await candidates(office, "school", [43, 44, 45])
    there = await candidates(office, "school", [50, 51], NEXT_TOWN)
    quotas = [{"division_code": TOWN, "places": 1}, {"division_code": NEXT_TOWN, "places": 1}]
    one = await opened(office, "school", 2, town_quotas=quotas)
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/rank"), 200)
        held = {row["application_id"]: row["town"] for row in await places(office, one, admitted=True)}
        assert there[0] in held
        assert len(held) == 2
        assert set(held.values()) == {TOWN, NEXT_TOWN}
        assert not {here[1], here[2], there[1]} & held.keys()


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"division_code": "330281"}, 403, "out_of_scope"),
        ({"town_quotas": [{"division_code": TOWN, "places": 1}]}, 422, "sum"),
        ({"town_quotas": [{"division_code": "330281107", "places": 3}]}, 422, "out_of_scope"),
        ({"town_quotas": [{"division_code": TOWN, "places": 1}, {"division_code": TOWN, "places": 2}]}, 422, "repeated"),
    ],
)
async def test_what_is_no_round(
    office: PointsOffice, law: dict[str, Any], changed: dict[str, Any], status: int, code: str
) -> None:
    body = {"purpose": "school", "division_code": CITY, "quota": 3, "freeze_on": FREEZE.isoformat()}
    body |= {"notice_working_days": 5, "objection_working_days": 5}
    async with on(office, START):
        errors = expect(await desk(office).post(ALL, body | changed), status)["errors"]
        assert code in {error["code"] for error in errors}


async def test_a_round_and_who_stands_in_it_are_its_offices(office: PointsOffice, law: dict[str, Any]) -> None:
    await candidates(office, "school", [43])
    one = await opened(office, "school", 5)
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/rank"), 200)
        for path in (one, f"{one}/places", f"{one}/objections", f"{one}/history"):
            assert (await desk(office, "330281").get(path)).status_code == 404
            assert (await desk(office, TOWN).get(path)).status_code == 404
        plain = desk(office, scopes=SCOPES - {"points.field.personal"})
        assert {row["total"] for row in expect(await plain.get(f"{one}/places"), 200)["items"]} == {None}
        cancelled = expect(await desk(office).post(f"{one}/cancel"), 200)
        assert cancelled["status"] == "cancelled"
        assert code_of(await desk(office).post(f"{one}/rank")) == "round-act-not-allowed"


async def ranked(office: PointsOffice, one: str) -> set[str]:
    """The applications that stand in a round ranked now."""
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/rank"), 200)
        return {row["application_id"] for row in await places(office, one)}


async def test_one_child_and_one_couple_stand_once(office: PointsOffice, law: dict[str, Any]) -> None:
    father, mother, child = grown_up(42), grown_up(43), grown_up(6)
    for parent in (father, mother):
        child.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=parent.person_id, kind="parent")
    wife, husband = grown_up(44), grown_up(45)
    wife.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=husband.person_id)
    await known(office, father, mother, child, wife, husband)
    asked = {"for_person_id": str(child.person_id)}
    of_child = [await applied(office, each, "school", **asked) for each in (father, mother)]
    of_couple = [await applied(office, each, "school") for each in (wife, husband)]
    standing = await ranked(office, await opened(office, "school", 50))
    assert standing & {*of_child, *of_couple} == {of_child[0], of_couple[0]}, "the younger has more points (P-08)"


async def test_a_human_with_two_ids_stands_once(office: PointsOffice, law: dict[str, Any]) -> None:
    kept, duplicate = grown_up(42), grown_up(42)
    await known(office, kept, duplicate)
    both = [await applied(office, each, "school") for each in (duplicate, kept)]
    told = len(duplicate.events)
    duplicate.merge(registry.PersonMerged, 1, kept.person_id)
    await office.tell(duplicate.messages(first=told + 1))
    await office.settled()
    assert await ranked(office, await opened(office, "school", 50)) & set(both) == {both[1]}


async def test_who_holds_a_place_stands_in_no_other_round_of_that_use(office: PointsOffice, law: dict[str, Any]) -> None:
    winner, gives_up = await candidates(office, "housing", [41, 43])
    one, two = await opened(office, "housing", 50), await opened(office, "housing", 50)
    assert {winner, gives_up} <= await ranked(office, one)
    assert {winner, gives_up} <= await ranked(office, two), "what nobody was shown keeps nobody from anything"
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/publish"), 200)
        late = await desk(office).post(f"{two}/publish")
        assert (code_of(late), late.json()["left"] >= 2) == ("ranking-out-of-date", True)
    assert not {winner, gives_up} & await ranked(office, two)
    async with on(office, OVER):
        expect(await desk(office).post(f"{one}/finish"), 200)
        expect(await desk(office).post(f"{one}/give-up", {"application_id": gives_up}), 200)
    assert {winner, gives_up} & await ranked(office, two) == {gives_up}


async def test_nobody_is_ranked_while_somebody_waits(office: PointsOffice, law: dict[str, Any]) -> None:
    story = grown_up(42)
    await known(office, story)
    one = await opened(office, "health_check", 50)
    body = {"person_id": str(story.person_id), "purpose": "health_check", "division_code": TOWN}
    async with on(office, FREEZE):
        application = expect(await desk(office).post(APPLICATIONS, body), 201)["application_id"]
    async with on(office, PUBLISHED):
        for act, status in (("score", "received"), ("confirm", "scored")):
            answer = await desk(office).post(f"{one}/rank")
            assert (code_of(answer), answer.json()["waiting"]) == ("round-not-settled", {status: 1})
            expect(await desk(office).post(f"{APPLICATIONS}/{application}/{act}"), 200)
    assert application in await ranked(office, one)


async def test_where_towns_have_places_everybody_applied_at_a_town(office: PointsOffice, law: dict[str, Any]) -> None:
    story = grown_up(42)
    await known(office, story)
    application = await applied(office, story, "housing", CITY)
    quotas = [{"division_code": TOWN, "places": 40}, {"division_code": NEXT_TOWN, "places": 40}]
    one = await opened(office, "housing", 80, town_quotas=quotas)
    async with on(office, PUBLISHED):
        answer = await desk(office).post(f"{one}/rank")
        assert code_of(answer) == "application-without-town"
        assert answer.json()["application_ids"] == [application]
        expect(await desk(office).post(f"{APPLICATIONS}/{application}/withdraw"), 200)
    await ranked(office, one)
