"""Residence permits."""

from uuid import UUID

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions import permit_acts, permits
from services.registry.schemas.permit_views import PastPermitView, PermitView
from services.registry.schemas.permits import (
    CardReplacement,
    LossReport,
    PermitApplication,
    PermitEnd,
    PermitEndorsement,
    PermitIssue,
    PermitSuspension,
)

router = ServiceRouter(tags=["residence permits"])

_ACT_PROBLEMS = ("permit-not-found", "person-not-held", "permit-act-not-allowed", "stale-version")


@router.post(
    "/v1/residence-permits",
    status_code=201,
    **write(
        "registry.permit.apply",
        summary_zh="申领居住证",
        problems=["person-not-found", "person-merged", "merge-conflict-open", "permit-exists", "regime-not-held"],
    ),
)
async def apply_for_permit(work: CurrentWork, body: PermitApplication) -> Answer[PermitView]:
    """Apply for a residence permit.

    Decided on the spot: `accepted` with the last day for issuing, or `refused` with every reason and its article at once.
    A refusal is a decision, not an error; a new application may follow.
    """
    made = await permits.apply_for_permit(work, body)
    return Answer(made, version=made.version, location=f"/v1/residence-permits/{made.permit_id}")


@router.get(
    "/v1/residence-permits/{permit_id}",
    **read("registry.permit.read", summary_zh="读取居住证", problems=["permit-not-found"]),
)
async def read_permit(work: CurrentWork, permit_id: UUID) -> Answer[PermitView]:
    """Read a residence permit as it stands on the law's today."""
    found = await permits.read_permit(work, permit_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/residence-permits/{permit_id}/history",
    **read("registry.permit.read", summary_zh="居住证的历次版本", problems=["permit-not-found"]),
)
async def read_permit_history(
    work: CurrentWork, permit_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastPermitView]]:
    """Read the versions of a permit, newest first."""
    return await permits.read_permit_history(work, permit_id, cursor, limit)


@router.post(
    "/v1/residence-permits/{permit_id}/issue",
    **write(
        "registry.permit.decide",
        actor=True,
        summary_zh="发证",
        problems=(*_ACT_PROBLEMS, "permit-not-issuable", "merge-conflict-open"),
    ),
)
async def issue_permit(work: CurrentWork, permit_id: UUID, body: PermitIssue) -> Answer[PermitView]:
    """Issue an accepted permit today."""
    issued = await permit_acts.issue_permit(work, permit_id, body)
    return Answer(issued, version=issued.version)


@router.post(
    "/v1/residence-permits/{permit_id}/endorse",
    **write(
        "registry.permit.apply",
        summary_zh="签注",
        problems=[*_ACT_PROBLEMS, "endorsement-window", "regime-not-held", "actor-required", "merge-conflict-open"],
    ),
)
async def endorse_permit(work: CurrentWork, permit_id: UUID, body: PermitEndorsement) -> Answer[PermitView]:
    """Endorse a permit for the year to come.

    In the month before each completed year (RR-30). Late, the function comes back that day and residence years count anew
    (RR-32). `conditions_hold` is an officer's finding: who states it needs an actor.
    """
    endorsed = await permit_acts.endorse_permit(work, permit_id, body)
    return Answer(endorsed, version=endorsed.version)


@router.post(
    "/v1/residence-permits/{permit_id}/suspend",
    **write("registry.permit.decide", actor=True, summary_zh="中止居住证使用功能", problems=_ACT_PROBLEMS),
)
async def suspend_permit(work: CurrentWork, permit_id: UUID, body: PermitSuspension) -> Answer[PermitView]:
    """Suspend a permit's function; an endorsement restores it."""
    suspended = await permit_acts.suspend_permit(work, permit_id, body)
    return Answer(suspended, version=suspended.version)


@router.post(
    "/v1/residence-permits/{permit_id}/report-loss",
    **write("registry.permit.apply", summary_zh="居住证挂失", problems=[*_ACT_PROBLEMS, "card-not-in-use"]),
)
async def report_loss(work: CurrentWork, permit_id: UUID, body: LossReport) -> Answer[PermitView]:
    """Report the card lost; the permit keeps its status and years."""
    reported = await permit_acts.report_loss(work, permit_id, body)
    return Answer(reported, version=reported.version)


@router.post(
    "/v1/residence-permits/{permit_id}/replace",
    **write(
        "registry.permit.decide", actor=True, summary_zh="换领、补领居住证", problems=[*_ACT_PROBLEMS, "merge-conflict-open"]
    ),
)
async def replace_card(work: CurrentWork, permit_id: UUID, body: CardReplacement) -> Answer[PermitView]:
    """Replace the card; same permit, same years."""
    replaced = await permit_acts.replace_card(work, permit_id, body)
    return Answer(replaced, version=replaced.version)


@router.post(
    "/v1/residence-permits/{permit_id}/end",
    **write("registry.permit.decide", actor=True, summary_zh="注销居住证或撤回申请", problems=_ACT_PROBLEMS),
)
async def end_permit(work: CurrentWork, permit_id: UUID, body: PermitEnd) -> Answer[PermitView]:
    """End a permit (RR-37), or withdraw an application that was accepted but not issued."""
    ended = await permit_acts.end_permit(work, permit_id, body)
    return Answer(ended, version=ended.version)
