"""The clock of a round: days that were only guessed bind nobody and end nothing; objections that wait too long are told."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.chassis.working_days import WorkingDays, calendar
from services.points_hukou import jobs
from services.points_hukou.actions import round_objections, rounds
from tests.looking import Looking
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.test_household_transfers import run
from tests.points_hukou.test_round_validity import act
from tests.points_hukou.test_rounds import PUBLISHED, START, candidates, desk, opened
from tests.points_hukou.window import on

GUESSED = date(2026, 12, 23)
"""Five working days after it lie in a year whose calendar is not held."""
LATER = date(2027, 1, 20)


@pytest.fixture(scope="module")
async def law(office: PointsOffice) -> dict[str, Any]:
    async with on(office, START):
        return await in_force(office, START, "school", "housing", "rest_leave", "other", "health_check")


def with_next_year() -> WorkingDays:
    """The calendar as it will be: the year 2027 works like 2026, but for its first three days."""
    held = calendar()
    last = held.notices.rows[-1]
    days_off = ((date(2027, 1, 1), date(2027, 1, 3)),)
    notice = replace(last.value, year=2027, days_off=days_off, days_worked=())
    return WorkingDays(
        replace(held.notices, rows=(*held.notices.rows, replace(last, value=notice))), held.reaches_back_days_max
    )


@pytest.fixture
async def published(office: PointsOffice, law: dict[str, Any]) -> tuple[str, str]:
    """A round published when its last days could only be guessed, and an application in it."""
    (application,) = await candidates(office, "other", [42])
    one = await opened(office, "other", 50)
    async with on(office, GUESSED):
        answer = await act(office, one, "rank", "publish")
        assert (answer["notice_until"], answer["is_notice_provisional"]) == ("2026-12-30", True)
        assert answer["is_objections_provisional"]
    return one, application


async def test_a_guessed_day_ends_nothing(office: PointsOffice, published: tuple[str, str]) -> None:
    one, application = published
    async with on(office, LATER):
        assert len(expect(await desk(office).get(f"{one}/notice"), 200)["items"]) > 0
        refused = await desk(office).post(f"{one}/finish")
        assert (code_of(refused), refused.json()["is_provisional"]) == ("round-not-over", True)
        expect(await desk(office).post(f"{one}/objections", {"application_id": application, "reason": "不实"}), 201)
        await run(office, jobs.settle_round_terms)
        assert code_of(await desk(office).post(f"{one}/finish")) == "round-not-over", "still nobody knows the day"


async def test_the_day_is_counted_anew_when_the_calendar_is_held(
    office: PointsOffice, published: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = published
    monkeypatch.setattr(rounds, "calendar", with_next_year)
    async with on(office, LATER):
        await run(office, jobs.settle_round_terms)
        settled = expect(await desk(office).get(one), 200)
        assert (settled["notice_until"], settled["is_notice_provisional"]) == ("2026-12-30", False)
        assert code_of(await desk(office).get(f"{one}/notice")) == "notice-not-up"
        await run(office, jobs.settle_round_terms)
        assert (await act(office, one, "finish"))["version"] == settled["version"] + 1, "it is settled once"


async def told(office: PointsOffice, one: str) -> list[str]:
    """What followers were told of objections to a round."""
    rows = await Looking(office.service.runtime.pool).fetch(
        "SELECT event_type FROM outbox WHERE partition_key = $1 AND event_type LIKE '%objection%'", UUID(one.rpartition("/")[2])
    )
    return [row["event_type"] for row in rows]


async def test_an_objection_that_waits_too_long_is_told_once_and_listed(office: PointsOffice, law: dict[str, Any]) -> None:
    (application,) = await candidates(office, "housing", [42])
    one = await opened(office, "housing", 50)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        said = expect(await desk(office).post(f"{one}/objections", {"application_id": application, "reason": "不实"}), 201)
    async with on(office, date.fromisoformat(said["due_on"])):
        await run(office, jobs.tell_overdue_objections)
        assert await told(office, one) == []
    async with on(office, date(2026, 4, 10)):
        await run(office, jobs.tell_overdue_objections)
        await run(office, jobs.tell_overdue_objections)
        assert await told(office, one) == ["points_hukou.round_objection.overdue.v1"]
        (late,) = expect(await desk(office).get(f"{one}/objections?overdue=true"), 200)["items"]
        assert late["is_overdue"]
        answer = {"outcome": "dismissed", "answer": "经核实无误"}
        answered = expect(await desk(office).post(f"{one}/objections/{said['objection_id']}/answer", answer), 200)
        assert not answered["is_overdue"]
        assert expect(await desk(office).get(f"{one}/objections?overdue=true"), 200)["items"] == []


async def test_the_day_of_an_objection_is_counted_anew(
    office: PointsOffice, published: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, application = published
    async with on(office, date(2026, 12, 24)):
        said = expect(await desk(office).post(f"{one}/objections", {"application_id": application, "reason": "不实"}), 201)
        assert said["is_due_provisional"]
    async with on(office, LATER):
        await run(office, jobs.tell_overdue_objections)
        assert await told(office, one) == []
        monkeypatch.setattr(round_objections, "calendar", with_next_year)
        await run(office, jobs.settle_objection_terms)
        (settled,) = expect(await desk(office).get(f"{one}/objections?overdue=true"), 200)["items"]
        assert (settled["due_on"], settled["is_due_provisional"]) == ("2026-12-31", False)
        await run(office, jobs.tell_overdue_objections)
        assert len(await told(office, one)) == 1
