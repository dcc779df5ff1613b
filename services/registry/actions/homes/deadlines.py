"""When a letting or a stay had to be reported, and whether it was (RR-15, RR-72)."""

from datetime import date

from services.registry.actions.law import LAW
from services.registry.rules.homes.premises import report_deadline
from services.registry.rules.reporting import Report, report_of


def reported(event_on: date, reported_on: date) -> Report:
    """What a start or an end of that day is, told on another."""
    return report_of(report_deadline(event_on, LAW.working_days, LAW.homes.premises), reported_on)
