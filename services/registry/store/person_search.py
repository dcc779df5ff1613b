"""Finding persons by what is known of them, among those the client may see. Whoever is found under an alias is the canonical
person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from services.chassis.db import Prepared, Record, prepare
from services.chassis.work import Work
from services.registry.rules.search_keys import SearchKey
from services.registry.store.persons import COLUMNS


@dataclass(frozen=True, slots=True)
class _Way:
    """How a criterion leads to persons: by rows `{0}` of a table. An index has the condition first and then `person_id`, so
    that a page is read in the order of the list and no further than it goes, however many have that name.
    """

    table: str
    condition: str
    source: str = ""
    """what gives the ids, where the table alone does not give them in order"""


_KEYS = "person_search_key"
_BY_SPELLING = f"""(
    SELECT person_id FROM {_KEYS} WHERE {SearchKey.PINYIN} = CAST(:spelling AS bigint)
    UNION ALL SELECT person_id FROM {_KEYS}
    WHERE {SearchKey.INITIALS} = CAST(:initials AS bigint) AND {SearchKey.PINYIN} <> CAST(:spelling AS bigint))"""  # noqa: S608 - constants
# The most selective first: a search goes by the first one given and looks at the others of whom it finds.
_WAYS: Mapping[str, _Way] = {
    "number_index": _Way("identity_document", "{0}.number_index = CAST(:number_index AS bytea) AND {0}.superseded_at IS NULL"),
    "person_ids": _Way("person", "{0}.person_id = ANY (CAST(:person_ids AS uuid[]))"),
    "name_index": _Way("person", "{0}.name_index = CAST(:name_index AS bytea)"),
    "prefix_3": _Way(_KEYS, f"{{0}}.{SearchKey.NAME_PREFIX_3} = CAST(:prefix_3 AS bigint)"),
    "spelling": _Way(
        _KEYS,
        f"({{0}}.{SearchKey.PINYIN} = CAST(:spelling AS bigint) OR {{0}}.{SearchKey.INITIALS} = CAST(:initials AS bigint))",
        _BY_SPELLING,
    ),
    "prefix_2": _Way(_KEYS, f"{{0}}.{SearchKey.NAME_PREFIX_2} = CAST(:prefix_2 AS bigint)"),
    "employer_id": _Way("employment", "{0}.employer_id = CAST(:employer_id AS uuid) AND {0}.ended_on IS NULL"),
    "employer_code": _Way(
        "employment",
        "{0}.employer_id = (SELECT employer_id_of_code(CAST(:employer_code AS text))) AND {0}.ended_on IS NULL",
    ),
}
# Of the human `p`, which is found under its canonical id.
_IDS = """ARRAY(SELECT p.person_id UNION ALL
    SELECT a.person_id FROM person_alias a WHERE a.canonical_person_id = p.person_id AND a.unmerged_on IS NULL)"""
_REGISTERED = f"FROM residence_registration r WHERE r.person_id = ANY ({_IDS}) AND r.status = 'current'"
_NARROWING: Mapping[str, str] = {
    "birth_date": "p.birth_date = CAST(:birth_date AS date)",
    "born_from": "p.birth_date >= CAST(:born_from AS date)",
    "born_until": "p.birth_date <= CAST(:born_until AS date)",
    "division_prefix": f"EXISTS (SELECT {_REGISTERED} AND starts_with(r.division_code, CAST(:division_prefix AS text)))",
    "is_registered": f"EXISTS (SELECT {_REGISTERED}) = CAST(:is_registered AS boolean)",
}
_RESOLVE = prepare(
    "SELECT resolve_person(CAST(:number_index AS bytea), CAST(:name_index AS bytea), CAST(:expires_at AS timestamptz))"
)


def _matches(way: _Way, *, more: str = "") -> str:
    """Whether the human has a row that the way goes by, under whichever id."""
    condition = way.condition.format("o")
    return f"EXISTS (SELECT FROM {way.table} o WHERE {condition} AND o.person_id = ANY ({_IDS}){more})"


@cache
def _search(names: frozenset[str]) -> Prepared:
    """One statement per set of criteria. Ids are met in their order, those out of sight are passed over – whoever sees one id
    of a human sees the others –, and a human met under several of its ids is listed by the first of them.
    """
    first, *others = [name for name in _WAYS if name in names]
    way = _WAYS[first]
    criteria = [_matches(_WAYS[name]) for name in others] + [_NARROWING[name] for name in sorted(names & _NARROWING.keys())]
    criteria.append(f"NOT {_matches(way, more=' AND o.person_id < hit.found_as')}")
    return prepare(
        f"""
        SELECT {COLUMNS}, hit.found_as
        FROM (
            SELECT k.person_id AS found_as, coalesce((SELECT a.canonical_person_id FROM person_alias a
                WHERE a.person_id = k.person_id AND a.unmerged_on IS NULL), k.person_id) AS person_id
            FROM {way.source or way.table} k
            WHERE {way.condition.format("k") if not way.source else "true"}
            AND k.person_id > coalesce(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
            AND EXISTS (SELECT FROM person_division seen WHERE seen.person_id = k.person_id OFFSET 0)
        ) hit CROSS JOIN LATERAL (SELECT p.* FROM person p WHERE p.person_id = hit.person_id OFFSET 0) p
        WHERE {" AND ".join(criteria)}
        ORDER BY hit.found_as LIMIT CAST(:limit AS integer)
        """  # noqa: S608 - constants of this module
    )


async def search_persons(work: Work, criteria: Mapping[str, object], *, after: UUID | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 rows of `COLUMNS` matching all `criteria`, named as above; `initials` goes with `spelling`. They are
    ordered by `found_as`.
    """
    return await work.tx.fetch(_search(frozenset(criteria) - {"initials"}), **criteria, after=after, limit=limit + 1)


async def resolve_person(work: Work, *, number_index: bytes, name_index: bytes, expires_at: datetime) -> UUID | None:
    """The person to whom both a complete number and a name belong, wherever registered; until `expires_at` the client may
    read masked data and register the person.
    """
    found: UUID | None = await work.tx.fetch_value(
        _RESOLVE, number_index=number_index, name_index=name_index, expires_at=expires_at
    )
    return found
