"""Finding persons by complete criteria, among those the client may see."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.chassis.db import Prepared, Record, prepare
from services.chassis.work import Work
from services.registry.store.persons import COLUMNS
from services.registry.store.visibility import IS_VISIBLE

_BY_DOCUMENT = """p.person_id = (
    SELECT canonical_id(s.person_id) FROM identity_document s
    WHERE s.number_index = CAST(:number_index AS bytea) AND s.superseded_at IS NULL)"""
_BY_NAME = "p.name_index = CAST(:name_index AS bytea)"
_BY_IDS = "p.person_id IN (SELECT canonical_id(i) FROM unnest(CAST(:person_ids AS uuid[])) AS i)"
_IS_ALIAS = "EXISTS (SELECT FROM person_alias a WHERE a.person_id = p.person_id AND a.unmerged_on IS NULL)"


def _search(*criteria: str) -> Prepared:
    """One statement per set of criteria, so that each has its own plan by index."""
    return prepare(
        f"""
        SELECT {COLUMNS} FROM person p
        WHERE {" AND ".join(criteria)} AND {IS_VISIBLE} AND NOT {_IS_ALIAS}
        AND (CAST(:birth_date AS date) IS NULL OR p.birth_date = :birth_date)
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (p.created_at, p.person_id) > (:after_created_at, CAST(:after_person_id AS uuid)))
        ORDER BY p.created_at, p.person_id LIMIT CAST(:limit AS integer)
        """  # noqa: S608 - constants of this module
    )


_SEARCHES = {
    frozenset({"number_index"}): _search(_BY_DOCUMENT),
    frozenset({"name_index"}): _search(_BY_NAME),
    frozenset({"person_ids"}): _search(_BY_IDS),
    frozenset({"number_index", "name_index"}): _search(_BY_DOCUMENT, _BY_NAME),
    frozenset({"number_index", "person_ids"}): _search(_BY_DOCUMENT, _BY_IDS),
    frozenset({"name_index", "person_ids"}): _search(_BY_NAME, _BY_IDS),
    frozenset({"number_index", "name_index", "person_ids"}): _search(_BY_DOCUMENT, _BY_NAME, _BY_IDS),
}
_RESOLVE = prepare(
    "SELECT resolve_person(CAST(:number_index AS bytea), CAST(:name_index AS bytea), CAST(:expires_at AS timestamptz))"
)


async def search_persons(
    work: Work,
    *,
    birth_date: date | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
    **criteria: bytes | Sequence[UUID],
) -> Sequence[Record]:
    """Up to `limit` + 1 rows of `COLUMNS` matching all `criteria`: `number_index`, `name_index`, `person_ids`, at least one."""
    after_created_at, after_person_id = after or (None, None)
    return await work.tx.fetch(
        _SEARCHES[frozenset(criteria)],
        **criteria,
        birth_date=birth_date,
        after_created_at=after_created_at,
        after_person_id=after_person_id,
        limit=limit + 1,
    )


async def resolve_person(work: Work, *, number_index: bytes, name_index: bytes, expires_at: datetime) -> UUID | None:
    """The person to whom both a complete number and a name belong, wherever registered; until `expires_at` the client may
    read masked data and register the person.
    """
    found: UUID | None = await work.tx.fetch_value(
        _RESOLVE, number_index=number_index, name_index=name_index, expires_at=expires_at
    )
    return found
