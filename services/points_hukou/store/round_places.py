"""Places in the rankings of rounds: write, read, hand on. A ranking that was replaced stays, marked."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.points_hukou.rules.ranking import Outcome
from services.points_hukou.schemas.round_places import PlaceRecord, PlaceSecrets
from services.points_hukou.schemas.rounds import RoundRecord
from services.points_hukou.store.round_standing import STANDING_MAX
from services.points_hukou.store.sealing import seal_about, unseal_about

_STORED = (*(name for name in PlaceRecord.model_fields if name != "secrets"), "sealed")
READ = f"""SELECT {", ".join(f"p.{name}" for name in _STORED)}, {person_keys.COLUMNS}
    FROM round_place p LEFT JOIN person_key k USING (person_id)"""  # noqa: S608
"""Places `p` with what opens them; `place_of_row` reads its rows."""

_SUPERSEDE = prepare("UPDATE round_place SET superseded_on = :on WHERE round_id = :round_id AND superseded_on IS NULL")
_INSERT = prepare(
    f"""
    INSERT INTO round_place ({", ".join(_STORED)})
    SELECT * FROM unnest(
        CAST(:place_id AS uuid[]), CAST(:round_id AS uuid[]), CAST(:application_id AS uuid[]), CAST(:person_id AS uuid[]),
        CAST(:assessment_id AS uuid[]), CAST(:town AS text[]), CAST(:rank AS integer[]), CAST(:outcome AS text[]),
        CAST(:given_up_on AS date[]), CAST(:moved_up_on AS date[]), CAST(:ranking AS integer[]), CAST(:superseded_on AS date[]),
        CAST(:lowered_on AS date[]), CAST(:sealed AS bytea[]))
    """  # noqa: S608
)
_LIST = prepare(
    f"""
    {READ} WHERE p.round_id = :round_id AND p.ranking = :ranking AND (CAST(:after_rank AS integer) IS NULL
        OR (p.rank, p.place_id) > (CAST(:after_rank AS integer), CAST(:after_id AS uuid)))
        AND (NOT CAST(:admitted AS boolean) OR p.outcome = 'admitted' AND p.given_up_on IS NULL)
    ORDER BY p.rank, p.place_id LIMIT CAST(:limit AS integer)
    """
)
_FIND = prepare(f"{READ} WHERE p.round_id = :round_id AND p.ranking = :ranking AND p.application_id = :application_id")
_NOTICE = prepare(
    """
    SELECT * FROM notice_of_round(CAST(:round_id AS uuid), CAST(:after_rank AS integer), CAST(:after_id AS uuid),
        CAST(:limit AS integer))
    """
)
_HOLD_NOTICED = prepare("SELECT person_id FROM hold_noticed_place(CAST(:round_id AS uuid), CAST(:application_id AS uuid))")
_BASES = prepare(
    "SELECT application_id, assessment_id FROM round_place WHERE round_id = :round_id AND ranking = CAST(:ranking AS integer)"
)
_GIVE_UP = prepare("UPDATE round_place SET given_up_on = :on WHERE place_id = ANY (CAST(:place_ids AS uuid[]))")
_MOVE_UP = prepare(
    "UPDATE round_place SET outcome = 'admitted', moved_up_on = :on WHERE place_id = ANY (CAST(:place_ids AS uuid[]))"
)
# Places of final lists whose holders withdrew the application or were erased, unless a household transfer rests on them.
_LEFT = prepare(
    f"""
    {READ} JOIN round r ON r.round_id = p.round_id AND r.status = 'finished'
    JOIN application a ON a.application_id = p.application_id
    WHERE p.superseded_on IS NULL AND p.outcome = 'admitted' AND p.given_up_on IS NULL
        AND (a.status = 'withdrawn' OR p.sealed IS NULL)
        AND (CAST(:person_ids AS uuid[]) IS NULL OR p.person_id = ANY (CAST(:person_ids AS uuid[])))
        AND (CAST(:round_id AS uuid) IS NULL OR p.round_id = :round_id)
        AND NOT is_place_used(p.round_id, p.application_id)
    ORDER BY p.round_id, p.place_id LIMIT CAST(:limit AS integer)
    """
)
_FORGET = prepare("UPDATE round_place SET sealed = NULL WHERE person_id = ANY (CAST(:person_ids AS uuid[]))")


async def replace_places(work: Work, round_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    """The ranking of a round, in place of an earlier one, which stays known. `rows` as `sealed_place` makes them."""
    await work.tx.execute(_SUPERSEDE, round_id=round_id, on=work.today)
    await work.tx.execute(_INSERT, **{name: [row[name] for row in rows] for name in _STORED})


async def places_of(
    work: Work, record: RoundRecord, *, admitted: bool, after: tuple[int, UUID] | None, limit: int
) -> list[PlaceRecord]:
    """Up to `limit` places of the ranking that stands, the best first."""
    after_rank, after_id = after or (None, None)
    rows = await work.tx.fetch(
        _LIST,
        round_id=record.round_id,
        ranking=record.rankings,
        admitted=admitted,
        after_rank=after_rank,
        after_id=after_id,
        limit=limit,
    )
    return [place_of_row(work.keyring, row) for row in rows]


async def notice_of(work: Work, round_id: UUID, *, after: tuple[int, UUID] | None, limit: int) -> list[PlaceRecord]:
    """Up to `limit` places of the list that stands, the best first, of whichever office's round, once it was published."""
    after_rank, after_id = after or (None, None)
    rows = await work.tx.fetch(_NOTICE, round_id=round_id, after_rank=after_rank, after_id=after_id, limit=limit)
    return [place_of_row(work.keyring, row) for row in rows]


