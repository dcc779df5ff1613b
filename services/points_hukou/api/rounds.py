"""Rounds: quota, freeze day, ranking, public notice, objections, final list, next in line."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.points_hukou.actions import round_export, round_objections, round_places, round_ranking, round_reading, rounds
from services.points_hukou.schemas.round_objections import Objection, ObjectionAnswer, ObjectionView
from services.points_hukou.schemas.round_places import GiveUp, NoticeEntryView, PlaceView, RankingDocument
from services.points_hukou.schemas.rounds import RoundEntry, RoundView

router = ServiceRouter(tags=["rounds"])
_ALL = "/v1/points/rounds"
_ONE = f"{_ALL}/{{round_id}}"
_FOUND = ["round-not-found"]
_ACT = [*_FOUND, "round-act-not-allowed"]

_RANKING_S = 60.0
"""Twenty thousand are ranked in some twenty seconds on a busy machine; it happens a few times a year."""
_CHANGED = ["round-not-settled", "round-too-large", "ranking-out-of-date"]

AdmittedParameter = Annotated[bool, Query(description="Only those who hold a place.")]
RankingParameter = Annotated[int | None, Query(ge=1, le=1_000_000, description="An earlier ranking; without it the last.")]
OverdueParameter = Annotated[bool, Query(description="Only those that were not answered in time.")]


@router.post(
    _ALL,
    status_code=201,
    **write(
        "points.round.run",
        actor=True,
        summary_zh="开设积分轮次",
        problems=["division-out-of-scope", "no-rules-in-force", "purpose-closed"],
    ),
)
async def open_round(work: CurrentWork, body: RoundEntry) -> Answer[RoundView]:
    """Open a round: so many places for one use, by the rules in force today, with its freeze day and its terms."""
    made = await rounds.open_round(work, body)
    return Answer(made, version=made.version, location=f"{_ALL}/{made.round_id}")


@router.get(_ALL, **read("points.round.read", purpose=False, summary_zh="列出积分轮次"))
async def list_rounds(work: CurrentWork, cursor: CursorParameter = None, limit: LimitParameter = 50) -> Page[RoundView]:
    """List the rounds of this client's offices, oldest first."""
    return await round_reading.list_rounds(work, cursor, limit)


@router.get(_ONE, **read("points.round.read", purpose=False, summary_zh="读取积分轮次", problems=_FOUND))
async def read_round(work: CurrentWork, round_id: UUID) -> Answer[RoundView]:
    """Read a round and where it stands."""
    found = await round_reading.read_round(work, round_id)
    return Answer(found, version=found.version)


@router.get(f"{_ONE}/history", **read("points.round.read", purpose=False, summary_zh="轮次的变更历史", problems=_FOUND))
async def read_versions(
    work: CurrentWork, round_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[RoundView]]:
    """Read the versions of a round, newest first."""
    return await round_reading.read_versions(work, round_id, cursor, limit)


@router.post(
    f"{_ONE}/rank",
    **write(
        "points.round.run",
        actor=True,
        deadline_s=_RANKING_S,
        summary_zh="排名",
        problems=[
            *_ACT,
            "round-not-frozen",
            "round-not-settled",
            "round-of-other-rules",
            "application-without-town",
            "town-without-quota",
            "cut-undecided",
            "round-too-large",
        ],
    ),
)
async def rank_round(work: CurrentWork, round_id: UUID) -> Answer[RoundView]:
    """Rank every confirmed score that stands in the round, once its freeze day is over (P-13 to P-22)."""
    ranked = await round_ranking.rank_round(work, round_id)
    return Answer(ranked, version=ranked.version)


