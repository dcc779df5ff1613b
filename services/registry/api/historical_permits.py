"""Papers of the regime of 2009, recorded from what was issued then."""

from uuid import UUID

from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions import historical_permits
from services.registry.schemas.historical_permits import (
    HistoricalApplicationQuestion,
    HistoricalApplicationView,
    HistoricalPermitAnnulment,
    HistoricalPermitEntry,
    HistoricalPermitView,
)

router = ServiceRouter(tags=["historical permits"])


@router.post(
    "/v1/historical-permits",
    status_code=201,
    **write(
        "registry.permit.decide",
        actor=True,
        summary_zh="补录2009年制度下的证件",
        problems=["person-not-found", "person-merged", "person-not-held", "division-out-of-scope", "historical-permit-exists"],
    ),
)
async def record_paper(work: CurrentWork, body: HistoricalPermitEntry) -> Answer[HistoricalPermitView]:
    """Record a temporary or nine-year permit issued before 2016.

    It stays valid to its expiry (RR-36), and its time counts towards residence years (RR-13).
    """
    made = await historical_permits.record_paper(work, body)
    return Answer(made, version=made.version, location=f"/v1/historical-permits/{made.historical_permit_id}")


@router.post(
    "/v1/historical-permits/assess",
    **read("registry.permit.read", summary_zh="2009年制度下的申请:条例如何规定", problems=["person-not-found"]),
)
async def assess_application(work: CurrentWork, body: HistoricalApplicationQuestion) -> Answer[HistoricalApplicationView]:
    """Ask what the regulation of 2009 says of an application of its time; nothing is decided or stored.

    Conditions not borne out, and what is not known, each with its article. The county's own conditions were not found.
    """
    return Answer(await historical_permits.assess_application(work, body))


@router.get(
    "/v1/historical-permits/{historical_permit_id}",
    **read("registry.permit.read", summary_zh="读取旧证件记录", problems=["historical-permit-not-found"]),
)
async def read_paper(work: CurrentWork, historical_permit_id: UUID) -> Answer[HistoricalPermitView]:
    """Read a recorded paper."""
    found = await historical_permits.read_paper(work, historical_permit_id)
    return Answer(found, version=found.version)


@router.post(
    "/v1/historical-permits/{historical_permit_id}/annul",
    **write(
        "registry.permit.decide",
        actor=True,
        summary_zh="撤销误录的旧证件",
        problems=["historical-permit-not-found", "person-not-held", "historical-permit-annulled"],
    ),
)
async def annul_paper(
    work: CurrentWork, historical_permit_id: UUID, body: HistoricalPermitAnnulment
) -> Answer[HistoricalPermitView]:
    """Annul a paper that was recorded in error."""
    annulled = await historical_permits.annul_paper(work, historical_permit_id, body)
    return Answer(annulled, version=annulled.version)


@router.get(
    "/v1/persons/{person_id}/historical-permits",
    **read("registry.permit.read", summary_zh="该人员的旧证件", problems=["person-not-found", "person-deleted"]),
)
async def read_papers_of(
    work: CurrentWork, person_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[HistoricalPermitView]:
    """List a person's recorded papers, the newest record first."""
    return await historical_permits.read_papers_of(work, person_id, cursor, limit)
