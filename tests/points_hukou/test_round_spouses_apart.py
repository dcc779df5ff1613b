"""Of a couple who apply apart the one with more points stands, whoever applied last (P-08)."""

import pytest

from services.chassis.ids import new_id
from services.contracts import registry
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.rule_sets import in_force
from tests.points_hukou.test_round_validity import act, held
from tests.points_hukou.test_rounds import PUBLISHED, START, applied, grown_up, known, opened, places
from tests.points_hukou.window import on

_EACH_ALONE = """
format = 1
id = "each-alone"
version = 1
name_zh = "各自积分(示例)"
name_en = "Everybody for themselves (supposed)"
jurisdiction = "330282"
valid_from = 2023-01-01
confidence = "design"
rounding = { places = 2, mode = "half_up", confidence = "design" }
sources = [{ ref = "made_up", title_zh = "示例", kind = "supposed", confidence = "design" }]

[ranking]
cut = "admit_all_tied"
rule = "P-14"

[[facts]]
id = "birth_date"
kind = "day"
name_zh = "出生日期"
name_en = "date of birth"
required = true

[[parts]]
id = "basic"
name_zh = "基础"
name_en = "Basic"

[[services]]
id = "rest"
name_zh = "疗休养"
name_en = "rest leave"
parts = ["basic"]

[[items]]
id = "young"
name_zh = "年龄"
name_en = "Age"
article = "示例"
rule = "P-35"
sources = ["made_up"]
confidence = "design"
part = "basic"
lines = [{ points = 1, units = { age = "birth_date", short_of = 60 } }]
"""
_CASES = """
applied_on = 2026-03-02
[[cases]]
name_zh = "四十岁"
name_en = "forty"
rule = "P-35"
facts = { birth_date = 1986-01-15 }
expected = { total = 20, young = 20 }
"""


async def test_where_the_rules_know_no_family_both_of_a_couple_stand(office: PointsOffice) -> None:
    async with on(office, START):
        await in_force(office, START, "rest_leave", body={"rule_set": _EACH_ALONE, "cases": _CASES})
    first, second = grown_up(41), grown_up(50)
    first.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=second.person_id)
    await known(office, second, first)
    theirs = {await applied(office, each, "rest_leave") for each in (first, second)}
    one = await opened(office, "rest_leave", 2)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        assert set(await held(office, one)) == theirs


@pytest.mark.parametrize(("purpose", "ages"), [("other", (41, 50)), ("housing", (50, 41))])
async def test_the_better_of_a_couple_stands(office: PointsOffice, purpose: str, ages: tuple[int, int]) -> None:
    async with on(office, START):
        await in_force(office, START, purpose)
    first, second, rival = grown_up(ages[0]), grown_up(ages[1]), grown_up(45)
    first.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=second.person_id)
    await known(office, second, first, rival)
    theirs = [await applied(office, each, purpose) for each in (first, second)]
    others = await applied(office, rival, purpose)
    better = theirs[ages.index(min(ages))]
    one = await opened(office, purpose, 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank", "publish")
        assert {row["application_id"] for row in await places(office, one)} == {better, others}
        assert await held(office, one) == [better]
