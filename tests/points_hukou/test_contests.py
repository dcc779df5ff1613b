"""A person contests a fact: the office that gave it answers within its time, and until then the fact counts, marked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.chassis.jobs import Scheduler
from services.points_hukou.jobs import JOBS
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.evidence_desk import (
    DOOR,
    HALL,
    INSURANCE,
    MONTHS,
    SCHOOLS,
    Desk,
    answered,
    insurance,
    kind,
    pointers,
)
from tests.points_hukou.story import Story
from tests.points_hukou.test_files import law_clock

LONGER = [{"from": "2022-01", "to": "2025-12"}]
REASON = {"reason": "2025年全年已缴费,未计入"}


@pytest.fixture
def desk(office: PointsOffice) -> Desk:
    """The door."""
    return Desk(office)


@asynccontextmanager
async def on_day(desk: Desk, day: str) -> AsyncIterator[None]:
    """The law clock shows that day, and what was then due is done."""
    async with law_clock(desk.office) as clock:
        answered(await clock.call("PUT", "/internal/sandbox/clock", json={"now": f"{day}T09:00:00+08:00"}), 200)
        await Scheduler(desk.office.service.runtime, JOBS).run_due(again=True)
        yield


async def contested(desk: Desk) -> tuple[Story, str, dict[str, Any]]:
    """Somebody whose months of insurance are contested: person, evidence, contest."""
    story = await desk.resident()
    made = await desk.give(desk.of(INSURANCE), insurance(person_id=str(story.person_id)))
    opened = answered(await desk.of(HALL).post(f"{DOOR}/{made['evidence_id']}/contest", REASON), 201)
    return story, made["evidence_id"], opened


async def fact_of(desk: Desk, story: Story) -> dict[str, Any]:
    """The months of insurance as they count."""
    fact: dict[str, Any]
    (fact,) = [each for each in (await desk.facts(story))["facts"] if each["fact"] == "insurance_in_province"]
    return fact


async def test_a_contested_fact_counts_and_is_marked(desk: Desk) -> None:
    story, evidence_id, opened = await contested(desk)
    assert (opened["status"], opened["organisation"], opened["reason"]) == ("open", INSURANCE, REASON["reason"])
    fact = await fact_of(desk, story)
    assert (fact["value"], fact["is_contested"]) == (MONTHS, True)
    (kept,) = await desk.search(story)
    assert kept["is_contested"]
    again = answered(await desk.of(HALL).post(f"{DOOR}/{evidence_id}/contest", REASON), 409)
    assert (kind(again), again["contest_id"]) == ("contest-open", opened["contest_id"])
    events, lines = await desk.left(opened["contest_id"])
    assert events == ["points_hukou.evidence_contest.opened.v1"]
    assert not any("已缴费" in str(line) for line in lines)


async def test_the_office_has_five_working_days(desk: Desk) -> None:
    async with on_day(desk, "2026-09-28"):
        _, _, opened = await contested(desk)
    # 1 to 7 October are off, Saturday the 10th is worked.
    assert (opened["opened_on"], opened["due_on"], opened["is_due_provisional"]) == ("2026-09-28", "2026-10-10", False)


async def test_the_office_upholds_what_it_gave(desk: Desk) -> None:
    story, evidence_id, opened = await contested(desk)
    path, answer = f"{DOOR}/{evidence_id}/uphold", {"answer": "经核对缴费记录,无误"}
    assert kind(answered(await desk.of(SCHOOLS).post(path, answer), 403)) == "evidence-not-own"
    stale = await desk.of(INSURANCE).call("POST", path, json=answer, headers={"if-match": '"2"'})
    assert kind(answered(stale, 412)) == "stale-version"
    upheld = answered(await desk.of(INSURANCE).post(path, answer), 200)
    assert (upheld["status"], upheld["answer"], upheld["corrected_by"]) == ("upheld", answer["answer"], None)
    assert (await fact_of(desk, story))["is_contested"] is False
    assert kind(answered(await desk.of(INSURANCE).post(path, answer), 409)) == "contest-not-open"
    events, _ = await desk.left(opened["contest_id"])
    assert events[-1] == "points_hukou.evidence_contest.answered.v1"
    answered(await desk.of(HALL).post(f"{DOOR}/{evidence_id}/contest", REASON), 201)
    both = answered(await desk.of(HALL).get(f"{DOOR}/{evidence_id}/contests"), 200)["items"]
    assert [each["status"] for each in both] == ["open", "upheld"]


async def test_the_office_corrects_and_the_old_value_stays_in_the_history(desk: Desk) -> None:
    story, evidence_id, _ = await contested(desk)
    body = {"value": LONGER, "as_of": "2026-03-02", "answer": "补录2025年缴费"}
    corrected = answered(await desk.of(INSURANCE).post(f"{DOOR}/{evidence_id}/correct", body), 200)
    assert corrected["status"] == "corrected"
    fact = await fact_of(desk, story)
    assert (fact["value"], fact["is_contested"]) == (LONGER, False)
    old, new = await desk.search(story, include_closed=True)
    assert (old["evidence_id"], old["status"], old["value"]) == (evidence_id, "superseded", MONTHS)
    assert new["evidence_id"] == corrected["corrected_by"] == old["superseded_by"]
    history = answered(await desk.of(HALL).get(f"{DOOR}/{evidence_id}/history"), 200)["items"]
    assert [each["state"]["status"] for each in history] == ["superseded", "current"]


async def test_a_correction_is_read_as_strictly_as_evidence_and_is_not_older(desk: Desk) -> None:
    _, evidence_id, _ = await contested(desk)
    path, office = f"{DOOR}/{evidence_id}/correct", desk.of(INSURANCE)
    wrong = {"value": [{"from": "2022-01"}], "as_of": "2026-03-02", "answer": "更正"}
    assert pointers(answered(await office.post(path, wrong), 422)) == [("/value/0/to", "fact_value")]
    older = {"value": LONGER, "as_of": "2026-03-01", "answer": "更正"}
    assert kind(answered(await office.post(path, older), 409)) == "evidence-older-than-current"
    tomorrow = {"value": LONGER, "as_of": "2199-03-01", "answer": "更正"}
    assert pointers(answered(await office.post(path, tomorrow), 422)) == [("/as_of", "in_future")]


async def test_later_evidence_does_not_end_a_contest(desk: Desk) -> None:
    story, evidence_id, _ = await contested(desk)
    later = insurance(person_id=str(story.person_id), as_of="2026-04-02")
    await desk.give(desk.of(INSURANCE), later)
    assert (await fact_of(desk, story))["is_contested"] is True
    answered(await desk.of(INSURANCE).post(f"{DOOR}/{evidence_id}/uphold", {"answer": "无误"}), 200)
    assert (await fact_of(desk, story))["is_contested"] is False
    closed = answered(await desk.of(HALL).post(f"{DOOR}/{evidence_id}/contest", REASON), 409)
    assert kind(closed) == "evidence-closed"


async def test_withdrawing_answers_the_contest(desk: Desk) -> None:
    story, evidence_id, opened = await contested(desk)
    answered(await desk.of(INSURANCE).post(f"{DOOR}/{evidence_id}/withdraw", {"reason": "该人员无此记录"}), 200)
    (contest,) = answered(await desk.of(HALL).get(f"{DOOR}/{evidence_id}/contests"), 200)["items"]
    assert (contest["contest_id"], contest["status"], contest["corrected_by"]) == (opened["contest_id"], "corrected", None)
    assert "insurance_in_province" in {each["fact"] for each in (await desk.facts(story))["missing"]}


@pytest.mark.parametrize("day", ["1900-01-01", "2199-12-30"])
async def test_facts_are_read_on_every_day_the_law_clock_can_show(desk: Desk, day: str) -> None:
    story = await desk.resident()
    async with on_day(desk, day):
        reader = desk.of(HALL)
        answered(await reader.get(f"/v1/points/files/{story.person_id}/facts?rule_set=ningbo-2022"), 200)
        unknown = await reader.get(f"/v1/points/files/{story.person_id}/facts?rule_set=nowhere")
        assert pointers(answered(unknown, 422)) == [("?rule_set", "rule_set_unknown")]
