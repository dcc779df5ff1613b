"""What a recheck counts – what was so on the day of the application –, and how often one may be asked for (P-09)."""

from datetime import date
from typing import Any

import pytest

from services.points_hukou.actions.law import PROCEDURE
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.evidence_desk import HALL, INSURANCE, Desk, insurance, schooling
from tests.points_hukou.rule_sets import code_of, expect
from tests.points_hukou.story import Story
from tests.points_hukou.window import ALL, START, assessment_of, on, resident, scored
from tests.running import Caller

LATER = date(2026, 3, 6)


async def rechecked(office: PointsOffice, window: Caller, story: Story, *given: dict[str, Any]) -> dict[str, Any]:
    """The score after a recheck on `LATER`, when offices have given more."""
    desk = Desk(office)
    application = await scored(window, story)
    one = f"{ALL}/{application['application_id']}"
    async with on(office, LATER):
        for each in given:
            giver = INSURANCE if each["fact"] == "insurance_in_province" else HALL
            await desk.give(desk.of(giver, purpose="points"), {"person_id": str(story.person_id)} | each)
        expect(await window.post(f"{one}/ask-recheck", {"reason": "补交材料"}), 200)
        return await assessment_of(window, expect(await window.post(f"{one}/recheck", {}), 200))


def points(assessment: dict[str, Any], item: str) -> str:
    return next(str(each["counted"]) for each in assessment["explanation"]["components"] if each["id"] == item)


async def test_a_diploma_seen_later_does_not_count_unless_it_is_said_since_when(
    office: PointsOffice, open_window: Caller
) -> None:
    found = await rechecked(office, open_window, await resident(office), schooling(as_of=LATER.isoformat()))
    assert points(found, "education") == "0.00"
    assert found["later"] == ["education"]
    assert "education" in found["missing"]
    since = schooling(as_of=LATER.isoformat(), valid_from="2012-07-01")
    found = await rechecked(office, open_window, await resident(office), since)
    assert points(found, "education") == "8.00"
    assert found["later"] == []


async def test_what_was_earned_after_the_application_does_not_count(office: PointsOffice, open_window: Caller) -> None:
    earned = schooling(as_of=LATER.isoformat(), valid_from=LATER.isoformat())
    found = await rechecked(office, open_window, await resident(office), earned)
    assert points(found, "education") == "0.00"


async def test_months_tell_their_days_themselves(office: PointsOffice, open_window: Caller) -> None:
    """Knowledge of a later day of months before, and of none after."""
    months = [{"from": "2026-01", "to": "2026-05"}]
    found = await rechecked(office, open_window, await resident(office), insurance(as_of=LATER.isoformat(), value=months))
    assert points(found, "social_insurance") == "1.50"


async def test_what_was_known_on_the_day_still_counts_when_something_later_took_its_place(
    office: PointsOffice, open_window: Caller
) -> None:
    """The later word is of its own day; on that of the application the earlier one stands, in the file as well."""
    desk, story = Desk(office), await resident(office)
    hall = desk.of(HALL, purpose="points")
    await desk.give(hall, {"person_id": str(story.person_id)} | schooling(as_of="2026-03-02"))
    bachelor = schooling(as_of=LATER.isoformat(), value=["bachelor_or_above"])
    found = await rechecked(office, open_window, story, bachelor)
    assert points(found, "education") == "8.00"
    assert found["later"] == ["education"]
    path = f"/v1/points/files/{story.person_id}/facts?rule_set=ningbo-2022&on="
    for day, value, later in ((START, ["junior_college"], True), (LATER, ["bachelor_or_above"], False)):
        facts = {each["fact"]: each for each in expect(await hall.get(f"{path}{day}"), 200)["facts"]}
        assert facts["education"]["value"] == value
        assert any(each["is_later"] for each in facts["education"]["said"]) is later


async def test_a_recheck_is_asked_for_as_often_as_the_parameter_says(office: PointsOffice, open_window: Caller) -> None:
    assert PROCEDURE.rechecks_at_most.on(START) == 1
    application = await scored(open_window, await resident(office))
    one = f"{ALL}/{application['application_id']}"
    asked = expect(await open_window.post(f"{one}/ask-recheck", {"reason": "少计三个月"}), 200)
    assert asked["rechecks_asked"] == 1
    expect(await open_window.post(f"{one}/recheck", {}), 200)
    again = await open_window.post(f"{one}/ask-recheck", {"reason": "仍不服"})
    assert code_of(again) == "rechecks-used-up"
    assert again.json()["allowed"] == 1


async def test_to_refuse_the_machine_is_not_one_of_them(office: PointsOffice, open_window: Caller) -> None:
    application = await scored(open_window, await resident(office))
    one = f"{ALL}/{application['application_id']}"
    refused = expect(await open_window.post(f"{one}/refuse-automatic", {"reason": "请人工审核"}), 200)
    assert refused["rechecks_asked"] == 0
    expect(await open_window.post(f"{one}/recheck", {}), 200)
    expect(await open_window.post(f"{one}/ask-recheck", {"reason": "少计三个月"}), 200)


@pytest.mark.parametrize("kept", [0, 1])
async def test_whoever_gives_says_since_when_in_the_order_it_comes(
    office: PointsOffice, open_window: Caller, kept: int
) -> None:
    """Two words of one office, of a later day: the one that says since when counts, whichever came first."""
    words = [
        schooling(as_of="2026-03-05", value=["bachelor_or_above"]),
        schooling(as_of=LATER.isoformat(), valid_from="2012-07-01"),
    ]
    found = await rechecked(office, open_window, await resident(office), *(words if kept else reversed(words)))
    assert points(found, "education") == "8.00"


async def test_which_evidence_counted_and_which_was_superseded_is_shown_as_it_was_known(
    office: PointsOffice, open_window: Caller
) -> None:
    desk, story = Desk(office), await resident(office)
    hall, whose = desk.of(HALL, purpose="points"), {"person_id": str(story.person_id)}
    old = await desk.give(hall, whose | schooling(as_of="2026-02-01", value=["senior_secondary_or_below"]))
    held = await desk.give(hall, whose | schooling(as_of="2026-03-02"))
    application = await scored(open_window, story)
    path = f"/v1/points/assessments/{application['counted_assessment_id']}/evidence"
    async with on(office, LATER):
        new = await desk.give(hall, whose | schooling(as_of=LATER.isoformat(), value=["bachelor_or_above"]))

    def told(items: list[dict[str, Any]]) -> dict[str, tuple[str, str | None, bool | None]]:
        return {each["evidence_id"]: (each["status"], each["superseded_by"], each["counted"]) for each in items}

    then = expect(await open_window.get(path), 200)
    assert told(then["items"]) == {
        old["evidence_id"]: ("superseded", held["evidence_id"], None),
        held["evidence_id"]: ("current", None, True),
    }
    assert "value" not in then["items"][0]
    now = expect(await open_window.get(path, params={"known_at": "2999-01-01T00:00:00+08:00"}), 200)
    assert told(now["items"]) == {
        old["evidence_id"]: ("superseded", held["evidence_id"], None),
        held["evidence_id"]: ("superseded", new["evidence_id"], True),
        new["evidence_id"]: ("current", None, None),
    }
    before = expect(await open_window.get(path, params={"known_at": old["created_at"]}), 200)
    assert told(before["items"]) == {old["evidence_id"]: ("current", None, None)}
