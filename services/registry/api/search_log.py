"""The log of searches."""

from services.chassis.operation import read
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import CurrentWork, ServiceRouter
from services.registry.actions import search_log
from services.registry.schemas.searching import LoggedSearchView

router = ServiceRouter(tags=["search log"])


@router.get("/v1/registry/search-log", **read("registry.search_log.read", summary_zh="查询记录（供监督）"))
async def read_search_log(
    work: CurrentWork, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[LoggedSearchView]:
    """Read who searched for persons, when, for which purpose and by which criteria, newest first.

    For supervisors: searches of clients within the division of who asks. Criteria are names of fields, never their values.
    """
    return await search_log.read_search_log(work, cursor, limit)
