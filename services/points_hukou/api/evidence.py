"""The evidence door: what offices give of persons, and what is known of a person."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.points_hukou.actions.evidence import contests, entry, reading
from services.points_hukou.schemas.contests import (
    ContestCorrection,
    ContestOpening,
    ContestsView,
    ContestUpholding,
    ContestView,
)
from services.points_hukou.schemas.evidence import EvidenceEntry, EvidenceSearch, EvidenceView, EvidenceWithdrawal
from services.points_hukou.schemas.person_facts import PersonFactsView

router = ServiceRouter(tags=["evidence"])

_EVIDENCE = "/v1/points/evidence"
_ONE = f"{_EVIDENCE}/{{evidence_id}}"
_ANSWER = ("evidence-not-found", "evidence-not-own", "contest-not-open", "not-found", "stale-version")

RuleSetParameter = Annotated[str, Query(max_length=60, description="A rule set that is held.", examples=["ningbo-2022"])]
OnParameter = Annotated[date | None, Query(description="The day asked about; today when left out.")]


@router.post(
    _EVIDENCE,
    status_code=201,
    **write(
        "points.evidence.write",
        summary_zh="提供一项事实的证据",
        problems=("evidence-of-other-office", "not-found", "actor-required"),
    ),
)
async def give_evidence(work: CurrentWork, body: EvidenceEntry) -> Answer[EvidenceView]:
    """Give one fact of one person.

    The person is told by id or by identity document; a number that two persons have names neither. The value is read by the
    rule set's own vocabulary, and every problem is told at once. Which office may give which fact as `office` is in
    `parameters/evidence.toml`; everybody else brings a `certificate`, with the officer who has seen it, or what the applicant
    `declared`, which gives no points. Later evidence of the same office supersedes what it said before; the same again is
    answered with 200 and changes nothing.
    """
    view, is_new = await entry.give_evidence(work, body)
    return Answer(view, status=201 if is_new else 200, version=view.version, location=f"{_EVIDENCE}/{view.evidence_id}")


@router.post(f"{_EVIDENCE}/search", **read("points.evidence.read", summary_zh="查询人员的证据", problems=("not-found",)))
async def search_evidence(
    work: CurrentWork, body: EvidenceSearch, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[EvidenceView]:
    """List the evidence of a person, under whatever id, the oldest first."""
    return await reading.search_evidence(work, body, cursor, limit)


@router.get(_ONE, **read("points.evidence.read", summary_zh="读取证据", problems=("evidence-not-found",)))
async def get_evidence(work: CurrentWork, evidence_id: UUID) -> Answer[EvidenceView]:
    """Read one evidence."""
    view = await reading.read_evidence(work, evidence_id)
    return Answer(view, version=view.version)


@router.get(f"{_ONE}/history", **read("points.evidence.read", summary_zh="证据的历次版本", problems=("evidence-not-found",)))
async def read_history(
    work: CurrentWork, evidence_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[EvidenceView]]:
    """Read the versions of an evidence, newest first. What was said never changes; what became of it does."""
    return await reading.read_history(work, evidence_id, cursor, limit)


@router.post(
    f"{_ONE}/withdraw",
    **write(
        "points.evidence.write",
        actor=True,
        summary_zh="撤回证据",
        problems=("evidence-not-found", "evidence-not-own", "evidence-closed", "not-found", "stale-version"),
    ),
)
async def withdraw_evidence(work: CurrentWork, evidence_id: UUID, body: EvidenceWithdrawal) -> Answer[EvidenceView]:
    """Say that it never was so. An open contest of it is answered by that; what the office said before does not come back."""
    view = await entry.withdraw_evidence(work, evidence_id, body)
    return Answer(view, version=view.version)


@router.post(
    f"{_ONE}/contest",
    status_code=201,
    **write(
        "points.evidence.contest",
        actor=True,
        summary_zh="对证据提出异议",
        problems=("evidence-not-found", "evidence-closed", "contest-open", "not-found", "stale-version"),
    ),
)
async def contest_evidence(work: CurrentWork, evidence_id: UUID, body: ContestOpening) -> Answer[ContestView]:
    """Bring the person's contest to the office that gave the fact.

    The office answers within five working days (a parameter). Until then the fact still counts and is marked as contested.
    """
    view = await contests.open_contest(work, evidence_id, body)
    return Answer(view, version=view.version, location=f"{_EVIDENCE}/{evidence_id}/contests")


@router.get(f"{_ONE}/contests", **read("points.evidence.read", summary_zh="列出证据的异议", problems=("evidence-not-found",)))
async def list_contests(work: CurrentWork, evidence_id: UUID) -> ContestsView:
    """List the contests of one evidence, the newest first, at most 50."""
    return ContestsView(items=await reading.read_contests(work, evidence_id))


@router.post(f"{_ONE}/uphold", **write("points.evidence.answer", actor=True, summary_zh="维持原证据", problems=_ANSWER))
async def uphold_evidence(work: CurrentWork, evidence_id: UUID, body: ContestUpholding) -> Answer[ContestView]:
    """Answer a contest: the office looked, and the fact stands. `If-Match` names the contest's version."""
    view = await contests.uphold(work, evidence_id, body)
    return Answer(view, version=view.version)


@router.post(
    f"{_ONE}/correct",
    **write(
        "points.evidence.answer",
        actor=True,
        summary_zh="更正证据",
        problems=(*_ANSWER, "evidence-closed", "evidence-older-than-current"),
    ),
)
async def correct_evidence(work: CurrentWork, evidence_id: UUID, body: ContestCorrection) -> Answer[ContestView]:
    """Answer a contest: what the office gives now takes the place of what was contested."""
    view = await contests.correct(work, evidence_id, body)
    return Answer(view, version=view.version)


@router.get(
    "/v1/points/files/{person_id}/facts",
    **read("points.evidence.read", summary_zh="读取人员的积分事实", problems=("not-found",)),
)
async def get_facts(work: CurrentWork, person_id: UUID, rule_set: RuleSetParameter, on: OnParameter = None) -> PersonFactsView:
    """Read what is known of a person of everything a rule set asks for: data first.

    Of each fact the value that counts with its sources, and every source that says something else; then what is missing, which
    alone the applicant is asked for. What the registry tells is as known now, also for a day in the past.
    """
    return await reading.read_facts(work, person_id, rule_set, on)
