"""When the rules change before the freeze day nobody falls out of a ranking unsaid (P-37)."""

from datetime import date

from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.test_round_validity import act
from tests.points_hukou.test_rounds import FREEZE, OVER, PUBLISHED, START, applied, desk, grown_up, known, opened
from tests.points_hukou.window import ALL as APPLICATIONS
from tests.points_hukou.window import on

CHANGED = date(2026, 3, 10)
ROUNDS = "/v1/points/rounds"


async def apply_later(office: PointsOffice, person_id: str) -> str:
    """A confirmed application of the day the rules changed."""
    body = {"person_id": person_id, "purpose": "health_check", "division_code": CITY}
    made: str = expect(await desk(office).post(APPLICATIONS, body), 201)["application_id"]
    for each in ("score", "confirm"):
        expect(await desk(office).post(f"{APPLICATIONS}/{made}/{each}"), 200)
    return made


async def reopened(office: PointsOffice) -> str:
    """A round by the rules in force."""
    terms = {"freeze_on": FREEZE.isoformat(), "notice_working_days": 5, "objection_working_days": 5}
    body = {"purpose": "health_check", "division_code": CITY, "quota": 5, **terms}
    made = expect(await desk(office).post(ROUNDS, body), 201)
    return f"{ROUNDS}/{made['round_id']}"


async def test_applications_by_other_rules_keep_a_round_from_being_ranked(office: PointsOffice) -> None:
    async with on(office, START):
        first_rules = await in_force(office, START, "health_check")
    early, late = grown_up(41), grown_up(43)
    await known(office, early, late)
    first = await applied(office, early, "health_check")
    one = await opened(office, "health_check", 5)
    async with on(office, CHANGED):
        await in_force(office, CHANGED, "health_check")
        await apply_later(office, str(late.person_id))
    async with on(office, PUBLISHED):
        refused = await desk(office).post(f"{one}/rank")
        assert code_of(refused) == "round-of-other-rules"
        assert list(refused.json()["by_other_rule_sets"].values()) == [1]
    async with on(office, CHANGED):
        expect(await desk(office).post(f"{one}/cancel"), 200)
        two = await reopened(office)
    async with on(office, PUBLISHED):
        refused = await desk(office).post(f"{two}/rank")
        assert code_of(refused) == "round-of-other-rules"
        assert refused.json()["by_other_rule_sets"] == {first_rules["rule_set_id"]: 1}
    async with on(office, CHANGED):
        expect(await desk(office).post(f"{APPLICATIONS}/{first}/withdraw"), 200)
        await apply_later(office, str(early.person_id))
    async with on(office, PUBLISHED):
        assert (await act(office, two, "rank", "publish"))["standing"] == 2
    async with on(office, OVER):
        await act(office, two, "finish")


async def test_what_had_its_round_does_not_keep_later_ones(office: PointsOffice) -> None:
    async with on(office, date(2026, 3, 11)):
        await in_force(office, date(2026, 3, 11), "health_check")
        one = await reopened(office)
    async with on(office, PUBLISHED):
        assert (await act(office, one, "rank"))["standing"] == 0
