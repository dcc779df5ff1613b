"""A person contests what the registry says: it is asked, its answer closes the contest, its silence is told (V-18, V-25)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.chassis.db import Transaction, in_transaction
from services.chassis.events import EventData
from services.chassis.rows import SERVICE
from services.contracts import registry
from services.contracts.points_hukou import RegistryContestOpened
from services.points_hukou.store.snapshot import snapshot
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.evidence_desk import HALL, Desk, answered, kind, pointers
from tests.points_hukou.story import NEXT_TOWN, TOWN, Story, copy_of
from tests.points_hukou.window import START, on, resident, run_job, tell

ALL = "/v1/points/registry-contests"
FACT, FIELD = "registered_in_province_since", "residence_since"
REASON = "本人2019年3月即在此登记"
OPENED, ANSWERED, OVERDUE = (f"points_hukou.registry_contest.{what}.v1" for what in ("opened", "answered", "overdue"))


def saying(**given: Any) -> dict[str, Any]:
    return {"rule_set": "ningbo-2022", "fact": FACT, "reason": REASON} | given


def door(story: Story) -> str:
    return f"/v1/points/files/{story.person_id}/registry-contests"


async def contested(desk: Desk, story: Story) -> dict[str, Any]:
    return answered(await desk.of(HALL, TOWN).post(door(story), saying()), 201)


async def marked(desk: Desk, story: Story) -> dict[str, bool]:
    return {each["fact"]: each["is_contested"] for each in (await desk.facts(story))["facts"]}


async def test_it_asks_the_registry_and_the_fact_counts_and_is_marked(office: PointsOffice) -> None:
    desk = Desk(office)
    async with on(office, START):
        story = await resident(office)
        contest = await contested(desk, story)
        assert (contest["status"], contest["field"], contest["reason"]) == ("open", FIELD, REASON)
        assert contest["due_on"] == (START + timedelta(days=30)).isoformat()
        assert [name for name, is_contested in (await marked(desk, story)).items() if is_contested] == [FACT]
        types, lines = await desk.left(contest["contest_id"])
        assert types == [OPENED]
        assert {line["operation"] for line in lines} >= {"contest"}
        sent = await Looking(office.service.runtime.pool).fetchval(
            "SELECT data FROM outbox WHERE data LIKE $1", f"%{contest['contest_id']}%"
        )
        assert REASON not in sent
        again = await desk.of(HALL, TOWN).post(door(story), saying())
        assert (again.status_code, kind(again.json())) == (409, "contest-open")
        other = await desk.of(HALL, TOWN).post(door(story), saying(fact="work_in_city"))
        assert answered(other, 201)["field"] == "employments"
        listed = answered(await desk.of(HALL, TOWN).get(door(story)), 200)["items"]
        assert [each["field"] for each in listed] == ["employments", FIELD]


async def test_the_answer_closes_it_once_whatever_comes_twice(office: PointsOffice) -> None:
    desk = Desk(office)
    async with on(office, START):
        story = await resident(office)
        contest = await contested(desk, story)
        told = len(story.events)
        story.correction(contest["contest_id"], "upheld")
        await tell(office, story, told)
        await office.tell(copy_of(message) for message in story.messages(first=told + 1))
        told = len(story.events)
        story.correction(contest["contest_id"], "corrected")
        await tell(office, story, told)
        found = answered(await desk.of(HALL, TOWN).get(f"{ALL}/{contest['contest_id']}"), 200)
        assert (found["status"], found["decided_on"], found["version"]) == ("upheld", START.isoformat(), 2)
        assert [each["code"] for each in found["reasons"]] == ["data_correct"]
        assert found["rights_request_id"] is not None
        assert (await desk.left(contest["contest_id"]))[0] == [OPENED, ANSWERED]
        assert not any((await marked(desk, story)).values())
        versions = answered(await desk.of(HALL, TOWN).get(f"{ALL}/{contest['contest_id']}/history"), 200)["items"]
        assert [each["state"]["status"] for each in versions] == ["upheld", "open"]
        assert (await contested(desk, story))["status"] == "open", "who does not accept it may say so again"


async def test_a_registry_that_is_silent_is_told_of_once(office: PointsOffice) -> None:
    desk = Desk(office)
    async with on(office, START):
        story = await resident(office)
        contest = await contested(desk, story)
    for day, types in ((30, [OPENED]), (31, [OPENED, OVERDUE]), (32, [OPENED, OVERDUE])):
        async with on(office, START + timedelta(days=day)):
            await run_job(office, "tell-of-overdue-registry-contests")
            assert (await desk.left(contest["contest_id"]))[0] == types
            found = answered(await desk.of(HALL, TOWN).get(f"{ALL}/{contest['contest_id']}"), 200)
            assert found["is_overdue"] is (day > 30)


async def test_what_the_registry_does_not_feed_is_contested_where_it_was_given(office: PointsOffice) -> None:
    desk = Desk(office)
    story = await resident(office)
    hall = desk.of(HALL, TOWN)
    for given, named in (
        ({"fact": "education"}, [("/fact", "not_of_registry")]),
        ({"fact": "nonsense"}, [("/fact", "not_of_registry")]),
        ({"rule_set": "nowhere-2022"}, [("/rule_set", "rule_set_unknown")]),
    ):
        assert pointers(answered(await hall.post(door(story), saying(**given)), 422)) == named
    elsewhere = desk.of(HALL, NEXT_TOWN)
    assert kind(answered(await elsewhere.post(door(story), saying()), 404)) == "not-found"
    contest = await contested(desk, story)
    assert kind(answered(await elsewhere.get(f"{ALL}/{contest['contest_id']}"), 404)) == "registry-contest-not-found"


async def test_after_a_merge_it_is_one_humans_and_with_the_person_it_goes(office: PointsOffice) -> None:
    desk, kept, alias = Desk(office), await resident(office), await resident(office)
    contest = await contested(desk, alias)
    told = len(alias.events)
    alias.merge(registry.PersonMerged, 1, kept.person_id)
    await tell(office, alias, told)
    assert (await marked(desk, kept))[FACT] is True
    listed = answered(await desk.of(HALL, TOWN).get(door(kept)), 200)["items"]
    assert [each["contest_id"] for each in listed] == [contest["contest_id"]]
    told = len(alias.events)
    alias.deletion()
    await tell(office, alias, told)
    count = "SELECT count(*) FROM registry_contest WHERE contest_id = $1"
    assert await Looking(office.service.runtime.pool).fetchval(count, UUID(contest["contest_id"])) == 0
    told = len(alias.events)
    alias.correction(contest["contest_id"], "upheld")
    await tell(office, alias, told)
    assert await office.waiting() == (0, 0)


async def test_a_restored_registry_is_asked_again_for_what_is_open(office: PointsOffice) -> None:
    desk, story = Desk(office), await resident(office)
    contest = await contested(desk, story)
    runtime = office.service.runtime

    async def told(tx: Transaction) -> dict[UUID, list[EventData]]:
        return {key: states async for key, states in snapshot(tx, runtime.keyring)}

    states = (await in_transaction(runtime.pool, told, rows=SERVICE))[story.person_id]
    assert [str(each.contest_id) for each in states if isinstance(each, RegistryContestOpened)] == [contest["contest_id"]]


async def test_the_words_need_the_scope_for_sensitive_fields(office: PointsOffice) -> None:
    desk, story = Desk(office), await resident(office, date(1991, 1, 1))
    contest = await contested(desk, story)
    plain = desk.of(HALL, CITY, scopes=["points.evidence.read"])
    seen = answered(await plain.get(f"{ALL}/{contest['contest_id']}"), 200)
    assert seen["reason"] is None
    assert "reason" in seen["masked_fields"]
