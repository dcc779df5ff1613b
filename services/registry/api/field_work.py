"""Field work: assignments, batches of visits, conflicts, rates."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions.field_work import assignments, conflicts, rates, visit_reading, visits
from services.registry.api.registrations import DivisionParameter
from services.registry.schemas.field_work.assignments import AssignmentEnd, AssignmentEntry, AssignmentView, PastAssignmentView
from services.registry.schemas.field_work.rates import MonthParameter, RateView
from services.registry.schemas.field_work.visits import (
    ConflictSettlement,
    PastVisitConflictView,
    VisitBatch,
    VisitBatchView,
    VisitConflictView,
    VisitView,
)

router = ServiceRouter(tags=["field work"])


class VisitConflictStatus(StrEnum):
    """Whether an officer has decided."""

    OPEN = "open"
    DECIDED = "decided"


CoordinatorParameter = Annotated[str | None, Query(max_length=64, description="Only this coordinator's.")]
ConflictStatusParameter = Annotated[VisitConflictStatus | None, Query(description="Only open or only decided ones.")]
RateParameter = Annotated[str | None, Query(max_length=60, description="Only this rate, e.g. `information_registration`.")]


@router.post(
    "/v1/coordinator-assignments",
    status_code=201,
    **write(
        "registry.field.assign",
        actor=True,
        summary_zh="指定综管员",
        problems=["division-out-of-scope", "assignment-exists"],
    ),
)
async def assign_coordinator(work: CurrentWork, body: AssignmentEntry) -> Answer[AssignmentView]:
    """Assign a coordinator to a division."""
    made = await assignments.assign_coordinator(work, body)
    return Answer(made, version=made.version, location=f"/v1/coordinator-assignments/{made.assignment_id}")


@router.get(
    "/v1/coordinator-assignments",
    **read("registry.field.read", summary_zh="列出综管员分工", problems=["division-out-of-scope"]),
)
async def list_assignments(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[AssignmentView]:
    """List the assignments in a division, oldest first."""
    return await assignments.list_assignments(work, division_code, cursor, limit)


@router.get(
    "/v1/coordinator-assignments/{assignment_id}",
    **read("registry.field.read", summary_zh="读取综管员分工", problems=["assignment-not-found"]),
)
async def read_assignment(work: CurrentWork, assignment_id: UUID) -> Answer[AssignmentView]:
    """Read an assignment."""
    found = await assignments.read_assignment(work, assignment_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/coordinator-assignments/{assignment_id}/history",
    **read("registry.field.read", summary_zh="综管员分工的历次版本", problems=["assignment-not-found"]),
)
async def read_assignment_history(
    work: CurrentWork, assignment_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastAssignmentView]]:
    """Read the versions of an assignment, newest first."""
    return await assignments.read_assignment_history(work, assignment_id, cursor, limit)


@router.post(
    "/v1/coordinator-assignments/{assignment_id}/end",
    **write(
        "registry.field.assign",
        actor=True,
        summary_zh="终止综管员分工",
        problems=["assignment-not-found", "assignment-ended"],
    ),
)
async def end_assignment(work: CurrentWork, assignment_id: UUID, body: AssignmentEnd) -> Answer[AssignmentView]:
    """End an assignment."""
    ended = await assignments.end_assignment(work, assignment_id, body)
    return Answer(ended, version=ended.version)


@router.post(
    "/v1/field-visits/batches",
    **write(
        "registry.field.visit",
        actor=True,
        summary_zh="上报走访记录",
        problems=["division-out-of-scope", "field-work-rules-not-held"],
    ),
)
async def hand_in_visits(work: CurrentWork, body: VisitBatch) -> VisitBatchView:
    """Hand in a coordinator's visits, from however long offline.

    The officer who acts is the coordinator. Every visit has an id of the client's making: sent again it changes nothing,
    whatever the idempotency key. A visit by itself changes no registration; where it disagrees with the register or with
    another coordinator the conflict comes back, stays open, and counts in no rate until an officer has decided.
    """
    return await visits.hand_in_visits(work, body)


@router.get(
    "/v1/field-visits",
    **read("registry.field.read", summary_zh="列出走访记录", problems=["division-out-of-scope"]),
)
async def list_visits(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    coordinator: CoordinatorParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[VisitView]:
    """List visits in a division, newest first."""
    return await visit_reading.list_visits(work, division_code, coordinator, cursor, limit)


@router.get(
    "/v1/field-visits/{visit_id}",
    **read("registry.field.read", summary_zh="读取走访记录", problems=["visit-not-found"]),
)
async def read_visit(work: CurrentWork, visit_id: UUID) -> VisitView:
    """Read a visit."""
    return await visit_reading.read_visit(work, visit_id)


@router.get(
    "/v1/field-visit-conflicts",
    **read("registry.field.read", summary_zh="列出走访冲突", problems=["division-out-of-scope"]),
)
async def list_conflicts(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    status: ConflictStatusParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[VisitConflictView]:
    """List what visits disagree about, oldest first."""
    return await conflicts.list_conflicts(work, division_code, status, cursor, limit)


@router.get(
    "/v1/field-visit-conflicts/{visit_conflict_id}",
    **read("registry.field.read", summary_zh="读取走访冲突", problems=["visit-conflict-not-found"]),
)
async def read_conflict(work: CurrentWork, visit_conflict_id: UUID) -> Answer[VisitConflictView]:
    """Read a conflict."""
    found = await conflicts.read_conflict(work, visit_conflict_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/field-visit-conflicts/{visit_conflict_id}/history",
    **read("registry.field.read", summary_zh="走访冲突的历次版本", problems=["visit-conflict-not-found"]),
)
async def read_conflict_history(
    work: CurrentWork, visit_conflict_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastVisitConflictView]]:
    """Read the versions of a conflict, newest first."""
    return await conflicts.read_conflict_history(work, visit_conflict_id, cursor, limit)


@router.post(
    "/v1/field-visit-conflicts/{visit_conflict_id}/decide",
    **write(
        "registry.field.decide",
        actor=True,
        summary_zh="裁定走访冲突",
        problems=["visit-conflict-not-found", "visit-conflict-decided"],
    ),
)
async def decide_conflict(work: CurrentWork, visit_conflict_id: UUID, body: ConflictSettlement) -> Answer[VisitConflictView]:
    """Decide which of the visits counts.

    The register stays as it is; whether a registration changes is decided where registrations are.
    """
    decided = await conflicts.decide_conflict(work, visit_conflict_id, body)
    return Answer(decided, version=decided.version)


@router.get(
    "/v1/registry/rates",
    **read("registry.rate.read", purpose=False, summary_zh="登记率等四项比率", problems=["division-out-of-scope"]),
)
async def list_rates(
    work: CurrentWork,
    month: MonthParameter = None,
    rate: RateParameter = None,
    division_code: DivisionParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 200,
) -> Page[RateView]:
    """Read the rates of a month by town, and of the city.

    Computed daily from visits and letters while the month is open, each under the definition version it names. A denominator
    of 0 is not available, and below city level counts under 5 are not shown.
    """
    return await rates.list_rates(work, month, rate, division_code, cursor, limit)
