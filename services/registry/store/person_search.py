"""Finding persons by what is known of them, among those the client may see. Whoever is found under an alias is the canonical
person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby, islice
from operator import itemgetter
from uuid import UUID

from pydantic_core import from_json

from services.chassis.db import Prepared, Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.registry.rules.search_keys import SearchKey
from services.registry.schemas.person_views import FoundDocument, FoundPerson

PERSON = "p.person_id, p.sealed, p.birth_date, p.sex_code, p.hukou_division_code"
"""What a search tells by of a person `p`: less than the whole state."""
# Documents come in binary, a row for each, so that nothing has to be parsed.
WITH_DOCUMENTS = """
    SELECT f.*, d.document_id, d.type, d.sealed AS sealed_document, d.valid_from, d.valid_until
    FROM ({page}) f LEFT JOIN LATERAL (
        SELECT d.* FROM identity_document d WHERE d.person_id = f.person_id AND d.superseded_at IS NULL OFFSET 0
    ) d ON true
    ORDER BY f.found_as, d.recorded_at, d.document_id
"""
"""The persons on a `page` of `PERSON` and `found_as` with their documents: as many rows as these, or one without any."""

FoundRows = Sequence[Record]
"""The rows of one person."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How a criterion leads to persons: by rows `{0}` of a table. An index has the condition first and then `person_id`, so
    that a page is read in the order of the list and no further than it goes, however many have that name.
    """

    table: str
    condition: str
    also: str = ""
    """the whole criterion, where it takes two ways"""


_KEYS = "person_search_key"
_SPELLED = f"({{0}}.{SearchKey.PINYIN} = CAST(:pinyin AS bigint) OR {{0}}.{SearchKey.INITIALS} = CAST(:initials AS bigint))"
_AT_EMPLOYER = "{{0}}.employer_id = {} AND {{0}}.ended_on IS NULL"
# The most selective first: a search goes by the first one given and looks at the others of whom it finds. What was typed as
# pinyin may be the initials: that is one criterion and two ways.
_WAYS: Mapping[str, _Way] = {
    "number_index": _Way("identity_document", "{0}.number_index = CAST(:number_index AS bytea) AND {0}.superseded_at IS NULL"),
    "person_ids": _Way("person", "{0}.person_id = ANY (CAST(:person_ids AS uuid[]))"),
    "name_index": _Way("person", "{0}.name_index = CAST(:name_index AS bytea)"),
    "prefix_3": _Way(_KEYS, f"{{0}}.{SearchKey.NAME_PREFIX_3} = CAST(:prefix_3 AS bigint)"),
    "pinyin": _Way(_KEYS, f"{{0}}.{SearchKey.PINYIN} = CAST(:pinyin AS bigint)", _SPELLED),
    "initials": _Way(
        _KEYS,
        f"{{0}}.{SearchKey.INITIALS} = CAST(:initials AS bigint) AND {{0}}.{SearchKey.PINYIN} <> CAST(:pinyin AS bigint)",
        _SPELLED,
    ),
    "prefix_2": _Way(_KEYS, f"{{0}}.{SearchKey.NAME_PREFIX_2} = CAST(:prefix_2 AS bigint)"),
    "employer_id": _Way("employment", _AT_EMPLOYER.format("CAST(:employer_id AS uuid)")),
    "employer_code": _Way("employment", _AT_EMPLOYER.format("(SELECT employer_id_of_code(CAST(:employer_code AS text)))")),
}
# Of the human `p`, which is found under its canonical id. OFFSET 0 has it looked up for the one, never joined for all.
_REGISTERED = (
    "EXISTS (SELECT FROM residence_registration r WHERE r.person_id = ANY (p.ids) AND r.status = 'current'{} OFFSET 0)"
)
_NARROWING: Mapping[str, str] = {
    "birth_date": "p.birth_date = CAST(:birth_date AS date)",
    "born_from": "p.birth_date >= CAST(:born_from AS date)",
    "born_until": "p.birth_date <= CAST(:born_until AS date)",
    "division_prefix": _REGISTERED.format(" AND starts_with(r.division_code, CAST(:division_prefix AS text))"),
    "is_registered": f"{_REGISTERED.format('')} = CAST(:is_registered AS boolean)",
}
_FOUND_AS = itemgetter("found_as")
_RESOLVE = prepare(
    "SELECT resolve_person(CAST(:number_index AS bytea), CAST(:name_index AS bytea), CAST(:expires_at AS timestamptz))"
)


def _matches(way: _Way, more: str = "true") -> str:
    """Whether the human has a row by which the criterion is met, under whichever id."""
    condition = (way.also or way.condition).format("o")
    return f"EXISTS (SELECT FROM {way.table} o WHERE o.person_id = ANY (p.ids) AND {condition} AND {more} OFFSET 0)"


# What another criterion asks, looked at by the id that was met, before the human is: whose records are under several ids is
# let through, to be looked at whole.
_HAS_OTHER_IDS = """EXISTS (SELECT FROM person_alias a WHERE a.person_id = k.person_id AND a.unmerged_on IS NULL OFFSET 0)
    OR EXISTS (SELECT FROM person_alias a WHERE a.canonical_person_id = k.person_id AND a.unmerged_on IS NULL OFFSET 0)"""


def _may_match(way: _Way) -> str:
    """What everybody who matches fulfils, and hardly anybody else: it passes over a hit by one look at an index."""
    condition = (way.also or way.condition).format("o")
    return f"(EXISTS (SELECT FROM {way.table} o WHERE o.person_id = k.person_id AND {condition} OFFSET 0) OR {_HAS_OTHER_IDS})"


@cache
def _search(names: frozenset[str], first: str) -> Prepared:
    """One statement per set of criteria and way. Ids are met in their order, those out of sight are passed over – whoever sees
    one id of a human sees the others –, and a human met under several of its ids is listed by the first of them.
    """
    way = _WAYS[first]
    more = [_WAYS[name] for name in sorted(names & _WAYS.keys()) if _matches(_WAYS[name]) != _matches(way)]
    others = {_matches(other) for other in more}
    # Whoever is registered in a division is held there, under each id.
    within = " AND starts_with(seen.division_code, CAST(:division_prefix AS text))" if "division_prefix" in names else ""
    is_seen = f"EXISTS (SELECT FROM person_division seen WHERE seen.person_id = k.person_id{within} OFFSET 0)"
    if more:  # CASE has it asked first, which is cheaper and passes over more
        is_seen = f"CASE WHEN {' AND '.join(dict.fromkeys(map(_may_match, more)))} THEN {is_seen} ELSE false END"
    criteria = [*sorted(others), *(_NARROWING[name] for name in sorted(names & _NARROWING.keys()))]
    criteria.append(f"(cardinality(p.ids) = 1 OR NOT {_matches(way, 'o.person_id < hit.found_as')})")
    page = f"""
        SELECT {PERSON}, hit.found_as
        FROM (
            SELECT k.person_id AS found_as, coalesce((SELECT a.canonical_person_id FROM person_alias a
                WHERE a.person_id = k.person_id AND a.unmerged_on IS NULL), k.person_id) AS person_id
            FROM {way.table} k
            WHERE {way.condition.format("k")}
            AND k.person_id > coalesce(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
            AND {is_seen}
            ORDER BY k.person_id OFFSET 0
        ) hit CROSS JOIN LATERAL (
            SELECT p.*, ARRAY(SELECT p.person_id UNION ALL SELECT a.person_id FROM person_alias a
                WHERE a.canonical_person_id = p.person_id AND a.unmerged_on IS NULL) AS ids
            FROM person p WHERE p.person_id = hit.person_id OFFSET 0
        ) p
        WHERE {" AND ".join(criteria)}
        ORDER BY hit.found_as LIMIT CAST(:limit AS integer)
        """  # noqa: S608 - constants of this module
    return prepare(WITH_DOCUMENTS.format(page=page))


async def search_persons(work: Work, criteria: Mapping[str, object], *, after: UUID | None, limit: int) -> Sequence[FoundRows]:
    """Up to `limit` + 1 persons matching all `criteria`, named as above, in the order of the ids they were found as; `initials`
    goes with `pinyin`.
    """
    way = next(name for name in _WAYS if name in criteria)
    found: list[Record] = []
    ways = ("pinyin", "initials") if way == "pinyin" else (way,)
    for first in ways:
        statement = _search(frozenset(criteria), first)
        values = {name: value for name, value in criteria.items() if name in statement.names}
        found += await work.tx.fetch(statement, **values, after=after, limit=limit + 1)
    if len(ways) > 1:
        found.sort(key=_FOUND_AS)  # stable: a person's documents stay in their order
    return [list(rows) for _, rows in islice(groupby(found, _FOUND_AS), limit + 1)]


def found_person(keyring: Keyring, rows: FoundRows, *, with_documents: bool) -> FoundPerson:
    """Whom the rows are about. Of whom no document is told, none is opened."""
    row = rows[0]
    person_id = row["person_id"]
    opened = from_json(keyring.open(row["sealed"], f"person|sealed|{person_id}"))
    documents = [_document(keyring, each) for each in rows if each["document_id"] is not None] if with_documents else ()
    return FoundPerson(person_id, opened["name"], row["birth_date"], row["sex_code"], row["hukou_division_code"], documents)


def _document(keyring: Keyring, row: Record) -> FoundDocument:
    document_id = row["document_id"]
    opened = from_json(keyring.open(row["sealed_document"], f"identity_document|sealed|{document_id}"))
    return FoundDocument(
        document_id,
        row["type"],
        opened["normalised_number"],
        opened["issuer"],
        row["valid_from"],
        row["valid_until"],
        bool(opened.get("sharing_evidence")),
    )


async def resolve_person(work: Work, *, number_index: bytes, name_index: bytes, expires_at: datetime) -> Sequence[UUID]:
    """The persons to whom both a complete number and a name belong, wherever registered. Where it is one, the client may read
    masked data and register the person until `expires_at`.
    """
    found: list[UUID] = await work.tx.fetch_value(
        _RESOLVE, number_index=number_index, name_index=name_index, expires_at=expires_at
    )
    return found
