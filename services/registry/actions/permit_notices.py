"""What the holder of a permit is told by the law clock and by officers: endorsement is due, the function is suspended, the
permit is late.
"""

from services.chassis.work import Work
from services.registry.actions.law import LAW
from services.registry.actions.notices import About, request_notice
from services.registry.rules.notice_templates import Addressee, ParameterValue
from services.registry.rules.permit_states import PermitStatus
from services.registry.schemas.permit_views import PermitRecord
from services.registry.store.permits import lock_late_untold, lock_unreminded, reload_permit

_SUBJECT = "residence_permit"


async def remind_of_endorsement(work: Work, *, limit: int) -> int:
    """Remind holders whose window opens soon or is open, once per window (RR-30, RR-38); how many were reminded.

    Whose window closed while nobody was running is told of the suspension instead, which the law has brought about.
    """
    days = LAW.notices.endorsement_reminder_days.on(work.today)
    permit_ids = await lock_unreminded(work, days=days, limit=limit)
    for permit_id in permit_ids:
        record = await reload_permit(work, permit_id)
        opens, closes = record.endorsement_from, record.endorsement_until
        await _tell(work, record, "endorsement_due", occasion=closes, window_from=opens, window_until=closes)
    return len(permit_ids)


async def tell_late_issues(work: Work, *, limit: int) -> int:
    """Tell applicants, and the office with them, that a permit was not issued in time (RR-26); how many were told."""
    permit_ids = await lock_late_untold(work, limit=limit)
    for permit_id in permit_ids:
        record = await reload_permit(work, permit_id)
        if record.status is PermitStatus.ACCEPTED:  # neither issued nor withdrawn while this waited for the person
            await _tell(work, record, "permit_issue_overdue", occasion=record.due_on, due_on=record.due_on)
    return len(permit_ids)


async def tell_suspended(work: Work, record: PermitRecord) -> None:
    """Tell the holder of a suspension just written down, whoever or whatever caused it (RR-31)."""
    told = {"suspended_on": record.suspended_on, "cause": record.suspension_cause}
    await _tell(work, record, "permit_suspended", occasion=f"version {record.version}", **told)


async def _tell(work: Work, record: PermitRecord, template: str, *, occasion: object, **told: ParameterValue | None) -> None:
    """Ask for a notice to the holder of a permit, once per occasion; a permit in the state it tells of has all of these."""
    assert record.division_code is not None
    given = {name: value for name, value in told.items() if value is not None}
    await request_notice(
        work,
        template,
        addressee=Addressee.PERSON,
        addressee_id=record.person_id,
        division_code=record.division_code,
        about=About(_SUBJECT, record.permit_id, occasion),
        parameters={"permit_id": record.permit_id, **given},
    )
