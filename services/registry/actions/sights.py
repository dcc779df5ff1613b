"""Whose eyes look at whom: what the client may see of a person decides every answer, and the evidence names what it saw."""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from services.chassis.fields import Sight, protection_of
from services.chassis.work import Work
from services.registry.schemas.fields import FIELDS
from services.registry.store.persons import birth_dates_of


def sight_on(work: Work, birth_date: date | None) -> Sight:
    """The client's eyes on somebody born that day; of whom nothing is known it sees no more than of a child."""
    return FIELDS.sight(work.principal.scopes, None if birth_date is None else protection_of(birth_date, work.today))


async def sight_of(work: Work, *person_ids: UUID) -> Sight:
    """The client's eyes on something about these persons: the youngest of them counts."""
    born = await _birth_dates(work, person_ids)
    return sight_on(work, max(born.values()) if len(born) == len(set(person_ids)) else None)


async def sights_of(work: Work, person_ids: Iterable[UUID]) -> Mapping[UUID, Sight]:
    """The client's eyes on each of several persons."""
    wanted = set(person_ids)
    born = await _birth_dates(work, wanted)
    return {person_id: sight_on(work, born.get(person_id)) for person_id in wanted}


def record_shown(work: Work, resource: str, resource_id: UUID, person_id: UUID, sight: Sight) -> None:
    """The answer to a change shows what a reading would: a line of evidence names the fields, if there are any."""
    if sight.shown:
        work.audit("read", resource, resource_id, person_id=person_id, fields=sight.shown)


def record_shown_of_thing(work: Work, resource: str, resource_id: UUID, sight: Sight) -> None:
    """The same for what is about nobody on the register."""
    if sight.shown:
        work.audit("read", resource, resource_id, fields=sight.shown)


async def _birth_dates(work: Work, person_ids: Iterable[UUID]) -> Mapping[UUID, date]:
    """Nobody's age matters to a client that sees everything, and no statement is spent on it."""
    if FIELDS.shows_everything(work.principal.scopes):
        return {}
    return await birth_dates_of(work, list(person_ids))
