"""Requests of persons about their data."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions import rights, rights_clock, rights_recipients
from services.registry.rules.rights import RightsStatus
from services.registry.schemas.rights import (
    IncompleteTelling,
    PastRightsRequestView,
    PersonCopyView,
    RecipientsView,
    RestrictionLift,
    RightsCompletion,
    RightsDecision,
    RightsExtension,
    RightsRequestEntry,
    RightsRequestView,
    RightsSupplement,
    RightsVerification,
    ThirdPartyAsking,
    ThirdPartyHearing,
)

router = ServiceRouter(tags=["rights of the person"])
_ONE = "/v1/rights-requests/{rights_request_id}"
_ACT = ["rights-request-not-found", "rights-request-act-not-allowed"]
_CLOCK = [*_ACT, "rights-clock-act-not-allowed", "rights-law-not-held"]

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


@router.get(
    f"{_ONE}/history",
    **read("registry.rights.read", summary_zh="权利请求的历次版本", problems=["rights-request-not-found"]),
)
async def read_request_history(
    work: CurrentWork, rights_request_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastRightsRequestView]]:
    """Read the versions of a request, newest first."""
    return await rights.read_request_history(work, rights_request_id, cursor, limit)


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
        problems=[*_ACT, "rights-request-waits", "restriction-not-lawful", "rights-law-not-held"],
    ),
)
async def decide_request(work: CurrentWork, rights_request_id: UUID, body: RightsDecision) -> Answer[RightsRequestView]:
    """Decide; a refusal tells its reasons and the ways against it (V-23). A granted restriction begins at once (V-20)."""
    decided = await rights.decide_request(work, rights_request_id, body)
    return Answer(decided, version=decided.version)


@router.post(
    f"{_ONE}/tell-incomplete",
    **write("registry.rights.decide", actor=True, summary_zh="一次性告知补正", problems=_CLOCK),
)
async def tell_what_is_missing(
    work: CurrentWork, rights_request_id: UUID, body: IncompleteTelling
) -> Answer[RightsRequestView]:
    """Tell what is missing in an information request, once and within seven working days; its term waits (V-26)."""
    told = await rights_clock.tell_what_is_missing(work, rights_request_id, body)
    return Answer(told, version=told.version)


@router.post(
    f"{_ONE}/supplement",
    **write("registry.rights.receive", summary_zh="提交补正", problems=[*_CLOCK, "actor-required"]),
)
async def take_supplement(work: CurrentWork, rights_request_id: UUID, body: RightsSupplement) -> Answer[RightsRequestView]:
    """Take in what was missing; the term starts anew. What comes late needs a reason that an officer accepts (V-26)."""
    supplemented = await rights_clock.take_supplement(work, rights_request_id, body)
    return Answer(supplemented, version=supplemented.version)


@router.post(f"{_ONE}/extend", **write("registry.rights.extend", actor=True, summary_zh="延长答复期限", problems=_CLOCK))
async def extend(work: CurrentWork, rights_request_id: UUID, body: RightsExtension) -> Answer[RightsRequestView]:
    """Extend the term of an information request, once, with a reason; by this act the office's head agrees (V-26)."""
    extended = await rights_clock.extend(work, rights_request_id, body)
    return Answer(extended, version=extended.version)


@router.post(
    f"{_ONE}/ask-third-party",
    **write("registry.rights.decide", actor=True, summary_zh="征求第三方意见", problems=_CLOCK),
)
async def ask_third_party(work: CurrentWork, rights_request_id: UUID, body: ThirdPartyAsking) -> Answer[RightsRequestView]:
    """Ask a third party whom disclosure may harm; the time does not count, and its silence holds up nothing (V-26)."""
    asked = await rights_clock.ask_third_party(work, rights_request_id, body)
    return Answer(asked, version=asked.version)


@router.post(
    f"{_ONE}/hear-third-party",
    **write("registry.rights.decide", actor=True, summary_zh="登记第三方意见", problems=_CLOCK),
)
async def hear_third_party(work: CurrentWork, rights_request_id: UUID, body: ThirdPartyHearing) -> Answer[RightsRequestView]:
    """Record the third party's opinion; the term runs on, and the office decides (V-26)."""
    heard = await rights_clock.hear_third_party(work, rights_request_id, body)
    return Answer(heard, version=heard.version)


@router.post(
    f"{_ONE}/copy",
    **write("registry.rights.copy", actor=True, summary_zh="提供个人信息副本", problems=[*_ACT, "person-not-found"]),
)
async def hand_over_copy(work: CurrentWork, rights_request_id: UUID) -> Answer[PersonCopyView]:
    """Make the copy of everything held about the person, and of who has used it (V-17)."""
    return Answer(await rights.hand_over_copy(work, rights_request_id))


@router.get(
    f"{_ONE}/recipients",
    **read("registry.rights.decide", summary_zh="列出信息接收方", problems=["rights-request-not-found"]),
)
async def read_recipients(work: CurrentWork, rights_request_id: UUID) -> Answer[RecipientsView]:
    """List who was shown data of the person, by the evidence, and who of them hears of a correction by events (V-18)."""
    return Answer(await rights_recipients.read_recipients(work, rights_request_id))


@router.post(
    f"{_ONE}/complete",
    **write(
        "registry.rights.decide",
        actor=True,
        summary_zh="办结",
        problems=[*_ACT, "rights-request-not-carried-out", "rights-recipients-not-told"],
    ),
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