async def hold_noticed_place(work: Work, round_id: UUID, application_id: UUID) -> UUID | None:
    """Whose place an application has on a published list; nobody is erased before the commit."""
    row = await work.tx.fetch_row(_HOLD_NOTICED, round_id=round_id, application_id=application_id)
    return None if row is None else row["person_id"]


async def whole_ranking(work: Work, record: RoundRecord) -> list[PlaceRecord]:
    """Every place of the ranking that stands, the best first; opened in a thread, because there may be thousands."""
    rows = await work.tx.fetch(
        _LIST,
        round_id=record.round_id,
        ranking=record.rankings,
        admitted=False,
        after_rank=None,
        after_id=None,
        limit=STANDING_MAX,
    )
    return await asyncio.to_thread(lambda: [place_of_row(work.keyring, row) for row in rows])


async def bases_of(work: Work, record: RoundRecord) -> dict[UUID, UUID]:
    """Of each application in the ranking that stands the assessment it was ranked by."""
    rows = await work.tx.fetch(_BASES, round_id=record.round_id, ranking=record.rankings)
    return {row["application_id"]: row["assessment_id"] for row in rows}


async def place_of(work: Work, record: RoundRecord, application_id: UUID) -> PlaceRecord | None:
    """Where one application stands."""
    row = await work.tx.fetch_row(_FIND, round_id=record.round_id, ranking=record.rankings, application_id=application_id)
    return None if row is None else place_of_row(work.keyring, row)


async def give_up(work: Work, place_ids: Sequence[UUID]) -> None:
    """The places are free again."""
    await work.tx.execute(_GIVE_UP, place_ids=list(place_ids), on=work.today)


async def move_up(work: Work, place_ids: Sequence[UUID]) -> None:
    """The next in line are admitted."""
    await work.tx.execute(_MOVE_UP, place_ids=list(place_ids), on=work.today)


async def left_places(
    work: Work, *, round_id: UUID | None = None, person_ids: Sequence[UUID] | None = None, limit: int
) -> list[PlaceRecord]:
    """Places of final lists that nobody uses any more, of these persons or of anybody."""
    persons = None if person_ids is None else list(person_ids)
    rows = await work.tx.fetch(_LEFT, round_id=round_id, person_ids=persons, limit=limit)
    return [place_of_row(work.keyring, row) for row in rows]


async def forget_places(work: Work, person_ids: Sequence[UUID]) -> None:
    """Figures and names of deleted persons go; that there was a place stays known."""
    await work.tx.execute(_FORGET, person_ids=list(person_ids))


def sealed_place(work: Work, record: PlaceRecord) -> dict[str, Any]:
    """A place as it is stored, after `Work.make_person_keys`. Work for a thread."""
    assert record.secrets is not None
    values: dict[str, Any] = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    return values | {"sealed": seal_about(work, record.person_id, record.secrets, context_of(record.place_id))}


def place_of_row(keyring: Keyring, row: Record) -> PlaceRecord:
    """A place as `READ` tells it."""
    columns = {name: row[name] for name in _STORED if name != "sealed"}
    secrets = unseal_about(keyring, PlaceSecrets, row, row["person_id"], context_of(row["place_id"]))
    return PlaceRecord(**columns | {"outcome": Outcome(row["outcome"])}, secrets=secrets)


def context_of(place_id: UUID) -> str:
    """What the figures of a place are bound to."""
    return f"round_place|sealed|{place_id}"
