"""Of a couple who apply apart the one with more points stands, whoever applied last (P-08)."""

import pytest

from services.chassis.ids import new_id
from services.contracts import registry
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.rule_sets import in_force
from tests.points_hukou.test_round_validity import act, held
from tests.points_hukou.test_rounds import PUBLISHED, START, applied, grown_up, known, opened, places
from tests.points_hukou.window import on


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
