"""Applications for points, and the assessments that answer them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.points_hukou.actions import application_acts, application_conflicts, application_reading, applying
from services.points_hukou.rules.application_states import ApplicationStatus
from services.points_hukou.schemas.application_conflicts import ApplicationConflictView, ConflictStatus
from services.points_hukou.schemas.applications import (
    ApplicationEntry,
    ApplicationNote,
    ApplicationView,
    ApplicationWords,
)
from services.points_hukou.schemas.assessments import (
    AssessmentDocument,
    AssessmentEvidenceView,
    AssessmentsView,
    AssessmentView,
)

router = ServiceRouter(tags=["applications"])
_ALL = "/v1/points/applications"
_ONE = f"{_ALL}/{{application_id}}"
_ASSESSMENT = "/v1/points/assessments/{assessment_id}"
_ACT = ["application-not-found", "application-act-not-allowed"]
_DECIDING = [*_ACT, "application-conflict-open"]
_SCORING = [*_ACT, "facts-not-usable"]

PersonParameter = Annotated[UUID | None, Query(description="Only those of this person, under whatever id.")]
StatusParameter = Annotated[ApplicationStatus | None, Query(description="Only those that stand there.")]
ConflictStatusParameter = Annotated[ConflictStatus | None, Query(description="Only those that stand there.")]
KnownAtParameter = Annotated[AwareDatetime | None, Query(description="An instant; left out: that of the score.")]
OverdueParameter = Annotated[bool, Query(description="Only those whose term was missed.")]


@router.post(
    _ALL,
    status_code=201,
    **write(
        "points.application.apply",
        summary_zh="受理积分申请",
        problems=["person-not-found", "division-out-of-scope", "no-rules-in-force", "purpose-closed", "application-open"],
    ),
)
async def apply(work: CurrentWork, body: ApplicationEntry) -> Answer[ApplicationView]:
    """Apply for a use of points, by the rules in force today.

    A family applies once, and the one highest score of its permit holders counts (P-08). Scored within ten working days (P-09),
    from what offices know (P-10).
    """
    made = await applying.apply(work, body)
    return Answer(made, version=made.version, location=f"{_ALL}/{made.application_id}")


@router.get(_ALL, **read("points.application.read", summary_zh="列出积分申请"))
async def list_applications(
    work: CurrentWork,
    person_id: PersonParameter = None,
    status: StatusParameter = None,
    overdue: OverdueParameter = False,  # noqa: FBT002 - a query parameter
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[ApplicationView]:
    """List the applications of this client's offices, oldest first."""
    return await application_reading.list_applications(work, person_id, status, cursor, limit, overdue=overdue)


