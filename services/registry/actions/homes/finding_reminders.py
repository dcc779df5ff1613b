"""Landlords are told that what an inspection found is to be put right soon, and that it is late: once per deadline."""

from services.chassis.work import Work
from services.registry.actions.homes.inspections import FINDING
from services.registry.actions.law import LAW
from services.registry.actions.notices import About, request_notice
from services.registry.rules.notice_templates import Addressee
from services.registry.store.homes.finding_reminders import lock_untold


async def remind_of_findings(work: Work, *, limit: int) -> int:
    """Tell those whose deadline is near or over, whoever was not told of it yet; how many."""
    findings = await lock_untold(work, days=LAW.notices.finding_reminder_days.on(work.today), limit=limit)
    for finding in findings:
        await request_notice(
            work,
            finding["template"],
            addressee=Addressee.LANDLORD,
            addressee_id=finding["landlord_id"],
            division_code=finding["division_code"],
            about=About(FINDING, finding["finding_id"], finding["due_on"]),
            parameters={"finding_id": finding["finding_id"], "kind": finding["kind"], "due_on": finding["due_on"]},
        )
    return len(findings)
