"""The facts of a person: what the registry told, and the evidence offices gave; row-level security says of whom."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.errors import DomainError
from services.chassis.work import Work
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.gathering.gathering import GatheredFacts, Said, gather
from services.points_hukou.rules.gathering.registered import Job, Permit, Registered, Residence, values_of
from services.points_hukou.rules.gathering.sources import Reliability
from services.points_hukou.store.evidence import COLUMNS, FROM_EVIDENCE, record_of
from services.points_hukou.store.source_law import SOURCES

REGISTRY_ZH = "本市居住登记系统"
"""What the registry is called where a fact tells its source."""

REGISTERED = """SELECT known.person_id,
    ARRAY(SELECT m.birth_date FROM mirror_person m WHERE m.person_id = ANY (known.ids)
        ORDER BY array_position(known.ids, m.person_id)) AS birth_dates,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(r.registered_on, r.residence_since, r.ended_on, r.end_reason,
            r.residence_kind)), '[]')
        FROM mirror_residence_registration r WHERE r.person_id = ANY (known.ids)) AS residences,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(t.issued_on, t.residence_years_from, t.suspended_on, t.ended_on)), '[]')
        FROM mirror_residence_permit t WHERE t.person_id = ANY (known.ids)) AS permits,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(e.employer_id, e.started_on, e.ended_on, e.end_reason)), '[]')
        FROM mirror_employment e WHERE e.person_id = ANY (known.ids)) AS jobs,
    known.ids
"""
"""SQL of what the registry told of the humans in `known (person_id, ids)`, for `registered`."""

# One statement, so one snapshot. The id in use is first among the ids, and its birth date among the birth dates.
_FIND = prepare(
    f"""
    WITH canonical AS (
        SELECT coalesce(
            (SELECT canonical_person_id FROM mirror_person_alias
                WHERE person_id = CAST(:person_id AS uuid) AND unmerged_on IS NULL),
            CAST(:person_id AS uuid)
        ) AS person_id
    ), known AS MATERIALIZED (
        SELECT c.person_id, c.person_id || ARRAY(
            SELECT a.person_id FROM mirror_person_alias a
            WHERE a.canonical_person_id = c.person_id AND a.unmerged_on IS NULL ORDER BY a.person_id
        ) AS ids FROM canonical c
    )
    {REGISTERED}
    FROM known JOIN mirror_person p USING (person_id)
    """  # noqa: S608 - constants of this module
)
# Something later of the same series, under whatever id of the human, took the place of `e` by the day. What is later counts
# from its own first day on, and what is withdrawn or has ended brings nothing back; of one day it corrects at once. The first
# look, at the one successor, settles nearly all rows.
_IS_REPLACED = """(
    NOT EXISTS (SELECT FROM evidence n WHERE n.evidence_id = e.superseded_by AND n.person_id = ANY (:person_ids)
        AND (NOT daterange(n.valid_from, n.valid_until) && daterange(e.valid_from, e.valid_until)
            OR n.as_of > e.as_of AND n.valid_from > :on))
    OR EXISTS (SELECT FROM evidence n
        LEFT JOIN mirror_person_alias an ON an.person_id = n.person_id AND an.unmerged_on IS NULL
        WHERE n.person_id = ANY (:person_ids) AND n.rule_set = e.rule_set AND n.fact = e.fact
            AND n.organisation = e.organisation AND n.reliability = e.reliability
            AND coalesce(an.canonical_person_id, n.person_id) = coalesce((SELECT a.canonical_person_id
                FROM mirror_person_alias a WHERE a.person_id = e.person_id AND a.unmerged_on IS NULL), e.person_id)
            AND (n.as_of, n.created_at, n.evidence_id) > (e.as_of, e.created_at, e.evidence_id)
            AND daterange(n.valid_from, n.valid_until) && daterange(e.valid_from, e.valid_until)
            AND (n.as_of = e.as_of OR n.valid_from IS NULL OR n.valid_from <= :on)))"""
# What holds on the day: of every office its last word on it, under whichever rule set of the chain declares the fact.
EVIDENCE = prepare(
    f"""
    SELECT {COLUMNS},
        EXISTS (SELECT FROM evidence_contest c WHERE c.status = 'open' AND c.person_id = ANY (:person_ids)
            AND c.rule_set = e.rule_set AND c.fact = e.fact AND c.organisation = e.organisation) AS is_contested
    {FROM_EVIDENCE}
    WHERE (e.status = 'current' OR e.status = 'superseded' AND NOT {_IS_REPLACED})
        AND e.person_id = ANY (CAST(:person_ids AS uuid[]))
        AND e.rule_set = ANY (CAST(:rule_sets AS text[])) AND e.fact = ANY (CAST(:facts AS text[]))
        AND (e.valid_from IS NULL OR e.valid_from <= CAST(:on AS date))
        AND (e.valid_until IS NULL OR e.valid_until > CAST(:on AS date))
    """  # noqa: S608
)


async def facts_of(work: Work, person_id: UUID, rule_set: RuleSet, on: date) -> GatheredFacts:
    """What is known on a day of everything a rule set asks for, of a person under whatever id.

    Raises `DomainError('not-found')` for somebody this client may not see, or who is not there.
    """
    row = await work.tx.fetch_row(_FIND, person_id=person_id)
    if row is None:
        raise DomainError("not-found")
    said = of_registry(registered(row), rule_set, on, work.today)
    said += await _of_evidence(work, row["person_id"], row["ids"], rule_set, on)
    return gather(row["person_id"], on, rule_set, said, SOURCES)


async def _of_evidence(work: Work, person_id: UUID, ids: Sequence[UUID], rule_set: RuleSet, on: date) -> list[Said]:
    rows = await work.tx.fetch(
        EVIDENCE,
        person_ids=ids,
        rule_sets=[each.id for each in rule_set.validities],
        facts=list(rule_set.facts),
        on=on,
    )
    return [said_in(work, row, person_id) for row in rows]


def said_in(work: Work, row: Record, person_id: UUID) -> Said:
    """What one row of `EVIDENCE` says of the human with that id."""
    return Said(
        fact=row["fact"],
        raw=record_of(work.keyring, row).value,
        source=row["organisation"],
        as_of=row["as_of"],
        reliability=Reliability(row["reliability"]),
        evidence_id=row["evidence_id"],
        of_alias=row["person_id"] != person_id,
        is_contested=row["is_contested"],
    )


def of_registry(registered: Registered, rule_set: RuleSet, on: date, as_of: date) -> list[Said]:
    """What the registry says of everything a rule set asks for."""
    return [
        Said(fact, value, REGISTRY_ZH, as_of, Reliability.REGISTRY, of_alias=number > 0, is_partial=feed.is_partial)
        for fact, feed in SOURCES.feeds_of(rule_set, on).items()
        for number, value in enumerate(values_of(registered, feed, on))
    ]


def registered(row: Record) -> Registered:
    """What `REGISTERED` selected of one human."""
    return Registered(
        birth_dates=tuple(row["birth_dates"]),
        residences=tuple(
            Residence(_day(registered), _day(since), _optional(ended), reason, kind)
            for registered, since, ended, reason, kind in row["residences"]
        ),
        permits=tuple(Permit(*map(_optional, days)) for days in row["permits"]),
        jobs=tuple(Job(employer, _day(started), _optional(ended), reason) for employer, started, ended, reason in row["jobs"]),
    )


def _day(written: str) -> date:
    return date.fromisoformat(written)


def _optional(written: str | None) -> date | None:
    return None if written is None else date.fromisoformat(written)
