"""How long an application may take (P-09), in working days, and how often it is rechecked.

Nobody is called late on a day that was only guessed.
"""

from dataclasses import dataclass
from datetime import date

from services.chassis.parameters import Document, History, whole_number
from services.chassis.working_days import Deadline, WorkingDays


@dataclass(frozen=True, slots=True)
class ProcedureLaw:
    """The dated values in `procedure.toml`."""

    scoring_working_days: History[int]
    recheck_working_days: History[int]
    rechecks_at_most: History[int]
    """of one application"""

    def scoring_term(self, applied_on: date, calendar: WorkingDays) -> Deadline:
        """Until when an application is scored. Raises NotInForceError on a day the law says nothing of."""
        return calendar.deadline(applied_on, self.scoring_working_days.on(applied_on))

    def recheck_term(self, asked_on: date, calendar: WorkingDays) -> Deadline:
        """Until when a recheck is answered. Raises NotInForceError."""
        return calendar.deadline(asked_on, self.recheck_working_days.on(asked_on))


def read_procedure(document: Document) -> ProcedureLaw:
    """The law in `procedure.toml`. Raises ParameterError."""
    law = ProcedureLaw(
        scoring_working_days=document.history("scoring_working_days", whole_number(1, 250)),
        recheck_working_days=document.history("recheck_working_days", whole_number(1, 250)),
        rechecks_at_most=document.history("rechecks_at_most", whole_number(1, 100)),
    )
    document.finish()
    return law
