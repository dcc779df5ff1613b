"""Who searched whom: for a supervisor of the division, by field names and counts, never values. Looking is evidence, too."""

from uuid import UUID

from services.chassis.db import Record
from services.chassis.pages import Page, sign, unsign
from services.chassis.work import Work
from services.registry.schemas.searching import LoggedSearchView
from services.registry.store.search_log import searches

_LABEL = "search log"
_FOUND = "found "


async def read_search_log(work: Work, cursor: str | None, limit: int) -> Page[LoggedSearchView]:
    """Searches of clients within the division of who asks, newest first."""
    before = UUID(unsign(work.keyring, cursor, label=_LABEL)[0]) if cursor else None
    rows = await searches(work, before=before, limit=limit)
    shown = rows[:limit]
    next_cursor = sign(work.keyring, _LABEL, str(shown[-1]["search_id"])) if len(rows) > limit else None
    work.audit("read", "search_log", None, outcome=f"found {len(shown)}")
    return Page(items=[_view(row) for row in shown], next_cursor=next_cursor)


def _view(row: Record) -> LoggedSearchView:
    line = row["line"]
    return LoggedSearchView(
        search_id=row["search_id"],
        searched_at=line["at"],
        client_id=line["client"],
        organisation=line["organisation"],
        division_code=line["division"],
        actor=line["actor"],
        purpose=line["purpose"],
        criteria=line["fields"],
        found=int(line["outcome"].removeprefix(_FOUND)),
        request_id=line["request"],
    )
