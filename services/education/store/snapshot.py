"""The whole present state of what this office tells, as events, for a new or restored neighbour (architecture §5)."""

from collections import defaultdict
from collections.abc import AsyncIterator
from uuid import UUID

from services.chassis.db import Transaction, prepare
from services.chassis.events import EventData
from services.chassis.keyring import Keyring
from services.contracts.education import PlacePlanPublished, SchoolChanged, SchoolClosed

_PAGE = 500
_SCHOOLS = prepare(
    """
    SELECT school_id, version, school_code, name, kind, division_code, first_grade, last_grade, closed_on FROM school
    WHERE CAST(:after AS uuid) IS NULL OR school_id > CAST(:after AS uuid) ORDER BY school_id LIMIT CAST(:limit AS integer)
    """
)
_PLANS = prepare(
    """
    SELECT plan_id, version, school_id, entry_year, division_code, areas, grades, published_on FROM place_plan
    WHERE school_id = ANY (CAST(:school_ids AS uuid[])) AND status = 'published' ORDER BY school_id, entry_year
    """
)


async def snapshot(tx: Transaction, keyring: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:  # noqa: ARG001
    """Each school with the places it published, in pages."""
    after: UUID | None = None
    while schools := await tx.fetch(_SCHOOLS, after=after, limit=_PAGE):
        told: dict[UUID, list[EventData]] = defaultdict(list)
        for row in schools:
            fact = SchoolChanged if row["closed_on"] is None else SchoolClosed
            told[row["school_id"]].append(fact.model_validate(dict(row.items())))
        for row in await tx.fetch(_PLANS, school_ids=list(told)):
            told[row["school_id"]].append(PlacePlanPublished.model_validate(dict(row.items())))
        for school_id, states in told.items():
            yield school_id, states
        after = schools[-1]["school_id"]
