"""What visits disagree about: list, read, decide."""

from uuid import UUID

from services.chassis.cursors import Page, after, page_of
from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.field_work.visits import CONFLICT as RESOURCE
from services.registry.actions.trail import leave
from services.registry.rules.field_work.visits import VisitConflictDecision, VisitConflictKind
from services.registry.schemas.field_work.visits import (
    ConflictSettlement,
    PastVisitConflictView,
    VisitConflictRecord,
    VisitConflictView,
)
from services.registry.store.field_work import visits as store


async def decide_conflict(work: Work, visit_conflict_id: UUID, body: ConflictSettlement) -> VisitConflictView:
    """An officer decides which visit counts. The register is changed as always, by whoever it is for, or not at all."""
    before = await store.lock_conflict(work, visit_conflict_id)
    if before is None:
        raise not_found("visit-conflict")
    work.expect_version(before.version)
    if before.decision is not None:
        raise DomainError("visit-conflict-decided")
    if body.decision is VisitConflictDecision.OTHER_COUNTS and before.kind is not VisitConflictKind.VISITS_DIFFER:
        zh, en = "该冲突没有另一次走访", "there is no other visit in this conflict"
        raise invalid([FieldError("/decision", "no_other_visit", zh, en)])
    after = before.model_copy(
        update={
            "decision": body.decision,
            "decided_on": work.today,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    keeps = {
        VisitConflictDecision.VISIT_COUNTS: before.visit_id,
        VisitConflictDecision.OTHER_COUNTS: before.other_visit_id,
        VisitConflictDecision.NEITHER_COUNTS: None,
    }[body.decision]
    both = (before.visit_id, before.other_visit_id)
    await store.decide_conflict(work, after, [visit for visit in both if visit is not None and visit != keeps])
    leave(work, "decide", RESOURCE, visit_conflict_id, None, before=before, after=after, division_codes=())
    return VisitConflictView.of(after)


async def read_conflict(work: Work, visit_conflict_id: UUID) -> VisitConflictView:
    """One conflict."""
    record = await store.find_conflict(work, visit_conflict_id)
    if record is None:
        raise not_found("visit-conflict")
    work.audit("read", RESOURCE, visit_conflict_id)
    return VisitConflictView.of(record)


async def read_conflict_history(
    work: Work, visit_conflict_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastVisitConflictView]]:
    """Versions of a conflict, newest first."""
    if await store.find_conflict(work, visit_conflict_id) is None:
        raise not_found("visit-conflict")
    work.audit("read_history", RESOURCE, visit_conflict_id)
    return await versions_of(
        work,
        RESOURCE,
        visit_conflict_id,
        record=VisitConflictRecord,
        view=PastVisitConflictView.of,
        cursor=cursor,
        limit=limit,
    )


async def list_conflicts(
    work: Work, division_code: str | None, status: str | None, cursor: str | None, limit: int
) -> Page[VisitConflictView]:
    """Conflicts in a division, oldest first."""
    prefix = listed_prefix(work, division_code)
    scope = f"conflicts {prefix} {status}"
    start = after(work.keyring, scope, cursor)
    rows = await store.list_conflicts(work, division_prefix=prefix, status=status, after=start, limit=limit)
    work.audit("read", RESOURCE, None, outcome=f"found {min(len(rows), limit)}")
    return page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: VisitConflictView.of(store.conflict_of(row)),
        id_column="visit_conflict_id",
    )
