"""Finding persons by what is known of them, among those the client may see. Whoever is found under an alias is the canonical
person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from services.chassis.db import Prepared, Record, prepare
from services.chassis.work import Work
from services.registry.rules.search_keys import SearchKey
from services.registry.store.persons import COLUMNS
from services.registry.store.visibility import IS_VISIBLE

_IS_ALIAS = "EXISTS (SELECT FROM person_alias a WHERE a.person_id = p.person_id AND a.unmerged_on IS NULL)"
_REGISTERED = """EXISTS (SELECT FROM residence_registration r
    WHERE r.person_id = ANY (ids_of_human(p.person_id)) AND r.status = 'current')"""


def _known_as(source: str, condition: str) -> str:
    """The persons, or the canonical ones of aliases, that rows of a table lead to: an array, found first, so that the persons
    are then read by their key. Over `IN` the planner reads every person as soon as policies keep it from turning the
    join round.
    """
    return f"""p.person_id = ANY (ARRAY(
        SELECT coalesce(a.canonical_person_id, k.person_id) FROM {source} k
        LEFT JOIN person_alias a ON a.person_id = k.person_id AND a.unmerged_on IS NULL WHERE {condition}))"""  # noqa: S608


_CRITERIA: Mapping[str, str] = {
    "number_index": _known_as("identity_document", "k.number_index = CAST(:number_index AS bytea) AND k.superseded_at IS NULL"),
    "name_index": _known_as("person", "k.name_index = CAST(:name_index AS bytea)"),
    "person_ids": "p.person_id = ANY (ARRAY(SELECT canonical_id(i) FROM unnest(CAST(:person_ids AS uuid[])) AS i))",
    "prefix_2": _known_as("person_search_key", f"k.{SearchKey.NAME_PREFIX_2} = CAST(:prefix_2 AS bigint)"),
    "prefix_3": _known_as("person_search_key", f"k.{SearchKey.NAME_PREFIX_3} = CAST(:prefix_3 AS bigint)"),
    "spelling": _known_as(
        "person_search_key",
        f"k.{SearchKey.PINYIN} = CAST(:spelling AS bigint) OR k.{SearchKey.INITIALS} = CAST(:initials AS bigint)",
    ),
    "birth_date": "p.birth_date = CAST(:birth_date AS date)",
    "born_from": "p.birth_date >= CAST(:born_from AS date)",
    "born_until": "p.birth_date <= CAST(:born_until AS date)",
    "division_prefix": """EXISTS (SELECT FROM residence_registration r WHERE r.person_id = ANY (ids_of_human(p.person_id))
        AND r.status = 'current' AND starts_with(r.division_code, CAST(:division_prefix AS text)))""",
    "is_registered": f"{_REGISTERED} = CAST(:is_registered AS boolean)",
}
_RESOLVE = prepare(
    "SELECT resolve_person(CAST(:number_index AS bytea), CAST(:name_index AS bytea), CAST(:expires_at AS timestamptz))"
)


@cache
def _search(names: frozenset[str]) -> Prepared:
    """One statement per set of criteria, so that each has its own plan by index."""
    criteria = " AND ".join(_CRITERIA[name] for name in sorted(names))
    return prepare(
        f"""
        SELECT {COLUMNS} FROM person p
        WHERE {criteria} AND {IS_VISIBLE} AND NOT {_IS_ALIAS}
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (p.created_at, p.person_id) > (:after_created_at, CAST(:after_person_id AS uuid)))
        ORDER BY p.created_at, p.person_id LIMIT CAST(:limit AS integer)
        """  # noqa: S608 - constants of this module
    )


async def search_persons(
    work: Work, criteria: Mapping[str, object], *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 rows of `COLUMNS` matching all `criteria`, named as above; `initials` goes with `spelling`."""
    after_created_at, after_person_id = after or (None, None)
    return await work.tx.fetch(
        _search(frozenset(criteria) - {"initials"}),
        **criteria,
        after_created_at=after_created_at,
        after_person_id=after_person_id,
        limit=limit + 1,
    )


async def resolve_person(work: Work, *, number_index: bytes, name_index: bytes, expires_at: datetime) -> Sequence[UUID]:
    """The persons to whom both a complete number and a name belong, wherever registered. Where it is one, the client may read
    masked data and register the person until `expires_at`.
    """
    found: list[UUID] = await work.tx.fetch_value(
        _RESOLVE, number_index=number_index, name_index=name_index, expires_at=expires_at
    )
    return found
