"""Rounds, places and objections: write, find, list."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.points_hukou.rules.ranking import Outcome
from services.points_hukou.rules.rounds import Claim
from services.points_hukou.schemas.rounds import (
    ObjectionRecord,
    ObjectionSecrets,
    PlaceRecord,
    PlaceSecrets,
    RoundRecord,
)
from services.points_hukou.store.assessments import frozen_of
from services.points_hukou.store.sealing import seal, unseal
from services.points_hukou.store.writing import require_one

STANDING_MAX = 20_000
"""How many stand in one round at most; more are ranked in rounds of their towns."""

_ROUND = tuple(RoundRecord.model_fields)
_ROUND_FROZEN = frozenset({"round_id", "purpose", "division_code", "opened_by", "created_at"})
_PLACE = (*(name for name in PlaceRecord.model_fields if name != "secrets"), "sealed")
_OBJECTION = (*(name for name in ObjectionRecord.model_fields if name != "secrets"), "sealed")


def _bound(name: str) -> str:
    return "CAST(:town_quotas AS jsonb)" if name == "town_quotas" else f":{name}"


_INSERT = prepare(f"INSERT INTO round ({', '.join(_ROUND)}) VALUES ({', '.join(map(_bound, _ROUND))})")  # noqa: S608
_UPDATE = prepare(
    f"""
    UPDATE round SET {", ".join(f"{name} = {_bound(name)}" for name in _ROUND if name not in _ROUND_FROZEN)}
    WHERE round_id = :round_id
    """  # noqa: S608
)
_FIND = prepare(f"SELECT {', '.join(_ROUND)} FROM round WHERE round_id = :round_id")  # noqa: S608
_LOCK = prepare(f"SELECT {', '.join(_ROUND)} FROM round WHERE round_id = :round_id FOR UPDATE")  # noqa: S608
_LIST = prepare(
    f"""
    SELECT {", ".join(_ROUND)} FROM round
    WHERE CAST(:after_created_at AS timestamptz) IS NULL
        OR (created_at, round_id) > (:after_created_at, CAST(:after_id AS uuid))
    ORDER BY created_at, round_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
