"""Inspections of homes: grade by the checklist, find what is wrong with a deadline, look again, and close only then.

A finding is about a home. It is opened and closed by officers who were there; no other act touches it.
"""

from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.law import LAW
from services.registry.actions.refusals import day_errors, field_error
from services.registry.actions.trail import leave
from services.registry.rules.homes.star_rating import FindingKind, checklist_problems, grade
from services.registry.schemas.homes.inspections import (
    FindingFilter,
    FindingRecord,
    FindingStatus,
    FindingView,
    InspectionEntry,
    InspectionRecord,
    InspectionView,
    PastFindingView,
)
from services.registry.schemas.homes.premises import PremisesRecord
from services.registry.store.homes import inspections as store
from services.registry.store.homes.premises import find_premises, lock_premises

RESOURCE = "inspection"
FINDING = "inspection_finding"


async def inspect(work: Work, body: InspectionEntry) -> InspectionView:
    """Enter an inspection. The home is locked, so two inspections of it come in one after the other."""
    found = await lock_premises(work, body.premises_id)
    if found is None:
        wrong = FieldError("/premises_id", "premises_not_found", "没有找到该房屋", "there are no such premises")
        raise DomainError("premises-not-found", errors=[wrong])
    premises = found[0]
    waiting = await store.lock_open_findings(work, body.premises_id)
    if errors := _errors(work, body, premises, waiting):
        raise invalid(errors)
    record = _inspection(work, body, premises)
    await store.insert_inspection(work, record)
    work.audit("inspect", RESOURCE, record.inspection_id)
    findings = [
        *[await _found(work, record, kind=each.kind, room_id=each.room_id, due_on=each.due_on) for each in body.findings],
        *[
            await _looked_at_again(work, record, waiting[each.finding_id], None if each.is_remedied else each.due_on)
            for each in body.reinspected
        ],
    ]
    return InspectionView.of(record, [_view(work, finding) for finding in findings])


async def read_inspection(work: Work, inspection_id: UUID) -> InspectionView:
    """One inspection, with what it found and what it closed."""
    record = await store.find_inspection(work, inspection_id)
    if record is None:
        raise not_found("inspection")
    findings = await store.findings_of(work, [inspection_id])
    work.audit("read", RESOURCE, inspection_id)
    return InspectionView.of(record, [_view(work, finding) for finding in findings])


async def read_inspections_of(work: Work, premises_id: UUID, cursor: str | None, limit: int) -> Page[InspectionView]:
    """A home's inspections, newest first."""
    if await find_premises(work, premises_id) is None:
        raise not_found("premises")
    scope = f"inspections of {premises_id}"
    rows = await store.inspections_of(work, premises_id, before=after(work.keyring, scope, cursor), limit=limit)
    findings = await store.findings_of(work, [row["inspection_id"] for row in rows])
    work.audit("read", RESOURCE, None, outcome=f"found {min(len(rows), limit)}")
    return page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: InspectionView.of(
            store.inspection_of(row),
            [
                _view(work, each)
                for each in findings
                if row["inspection_id"] in {each.inspection_id, each.closed_by_inspection_id}
            ],
        ),
        id_column="inspection_id",
    )


async def read_finding_history(
    work: Work, finding_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastFindingView]]:
    """Versions of a finding, newest first: its deadlines, and when it was closed."""
    if await store.find_finding(work, finding_id) is None:
        raise not_found("finding")
    work.audit("read_history", FINDING, finding_id)
    return await versions_of(
        work, FINDING, finding_id, record=FindingRecord, view=PastFindingView.of, cursor=cursor, limit=limit
    )


async def list_findings(
    work: Work, division_code: str | None, which: FindingFilter, cursor: str | None, limit: int
) -> Page[FindingView]:
    """Findings in a division, oldest first; those past their deadline are asked for by name."""
    prefix = listed_prefix(work, division_code)
    scope = f"findings {prefix} {which}"
    start = after(work.keyring, scope, cursor)
    rows = await store.list_findings(work, division_prefix=prefix, which=which, today=work.today, after=start, limit=limit)
    work.audit("read", FINDING, None, outcome=f"found {min(len(rows), limit)}")
    return page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: _view(work, store.finding_of(row)),
        id_column="finding_id",
    )


