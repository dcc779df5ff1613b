"""A family is scored whoever of it is still there or in sight; nothing is tried for ever (P-08, P-09)."""

from datetime import date
from uuid import UUID

import pytest

from services.contracts import registry
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect
from tests.points_hukou.story import Story
from tests.points_hukou.window import ALL, assessment_of, body, couple, on, resident, run_job, scored, tell
from tests.running import Caller

OLDER, YOUNGER = date(1970, 1, 1), date(1992, 1, 1)
LAST_DAY = date(2026, 3, 16)


async def gone(office: PointsOffice, story: Story) -> None:
    told = len(story.events)
    story.deletion()
    await tell(office, story, told)


async def moved_away(office: PointsOffice, story: Story) -> None:
    """To another county; the town lost sight of it more than two years ago."""
    told = len(story.events)
    registered = [event for event in story.events if isinstance(event, registry.ResidenceRegistrationState)][-1]
    ended = {"status": "ended", "ended_on": date(2024, 1, 5), "end_reason": "left_city", "registered_on": date(2023, 3, 1)}
    days = {"started_on": date(2023, 3, 1), "residence_since": date(2023, 3, 1), "division_code": registered.division_code}
    story.registration(registry.ResidenceRegistrationEnded, registered.registration_id, 2, **ended, **days)
    await tell(office, story, told)


async def test_of_a_deleted_spouse_nothing_is_waited_for(office: PointsOffice, open_window: Caller) -> None:
    applicant, spouse = await couple(office, OLDER, YOUNGER)
    made = expect(await open_window.post(ALL, body(applicant, family_person_ids=[str(spouse.person_id)])), 201)
    await gone(office, spouse)
    async with on(office, LAST_DAY):
        await run_job(office, "score-due-applications")
        found = expect(await open_window.get(f"{ALL}/{made['application_id']}"), 200)
        assert (found["status"], found["scoring_tried_on"]) == ("scored", None)
        counted = await assessment_of(open_window, found)
    assert counted["person_id"] == str(applicant.person_id)
    assert counted["uncounted"] == [{"person_id": str(spouse.person_id), "reason": "unobtainable", "fields": []}]


async def test_a_recheck_is_answered_although_the_spouse_is_gone(office: PointsOffice, open_window: Caller) -> None:
    applicant, spouse = await couple(office, OLDER, YOUNGER)
    application = await scored(open_window, applicant, family_person_ids=[str(spouse.person_id)])
    assert (await assessment_of(open_window, application))["person_id"] == str(spouse.person_id)
    one = f"{ALL}/{application['application_id']}"
    expect(await open_window.post(f"{one}/refuse-automatic", {"reason": "请人工审核"}), 200)
    await gone(office, spouse)
    rechecked = expect(await open_window.post(f"{one}/recheck", {}), 200)
    assert rechecked["status"] == "confirmed"
    assert (await assessment_of(open_window, rechecked))["person_id"] == str(applicant.person_id)


@pytest.mark.parametrize("by_machine", [True, False])
async def test_who_has_left_the_offices_sight_counts_in_its_case(
    office: PointsOffice, open_window: Caller, by_machine: bool
) -> None:
    applicant, spouse = await couple(office, OLDER, YOUNGER)
    made = expect(await open_window.post(ALL, body(applicant, family_person_ids=[str(spouse.person_id)])), 201)
    one = f"{ALL}/{made['application_id']}"
    await moved_away(office, spouse)
    assert await office.status(spouse.person_id, "330282107") == 404
    if by_machine:
        async with on(office, LAST_DAY):
            await run_job(office, "score-due-applications")
    else:
        expect(await open_window.post(f"{one}/score"), 200)
    items = expect(await open_window.get(f"{one}/assessments"), 200)["items"]
    assert {each["person_id"] for each in items} == {str(applicant.person_id), str(spouse.person_id)}
    assert {tuple(each["uncounted"]) for each in items} == {()}


async def test_what_cannot_be_scored_is_tried_once_and_then_an_officers(office: PointsOffice, open_window: Caller) -> None:
    story = await resident(office)
    made = expect(await open_window.post(ALL, body(story)), 201)
    one, looking = f"{ALL}/{made['application_id']}", Looking(office.service.runtime.pool)
    await looking.fetch("DELETE FROM mirror_person WHERE person_id = $1", story.person_id)
    for day in (LAST_DAY, date(2026, 3, 17), date(2026, 3, 18)):
        async with on(office, day):
            await run_job(office, "score-due-applications")
            await run_job(office, "tell-overdue-applications")
    town = office.service.caller(["points.application.read", "points.application.score"], division=CITY, purpose="points")
    found = expect(await town.get(one), 200)
    assert (found["status"], found["scoring_tried_on"]) == ("received", LAST_DAY.isoformat())
    tried = await looking.fetchval(
        "SELECT count(*) FROM history WHERE resource_id = $1 AND 'scoring_tried_on' = ANY (changed)",
        UUID(made["application_id"]),
    )
    assert tried == 1
    async with on(office, date(2026, 3, 18)):
        late = expect(await town.get(f"{ALL}?overdue=true&limit=200"), 200)["items"]
        assert made["application_id"] in {each["application_id"] for each in late}
        refused = await town.post(f"{one}/score")
        assert code_of(refused) == "facts-not-usable"
        assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [("/person_id", "unobtainable")]
