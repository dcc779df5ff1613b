"""When a letting or a stay had to be reported, and whether it was (RR-15, RR-72)."""

from datetime import date

from services.chassis.work import Work
from services.registry.actions.law import LAW
from services.registry.rules.homes.premises import report_deadline


def reported(work: Work, event_on: date) -> tuple[date | None, bool | None]:
    """The last day for reporting what happened that day, and whether today is late; `None`: no limit, or it cannot be told."""
    deadline = report_deadline(event_on, LAW.working_days, LAW.homes.premises)
    return (None, None) if deadline is None else (deadline.due_on, deadline.is_missed_by(work.today))
