"""Rule sets: drafted, checked, approved, in force."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.chassis.two_person import ProposalView
from services.points_hukou.actions import rule_set_acts, rule_set_reading, rules_in_force
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.rule_set_states import RuleSetStatus
from services.points_hukou.schemas.rule_sets import (
    InForceView,
    PutInForce,
    RuleSetSummaryView,
    RuleSetTexts,
    RuleSetView,
    RulesInForceView,
    TakeOutOfForce,
)

router = ServiceRouter(tags=["rule sets"])
_ALL = "/v1/points/rule-sets"
_ONE = f"{_ALL}/{{rule_set_id}}"
_ACT = ["rule-set-not-found", "rule-set-act-not-allowed"]
_IN_FORCE = [*_ACT, "division-out-of-scope"]

StatusParameter = Annotated[RuleSetStatus | None, Query(description="Only those that stand there.")]
PurposeParameter = Annotated[Purpose | None, Query(description="Only this use.")]
DivisionParameter = Annotated[
    str, Query(pattern="^([0-9]{6}|[0-9]{9}|[0-9]{12})$", description="Where points are used.", examples=["330282"])
]
OnParameter = Annotated[date | None, Query(description="The day; today when left out.")]


@router.post(
    _ALL,
    status_code=201,
    **write("points.rule_set.draft", actor=True, summary_zh="录入积分规则集", problems=["rule-set-unreadable"]),
)
async def draft_rule_set(work: CurrentWork, body: RuleSetTexts) -> Answer[RuleSetView]:
    """Draft a rule set: one that ships, with the city's own choices if it has any, or a text of one's own with its cases.

    The texts of everything it extends are taken in with it, so that nothing it rests on can change.
    """
    made = await rule_set_acts.draft_rule_set(work, body)
    return Answer(made, version=made.version, location=f"{_ALL}/{made.rule_set_id}")


@router.get(_ALL, **read("points.rule_set.read", purpose=False, summary_zh="列出积分规则集"))
async def list_rule_sets(
    work: CurrentWork, status: StatusParameter = None, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[RuleSetSummaryView]:
    """List rule sets, oldest first: drafts of the client's own division, and whatever was approved anywhere."""
    return await rule_set_reading.list_rule_sets(work, status, cursor, limit)


@router.get(f"{_ALL}/in-force", **read("points.rule_set.read", purpose=False, summary_zh="查询现行积分规则"))
async def read_rules_in_force(
    work: CurrentWork, division_code: DivisionParameter, purpose: PurposeParameter = None, on: OnParameter = None
) -> RulesInForceView:
    """Tell which rule set counts which use in a division on a day: of the nearest division that says anything."""
    return await rule_set_reading.read_rules_in_force(work, division_code, purpose, on)


@router.get(_ONE, **read("points.rule_set.read", purpose=False, summary_zh="读取积分规则集", problems=["rule-set-not-found"]))
async def read_rule_set(work: CurrentWork, rule_set_id: UUID) -> Answer[RuleSetView]:
    """Read a rule set with every text it consists of."""
    found = await rule_set_reading.read_rule_set(work, rule_set_id)
    return Answer(found, version=found.version)


@router.get(
    f"{_ONE}/history",
    **read("points.rule_set.read", purpose=False, summary_zh="规则集的变更历史", problems=["rule-set-not-found"]),
)
async def read_versions(
    work: CurrentWork, rule_set_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[RuleSetSummaryView]]:
    """Read the versions of a rule set, newest first: who did what, and when."""
    return await rule_set_reading.read_versions(work, rule_set_id, cursor, limit)


@router.put(
    _ONE,
    **write(
        "points.rule_set.draft",
        actor=True,
        if_match=True,
        summary_zh="改写积分规则集草案",
        problems=[*_ACT, "rule-set-unreadable"],
    ),
)
async def rewrite_rule_set(work: CurrentWork, rule_set_id: UUID, body: RuleSetTexts) -> Answer[RuleSetView]:
    """Rewrite a rule set that is not approved yet; it is a draft again."""
    changed = await rule_set_acts.rewrite_rule_set(work, rule_set_id, body)
    return Answer(changed, version=changed.version)


@router.post(f"{_ONE}/check", **write("points.rule_set.draft", actor=True, summary_zh="核验积分规则集", problems=_ACT))
async def check_rule_set(work: CurrentWork, rule_set_id: UUID) -> Answer[RuleSetView]:
    """Check a rule set: it compiles, everything doubtful has a choice, its cases hold, and they reach every item and clause.

    With any problem it stays a draft, and every problem is told with its place.
    """
    checked = await rule_set_acts.check_rule_set(work, rule_set_id)
    return Answer(checked, version=checked.version)


@router.post(
    f"{_ONE}/approve",
    status_code=201,
    **write(rule_set_acts.APPROVE_SCOPE, actor=True, summary_zh="报请核准规则集", problems=[*_ACT, "proposal-open"]),
)
async def approve_rule_set(work: CurrentWork, rule_set_id: UUID) -> Answer[ProposalView]:
    """Put a checked rule set before a second officer; it is approved at `POST /v1/points/proposals/{id}/approve`."""
    made = await rule_set_acts.propose_approval(work, rule_set_id)
    return Answer(made, version=made.version, location=f"/v1/points/proposals/{made.proposal_id}")


@router.post(
    f"{_ONE}/put-in-force",
    **write(
        "points.rule_set.put_in_force",
        actor=True,
        summary_zh="规则集生效",
        problems=[*_IN_FORCE, "purpose-closed", "rule-set-day-taken"],
    ),
)
async def put_in_force(work: CurrentWork, rule_set_id: UUID, body: PutInForce) -> Answer[RulesInForceView]:
    """Put an approved rule set in force for uses of points, in a division, from today or a later day on."""
    return Answer(await rules_in_force.put_in_force(work, rule_set_id, body))


@router.post(
    f"{_ONE}/take-out-of-force",
    **write(
        "points.rule_set.put_in_force",
        actor=True,
        summary_zh="规则集停止适用",
        problems=[*_IN_FORCE, "rule-set-not-in-force"],
    ),
)
async def take_out_of_force(work: CurrentWork, rule_set_id: UUID, body: TakeOutOfForce) -> Answer[InForceView]:
    """End a rule set's being in force for one use, from a later day on, or call it off before it began."""
    return Answer(await rules_in_force.take_out_of_force(work, rule_set_id, body))


@router.post(
    f"{_ONE}/withdraw",
    **write("points.rule_set.draft", actor=True, summary_zh="撤销规则集", problems=[*_ACT, "rule-set-in-force"]),
)
async def withdraw_rule_set(work: CurrentWork, rule_set_id: UUID) -> Answer[RuleSetView]:
    """Withdraw a rule set that is nowhere in force; what was counted by it stands."""
    withdrawn = await rule_set_acts.withdraw_rule_set(work, rule_set_id)
    return Answer(withdrawn, version=withdrawn.version)
