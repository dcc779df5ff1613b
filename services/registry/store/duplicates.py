"""Pairs of persons who may be one human: found in the database by digests, read, decided. Row-level security lets through those
of whom the client sees both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.duplicates import CandidateRecord, CandidateStatus

_COLUMNS = """c.candidate_id, c.person_id, c.related_person_id, c.likeness, c.score, c.found_on, c.decision, c.decided_on,
    c.shown_again_on, c.proposal_id, c.version, c.created_at, c.updated_at"""
_NOW = """canonical_id(c.person_id) AS first_id, canonical_id(c.related_person_id) AS second_id, CASE
    WHEN canonical_id(c.person_id) = canonical_id(c.related_person_id) THEN 'merged'
    WHEN c.score IS NULL THEN 'unlike'
    WHEN c.decision = 'different_persons' THEN 'different'
    WHEN c.decision = 'same_person' AND EXISTS (SELECT FROM proposal p WHERE p.proposal_id = c.proposal_id
        AND p.status = 'open' AND p.expires_on >= CAST(:today AS date)) THEN 'proposed'
    WHEN c.shown_again_on > CAST(:today AS date) THEN 'put_off'
    ELSE 'open' END AS status"""

_FIND = prepare(
    f"SELECT {_COLUMNS}, {_NOW} FROM duplicate_candidate c WHERE c.candidate_id = :candidate_id"  # noqa: S608 - constants
)
_LOCK = prepare(
    f"SELECT {_COLUMNS}, {_NOW} FROM duplicate_candidate c WHERE c.candidate_id = :candidate_id FOR UPDATE OF c"  # noqa: S608
)
_LIST = prepare(
    f"""
    SELECT * FROM (
        SELECT {_COLUMNS}, {_NOW} FROM duplicate_candidate c
        WHERE c.score >= CAST(:score_min AS integer)
        AND (CAST(:person_id AS uuid) IS NULL OR c.person_id = ANY (ids_of_human(:person_id))
            OR c.related_person_id = ANY (ids_of_human(:person_id)))
        AND (CAST(:after_score AS integer) IS NULL
            OR (c.score, c.candidate_id) < (:after_score, CAST(:after_candidate_id AS uuid)))
    ) found
    WHERE status = :status
    ORDER BY score DESC, candidate_id DESC LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_DECIDE = prepare(
    """
    UPDATE duplicate_candidate SET decision = :decision, decided_on = :decided_on, shown_again_on = :shown_again_on,
        proposal_id = :proposal_id, version = :version, updated_at = :updated_at
    WHERE candidate_id = :candidate_id
    """
)
_COMPARE_PERSONS = prepare(
    """
    SELECT compare_persons(CAST(:person_ids AS uuid[]), CAST(:scores AS integer[]), CAST(:size_max AS integer),
        CAST(:per_person AS integer), CAST(:at AS timestamptz))
    """
)
_COMPARE_SHARING = prepare(
    """
    SELECT s.compared, s.made, s.passed_over FROM compare_sharing(CAST(:key AS text), CAST(:first AS bigint),
        CAST(:last AS bigint), CAST(:scores AS integer[]), CAST(:size_max AS integer), CAST(:per_person AS integer),
        CAST(:at AS timestamptz)) AS s
    """
)


class SharedKey(StrEnum):
    """What two records of one human are likely to share although they differ elsewhere; columns of `person_search_key`."""

    PHONE = "phone"
    INITIALS_AND_BIRTH = "initials_and_birth"
    NAME_AND_HOME = "name_and_home"


@dataclass(frozen=True, slots=True)
class Measure:
    """By what pairs are found: the score of every way of agreeing that is shown, and what is too much of it."""

    scores: tuple[int | None, ...]
    size_max: int
    per_person: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair as it stands: `person_ids` are those of the two humans, one id where they were merged."""

    record: CandidateRecord
    status: CandidateStatus
    person_ids: tuple[UUID, UUID]


async def compare_persons(work: Work, person_ids: Sequence[UUID | str], measure: Measure) -> None:
    """Find the pairs of persons who came in or changed, and look again at those they are in."""
    await work.tx.fetch_value(
        _COMPARE_PERSONS,
        person_ids=list(person_ids),
        scores=measure.scores,
        size_max=measure.size_max,
        per_person=measure.per_person,
        at=work.now,
    )


async def compare_sharing(work: Work, key: SharedKey, first: int, last: int, measure: Measure) -> Record:
    """Compare all whom the client sees and who share a key with a digest from `first` to `last`: how many pairs were
    `compared`, `made` or made anew, and how many groups were `passed_over`.
    """
    row = await work.tx.fetch_row(
        _COMPARE_SHARING,
        key=key,
        first=first,
        last=last,
        scores=measure.scores,
        size_max=measure.size_max,
        per_person=measure.per_person,
        at=work.now,
    )
    assert row is not None
    return row


async def find_candidate(work: Work, candidate_id: UUID) -> Candidate | None:
    """A pair of which the client sees both persons."""
    row = await work.tx.fetch_row(_FIND, candidate_id=candidate_id, today=work.today)
    return None if row is None else candidate_of(row)


async def lock_candidate(work: Work, candidate_id: UUID) -> Candidate:
    """A pair that exists and of which the client holds one person; nobody else decides it before this transaction ends."""
    row = await work.tx.fetch_row(_LOCK, candidate_id=candidate_id, today=work.today)
    assert row is not None
    return candidate_of(row)


async def list_candidates(
    work: Work,
    *,
    status: CandidateStatus,
    score_min: int,
    person_id: UUID | None,
    after: tuple[int, UUID] | None,
    limit: int,
) -> list[Candidate]:
    """Up to `limit` + 1 pairs, the highest score first."""
    after_score, after_candidate_id = after or (None, None)
    rows = await work.tx.fetch(
        _LIST,
        status=status,
        score_min=score_min,
        person_id=person_id,
        after_score=after_score,
        after_candidate_id=after_candidate_id,
        today=work.today,
        limit=limit + 1,
    )
    return [candidate_of(row) for row in rows]


async def decide_candidate(work: Work, record: CandidateRecord) -> None:
    """Store what an officer decided."""
    tag = await work.tx.execute(
        _DECIDE,
        candidate_id=record.candidate_id,
        decision=record.decision,
        decided_on=record.decided_on,
        shown_again_on=record.shown_again_on,
        proposal_id=record.proposal_id,
        version=record.version,
        updated_at=record.updated_at,
    )
    require_one(tag)


def candidate_of(row: Record) -> Candidate:
    """The pair in a row."""
    columns = dict(row.items())
    both = (columns.pop("first_id"), columns.pop("second_id"))
    status = CandidateStatus(columns.pop("status"))
    return Candidate(CandidateRecord.model_validate(columns), status, both)
