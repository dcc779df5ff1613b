"""Evidence: hold the persons, find, give, close. Values lie under the person's own key; row-level security says of whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.months import add_months
from services.chassis.work import Work
from services.contracts.document_numbers import normalised_number
from services.points_hukou.schemas.evidence import EvidenceRecord, EvidenceSecrets

VISIBLE_MONTHS_AFTER = 24

_STORED = (*(name for name in EvidenceRecord.model_fields if name != "secrets"), "sealed")
_TYPES = {
    "evidence_id": "uuid",
    "person_id": "uuid",
    "attachment_id": "uuid",
    "superseded_by": "uuid",
    "as_of": "date",
    "valid_from": "date",
    "valid_until": "date",
    "withdrawn_on": "date",
    "closed_at": "timestamptz",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "sealed": "bytea",
    "version": "integer",
}
_CHANGING = ("status", "superseded_by", "withdrawn_on", "closed_at", "sealed", "version", "updated_at")
_COLUMNS = ", ".join((*(f"e.{name}" for name in _STORED), person_keys.COLUMNS))
_FROM_EVIDENCE = "FROM evidence e LEFT JOIN person_key k ON k.person_id = e.person_id"
_READ = f"SELECT {_COLUMNS} {_FROM_EVIDENCE}"


def _arrays(names: Iterable[str]) -> str:
    return ", ".join(f"CAST(:{name} AS {_TYPES.get(name, 'text')}[])" for name in names)


_HOLD = prepare("SELECT asked_id, person_id FROM hold_persons(CAST(:person_ids AS uuid[]))")
_OF_DOCUMENTS = prepare(
    "SELECT place, person_id, is_shared FROM persons_of_documents(CAST(:places AS integer[]), CAST(:tokens AS text[]))"
)
_DIVISIONS = prepare(
    "SELECT person_id, division_codes FROM divisions_of_files(CAST(:person_ids AS uuid[]), CAST(:seen_since AS date))"
)
_FIND = prepare(f"{_READ} WHERE e.evidence_id = :evidence_id")
# What an office said of the same human before: what is current, and whatever it said as of the same day.
_BEFORE = prepare(
    f"""
    WITH told AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:person_ids AS uuid[]), CAST(:rule_sets AS text[]), CAST(:facts AS text[]),
            CAST(:reliabilities AS text[]), CAST(:days AS date[])) AS t (person_id, rule_set, fact, reliability, as_of)
    ), named AS MATERIALIZED (
        SELECT person_id AS human, person_id AS id FROM told
        UNION
        SELECT o.canonical_person_id, o.person_id FROM mirror_person_alias o
        WHERE o.canonical_person_id = ANY (CAST(:person_ids AS uuid[])) AND o.unmerged_on IS NULL
    )
    SELECT n.human, {_COLUMNS} FROM named n JOIN evidence e ON e.person_id = n.id
    LEFT JOIN person_key k ON k.person_id = e.person_id
    WHERE e.organisation = :organisation AND e.status <> 'withdrawn'
        AND (n.human, e.rule_set, e.fact, e.reliability) IN (SELECT person_id, rule_set, fact, reliability FROM told)
        AND (e.status = 'current' OR (n.human, e.rule_set, e.fact, e.reliability, e.as_of) IN (SELECT * FROM told))
    ORDER BY e.created_at, e.evidence_id
    """  # noqa: S608
)
_INSERT = prepare(
    f"INSERT INTO evidence ({', '.join(_STORED)}) SELECT * FROM unnest({_arrays(_STORED)})"  # noqa: S608
)
_CLOSE = prepare(
    f"""
    UPDATE evidence e SET {", ".join(f"{name} = g.{name}" for name in _CHANGING)}
    FROM unnest({_arrays(("evidence_id", *_CHANGING))}) AS g (evidence_id, {", ".join(_CHANGING)})
    WHERE e.evidence_id = g.evidence_id
    """  # noqa: S608
)
_IDS = """
    WITH canonical AS (
        SELECT coalesce((SELECT canonical_person_id FROM mirror_person_alias
            WHERE person_id = CAST(:person_id AS uuid) AND unmerged_on IS NULL), CAST(:person_id AS uuid)) AS person_id
    ), ids AS (
        SELECT person_id FROM canonical
        UNION SELECT a.person_id FROM mirror_person_alias a JOIN canonical c ON a.canonical_person_id = c.person_id
            WHERE a.unmerged_on IS NULL
    )"""
_SEARCH = prepare(
    f"""
    {_IDS}
    {_READ} WHERE e.person_id IN (SELECT person_id FROM ids)
        AND (CAST(:fact AS text) IS NULL OR e.fact = :fact)
        AND (CAST(:include_closed AS boolean) OR e.closed_at IS NULL OR e.closed_at > CAST(:known_at AS timestamptz))
        AND (CAST(:known_at AS timestamptz) IS NULL OR e.created_at <= :known_at)
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (e.created_at, e.evidence_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY e.created_at, e.evidence_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
# What was known at an instant of facts of a human, and what had become of it by then.
_KNOWN_THEN = prepare(
    f"""
    {_IDS}
    SELECT e.evidence_id, e.fact, e.organisation, e.reliability, e.as_of, e.valid_from, e.valid_until,
        CASE WHEN e.closed_at <= :known_at THEN e.status ELSE 'current' END AS status,
        CASE WHEN e.closed_at <= :known_at THEN e.superseded_by END AS superseded_by,
        CASE WHEN e.closed_at <= :known_at THEN e.closed_at END AS closed_at,
        e.created_at AS recorded_at
    FROM evidence e JOIN ids USING (person_id)
    WHERE e.rule_set = ANY (CAST(:rule_sets AS text[])) AND e.fact = ANY (CAST(:facts AS text[]))
        AND e.created_at <= CAST(:known_at AS timestamptz)
    ORDER BY e.fact, e.created_at, e.evidence_id LIMIT 2000
    """  # noqa: S608
)
_PERSON = prepare(
    f"""
    {_IDS}
    SELECT p.person_id, p.birth_date FROM mirror_person p JOIN canonical USING (person_id)
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Holder:
    """The one human a document names; `None` with `is_shared` when it names two, one of whom this client sees."""

    person_id: UUID | None
    is_shared: bool


async def hold_persons(work: Work, person_ids: Iterable[UUID]) -> Mapping[UUID, UUID]:
    """Lock the persons whose file this client sees, under the ids they are known by now: which of the asked ids is whose."""
    rows = await work.tx.fetch(_HOLD, person_ids=sorted(set(person_ids)))
    return {row["asked_id"]: row["person_id"] for row in rows}


async def persons_of_documents(work: Work, documents: Sequence[tuple[str, str]]) -> Mapping[int, Holder]:
    """Whom each document (type, number) names, by its place; nobody for one this client may not see, or who is not there."""
    tokens = [
        (place, token)
        for place, (document_type, number) in enumerate(documents)
        for token in work.keyring.document_tokens(document_type, normalised_number(document_type, number)).values()
    ]
    rows = await work.tx.fetch(_OF_DOCUMENTS, places=[place for place, _ in tokens], tokens=[token for _, token in tokens])
    return {row["place"]: Holder(row["person_id"], row["is_shared"]) for row in rows}


async def person_seen(work: Work, person_id: UUID) -> tuple[UUID, date] | None:
    """The id a person is known by now, and the birth date; `None` for somebody this client may not see."""
    row = await work.tx.fetch_row(_PERSON, person_id=person_id)
    return None if row is None else (row["person_id"], row["birth_date"])


async def divisions_of(work: Work, person_ids: Iterable[UUID]) -> Mapping[UUID, Sequence[str]]:
    """The divisions whose followers may hear of these persons."""
    since = add_months(work.today, -VISIBLE_MONTHS_AFTER)
    rows = await work.tx.fetch(_DIVISIONS, person_ids=sorted(set(person_ids)), seen_since=since)
    return {row["person_id"]: row["division_codes"] for row in rows}


async def find_evidence(work: Work, evidence_id: UUID) -> EvidenceRecord | None:
    """The evidence, when this client sees the person's file."""
    row = await work.tx.fetch_row(_FIND, evidence_id=evidence_id)
    return None if row is None else record_of(work.keyring, row)


Series = tuple[UUID, str, str, str]
"""Person, rule set, fact, reliability: of one office and series one evidence is current."""


async def said_before(work: Work, series: Sequence[tuple[Series, date]]) -> list[tuple[Series, EvidenceRecord]]:
    """What this client's office said of each series before, under whatever id of the human, as far as it is current or of the
    same day; the oldest first.
    """
    rows = await work.tx.fetch(
        _BEFORE,
        organisation=work.principal.organisation,
        person_ids=[each[0] for each, _ in series],
        rule_sets=[each[1] for each, _ in series],
        facts=[each[2] for each, _ in series],
        reliabilities=[each[3] for each, _ in series],
        days=[day for _, day in series],
    )
    records = [(row["human"], record_of(work.keyring, row)) for row in rows]
    return [((human, each.rule_set, each.fact, each.reliability), each) for human, each in records]


async def write(work: Work, given: Sequence[EvidenceRecord], closed: Sequence[EvidenceRecord]) -> None:
    """Close what is superseded or withdrawn, then store what is new. Raises `RuntimeError` when a row was passed over."""
    if closed:
        tag = await work.tx.execute(_CLOSE, **_columns(work, closed, ("evidence_id", *_CHANGING)))
        _require(tag, len(closed))
    if given:
        _require(await work.tx.execute(_INSERT, **_columns(work, given, _STORED)), len(given))


async def search(
    work: Work,
    person_id: UUID,
    *,
    fact: str | None,
    include_closed: bool,
    known_at: datetime | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 rows of evidence of a person, under whatever id, the oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _SEARCH,
        person_id=person_id,
        fact=fact,
        include_closed=include_closed,
        known_at=known_at,
        after_created_at=after_created_at,
        after_id=after_id,
        limit=limit + 1,
    )


async def known_then(
    work: Work, person_id: UUID, *, rule_sets: Sequence[str], facts: Sequence[str], known_at: datetime
) -> Sequence[Record]:
    """What offices had said of facts of a person by an instant, under whatever id, by fact, and what had become of it."""
    return await work.tx.fetch(
        _KNOWN_THEN, person_id=person_id, rule_sets=list(rule_sets), facts=list(facts), known_at=known_at
    )


def record_of(keyring: Keyring, row: Record) -> EvidenceRecord:
    """A row of the table. Its key exists as long as the row: an erasure takes both."""
    values = {name: row[name] for name in _STORED if name != "sealed"}
    opened = person_keys.opened(keyring, row, row["sealed"], context_of(row["evidence_id"]))
    assert opened is not None, "a person's evidence goes with the key"
    return EvidenceRecord(**values, secrets=EvidenceSecrets.model_validate_json(opened))


def context_of(evidence_id: UUID) -> str:
    """What the value of an evidence is bound to."""
    return f"evidence|sealed|{evidence_id}"


def _columns(work: Work, records: Sequence[EvidenceRecord], names: Iterable[str]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [getattr(each, name) for each in records] for name in names if name != "sealed"}
    columns["sealed"] = [
        work.seal_about(each.person_id, each.secrets.model_dump_json().encode(), context_of(each.evidence_id))
        for each in records
    ]
    return columns


def _require(tag: str, number: int) -> None:
    if int(tag.rpartition(" ")[2]) != number:
        raise RuntimeError(f"{tag} instead of {number} rows: one was passed over that could not be changed")
