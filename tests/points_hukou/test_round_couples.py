"""Where a city says so, equals are told apart by the other score of their families (P-18)."""

from services.chassis.ids import new_id
from services.contracts import registry
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.test_round_validity import act, held
from tests.points_hukou.test_rounds import PUBLISHED, START, applied, desk, grown_up, known, opened, places
from tests.points_hukou.window import ALL as APPLICATIONS
from tests.points_hukou.window import on

RULE_SET = """
format = 1
id = "cixi-couples"
version = 1
name_zh = "慈溪市积分(示例)"
name_en = "Cixi's points (supposed)"
jurisdiction = "330282"
valid_from = 2023-01-01
confidence = "design"
extends = "ningbo-2022"

[ranking]
cut = "refuse"
rule = "P-18"
tie_breaks = [{ id = "spouse", name_zh = "配偶得分", name_en = "the spouse's score", other_of_family = "total" }]
"""
CASES = """
applied_on = 2026-03-02

[usual]
birth_date = 1985-01-15

[[cases]]
name_zh = "单人没有配偶得分"
name_en = "one alone has no spouse's score, and no permit"
rule = "P-18"
facts = { has_valid_permit = false, lives_and_works_in_city = false }
expected = { frozen = false }

[[cases]]
name_zh = "各项条件均成立"
name_en = "every clause holds"
rule = "P-07"
facts = { has_valid_permit = true, lives_and_works_in_city = true, is_dishonest = true, has_offended = true }
expected = { frozen = true }
"""


async def family(office: PointsOffice, age: int, spouse: int) -> str:
    """The application of one who counts, with a spouse who has fewer points."""
    counted, other = grown_up(age), grown_up(spouse)
    counted.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=other.person_id)
    await known(office, other, counted)
    return await applied(office, counted, "housing", family_person_ids=[str(other.person_id)])


async def test_the_other_of_a_couple_breaks_the_tie(office: PointsOffice) -> None:
    async with on(office, START):
        await in_force(office, START, "housing", body={"rule_set": RULE_SET, "cases": CASES})
    first, second = await family(office, 44, 52), await family(office, 44, 48)
    one = await opened(office, "housing", 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        assert await held(office, one) == [second]
        ties = {row["application_id"]: row["tie_breaks"]["spouse"] for row in await places(office, one)}
        assert float(ties[first]) < float(ties[second])
        expect(await desk(office).post(f"{APPLICATIONS}/{second}/ask-recheck", {"reason": "请复核"}), 200)
        expect(await desk(office).post(f"{APPLICATIONS}/{second}/recheck"), 200)
        assert (await act(office, one, "rank"))["status"] == "published", "the same figures, the spouse's too"


async def test_equals_whose_families_are_equal_stay_equal(office: PointsOffice) -> None:
    await family(office, 41, 52)
    await family(office, 41, 52)
    one = await opened(office, "housing", 1)
    async with on(office, PUBLISHED):
        assert code_of(await desk(office).post(f"{one}/rank")) == "cut-undecided"
