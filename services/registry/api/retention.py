"""Reviews of what is still kept past its purpose."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.chassis.two_person import ProposalView
from services.registry.actions import retention
from services.registry.api.proposals import PROPOSALS_PATH
from services.registry.api.registrations import DivisionParameter
from services.registry.schemas.retention import PastReviewView, ReviewKeeping, ReviewStatus, ReviewView

router = ServiceRouter(tags=["retention"])
_ONE = "/v1/retention-reviews/{review_id}"
_ACT = ["retention-review-not-found", "retention-review-decided"]

ReviewStatusParameter = Annotated[ReviewStatus | None, Query(description="Only those that stand there.")]


@router.get(
    "/v1/retention-reviews",
    **read("registry.retention.read", summary_zh="列出保存期限届满、待复核的记录", problems=["division-out-of-scope"]),
)
async def list_reviews(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    status: ReviewStatusParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[ReviewView]:
    """List records whose retention is over, of divisions within this client's own, oldest first.

    Of persons who left or were never registered, and of landlords, homes and employers that are no more. Ids, classes and
    days alone. The register finds them daily; nothing is deleted before two officers say so (V-19, V-68).
    """
    return await retention.list_reviews(work, division_code, status, cursor, limit)


@router.get(_ONE, **read("registry.retention.read", summary_zh="读取保存期限复核", problems=["retention-review-not-found"]))
async def read_review(work: CurrentWork, review_id: UUID) -> Answer[ReviewView]:
    """Read a review."""
    found = await retention.read_review(work, review_id)
    return Answer(found, version=found.version)


@router.get(
    f"{_ONE}/history",
    **read("registry.retention.read", summary_zh="保存期限复核的历次版本", problems=["retention-review-not-found"]),
)
async def read_review_history(
    work: CurrentWork, review_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastReviewView]]:
    """Read the versions of a review, newest first."""
    return await retention.read_review_history(work, review_id, cursor, limit)


@router.post(
    f"{_ONE}/keep",
    **write("registry.retention.decide", actor=True, summary_zh="说明理由继续保存", problems=_ACT),
)
async def keep(work: CurrentWork, review_id: UUID, body: ReviewKeeping) -> Answer[ReviewView]:
    """Keep the record, for a reason and until a day on which it is due again."""
    kept = await retention.keep(work, review_id, body)
    return Answer(kept, version=kept.version)


@router.post(
    f"{_ONE}/deletion",
    status_code=201,
    **write(
        retention.DELETE_DUE.scope,
        actor=True,
        summary_zh="提出删除保存期限届满的信息，由第二名经办人核准",
        problems=[*_ACT, "person-not-found", "person-deleted", "person-merged", "proposal-open"],
    ),
)
async def propose_deletion(work: CurrentWork, review_id: UUID) -> Answer[ProposalView]:
    """Propose to delete what is kept of the person, landlord, home or employer, because its retention is over (PIPL 47).

    Of a person everything goes; of a thing names, numbers, phones, addresses, papers and remembered versions, and its id stays.

    Lawfully refused, with every reason, while something stands against it (V-20). It happens when a second officer approves.
    """
    made = await retention.propose_deletion(work, review_id)
    return Answer(made, version=made.version, location=f"{PROPOSALS_PATH}/{made.proposal_id}")
