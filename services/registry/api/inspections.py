"""Inspections of homes, findings with deadlines, and villages paired with enterprises."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions.homes import inspections, pairings
from services.registry.api.registrations import DivisionParameter
from services.registry.schemas.homes.inspections import (
    FindingFilter,
    FindingView,
    InspectionEntry,
    InspectionView,
    PairingEnd,
    PairingEntry,
    PairingView,
    PastFindingView,
    PastPairingView,
)

router = ServiceRouter(tags=["inspections"])

WhichParameter = Annotated[FindingFilter, Query(description="Open, past their deadline, closed, or all.")]


@router.post(
    "/v1/inspections",
    status_code=201,
    **write(
        "registry.inspection.write",
        actor=True,
        summary_zh="录入出租房屋检查",
        problems=["premises-not-found"],
    ),
)
async def inspect(work: CurrentWork, body: InspectionEntry) -> Answer[InspectionView]:
    """Enter an inspection of a home.

    With answers to the whole checklist it gives 1 to 5 stars (RR-73). Findings have a deadline, and are closed or put off by
    another inspection only, in its `reinspected`.
    """
    made = await inspections.inspect(work, body)
    return Answer(made, location=f"/v1/inspections/{made.inspection_id}")


@router.get(
    "/v1/inspections/{inspection_id}",
    **read("registry.inspection.read", summary_zh="读取出租房屋检查", problems=["inspection-not-found"]),
)
async def read_inspection(work: CurrentWork, inspection_id: UUID) -> InspectionView:
    """Read an inspection, with what it found and closed."""
    return await inspections.read_inspection(work, inspection_id)


@router.get(
    "/v1/premises/{premises_id}/inspections",
    **read("registry.inspection.read", summary_zh="房屋的历次检查", problems=["premises-not-found"]),
)
async def read_inspections_of(
    work: CurrentWork, premises_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[InspectionView]:
    """Read a home's inspections, newest first."""
    return await inspections.read_inspections_of(work, premises_id, cursor, limit)


@router.get(
    "/v1/inspection-findings",
    **read("registry.inspection.read", summary_zh="列出待整改问题", problems=["division-out-of-scope"]),
)
async def list_findings(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    which: WhichParameter = FindingFilter.OPEN,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[FindingView]:
    """List findings about homes; `which=overdue` gives those past their deadline."""
    return await inspections.list_findings(work, division_code, which, cursor, limit)


@router.get(
    "/v1/inspection-findings/{finding_id}/history",
    **read("registry.inspection.read", summary_zh="检查问题的变更历史", problems=["finding-not-found"]),
)
async def read_finding_history(
    work: CurrentWork, finding_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastFindingView]]:
    """List the versions of a finding, newest first: its deadlines, and when it was closed."""
    return await inspections.read_finding_history(work, finding_id, cursor, limit)


@router.post(
    "/v1/village-pairings",
    status_code=201,
    **write(
        "registry.inspection.write",
        actor=True,
        summary_zh="登记村企结对",
        problems=["division-out-of-scope", "pairing-exists"],
    ),
)
async def pair(work: CurrentWork, body: PairingEntry) -> Answer[PairingView]:
    """Pair a village with an enterprise for rental homes (COM-68)."""
    made = await pairings.pair(work, body)
    return Answer(made, version=made.version, location=f"/v1/village-pairings/{made.pairing_id}")


@router.get(
    "/v1/village-pairings",
    **read("registry.inspection.read", summary_zh="列出村企结对", problems=["division-out-of-scope"]),
)
async def list_pairings(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[PairingView]:
    """List the pairings in a division, oldest first."""
    return await pairings.list_pairings(work, division_code, cursor, limit)


@router.get(
    "/v1/village-pairings/{pairing_id}",
    **read("registry.inspection.read", summary_zh="读取村企结对", problems=["pairing-not-found"]),
)
async def read_pairing(work: CurrentWork, pairing_id: UUID) -> Answer[PairingView]:
    """Read a pairing."""
    found = await pairings.read_pairing(work, pairing_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/village-pairings/{pairing_id}/history",
    **read("registry.inspection.read", summary_zh="村企结对的变更历史", problems=["pairing-not-found"]),
)
async def read_pairing_history(
    work: CurrentWork, pairing_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastPairingView]]:
    """List the versions of a pairing, newest first."""
    return await pairings.read_pairing_history(work, pairing_id, cursor, limit)


@router.post(
    "/v1/village-pairings/{pairing_id}/end",
    **write(
        "registry.inspection.write",
        actor=True,
        summary_zh="终止村企结对",
        problems=["pairing-not-found", "pairing-ended"],
    ),
)
async def end_pairing(work: CurrentWork, pairing_id: UUID, body: PairingEnd) -> Answer[PairingView]:
    """End a pairing."""
    ended = await pairings.end_pairing(work, pairing_id, body)
    return Answer(ended, version=ended.version)
