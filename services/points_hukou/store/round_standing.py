"""Who stands in a round: the applications it is about, what they claim, and the figures they were scored with."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.points_hukou.rules.rounds import Claim
from services.points_hukou.schemas.rounds import RoundRecord
from services.points_hukou.store.assessments import context_of
from services.points_hukou.store.sealing import unseal_about

STANDING_MAX = 20_000
"""How many stand in one round at most; more are ranked in rounds of their towns."""

# What a round is about, in the names of its row.
_OF_ROUND = """
    a.purpose = :purpose AND a.service = :service AND a.rule_set_id = :rule_set_id
    AND starts_with(a.division_code, :prefix) AND a.applied_on <= CAST(:freeze_on AS date)
"""
# Of somebody erased the words are gone from the application, of whose score counts the figures from the assessment.
_IS_THERE = "a.sealed IS NOT NULL"
# The latest application of a person for the same; what an officer stands for alone is ranked (V-28).
_STANDING = prepare(
    f"""
    SELECT DISTINCT ON (a.person_id, a.for_person_id)
        a.application_id, a.person_id, a.division_code, a.applied_on, s.assessment_id
    FROM application a JOIN assessment s ON s.assessment_id = a.counted_assessment_id
    WHERE a.status = 'confirmed' AND {_IS_THERE} AND {_OF_ROUND}
    ORDER BY a.person_id, a.for_person_id, a.applied_on DESC, a.application_id DESC LIMIT {STANDING_MAX + 1}
    """  # noqa: S608
)
_WAITING = prepare(
    f"""
    SELECT CASE WHEN a.status = 'confirmed' THEN 'without_score' ELSE a.status END AS what, count(*) AS number
    FROM application a LEFT JOIN assessment s ON s.assessment_id = a.counted_assessment_id
    WHERE (a.status IN ('received', 'scored', 'in_recheck') OR a.status = 'confirmed' AND s.sealed IS NULL)
        AND {_IS_THERE} AND {_OF_ROUND} GROUP BY what
    """  # noqa: S608
)
# Applications for the same by another rule set that no finished round of that division was about, nor an application by this
# one took the place of: left out, they would be dropped without a word.
_BY_OTHERS = prepare(
    f"""
    SELECT a.rule_set_id, count(*) AS number FROM application a
    WHERE a.status <> 'withdrawn' AND {_IS_THERE} AND a.purpose = :purpose AND a.service = :service
        AND a.rule_set_id <> :rule_set_id AND starts_with(a.division_code, :prefix)
        AND a.applied_on <= CAST(:freeze_on AS date)
        AND NOT EXISTS (SELECT FROM round r WHERE r.status = 'finished' AND r.purpose = a.purpose AND r.service = a.service
            AND r.rule_set_id = a.rule_set_id AND a.applied_on <= r.freeze_on
            AND r.division_code = :division_code)
        AND NOT EXISTS (SELECT FROM application n WHERE n.person_id = a.person_id
            AND n.for_person_id IS NOT DISTINCT FROM a.for_person_id AND n.purpose = a.purpose AND n.service = a.service
            AND n.rule_set_id = :rule_set_id AND n.status <> 'withdrawn' AND n.applied_on >= a.applied_on)
    GROUP BY a.rule_set_id ORDER BY a.rule_set_id
    """  # noqa: S608
)
_STATES = prepare(
    """
    SELECT application_id, status, counted_assessment_id FROM application
    WHERE application_id = ANY (CAST(:application_ids AS uuid[]))
    """
)
_SCORES = prepare(
    f"""
    SELECT s.assessment_id, s.person_id, s.sealed, {person_keys.COLUMNS}
    FROM assessment s LEFT JOIN person_key k ON k.person_id = s.person_id
    WHERE s.assessment_id = ANY (CAST(:assessment_ids AS uuid[]))
    """  # noqa: S608
)
# Who of a family was scored with them, in the same act.
_OTHERS = prepare(
    f"""
    SELECT c.assessment_id AS beside, s.assessment_id, s.person_id, s.sealed, {person_keys.COLUMNS}
    FROM assessment c JOIN assessment s ON s.application_id = c.application_id AND s.created_at = c.created_at
        AND s.assessment_id <> c.assessment_id
    LEFT JOIN person_key k ON k.person_id = s.person_id
    WHERE c.assessment_id = ANY (CAST(:assessment_ids AS uuid[])) ORDER BY s.assessment_id
    """  # noqa: S608
)
_NAMES = prepare("SELECT person_id, masked_name FROM names_of_applicants(CAST(:application_ids AS uuid[]))")
# Rounds of one use are ranked one after the other: each sees who holds a place of the others.
_RANK_ALONE = prepare("SELECT pg_advisory_xact_lock(hashtextextended('ranking ' || CAST(:purpose AS text), 0))")
_CLAIMS = prepare(
    """
    SELECT application_id, humans, is_spent
    FROM claims_of(CAST(:application_ids AS uuid[]), CAST(:round_id AS uuid), :purpose, CAST(:freeze_on AS date),
        CAST(:by_family AS boolean))
    """
)


async def standing_in(work: Work, record: RoundRecord, prefix: str) -> Sequence[Record]:
    """The confirmed applications that a round is about, up to one more than may."""
    return await work.tx.fetch(_STANDING, **_about(record, prefix))


async def waiting_in(work: Work, record: RoundRecord, prefix: str) -> dict[str, int]:
    """How many applications that a round is about are not settled, by their status; `without_score`: whose counted score went
    with the one of the family who was erased.
    """
    return {row["what"]: row["number"] for row in await work.tx.fetch(_WAITING, **_about(record, prefix))}


async def counted_by_others(work: Work, record: RoundRecord, prefix: str) -> dict[str, int]:
    """How many applications for the same, of the freeze day or before, are by another rule set and had no round: by its id."""
    rows = await work.tx.fetch(_BY_OTHERS, **_about(record, prefix), division_code=record.division_code)
    return {str(row["rule_set_id"]): row["number"] for row in rows}


async def states_of(work: Work, application_ids: Sequence[UUID]) -> dict[UUID, tuple[str, UUID | None]]:
    """Of each application its status, and the assessment that counts."""
    rows = await work.tx.fetch(_STATES, application_ids=list(application_ids))
    return {row["application_id"]: (row["status"], row["counted_assessment_id"]) for row in rows}


async def claims_of(work: Work, record: RoundRecord, application_ids: Sequence[UUID], *, by_family: bool) -> dict[UUID, Claim]:
    """Who would take a place with each – `by_family` also the spouse –, and whether they hold one already.

    No other round of that use is ranked meanwhile.
    """
    await work.tx.execute(_RANK_ALONE, purpose=record.purpose.value)
    rows = await work.tx.fetch(
        _CLAIMS,
        application_ids=list(application_ids),
        round_id=record.round_id,
        purpose=record.purpose.value,
        freeze_on=record.freeze_on,
        by_family=by_family,
    )
    return {row["application_id"]: Claim(frozenset(row["humans"]), row["is_spent"]) for row in rows}


async def hold_names(work: Work, application_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The masked names of who handed these in, wherever they live now; nobody of them is erased until the commit."""
    rows = await work.tx.fetch(_NAMES, application_ids=list(application_ids))
    return {row["person_id"]: row["masked_name"] for row in rows}


