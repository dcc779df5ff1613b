"""What lies under the service's key from before revisions 0017 and 0019 is sealed under the keys of the persons it is about.

A migration has no keys, so it is a job: a chunk at a time, while the service works. Afterwards the indexes it looks through are
empty, and looking costs nothing.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.chassis.db import Prepared, Record, prepare
from services.chassis.work import Work
from services.points_hukou.store import applications, assessments, round_objections, round_places

UNDER_SERVICE_KEY = "get_byte(sealed, 0) & 192 = 0"
"""As `sealing.KeyKind` has it."""

_CONTEXTS = {
    "application": applications.context_of,
    "assessment": assessments.context_of,
    "round_place": round_places.context_of,
    "round_objection": round_objections.context_of,
}


def _each(sql: str) -> Mapping[str, Prepared]:
    return {table: prepare(sql.format(table=table, key=f"{table.removeprefix('round_')}_id")) for table in _CONTEXTS}


_WAITING = _each(
    f"""
    SELECT {{key}} AS id, person_id, sealed FROM {{table}} WHERE {UNDER_SERVICE_KEY}
    ORDER BY {{key}} LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
    """  # noqa: S608 - constants of this module
)
_SEAL = _each(
    """
    UPDATE {table} t SET sealed = g.sealed FROM unnest(CAST(:ids AS uuid[]), CAST(:sealed AS bytea[])) AS g (id, sealed)
    WHERE t.{key} = g.id
    """
)
_HOLD = prepare(
    """
    SELECT person_id FROM mirror_person WHERE person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY person_id FOR UPDATE
    """
)
_GONE = prepare("SELECT person_id FROM mirror_person_deleted WHERE person_id = ANY (CAST(:person_ids AS uuid[]))")


async def reseal_about(work: Work, *, limit: int) -> int:
    """Seal up to `limit` values of each table under the key of its person; how many. Of who is deleted nothing is kept.

    Raises `RuntimeError` when a row that was read is not there to be written.
    """
    done = 0
    for table in _CONTEXTS:
        rows = await work.tx.fetch(_WAITING[table], limit=limit)
        if rows:
            await _reseal(work, table, rows)
        done += len(rows)
    return done


async def _reseal(work: Work, table: str, rows: Sequence[Record]) -> None:
    person_ids = sorted({row["person_id"] for row in rows})
    await work.tx.fetch(_HOLD, person_ids=person_ids)
    gone = {row["person_id"] for row in await work.tx.fetch(_GONE, person_ids=person_ids)}
    await work.make_person_keys([each for each in person_ids if each not in gone])
    sealed = [None if row["person_id"] in gone else _sealed_again(work, table, row) for row in rows]
    tag = await work.tx.execute(_SEAL[table], ids=[row["id"] for row in rows], sealed=sealed)
    if tag != f"UPDATE {len(rows)}":
        raise RuntimeError(f"{tag} instead of {len(rows)} rows of {table}: one was passed over that had to be sealed again")


def _sealed_again(work: Work, table: str, row: Record) -> bytes:
    person_id: UUID = row["person_id"]
    context = _CONTEXTS[table](row["id"])
    return work.seal_about(person_id, work.keyring.open(row["sealed"], context), context)