# What a round is about, in the names of its row.
_OF_ROUND = """
    a.purpose = :purpose AND a.service = :service AND a.rule_set_id = :rule_set_id
    AND starts_with(a.division_code, :prefix) AND a.applied_on <= CAST(:freeze_on AS date)
"""
# The latest application of a person for the same; what an officer stands for alone is ranked (V-28).
_STANDING = prepare(
    f"""
    SELECT DISTINCT ON (a.person_id, a.for_person_id)
        a.application_id, a.person_id, a.division_code, a.applied_on, s.assessment_id, s.person_id AS scored_person_id,
        s.sealed, m.masked_name, {person_keys.COLUMNS}
    FROM application a JOIN assessment s ON s.assessment_id = a.counted_assessment_id
    JOIN mirror_person m ON m.person_id = a.person_id
    LEFT JOIN person_key k ON k.person_id = s.person_id
    WHERE a.status = 'confirmed' AND {_OF_ROUND}
    ORDER BY a.person_id, a.for_person_id, a.applied_on DESC, a.application_id DESC LIMIT {STANDING_MAX + 1}
    """  # noqa: S608
)
_WAITING = prepare(
    f"""
    SELECT a.status, count(*) AS number FROM application a
    WHERE a.status IN ('received', 'scored', 'in_recheck') AND {_OF_ROUND} GROUP BY a.status
    """  # noqa: S608
)
# Rounds of one use are ranked one after the other: each sees who holds a place of the others.
_RANK_ALONE = prepare("SELECT pg_advisory_xact_lock(hashtextextended('ranking ' || CAST(:purpose AS text), 0))")
_CLAIMS = prepare(
    """
    SELECT application_id, humans, is_spent
    FROM claims_of(CAST(:application_ids AS uuid[]), CAST(:round_id AS uuid), :purpose, CAST(:freeze_on AS date))
    """
)
_CLEAR = prepare("DELETE FROM round_place WHERE round_id = :round_id")
_PLACES = prepare(
    f"""
    INSERT INTO round_place ({", ".join(_PLACE)})
    SELECT * FROM unnest(
        CAST(:place_id AS uuid[]), CAST(:round_id AS uuid[]), CAST(:application_id AS uuid[]), CAST(:person_id AS uuid[]),
        CAST(:assessment_id AS uuid[]), CAST(:town AS text[]), CAST(:rank AS integer[]), CAST(:outcome AS text[]),
        CAST(:given_up_on AS date[]), CAST(:moved_up_on AS date[]), CAST(:sealed AS bytea[]))
    """  # noqa: S608
)
_PLACES_OF = prepare(
    f"""
    SELECT {", ".join(_PLACE)} FROM round_place
    WHERE round_id = :round_id AND (CAST(:after_rank AS integer) IS NULL
        OR (rank, place_id) > (CAST(:after_rank AS integer), CAST(:after_id AS uuid)))
        AND (NOT CAST(:admitted AS boolean) OR outcome = 'admitted' AND given_up_on IS NULL)
    ORDER BY rank, place_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_PLACE_OF = prepare(
    f"SELECT {', '.join(_PLACE)} FROM round_place WHERE round_id = :round_id AND application_id = :application_id"  # noqa: S608
)
_GIVE_UP = prepare("UPDATE round_place SET given_up_on = :on WHERE place_id = :place_id")
_MOVE_UP = prepare(
    """
    UPDATE round_place SET outcome = 'admitted', moved_up_on = :on
    WHERE round_id = :round_id AND application_id = ANY (CAST(:application_ids AS uuid[]))
    """
)
_INSERT_OBJECTION = prepare(
    f"INSERT INTO round_objection ({', '.join(_OBJECTION)}) VALUES ({', '.join(f':{name}' for name in _OBJECTION)})"  # noqa: S608
)
_ANSWER_OBJECTION = prepare(
    """
    UPDATE round_objection SET status = :status, answered_on = :answered_on, answered_by = :answered_by, sealed = :sealed,
        version = :version, updated_at = :updated_at
    WHERE objection_id = :objection_id
    """
)
_FIND_OBJECTION = prepare(f"SELECT {', '.join(_OBJECTION)} FROM round_objection WHERE objection_id = :objection_id")  # noqa: S608
_OBJECTIONS = prepare(
    f"""
    SELECT {", ".join(_OBJECTION)} FROM round_objection WHERE round_id = :round_id
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (created_at, objection_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY created_at, objection_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_OBJECTED = prepare(
    """
    SELECT count(*) FILTER (WHERE status = 'open') AS open,
        count(*) FILTER (WHERE status = 'upheld' AND settled_on IS NULL) AS upheld
    FROM round_objection WHERE round_id = :round_id
    """
)
_SETTLE = prepare(
    """
    UPDATE round_objection SET settled_on = :on, version = version + 1
    WHERE round_id = :round_id AND status = 'upheld' AND settled_on IS NULL
    """
)


async def insert_round(work: Work, record: RoundRecord) -> None:
    """Store a round just opened."""
    await work.tx.execute(_INSERT, **{name: getattr(record, name) for name in _ROUND})


async def update_round(work: Work, record: RoundRecord) -> None:
    """Store a round that went on."""
    given = {name: getattr(record, name) for name in _ROUND if name == "round_id" or name not in _ROUND_FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_round(work: Work, round_id: UUID) -> RoundRecord | None:
    """The round, when this client's office has it."""
    row = await work.tx.fetch_row(_FIND, round_id=round_id)
    return None if row is None else round_of(row)


async def lock_round(work: Work, round_id: UUID) -> RoundRecord | None:
    """The same, held until the commit: whoever takes or gives up a place of it waits."""
    row = await work.tx.fetch_row(_LOCK, round_id=round_id)
    return None if row is None else round_of(row)


async def list_rounds(work: Work, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 rounds of this client's offices, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(_LIST, after_created_at=after_created_at, after_id=after_id, limit=limit + 1)


async def standing_in(work: Work, record: RoundRecord, prefix: str) -> Sequence[Record]:
    """The confirmed applications that a round is about, up to one more than may."""
    return await work.tx.fetch(_STANDING, **_about(record, prefix))


async def waiting_in(work: Work, record: RoundRecord, prefix: str) -> dict[str, int]:
    """How many applications that a round is about are not settled, by their status."""
    return {row["status"]: row["number"] for row in await work.tx.fetch(_WAITING, **_about(record, prefix))}


async def claims_of(work: Work, record: RoundRecord, application_ids: Sequence[UUID]) -> dict[UUID, Claim]:
    """Who would take a place with each, and whether they hold one already; no other round of that use is ranked meanwhile."""
    await work.tx.execute(_RANK_ALONE, purpose=record.purpose.value)
    rows = await work.tx.fetch(
        _CLAIMS,
        application_ids=list(application_ids),
        round_id=record.round_id,
        purpose=record.purpose.value,
        freeze_on=record.freeze_on,
    )
    return {row["application_id"]: Claim(frozenset(row["humans"]), row["is_spent"]) for row in rows}


def score_in(keyring: Keyring, row: Record) -> Mapping[str, Any] | None:
    """The frozen figures of a row of `standing_in`; `None` for somebody who was deleted."""
    frozen = frozen_of(keyring, row, row["scored_person_id"])
    return None if frozen is None else frozen.score


async def replace_places(work: Work, round_id: UUID, places: Sequence[PlaceRecord]) -> None:
    """The ranking of a round, in place of an earlier one."""
    await work.tx.execute(_CLEAR, round_id=round_id)
    rows = [_place_values(work.keyring, each) for each in places]
    await work.tx.execute(_PLACES, **{name: [row[name] for row in rows] for name in _PLACE})


async def places_of(
    work: Work, round_id: UUID, *, admitted: bool, after: tuple[int, UUID] | None, limit: int
) -> list[PlaceRecord]:
    """Up to `limit` places, the best first."""
    after_rank, after_id = after or (None, None)
    rows = await work.tx.fetch(
        _PLACES_OF, round_id=round_id, admitted=admitted, after_rank=after_rank, after_id=after_id, limit=limit
    )
    return [_place_of(work.keyring, row) for row in rows]


async def place_of(work: Work, round_id: UUID, application_id: UUID) -> PlaceRecord | None:
    """Where one application stands."""
    row = await work.tx.fetch_row(_PLACE_OF, round_id=round_id, application_id=application_id)
    return None if row is None else _place_of(work.keyring, row)


async def give_up(work: Work, place_id: UUID) -> None:
    """The place is free again."""
    require_one(await work.tx.execute(_GIVE_UP, place_id=place_id, on=work.today))


async def move_up(work: Work, round_id: UUID, application_ids: Sequence[UUID]) -> None:
    """The next in line are admitted."""
    await work.tx.execute(_MOVE_UP, round_id=round_id, application_ids=list(application_ids), on=work.today)


async def insert_objection(work: Work, record: ObjectionRecord) -> None:
    """Store an objection just raised."""
    values = {name: getattr(record, name) for name in _OBJECTION if name != "sealed"}
    await work.tx.execute(_INSERT_OBJECTION, **values, sealed=_sealed(work.keyring, record))


async def answer_objection(work: Work, record: ObjectionRecord) -> None:
    """Store the answer."""
    names = ("objection_id", "status", "answered_on", "answered_by", "version", "updated_at")
    values = {name: getattr(record, name) for name in names}
    require_one(await work.tx.execute(_ANSWER_OBJECTION, **values, sealed=_sealed(work.keyring, record)))


async def find_objection(work: Work, objection_id: UUID) -> ObjectionRecord | None:
    """An objection, when this client's office has the round."""
    row = await work.tx.fetch_row(_FIND_OBJECTION, objection_id=objection_id)
    return None if row is None else objection_of(work.keyring, row)


async def list_objections(work: Work, round_id: UUID, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 objections to a round, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _OBJECTIONS, round_id=round_id, after_created_at=after_created_at, after_id=after_id, limit=limit + 1
    )


async def objected(work: Work, round_id: UUID) -> tuple[int, int]:
    """How many objections are open, and how many were upheld and wait for a new ranking."""
    row = await work.tx.fetch_row(_OBJECTED, round_id=round_id)
    assert row is not None
    return row["open"], row["upheld"]


async def settle_objections(work: Work, round_id: UUID) -> None:
    """Those that were upheld have had their effect: the round is ranked anew."""
    await work.tx.execute(_SETTLE, round_id=round_id, on=work.today)


def round_of(row: Record) -> RoundRecord:
    """The state of a round in a row."""
    return RoundRecord(**dict(row.items()))


def objection_of(keyring: Keyring, row: Record) -> ObjectionRecord:
    """The state of an objection in a row; without its words once the person is deleted."""
    columns = dict(row.items())
    sealed = columns.pop("sealed")
    context = f"round_objection|sealed|{row['objection_id']}"
    secrets = None if sealed is None else unseal(keyring, ObjectionSecrets, sealed, context)
    return ObjectionRecord(**columns, secrets=secrets)


def _about(record: RoundRecord, prefix: str) -> dict[str, Any]:
    names = ("service", "rule_set_id", "freeze_on")
    return {name: getattr(record, name) for name in names} | {"purpose": record.purpose.value, "prefix": prefix}


def _place_of(keyring: Keyring, row: Record) -> PlaceRecord:
    columns = dict(row.items())
    sealed = columns.pop("sealed")
    secrets = None if sealed is None else unseal(keyring, PlaceSecrets, sealed, f"round_place|sealed|{row['place_id']}")
    return PlaceRecord(**columns | {"outcome": Outcome(row["outcome"])}, secrets=secrets)


def _place_values(keyring: Keyring, record: PlaceRecord) -> dict[str, Any]:
    assert record.secrets is not None
    values: dict[str, Any] = {name: getattr(record, name) for name in _PLACE if name != "sealed"}
    return values | {"sealed": seal(keyring, record.secrets, f"round_place|sealed|{record.place_id}")}


def _sealed(keyring: Keyring, record: ObjectionRecord) -> bytes | None:
    if record.secrets is None:
        return None
    return seal(keyring, record.secrets, f"round_objection|sealed|{record.objection_id}")
