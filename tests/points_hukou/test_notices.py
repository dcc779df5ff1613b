"""A published list is public: any town's window shows it and takes objections to it, and follows what it took (P-25, P-26)."""

from typing import Any

import pytest

from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.story import NEXT_TOWN, TOWN
from tests.points_hukou.test_rounds import OVER, PUBLISHED, START, candidates, desk, opened
from tests.points_hukou.window import on


@pytest.fixture(scope="module")
async def law(office: PointsOffice) -> dict[str, Any]:
    async with on(office, START):
        return await in_force(office, START, "housing", "other")


async def test_a_towns_window_shows_the_citys_list_and_takes_an_objection(office: PointsOffice, law: dict[str, Any]) -> None:
    first, second = await candidates(office, "housing", [41, 46])
    one = await opened(office, "housing", 1)
    window, elsewhere = desk(office, NEXT_TOWN), desk(office, "330282104")
    async with on(office, PUBLISHED):
        expect(await desk(office).post(f"{one}/rank"), 200)
        assert code_of(await window.get(f"{one}/notice")) == "round-not-found", "nothing is public yet"
        objection = {"application_id": first, "reason": "已迁出本市"}
        assert code_of(await window.post(f"{one}/objections", objection)) == "round-not-found"
        expect(await desk(office).post(f"{one}/publish"), 200)
        page = expect(await window.get(f"{one}/notice?limit=1"), 200)
        rest = expect(await window.get(f"{one}/notice?limit=1&cursor={page['next_cursor']}"), 200)
        assert [each["application_number"] for each in (*page["items"], *rest["items"])] == [first, second]
        said = expect(await window.post(f"{one}/objections", objection), 201)
        assert (said["reason"], said["person_id"]) == ("已迁出本市", None), "whose place it is the office knows"
        for closed in (one, f"{one}/places", f"{one}/history"):
            assert code_of(await window.get(closed)) == "round-not-found"
        for act in ("rank", "finish", "cancel"):
            assert code_of(await window.post(f"{one}/{act}")) == "round-not-found"
        answer = {"outcome": "dismissed", "answer": "查无实据"}
        answer_path = f"{one}/objections/{said['objection_id']}/answer"
        assert code_of(await window.post(answer_path, answer)) == "round-not-found", "the office that runs the round answers"
        assert expect(await elsewhere.get(f"{one}/objections"), 200)["items"] == []
        expect(await desk(office).post(answer_path, answer), 200)
        (followed,) = expect(await window.get(f"{one}/objections"), 200)["items"]
        assert (followed["objection_id"], followed["answer"]) == (said["objection_id"], "查无实据")
        (kept,) = expect(await desk(office).get(f"{one}/objections"), 200)["items"]
        assert (kept["objection_id"], kept["person_id"] is None, followed["person_id"]) == (said["objection_id"], False, None)
    async with on(office, OVER):
        late = await window.post(f"{one}/objections", objection)
        assert code_of(late) == "objections-over"
        assert code_of(await window.get(f"{one}/notice")) == "notice-not-up"


async def test_a_list_that_is_ranked_anew_is_no_list_to_object_to(office: PointsOffice, law: dict[str, Any]) -> None:
    first, second = await candidates(office, "other", [41, 46])
    one = await opened(office, "other", 1)
    window = desk(office, TOWN)
    async with on(office, PUBLISHED):
        for act in ("rank", "publish"):
            expect(await desk(office).post(f"{one}/{act}"), 200)
        expect(await desk(office).post(f"/v1/points/applications/{first}/withdraw"), 200)
        assert expect(await desk(office).post(f"{one}/rank"), 200)["status"] == "ranked"
        objection = {"application_id": second, "reason": "不实"}
        assert code_of(await window.post(f"{one}/objections", objection)) == "round-not-found"
        assert code_of(await desk(office, CITY).post(f"{one}/objections", objection)) == "round-act-not-allowed"
