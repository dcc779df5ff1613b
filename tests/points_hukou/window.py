"""The town's window where people apply for points, on days the law's clock is set to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from services.chassis.ids import new_id
from services.chassis.jobs import Scheduler
from services.contracts import registry
from services.points_hukou import jobs
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.rule_sets import expect, in_force
from tests.points_hukou.story import TOWN, Story
from tests.running import Caller

__all__ = [
    "ALL",
    "SCOPES",
    "START",
    "assessment_of",
    "body",
    "counter",
    "couple",
    "in_force",
    "on",
    "resident",
    "run_job",
    "scored",
    "tell",
]

ALL = "/v1/points/applications"
START = date(2026, 3, 2)
SCOPES = frozenset(
    {
        "points.application.apply",
        "points.application.read",
        "points.application.score",
        "points.application.decide",
        "points.assessment.read",
        "points.field.personal",
        "points.field.sensitive",
        "points.field.minors",
    }
)


def counter(office: PointsOffice, *, without: frozenset[str] = frozenset(), division: str = TOWN, **who: Any) -> Caller:
    """The town's window."""
    return office.service.caller(SCOPES - without, division=division, purpose="points", **who)


@asynccontextmanager
async def on(office: PointsOffice, day: date) -> AsyncIterator[None]:
    """The law's today."""
    clock = office.service.caller(["sandbox.clock"])
    expect(await clock.call("PUT", "/internal/sandbox/clock", json={"now": f"{day}T10:00:00+08:00"}), 200)
    try:
        yield
    finally:
        await clock.call("PUT", "/internal/sandbox/clock", json={"now": None})


async def resident(office: PointsOffice, born: date = date(1990, 5, 1)) -> Story:
    """Somebody who lives and works here with a permit."""
    story = Story()
    story.person(birth_date=born)
    story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, division_code=f"{TOWN}205")
    story.permit(registry.ResidencePermitIssued, new_id(), 1)
    story.employment(registry.EmploymentStarted, new_id(), 1)
    await office.tell(story.messages())
    await office.settled()
    return story


def body(story: Story, **more: Any) -> dict[str, Any]:
    """An application for a school place."""
    return {"person_id": str(story.person_id), "purpose": "school", "division_code": TOWN} | more


async def scored(window: Caller, story: Story, **more: Any) -> dict[str, Any]:
    """An application the machine has scored."""
    made = expect(await window.post(ALL, body(story, **more)), 201)
    done: dict[str, Any] = expect(await window.post(f"{ALL}/{made['application_id']}/score"), 200)
    return done


async def assessment_of(window: Caller, application: dict[str, Any]) -> dict[str, Any]:
    """The score that counts."""
    found: dict[str, Any] = expect(await window.get(f"/v1/points/assessments/{application['counted_assessment_id']}"), 200)
    return found


async def run_job(office: PointsOffice, name: str) -> None:
    """Have it run today."""
    (job,) = [each for each in jobs.JOBS if each.name == name]
    await Scheduler(office.service.runtime, [job]).run_due(again=True)


async def tell(office: PointsOffice, story: Story, told: int) -> None:
    """What happened to somebody after the first `told` events."""
    await office.tell(story.messages(first=told + 1))
    await office.settled()


async def couple(office: PointsOffice, older: date, younger: date) -> tuple[Story, Story]:
    """Two who are married and live here with permits."""
    one, other = await resident(office, older), await resident(office, younger)
    told = len(one.events)
    one.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=other.person_id)
    await tell(office, one, told)
    return one, other
