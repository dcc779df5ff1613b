"""Erasing a person, and what is known of it afterwards: that there was one, until when, and who could see it."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.work import Work


class Obstacle(StrEnum):
    """What stands against a deletion."""

    REGISTRATION = "current_registration"
    PERMIT = "open_permit"
    CASE = "open_case"
    HOME = "let_home"


_OBSTACLES = prepare(
    """
    SELECT has_registration, has_permit, has_case, has_home
    FROM obstacles_to_erasure(CAST(:person_id AS uuid), CAST(:but AS uuid), CAST(:today AS date))
    """
)
_ERASE = prepare(
    """
    SELECT erase_person(CAST(:person_id AS uuid), CAST(:version AS integer), CAST(:deleted_on AS date),
        CAST(:deleted_at AS timestamptz), CAST(:reason AS text), CAST(:legal_ground AS text), CAST(:today AS date))
    """
)
_DELETED_ON = prepare("SELECT deleted_on FROM deleted_person WHERE person_id = :person_id")
_REDACT = prepare("SELECT redact_events_of_erased(CAST(:today AS date))")


async def obstacles(work: Work, person_id: UUID, *, but: UUID | None) -> list[Obstacle]:
    """What stands against deleting the person, wherever it lies; `but` is the proposal being decided."""
    row = await work.tx.fetch_row(_OBSTACLES, person_id=person_id, but=but, today=work.today)
    assert row is not None
    stands_there = (row["has_registration"], row["has_permit"], row["has_case"], row["has_home"])
    found = zip(Obstacle, stands_there, strict=True)
    return [obstacle for obstacle, stands in found if stands]


async def erase_person(work: Work, person_id: UUID, *, version: int, reason: str, legal_ground: str) -> None:
    """Delete every row about the person and the person's key; what remains is that there was one."""
    await work.tx.fetch_value(
        _ERASE,
        person_id=person_id,
        version=version,
        deleted_on=work.today,
        deleted_at=work.now,
        reason=reason,
        legal_ground=legal_ground,
        today=work.today,
    )


async def deleted_on(work: Work, person_id: UUID) -> date | None:
    """The day a person was deleted whom this client could see; `None` for anybody else."""
    day: date | None = await work.tx.fetch_value(_DELETED_ON, person_id=person_id)
    return day


async def redact_events(work: Work) -> int:
    """Take the values out of events that were not yet published when their person was erased; how many there were."""
    count: int = await work.tx.fetch_value(_REDACT, today=work.today)
    return count