@router.get(f"{_ONE}/places", **read("points.round.read", summary_zh="排名结果", problems=_FOUND))
async def read_places(
    work: CurrentWork,
    round_id: UUID,
    admitted: AdmittedParameter = False,  # noqa: FBT002 - a query parameter
    ranking: RankingParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[PlaceView]:
    """Read who stands where, the best first, for the office: in the last ranking or an earlier one."""
    return await round_reading.read_places(work, round_id, ranking, cursor, limit, admitted=admitted)


@router.get(
    f"{_ONE}/ranking",
    **read("points.round.recompute", summary_zh="可重算的排名文件", problems=[*_FOUND, "round-not-ranked"]),
)
async def read_ranking(work: CurrentWork, round_id: UUID, ranking: RankingParameter = None) -> RankingDocument:
    """Read a ranking as the document that `xinshimin points rank` ranks again, offline: pseudonyms, figures, quota, rules."""
    return await round_export.read_ranking(work, round_id, ranking)


@router.post(f"{_ONE}/publish", **write("points.round.run", actor=True, summary_zh="公示", problems=[*_ACT, *_CHANGED]))
async def publish_round(work: CurrentWork, round_id: UUID) -> Answer[RoundView]:
    """Publish the list, masked, for the round's working days; objections are taken from today."""
    published = await rounds.publish_round(work, round_id)
    return Answer(published, version=published.version)


@router.get(
    f"{_ONE}/notice",
    **read("points.round.notice", purpose=False, summary_zh="公示名单", problems=[*_FOUND, "notice-not-up"]),
)
async def read_notice(
    work: CurrentWork, round_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[NoticeEntryView]:
    """Read the public notice, of whichever office's round: rank, application number, masked name where names are shown, total.

    It is gone after its last day.
    """
    return await round_reading.read_notice(work, round_id, cursor, limit)


@router.post(
    f"{_ONE}/objections",
    status_code=201,
    **write(
        "points.round.object",
        summary_zh="对公示提出异议",
        problems=[*_ACT, "application-not-found", "objections-over", "no-rules-in-force"],
    ),
)
async def object_to_place(work: CurrentWork, round_id: UUID, body: Objection) -> Answer[ObjectionView]:
    """Object to a place while objections are taken, at any window.

    The office that runs the round answers within five working days (P-27).
    """
    made = await round_objections.object_to_place(work, round_id, body)
    return Answer(made, version=made.version, location=f"{_ALL}/{round_id}/objections/{made.objection_id}")


@router.get(f"{_ONE}/objections", **read("points.round.read", summary_zh="列出异议", problems=_FOUND))
async def list_objections(
    work: CurrentWork,
    round_id: UUID,
    overdue: OverdueParameter = False,  # noqa: FBT002 - a query parameter
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[ObjectionView]:
    """List the objections to a round, oldest first."""
    return await round_objections.list_objections(work, round_id, cursor, limit, overdue=overdue)


@router.post(
    f"{_ONE}/objections/{{objection_id}}/answer",
    **write(
        "points.round.run",
        actor=True,
        summary_zh="答复异议",
        problems=[*_ACT, "objection-not-found", "objection-answered", "no-rules-in-force"],
    ),
)
async def answer_objection(
    work: CurrentWork, round_id: UUID, objection_id: UUID, body: ObjectionAnswer
) -> Answer[ObjectionView]:
    """Answer an objection. Upheld, it puts the application into recheck at once, and the round is ranked anew after it."""
    answered = await round_objections.answer_objection(work, round_id, objection_id, body)
    return Answer(answered, version=answered.version)


@router.post(
    f"{_ONE}/finish",
    **write("points.round.run", actor=True, summary_zh="确定最终名单", problems=[*_ACT, *_CHANGED, "round-not-over"]),
)
async def finish_round(work: CurrentWork, round_id: UUID) -> Answer[RoundView]:
    """Make the list final, once notice and objections are over and answered, and it still says what it was ranked by."""
    finished = await rounds.finish_round(work, round_id)
    return Answer(finished, version=finished.version)


@router.post(
    f"{_ONE}/give-up",
    **write("points.round.run", actor=True, summary_zh="放弃名额并递补", problems=[*_ACT, "place-not-held", "place-in-use"]),
)
async def give_up_place(work: CurrentWork, round_id: UUID, body: GiveUp) -> Answer[RoundView]:
    """Write down that an admitted applicant does not take the place; the next in line moves up, never beyond the quota."""
    changed = await round_places.give_up_place(work, round_id, body)
    return Answer(changed, version=changed.version)


@router.post(f"{_ONE}/cancel", **write("points.round.run", actor=True, summary_zh="取消轮次", problems=_ACT))
async def cancel_round(work: CurrentWork, round_id: UUID) -> Answer[RoundView]:
    """Cancel a round that was not published."""
    cancelled = await rounds.cancel_round(work, round_id)
    return Answer(cancelled, version=cancelled.version)
