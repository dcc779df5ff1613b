"""Reports of employments, lettings and stays made before the calendar of their deadline was held (RR-14, RR-15, RR-72): once it
is, the day is counted anew and whether the report was late is told.

No event: none of the contracts tells when something was reported. Who reads, reads the new version.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from services.chassis.records import VersionedRecord, changed_fields
from services.chassis.work import Work
from services.registry.actions.employment import employment_entry
from services.registry.actions.homes import deadlines
from services.registry.actions.homes.premises import RESOURCE as PREMISES
from services.registry.actions.homes.stay_entry import RESOURCE as STAY
from services.registry.actions.homes.stay_entry import law_date
from services.registry.actions.law import LAW
from services.registry.rules.homes.premises import report_settled_until
from services.registry.rules.reporting import Report
from services.registry.store import unsettled as store
from services.registry.store.employment.employments import find_employment
from services.registry.store.homes.premises import find_premises
from services.registry.store.homes.stays import find_stay

RecordT = TypeVar("RecordT", bound=VersionedRecord)


class _Kept(NamedTuple):
    """The fields in which a record keeps one report; `due_on` is not kept of every end."""

    unsettled_on: str
    late: str
    due_on: str | None = None


_START = _Kept("start_unsettled_on", "start_reported_late", "start_due_on")
_END = _Kept("end_unsettled_on", "end_reported_late", "end_due_on")
_HOME_START = _Kept("report_unsettled_on", "reported_late", "report_due_on")
_HOME_END = _Kept("end_unsettled_on", "end_reported_late")


async def settle_employments(work: Work, *, limit: int) -> int:
    """Settle reports of who was taken on and who left; how many employments."""
    until = LAW.employment.report_settled_until(LAW.working_days)
    for employment_id in (found := await store.lock_unsettled_employments(work, until=until, limit=limit)):
        before = await find_employment(work, employment_id)
        assert before is not None
        days = ((_START, before.started_on), (_END, before.ended_on))
        after = _settled(work, before, days, employment_entry.reported)
        await store.settle_employment(work, after)
        _leave(work, employment_entry.RESOURCE, employment_id, before, after, before.person_id)
    return len(found)


async def settle_premises(work: Work, *, limit: int) -> int:
    """Settle reports of lettings that began and ended; how many homes."""
    for premises_id in (found := await store.lock_unsettled_premises(work, until=_homes_until(), limit=limit)):
        read = await find_premises(work, premises_id)
        assert read is not None
        before, _ = read
        after = _settled(work, before, ((_HOME_START, before.let_from), (_HOME_END, before.ended_on)), deadlines.reported)
        await store.settle_premises(work, after)
        _leave(work, PREMISES, premises_id, before, after, None)
    return len(found)


async def settle_stays(work: Work, *, limit: int) -> int:
    """Settle reports of who came and who left; how many stays."""
    for stay_id in (found := await store.lock_unsettled_stays(work, until=_homes_until(), limit=limit)):
        before = await find_stay(work, stay_id)
        assert before is not None
        ended_on = None if before.ended_at is None else law_date(before.ended_at)
        days = ((_HOME_START, law_date(before.started_at)), (_HOME_END, ended_on))
        after = _settled(work, before, days, deadlines.reported)
        await store.settle_stay(work, after)
        _leave(work, STAY, stay_id, before, after, before.person_id)
    return len(found)


def _homes_until() -> date:
    return report_settled_until(LAW.working_days, LAW.homes.premises)


def _settled(
    work: Work, record: RecordT, days: tuple[tuple[_Kept, date | None], ...], reported: Callable[[date, date], Report]
) -> RecordT:
    """The record with its reports judged by the calendar held now; a new version when that shows anything else than before."""
    update: dict[str, Any] = {}
    for kept, event_on in days:
        unsettled_on = getattr(record, kept.unsettled_on)
        if unsettled_on is None or event_on is None:
            continue
        report = reported(event_on, unsettled_on)
        update |= {kept.unsettled_on: report.unsettled_on, kept.late: report.is_late}
        if kept.due_on is not None:
            update[kept.due_on] = report.due_on
    if any(getattr(record, name) != value for name, value in update.items() if not name.endswith("unsettled_on")):
        update |= {"version": record.version + 1, "updated_at": work.now}
    return record.model_copy(update=update)


def _leave(work: Work, resource: str, resource_id: UUID, before: RecordT, after: RecordT, person_id: UUID | None) -> None:
    if after.version == before.version:
        return
    changed = changed_fields(before, after)
    work.remember(resource, resource_id, after.version, snapshot=after.remembered(), changed=changed, person_id=person_id)
    work.audit("settle_report", resource, resource_id, person_id=person_id, fields=changed)
