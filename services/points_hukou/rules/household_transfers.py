"""The way of a household transfer (户口迁移): opened, approved, completed by the confirmed entry, closed by the answer to it.

Only the entry ends anything elsewhere, never the approval (architecture §1). What was entered is a fact of the household
register: it is not withdrawn here while the registry is asked, and after its refusal only as never having been.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.months import add_months
from services.chassis.parameters import Document, Fields, History, Register, text, whole_number
from services.chassis.working_days import Deadline, WorkingDays


class TransferStatus(StrEnum):
    """Where a transfer stands. `completed`: the registry is asked; `returned`: it refused, and an officer has to look."""

    OPENED = "opened"
    APPROVED = "approved"
    COMPLETED = "completed"
    RETURNED = "returned"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class TransferAct(StrEnum):
    """What the office does with it, or the registry's answer."""

    APPROVE = "approve"
    COMPLETE = "complete"
    RESEND = "resend"
    WITHDRAW = "withdraw"
    CLOSE = "close"
    RETURN = "return"


OPEN = frozenset({TransferStatus.OPENED, TransferStatus.APPROVED, TransferStatus.COMPLETED, TransferStatus.RETURNED})
"""While it is one of these, no other is opened for the same human."""

TRANSITIONS: Mapping[tuple[TransferStatus, TransferAct], TransferStatus] = {
    (TransferStatus.OPENED, TransferAct.APPROVE): TransferStatus.APPROVED,
    (TransferStatus.APPROVED, TransferAct.COMPLETE): TransferStatus.COMPLETED,
    (TransferStatus.COMPLETED, TransferAct.RESEND): TransferStatus.COMPLETED,
    (TransferStatus.RETURNED, TransferAct.RESEND): TransferStatus.COMPLETED,
    (TransferStatus.COMPLETED, TransferAct.CLOSE): TransferStatus.CLOSED,
    (TransferStatus.RETURNED, TransferAct.CLOSE): TransferStatus.CLOSED,
    (TransferStatus.COMPLETED, TransferAct.RETURN): TransferStatus.RETURNED,
    (TransferStatus.OPENED, TransferAct.WITHDRAW): TransferStatus.WITHDRAWN,
    (TransferStatus.APPROVED, TransferAct.WITHDRAW): TransferStatus.WITHDRAWN,
    (TransferStatus.RETURNED, TransferAct.WITHDRAW): TransferStatus.WITHDRAWN,
}
"""What may follow. An answer that comes late closes a case that was returned; after its end nothing does anything."""


@dataclass(frozen=True, slots=True)
class PlaceTerm:
    """Within how many months from the final list a place by this rule set is used (P-28)."""

    rule_set: str
    months: int


@dataclass(frozen=True, slots=True)
class TransferLaw:
    """The dated values in `household_transfer.toml`."""

    answer_working_days: History[int]
    place_terms: Register[PlaceTerm]

    def answer_term(self, asked_on: date, calendar: WorkingDays) -> Deadline:
        """Until when the registry answers. Raises NotInForceError on a day the parameters say nothing of."""
        return calendar.deadline(asked_on, self.answer_working_days.on(asked_on))

    def usable_until(self, rule_set: str, final_on: date, moved_up_on: date | None = None) -> date | None:
        """The last day on which a place of a list final on that day is used, or one into which somebody moved up later; `None`
        where the rule set sets no term.
        """
        held_since = final_on if moved_up_on is None else max(final_on, moved_up_on)
        for term in self.place_terms.on(final_on):
            if term.rule_set == rule_set:
                return add_months(held_since, term.months)
        return None


def read_household_transfers(document: Document) -> TransferLaw:
    """The law in `household_transfer.toml`. Raises ParameterError."""
    law = TransferLaw(
        answer_working_days=document.history("answer_working_days", whole_number(1, 60)),
        place_terms=document.register("place_terms", _read_term),
    )
    document.finish()
    return law


def _read_term(fields: Fields) -> PlaceTerm:
    return PlaceTerm(rule_set=fields.take("rule_set", text), months=fields.take("months", whole_number(1, 120)))