async def sealed_scores(work: Work, assessment_ids: Sequence[UUID]) -> Sequence[Record]:
    """The rows of these assessments, for `figures_in`."""
    return await work.tx.fetch(_SCORES, assessment_ids=list(assessment_ids))


async def others_scored(work: Work, assessment_ids: Sequence[UUID]) -> Sequence[Record]:
    """The rows of who else of the families was scored beside these assessments (`beside`), for `figures_in`."""
    return await work.tx.fetch(_OTHERS, assessment_ids=list(assessment_ids))


class _Figures(BaseModel):
    """What of a frozen score a ranking rests on. Reading no more of it is several times as quick."""

    eligible: bool
    vetoed: bool
    frozen: bool
    passes: bool | None
    total: str
    tie_breaks: dict[str, str | None]


class _Score(BaseModel):
    score: _Figures


def figures_in(keyring: Keyring, rows: Sequence[Record]) -> dict[UUID, Mapping[str, Any]]:
    """The frozen figures by assessment, without those of who was erased. Work for a thread."""
    opened = {
        row["assessment_id"]: unseal_about(keyring, _Score, row, row["person_id"], context_of(row["assessment_id"]))
        for row in rows
    }
    return {assessment_id: dict(found.score.__dict__) for assessment_id, found in opened.items() if found is not None}


def _about(record: RoundRecord, prefix: str) -> dict[str, Any]:
    names = ("service", "rule_set_id", "freeze_on")
    return {name: getattr(record, name) for name in names} | {"purpose": record.purpose.value, "prefix": prefix}
