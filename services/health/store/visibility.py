"""Whom a client sees here, for the chassis's files: nobody is seen whose file is not (decision 0013)."""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.work import Work

_SEES_ANY_OF = prepare("SELECT EXISTS (SELECT FROM mirror_person WHERE person_id = ANY (CAST(:person_ids AS uuid[])))")


async def sees_any_of(work: Work, person_ids: Sequence[UUID]) -> bool:
    """Whether the client sees one of these persons at least."""
    return bool(await work.tx.fetch_value(_SEES_ANY_OF, person_ids=list(person_ids)))
