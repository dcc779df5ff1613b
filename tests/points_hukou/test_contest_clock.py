"""The clock of a contest: who does not answer in time is told of, once, and nobody on a day that was only guessed."""

from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.evidence_desk import DOOR, HALL, INSURANCE, Desk, answered
from tests.points_hukou.test_contests import contested, on_day

OPENED = "points_hukou.evidence_contest.opened.v1"
OVERDUE = "points_hukou.evidence_contest.overdue.v1"


async def test_whoever_does_not_answer_in_time_is_told_of_once(office: PointsOffice) -> None:
    desk = Desk(office)
    async with on_day(desk, "2026-03-02"):
        _, evidence_id, opened = await contested(desk)
        assert opened["due_on"] == "2026-03-09"
    async with on_day(desk, "2026-03-09"):
        assert (await desk.left(opened["contest_id"]))[0] == [OPENED]
    for day in ("2026-03-10", "2026-03-11"):
        async with on_day(desk, day):
            assert (await desk.left(opened["contest_id"]))[0] == [OPENED, OVERDUE]
            (contest,) = answered(await desk.of(HALL).get(f"{DOOR}/{evidence_id}/contests"), 200)["items"]
            assert (contest["is_overdue"], contest["status"]) == (True, "open")
    upheld = answered(await desk.of(INSURANCE).post(f"{DOOR}/{evidence_id}/uphold", {"answer": "迟复:无误"}), 200)
    assert (upheld["status"], upheld["is_overdue"]) == ("upheld", False)


async def test_nobody_is_late_on_a_day_that_was_only_guessed(office: PointsOffice) -> None:
    desk = Desk(office)
    async with on_day(desk, "2199-03-04"):
        _, evidence_id, opened = await contested(desk)
        assert opened["is_due_provisional"]
    async with on_day(desk, "2199-04-04"):
        assert (await desk.left(opened["contest_id"]))[0] == [OPENED]
        (contest,) = answered(await desk.of(HALL).get(f"{DOOR}/{evidence_id}/contests"), 200)["items"]
        assert contest["is_overdue"] is False
