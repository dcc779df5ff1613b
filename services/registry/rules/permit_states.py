"""The state machine of a residence permit (residence.md §3.1): one table, one function.

`replaced` is not a status. A lost or damaged *card* is replaced; the permit behind it keeps its residence years and stays
what it was. Were it a status, replacing the card of a suspended permit would either restore a function the law suspended
(RR-31) or lose the knowledge that it was in function. So loss and replacement are acts that leave the status alone, and the
card has its own small life (`CardStatus`).

`withdrawn` is ours, not the page's: an accepted application whose applicant withdraws it, dies or becomes local hukou
before the permit is issued. Nothing was issued, so nothing can be `ended`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class PermitStatus(StrEnum):
    """Where an application, or the permit that came of it, stands."""

    ACCEPTED = "accepted"
    """已受理: complete and accepted; the days of RR-26 are running."""
    REFUSED = "refused"
    """不予受理: a lawful refusal with every reason. Final; a new application may follow."""
    WITHDRAWN = "withdrawn"
    """已撤回: given up before anything was issued. Final."""
    VALID = "valid"
    """有效: issued and in function."""
    SUSPENDED = "suspended"
    """使用功能中止: not endorsed in time (RR-31). Not cancelled."""
    ENDED = "ended"
    """已注销: RR-37. Final."""


class PermitAct(StrEnum):
    """What the office or the law clock does to it."""

    ISSUE = "issue"
    WITHDRAW = "withdraw"
    ENDORSE = "endorse"
    SUSPEND = "suspend"
    REPORT_LOSS = "report_loss"
    REPLACE_CARD = "replace_card"
    CHANGE_DATA = "change_data"
    END = "end"


class CardStatus(StrEnum):
    """The life of one card; a permit has at most one card `in_use`."""

    IN_USE = "in_use"
    REPORTED_LOST = "reported_lost"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class IllegalTransition:
    """The act is not open to a permit of this status."""

    status: PermitStatus
    act: PermitAct

    @property
    def message_zh(self) -> str:
        """For the officer, in Chinese."""
        return f"居住证当前状态为“{STATUS_ZH[self.status]}”,不能办理“{ACT_ZH[self.act]}”。"

    @property
    def message_en(self) -> str:
        """For the officer, in English."""
        return f"A residence permit that is {self.status.value} does not allow the act '{self.act.value}'."


STATUS_ZH: Mapping[PermitStatus, str] = MappingProxyType(
    {
        PermitStatus.ACCEPTED: "已受理",
        PermitStatus.REFUSED: "不予受理",
        PermitStatus.WITHDRAWN: "已撤回",
        PermitStatus.VALID: "有效",
        PermitStatus.SUSPENDED: "使用功能中止",
        PermitStatus.ENDED: "已注销",
    }
)
ACT_ZH: Mapping[PermitAct, str] = MappingProxyType(
    {
        PermitAct.ISSUE: "发证",
        PermitAct.WITHDRAW: "撤回申请",
        PermitAct.ENDORSE: "签注",
        PermitAct.SUSPEND: "中止使用功能",
        PermitAct.REPORT_LOSS: "挂失",
        PermitAct.REPLACE_CARD: "换领、补领",
        PermitAct.CHANGE_DATA: "信息变更",
        PermitAct.END: "注销",
    }
)

TRANSITIONS: Mapping[tuple[PermitStatus, PermitAct], PermitStatus] = MappingProxyType(
    {
        (PermitStatus.ACCEPTED, PermitAct.ISSUE): PermitStatus.VALID,
        (PermitStatus.ACCEPTED, PermitAct.WITHDRAW): PermitStatus.WITHDRAWN,
        (PermitStatus.VALID, PermitAct.ENDORSE): PermitStatus.VALID,
        (PermitStatus.VALID, PermitAct.SUSPEND): PermitStatus.SUSPENDED,
        (PermitStatus.VALID, PermitAct.REPORT_LOSS): PermitStatus.VALID,
        (PermitStatus.VALID, PermitAct.REPLACE_CARD): PermitStatus.VALID,
        (PermitStatus.VALID, PermitAct.CHANGE_DATA): PermitStatus.VALID,
        (PermitStatus.VALID, PermitAct.END): PermitStatus.ENDED,
        (PermitStatus.SUSPENDED, PermitAct.ENDORSE): PermitStatus.VALID,
        (PermitStatus.SUSPENDED, PermitAct.REPORT_LOSS): PermitStatus.SUSPENDED,
        (PermitStatus.SUSPENDED, PermitAct.REPLACE_CARD): PermitStatus.SUSPENDED,
        (PermitStatus.SUSPENDED, PermitAct.CHANGE_DATA): PermitStatus.SUSPENDED,
        (PermitStatus.SUSPENDED, PermitAct.END): PermitStatus.ENDED,
    }
)
"""Every lawful step; what is not here is illegal. Whether a lawful step is *due* (window open, conditions hold) the regime
decides.
"""


def is_final(status: PermitStatus) -> bool:
    """Whether no act leads on from here."""
    return all(before is not status for before, _ in TRANSITIONS)


def transition(status: PermitStatus, act: PermitAct) -> PermitStatus | IllegalTransition:
    """The status after `act`, or why there is none."""
    return TRANSITIONS.get((status, act)) or IllegalTransition(status, act)
