"""The limit of searching: asyncpg alone, 8 connections of the superuser, the same look-ups by index and the same rows' bytes.

No HTTP, token, purpose, row policies, opening of what is sealed, masking or evidence. Reads its questions from standard input
and prints what came of them as JSON.
"""

import asyncio
import json
import sys
import time
from itertools import cycle

import asyncpg
import uvloop

from services.chassis.db import prepare
from services.registry.schemas.searching import PersonSearch
from services.registry.store.person_search import PERSON, WITH_DOCUMENTS

_ROWS = PersonSearch.model_fields["limit"].default + 1
_ONES = "SELECT k.person_id FROM person_search_key k WHERE k.{0} = CAST(:value AS bigint)"
_LOOKUPS = {
    "number": """SELECT k.person_id FROM identity_document k
        WHERE k.number_index = CAST(:value AS bytea) AND k.superseded_at IS NULL""",
    "name": "SELECT k.person_id FROM person k WHERE k.name_index = CAST(:value AS bytea)",
    **{key: _ONES.format(key) for key in ("name_prefix_2", "name_prefix_3", "pinyin", "initials")},
    "employer": "SELECT k.person_id FROM employment k WHERE k.employer_id = CAST(:value AS uuid) AND k.ended_on IS NULL",
}
STATEMENTS = {
    way: prepare(
        WITH_DOCUMENTS.format(
            page=f"SELECT {PERSON}, p.person_id AS found_as FROM ({lookup} ORDER BY k.person_id LIMIT {_ROWS}) k "
            "JOIN person p USING (person_id)"
        )
    )
    for way, lookup in _LOOKUPS.items()
}


def value_of(way: str, given: str) -> object:
    """A value as it is bound; in JSON it is text."""
    if way in {"number", "name"}:
        return bytes.fromhex(given)
    return given if way == "employer" else int(given)


async def _ask(connection: "asyncpg.Connection[asyncpg.Record]", asked: "cycle[tuple[str, str]]", until: float) -> list[float]:
    took = []
    while (started := time.monotonic()) < until:
        way, given = next(asked)
        await connection.fetch(STATEMENTS[way].sql, value_of(way, given))
        took.append(time.monotonic() - started)
    return took


async def _run(url: str, questions: list[tuple[str, str]], connections: int, seconds: float) -> dict[str, float]:
    """Rounds of closed loops, one per connection."""
    opened = [await asyncpg.connect(url) for _ in range(connections)]
    asked, started = cycle(questions), time.monotonic()
    rounds = await asyncio.gather(*(_ask(connection, asked, started + seconds) for connection in opened))
    lasted = time.monotonic() - started
    for connection in opened:
        await connection.close()
    took = sorted(second for round_ in rounds for second in round_)
    return {"per_second": len(took) / lasted, "p95_ms": took[len(took) * 95 // 100] * 1000}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print(json.dumps(uvloop.run(_run(given["url"], given["questions"], given["connections"], given["seconds"]))))
