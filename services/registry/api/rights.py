"""Requests of persons about their data."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions import rights
from services.registry.rules.rights import RightsStatus
from services.registry.schemas.rights import (
    PersonCopyView,
    RestrictionLift,
    RightsCompletion,
    RightsDecision,
    RightsRequestEntry,
    RightsRequestView,
    RightsVerification,
)

router = ServiceRouter(tags=["rights of the person"])
_ONE = "/v1/rights-requests/{rights_request_id}"
_ACT = ["rights-request-not-found", "rights-request-act-not-allowed"]

PersonParameter = Annotated[UUID | None, Query(description="Only requests about this person.")]
StatusParameter = Annotated[RightsStatus | None, Query(description="Only those that stand there.")]
OverdueParameter = Annotated[bool, Query(description="Only those that should have been decided by now.")]


@router.post(
    "/v1/rights-requests",
    status_code=201,
    **write(
        "registry.rights.receive",
        summary_zh="受理个人信息权利请求",
        problems=["person-not-found", "person-merged", "rights-law-not-held"],
    ),
)
async def receive_request(work: CurrentWork, body: RightsRequestEntry) -> Answer[RightsRequestView]:
    """Receive a request: access and copy, correction, completion, restriction, objection, deletion, explanation, information.

    Its clock runs from today (V-24 to V-26).
    """
    made = await rights.receive_request(work, body)
    return Answer(made, version=made.version, location=f"/v1/rights-requests/{made.rights_request_id}")


@router.get("/v1/rights-requests", **read("registry.rights.read", summary_zh="列出个人信息权利请求"))
async def list_requests(
    work: CurrentWork,
    person_id: PersonParameter = None,
    status: StatusParameter = None,
    overdue: OverdueParameter = False,  # noqa: FBT002 - a query parameter
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[RightsRequestView]:
    """List the requests this client's office answers, oldest first."""
    return await rights.list_requests(work, person_id, status, cursor, limit, overdue=overdue)


@router.get(_ONE, **read("registry.rights.read", summary_zh="读取权利请求", problems=["rights-request-not-found"]))
async def read_request(work: CurrentWork, rights_request_id: UUID) -> Answer[RightsRequestView]:
    """Read a request with its clock."""
    found = await rights.read_request(work, rights_request_id)
    return Answer(found, version=found.version)


@router.post(
    f"{_ONE}/verify",
    **write(
        "registry.rights.decide",
        actor=True,
        summary_zh="核验请求人身份",
        problems=[*_ACT, "rights-request-not-entitled", "person-not-found", "rights-law-not-held"],
    ),
)
async def verify_request(work: CurrentWork, rights_request_id: UUID, body: RightsVerification) -> Answer[RightsRequestView]:
    """Verify who asks: the person, its guardian, or a close relative of a deceased person (V-12, V-13, V-22)."""
    verified = await rights.verify_request(work, rights_request_id, body)
    return Answer(verified, version=verified.version)


@router.post(
    f"{_ONE}/decide",
    **write(
        "registry.rights.decide",
        actor=True,
        summary_zh="作出决定",
        problems=[*_ACT, "restriction-not-lawful", "rights-law-not-held"],
    ),
)
async def decide_request(work: CurrentWork, rights_request_id: UUID, body: RightsDecision) -> Answer[RightsRequestView]:
    """Decide; a refusal tells its reasons and the ways against it (V-23). A granted restriction begins at once (V-20)."""
    decided = await rights.decide_request(work, rights_request_id, body)
    return Answer(decided, version=decided.version)


@router.post(
    f"{_ONE}/copy",
    **write("registry.rights.copy", actor=True, summary_zh="提供个人信息副本", problems=[*_ACT, "person-not-found"]),
)
async def hand_over_copy(work: CurrentWork, rights_request_id: UUID) -> Answer[PersonCopyView]:
    """Make the copy of everything held about the person, and of who has used it (V-17)."""
    return Answer(await rights.hand_over_copy(work, rights_request_id))


@router.post(
    f"{_ONE}/complete",
    **write("registry.rights.decide", actor=True, summary_zh="办结", problems=[*_ACT, "rights-request-not-carried-out"]),
)
async def complete_request(work: CurrentWork, rights_request_id: UUID, body: RightsCompletion) -> Answer[RightsRequestView]:
    """Say that what was decided is carried out."""
    done = await rights.complete_request(work, rights_request_id, body)
    return Answer(done, version=done.version)


@router.post(f"{_ONE}/withdraw", **write("registry.rights.receive", summary_zh="撤回请求", problems=_ACT))
async def withdraw_request(work: CurrentWork, rights_request_id: UUID) -> Answer[RightsRequestView]:
    """Take a request back before it is decided."""
    withdrawn = await rights.withdraw_request(work, rights_request_id)
    return Answer(withdrawn, version=withdrawn.version)


@router.post(
    f"{_ONE}/lift",
    **write(
        "registry.rights.decide",
        actor=True,
        summary_zh="解除限制",
        problems=["rights-request-not-found", "restriction-not-in-force"],
    ),
)
async def lift_restriction(work: CurrentWork, rights_request_id: UUID, body: RestrictionLift) -> Answer[RightsRequestView]:
    """Lift the restriction that a request led to."""
    lifted = await rights.lift_request(work, rights_request_id, body)
    return Answer(lifted, version=lifted.version)