def _errors(
    work: Work, body: InspectionEntry, premises: PremisesRecord, waiting: dict[UUID, FindingRecord]
) -> list[FieldError]:
    """Everything that keeps an inspection from being entered, each at its field."""
    earliest = min(premises.let_from, work.today)
    errors = day_errors("/inspected_on", body.inspected_on, earliest=earliest, latest=work.today)
    answers = {item.code: item.answer for item in body.answers}
    if body.answers:
        problems = checklist_problems(answers, body.inspected_on, LAW.homes.inspections)
        errors += [field_error("/answers", problem) for problem in problems]
    if len(answers) < len(body.answers):
        errors.append(FieldError("/answers", "item_twice", "同一项目只填一次", "each item is answered once", "RR-73"))
    known = {kind.code for kind in LAW.homes.inspections.kinds.on(body.inspected_on)}
    for place, finding in enumerate(body.findings):
        at = f"/findings/{place}"
        if finding.kind not in known:
            errors.append(FieldError(f"{at}/kind", "kind_unknown", "没有这种问题", "no such kind of finding", "COM-64"))
        if finding.room_id is not None and premises.room(finding.room_id) is None:
            errors.append(FieldError(f"{at}/room_id", "room_not_found", "该房屋没有这个房间", "the home has no such room"))
        errors += _due_errors(f"{at}/due_on", finding.due_on, body.inspected_on)
    seen: set[UUID] = set()
    for place, again in enumerate(body.reinspected):
        at = f"/reinspected/{place}"
        if again.finding_id not in waiting or again.finding_id in seen:
            zh, en = "该房屋没有这项待整改问题", "the home has no such open finding, or it is named twice"
            errors.append(FieldError(f"{at}/finding_id", "finding_not_open", zh, en))
        if again.is_remedied == (again.due_on is not None):
            zh, en = "未整改的填写新的期限，已整改的不填", "told exactly when it is not remedied"
            errors.append(FieldError(f"{at}/due_on", "due_on_unclear", zh, en))
        elif again.due_on is not None:
            errors += _due_errors(f"{at}/due_on", again.due_on, body.inspected_on)
        seen.add(again.finding_id)
    return errors


def _due_errors(at: str, due_on: date, inspected_on: date) -> list[FieldError]:
    if due_on > inspected_on:
        return []
    return [FieldError(at, "too_early", "整改期限须晚于检查日期", "a deadline lies after the inspection")]


def _inspection(work: Work, body: InspectionEntry, premises: PremisesRecord) -> InspectionRecord:
    answers = {item.code: item.answer for item in body.answers}
    found = grade(answers, body.inspected_on, LAW.homes.inspections) if answers else None
    version = LAW.homes.inspections.checklist_version.on(body.inspected_on) if answers else None
    return InspectionRecord(
        inspection_id=new_id(),
        premises_id=premises.premises_id,
        division_code=premises.division_code,
        inspector=work.require_actor(),
        inspected_on=body.inspected_on,
        checklist_version=version,
        answers=answers,
        score=None if found is None else found.score,
        stars=None if found is None else found.stars,
        stars_valid_until=None if found is None else found.valid_until,
        created_at=work.now,
    )


async def _found(work: Work, inspection: InspectionRecord, *, kind: str, room_id: UUID | None, due_on: date) -> FindingRecord:
    record = FindingRecord(
        finding_id=new_id(),
        premises_id=inspection.premises_id,
        division_code=inspection.division_code,
        inspection_id=inspection.inspection_id,
        room_id=room_id,
        kind=kind,
        due_on=due_on,
        status=FindingStatus.OPEN,
        closed_on=None,
        closed_by_inspection_id=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_finding(work, record)
    leave(work, "find", FINDING, record.finding_id, None, before=None, after=record, division_codes=())
    return record


async def _looked_at_again(
    work: Work, inspection: InspectionRecord, before: FindingRecord, new_due_on: date | None
) -> FindingRecord:
    """Close a finding that was put right, or set it a new deadline."""
    is_closed = new_due_on is None
    after_ = before.model_copy(
        update={
            "due_on": new_due_on or before.due_on,
            "status": FindingStatus.CLOSED if is_closed else FindingStatus.OPEN,
            "closed_on": inspection.inspected_on if is_closed else None,
            "closed_by_inspection_id": inspection.inspection_id if is_closed else None,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    await store.update_finding(work, after_)
    operation = "close" if is_closed else "put_off"
    leave(work, operation, FINDING, before.finding_id, None, before=before, after=after_, division_codes=())
    return after_


def _view(work: Work, record: FindingRecord) -> FindingView:
    kind = _kind(record.kind)
    return FindingView(
        **record.__dict__,
        category=kind.category.value,
        name_zh=kind.name_zh,
        name_en=kind.name_en,
        is_overdue=record.status is FindingStatus.OPEN and record.due_on < work.today,
    )


def _kind(code: str) -> FindingKind:
    """The kind a finding was entered as; kinds are added and never taken away."""
    return next(row.value for row in LAW.homes.inspections.kinds.rows if row.value.code == code)