@router.get(
    "/v1/points/application-conflicts", **read("points.application.read", summary_zh="列出合并人员后的重复申请、重复名额")
)
async def list_conflicts(
    work: CurrentWork,
    status: ConflictStatusParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[ApplicationConflictView]:
    """List applications, or places, for the same of persons who turned out to be one human, oldest first.

    One of the two is to be withdrawn or given up, or the merge taken back; until then no officer confirms either, and no
    household transfer goes on that rests on either place.
    """
    return await application_conflicts.list_conflicts(work, status, cursor, limit)


@router.get(_ONE, **read("points.application.read", summary_zh="读取积分申请", problems=["application-not-found"]))
async def read_application(work: CurrentWork, application_id: UUID) -> Answer[ApplicationView]:
    """Read an application and where it stands."""
    found = await application_reading.read_application(work, application_id)
    return Answer(found, version=found.version)


@router.get(
    f"{_ONE}/history", **read("points.application.read", summary_zh="申请的变更历史", problems=["application-not-found"])
)
async def read_versions(
    work: CurrentWork, application_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[ApplicationView]]:
    """Read the versions of an application, newest first."""
    return await application_reading.read_versions(work, application_id, cursor, limit)


@router.post(f"{_ONE}/score", **write("points.application.score", summary_zh="自动评分", problems=_SCORING))
async def score(work: CurrentWork, application_id: UUID) -> Answer[ApplicationView]:
    """Score an application by what offices know, as the machine also does on the last day of its term."""
    scored = await application_acts.score(work, application_id)
    return Answer(scored, version=scored.version)


@router.post(f"{_ONE}/confirm", **write("points.application.decide", actor=True, summary_zh="确认评分", problems=_DECIDING))
async def confirm(work: CurrentWork, application_id: UUID, body: ApplicationNote) -> Answer[ApplicationView]:
    """Confirm a score: an officer stands for it, and it is the machine's alone no more."""
    confirmed = await application_acts.confirm(work, application_id, body)
    return Answer(confirmed, version=confirmed.version)


@router.post(
    f"{_ONE}/refuse-automatic", **write("points.application.apply", summary_zh="拒绝仅由自动化作出的决定", problems=_ACT)
)
async def refuse_automatic(work: CurrentWork, application_id: UUID, body: ApplicationWords) -> Answer[ApplicationView]:
    """Refuse what the machine alone decided (PIPL 24, V-28): an officer decides, within the term of a recheck."""
    refused = await application_acts.refuse_automatic(work, application_id, body)
    return Answer(refused, version=refused.version)


@router.post(
    f"{_ONE}/ask-recheck", **write("points.application.apply", summary_zh="申请复核", problems=[*_ACT, "rechecks-used-up"])
)
async def ask_recheck(work: CurrentWork, application_id: UUID, body: ApplicationWords) -> Answer[ApplicationView]:
    """Ask for a recheck (复核), answered by an officer within five working days (P-09)."""
    asked = await application_acts.ask_recheck(work, application_id, body)
    return Answer(asked, version=asked.version)


@router.post(
    f"{_ONE}/recheck",
    **write("points.application.decide", actor=True, summary_zh="复核评分", problems=[*_DECIDING, "facts-not-usable"]),
)
async def recheck(work: CurrentWork, application_id: UUID, body: ApplicationNote) -> Answer[ApplicationView]:
    """Recheck: an officer scores anew by the same rules and day, from what is known now; the first score stays readable."""
    rechecked = await application_acts.recheck(work, application_id, body)
    return Answer(rechecked, version=rechecked.version)


@router.post(f"{_ONE}/withdraw", **write("points.application.apply", summary_zh="撤回积分申请", problems=_ACT))
async def withdraw(work: CurrentWork, application_id: UUID) -> Answer[ApplicationView]:
    """Take an application back."""
    withdrawn = await application_acts.withdraw(work, application_id)
    return Answer(withdrawn, version=withdrawn.version)


@router.get(
    f"{_ONE}/assessments", **read("points.assessment.read", summary_zh="申请的评分", problems=["application-not-found"])
)
async def read_assessments(work: CurrentWork, application_id: UUID) -> AssessmentsView:
    """Read every assessment of an application, oldest first: of each of the family, first and rechecked."""
    return await application_reading.read_assessments(work, application_id)


@router.get(_ASSESSMENT, **read("points.assessment.read", summary_zh="读取评分及说明", problems=["assessment-not-found"]))
async def read_assessment(work: CurrentWork, assessment_id: UUID) -> AssessmentView:
    """Read a score with its explanation, in Chinese and English: facts, rule, article and arithmetic of every component."""
    return await application_reading.read_assessment(work, assessment_id)


@router.get(
    f"{_ASSESSMENT}/evidence",
    **read("points.assessment.read", summary_zh="评分所依据的证据", problems=["assessment-not-found", "assessment-erased"]),
)
async def read_evidence(work: CurrentWork, assessment_id: UUID, known_at: KnownAtParameter = None) -> AssessmentEvidenceView:
    """Read what offices had said of the facts of a score when it was made, or by another instant (`known_at`).

    What counted, what said something else, and what was superseded or withdrawn by then, and by what. No values.
    """
    return await application_reading.read_evidence(work, assessment_id, known_at)


@router.get(
    f"{_ASSESSMENT}/document",
    **read("points.assessment.read", summary_zh="评分的可重算文件", problems=["assessment-not-found", "assessment-erased"]),
)
async def read_document(work: CurrentWork, assessment_id: UUID) -> AssessmentDocument:
    """Read the frozen document that `xinshimin points replay` counts again, bit for bit, offline, years later (P-37).

    It holds the facts and the full text of the rules; who reads it needs every scope that shows fields.
    """
    return AssessmentDocument.model_validate(
        (await application_reading.read_document(work, assessment_id)).model_dump(mode="json")
    )
