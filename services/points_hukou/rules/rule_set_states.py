"""The life of a rule set (规则集): drafted, checked by its own cases, approved by two officers, withdrawn. Never edited again
once approved; from when and where it is in force is said beside it, by day, use and division.
"""

from collections.abc import Mapping
from enum import StrEnum


class RuleSetStatus(StrEnum):
    """Where a rule set stands."""

    DRAFT = "draft"
    CHECKED = "checked"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class RuleSetAct(StrEnum):
    """What an officer does with it."""

    REWRITE = "rewrite"
    CHECK = "check"
    APPROVE = "approve"
    PUT_IN_FORCE = "put_in_force"
    WITHDRAW = "withdraw"


TRANSITIONS: Mapping[tuple[RuleSetStatus, RuleSetAct], RuleSetStatus] = {
    (RuleSetStatus.DRAFT, RuleSetAct.REWRITE): RuleSetStatus.DRAFT,
    (RuleSetStatus.CHECKED, RuleSetAct.REWRITE): RuleSetStatus.DRAFT,
    (RuleSetStatus.DRAFT, RuleSetAct.CHECK): RuleSetStatus.CHECKED,
    (RuleSetStatus.CHECKED, RuleSetAct.CHECK): RuleSetStatus.CHECKED,
    (RuleSetStatus.CHECKED, RuleSetAct.APPROVE): RuleSetStatus.APPROVED,
    (RuleSetStatus.APPROVED, RuleSetAct.PUT_IN_FORCE): RuleSetStatus.APPROVED,
    (RuleSetStatus.DRAFT, RuleSetAct.WITHDRAW): RuleSetStatus.WITHDRAWN,
    (RuleSetStatus.CHECKED, RuleSetAct.WITHDRAW): RuleSetStatus.WITHDRAWN,
    (RuleSetStatus.APPROVED, RuleSetAct.WITHDRAW): RuleSetStatus.WITHDRAWN,
}
"""What may follow; anything else is refused. A check that finds something leads back to the draft."""
