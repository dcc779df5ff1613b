"""Which persons a client may see (architecture §6): its division holds them now, held them less than two years ago, or has an
open case of theirs, which an accepted application and a permit not ended are.

Two kinds of rows in `person_division` hold a person: `intake` (entered there and not registered anywhere yet) and a residence
registration. Who merely *resolved* a person by complete number and name has no such row – the other clients of its division
have no business with the person – but an entry of its own in `person_resolution`: for a day it may read masked data and
register the person.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.ids import new_id
from services.chassis.work import Work
from services.registry.rules.months import add_months

VISIBLE_MONTHS_AFTER = 24
RESOLUTION_LASTS = timedelta(hours=24)

# Over a table alias `p` with a person_id.
VISIBLE = """(EXISTS (
    SELECT FROM person_division seen WHERE seen.person_id = p.person_id
    AND starts_with(seen.division_code, CAST(:scope AS text))
    AND (seen.until IS NULL OR seen.until > CAST(:seen_since AS date)))
OR EXISTS (
    SELECT FROM residence_permit open_case WHERE open_case.person_id = p.person_id
    AND starts_with(open_case.division_code, CAST(:scope AS text))
    AND open_case.status IN ('accepted', 'valid', 'suspended')))"""
RESOLVED = """EXISTS (
    SELECT FROM person_resolution asked WHERE asked.person_id = p.person_id
    AND asked.client_id = CAST(:client_id AS text) AND asked.expires_at > CAST(:now AS timestamptz))"""

_DIVISIONS = prepare(
    """
    SELECT DISTINCT division_code FROM person_division
    WHERE person_id = ANY (CAST(:person_ids AS uuid[])) AND (until IS NULL OR until > CAST(:seen_since AS date))
    UNION
    SELECT division_code FROM residence_permit
    WHERE person_id = ANY (CAST(:person_ids AS uuid[])) AND status IN ('accepted', 'valid', 'suspended')
    AND division_code IS NOT NULL
    ORDER BY division_code
    """
)
_SEES_ANY_OF = prepare(
    f"SELECT EXISTS (SELECT FROM person p WHERE p.person_id = ANY (CAST(:person_ids AS uuid[])) AND {VISIBLE})"  # noqa: S608
)
_HOLD = prepare(
    """
    INSERT INTO person_division (person_division_id, person_id, division_code, source, since)
    VALUES (:person_division_id, :person_id, :division_code, 'residence_registration', :since)
    ON CONFLICT (person_id, division_code, source) WHERE until IS NULL DO NOTHING
    """
)
_RELEASE = prepare(
    "UPDATE person_division SET until = greatest(since, CAST(:until AS date)) WHERE person_id = :person_id AND until IS NULL"
)
_REMEMBER_RESOLUTION = prepare(
    """
    INSERT INTO person_resolution (person_id, client_id, expires_at) VALUES (:person_id, :client_id, :expires_at)
    ON CONFLICT (person_id, client_id) DO UPDATE SET expires_at = excluded.expires_at
    """
)
_FORGET_RESOLUTIONS = prepare(
    """
    DELETE FROM person_resolution WHERE (person_id, client_id) IN (
        SELECT person_id, client_id FROM person_resolution WHERE expires_at < CAST(:now AS timestamptz)
        LIMIT CAST(:limit AS integer))
    """
)


def seen_since(work: Work) -> date:
    """A division that let go of a person after this day still sees it."""
    return add_months(work.today, -VISIBLE_MONTHS_AFTER)


def viewer(work: Work) -> dict[str, Any]:
    """The arguments of `VISIBLE` and `RESOLVED`: who looks, and when."""
    who = work.principal
    return {"scope": who.division_prefix, "seen_since": seen_since(work), "client_id": who.client_id, "now": work.now}


def visible_to(work: Work) -> dict[str, Any]:
    """The arguments of `VISIBLE` alone."""
    return {"scope": work.principal.division_prefix, "seen_since": seen_since(work)}


async def sees_any_of(work: Work, person_ids: Sequence[UUID]) -> bool:
    """Whether the client's division may see one of these persons at least."""
    return bool(await work.tx.fetch_value(_SEES_ANY_OF, person_ids=list(person_ids), **visible_to(work)))


async def divisions_of(work: Work, *person_ids: UUID) -> list[str]:
    """The divisions whose followers may hear of the person, or of any of several."""
    rows = await work.tx.fetch(_DIVISIONS, person_ids=list(person_ids), seen_since=seen_since(work))
    return [row["division_code"] for row in rows]


async def hold(work: Work, person_id: UUID, division_code: str, since: date) -> None:
    """The division holds the person by a residence registration, and no other does any more."""
    await work.tx.execute(_RELEASE, person_id=person_id, until=since)
    await work.tx.execute(_HOLD, person_division_id=new_id(), person_id=person_id, division_code=division_code, since=since)


async def release(work: Work, person_id: UUID, until: date) -> None:
    """No division holds the person any more; those that did see it for two years."""
    await work.tx.execute(_RELEASE, person_id=person_id, until=until)


async def remember_resolution(work: Work, person_id: UUID) -> None:
    """This client named the person completely; see the module's docstring."""
    await work.tx.execute(
        _REMEMBER_RESOLUTION,
        person_id=person_id,
        client_id=work.principal.client_id,
        expires_at=work.now + RESOLUTION_LASTS,
    )


async def forget_resolutions(work: Work, *, limit: int) -> int:
    """Delete entries that have expired; how many there were."""
    tag = await work.tx.execute(_FORGET_RESOLUTIONS, now=work.now, limit=limit)
    return int(tag.rpartition(" ")[2])
