"""`POST /v1/duplicate-passes` over a crowd ten times the city, against PostgreSQL merely joining the same keys.

The crowd is written by SQL, with digests of made-up names and sealed values that nobody could open: a pass opens none.
Surnames, given names and home counties are as uneven as real ones, some phones belong to many, a few people are in it twice.
"""

import asyncio
import time
from datetime import datetime
from typing import Any

import asyncpg
import httpx

from bench.figures import Figure, Goal
from bench.stage import DIVISION, Stage
from services.chassis.rows import SERVICE_SESSION

TIMES_THE_CITY = 10
_WITHIN_S = 1_800.0
_LOOK_EVERY_S = 0.25
_MILLION_WITHIN_S = 60
_KEYS = ("phone", "initials_and_birth", "name_and_home")

# One in five hundred is a copy of whoever comes before, without a citizen number.
_CROWD = """
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE bench.crowd AS
SELECT uuidv7() AS person_id, n,
    CAST(300 * random() ^ 3 AS integer) AS surname, CAST(4000 * random() ^ 1.5 AS integer) AS given,
    DATE '1955-01-01' + CAST(20000 * random() AS integer) AS born, CAST(1 + random() AS integer) AS sex,
    330000 + CAST(400 * random() ^ 2 AS integer) AS home,
    CASE WHEN random() < 0.05 THEN 'shared ' || CAST(n / 1000 AS text) WHEN random() < 0.95 THEN CAST(n AS text) END AS phone,
    random() < 0.97 AS has_number
FROM generate_series(1, $1) AS g (n);
UPDATE bench.crowd c SET surname = o.surname, given = o.given, born = o.born, sex = o.sex, home = o.home, phone = o.phone,
    has_number = false
FROM bench.crowd o WHERE c.n % 500 = 0 AND o.n = c.n - 1;
"""
_ROWS = """
INSERT INTO person (person_id, sealed, name_index, birth_date, sex_code, hukou_division_code, warnings, version)
SELECT person_id, sha256(convert_to(CAST(n AS text), 'UTF8')) || sha256('x'),
    sha256(convert_to(surname || '|' || given, 'UTF8')), born, CAST(sex AS text), CAST(home AS text), '[]', 1
FROM bench.crowd;
INSERT INTO person_division (person_division_id, person_id, division_code, source, since)
SELECT person_id, person_id, '{division}', 'intake', current_date FROM bench.crowd;
INSERT INTO identity_document (document_id, person_id, type, number_index, sealed, recorded_at)
SELECT person_id, person_id, 'citizen_id', sha256(convert_to('number ' || n, 'UTF8')), sha256('x'), now()
FROM bench.crowd WHERE has_number;
INSERT INTO person_search_key
    (person_id, name_prefix_2, name_prefix_3, pinyin, initials, phone, initials_and_birth, name_and_home)
SELECT person_id, hashtextextended(surname || '|' || given % 60, 1), hashtextextended(surname || '|' || given, 2),
    hashtextextended(surname % 200 || '|' || given % 2000, 3), hashtextextended(surname % 20 || '|' || given % 400, 4),
    hashtextextended(phone, 5), hashtextextended(surname % 20 || '|' || given % 400 || '|' || born, 6),
    hashtextextended(surname || '|' || given || '|' || home, 7)
FROM bench.crowd;
DROP TABLE bench.crowd;
ANALYZE person, person_division, identity_document, person_search_key;
"""
_JOIN = """
SELECT count(*) FROM person_search_key a JOIN person_search_key b ON b.{key} = a.{key} AND b.person_id > a.person_id
"""


def measure(stage: Stage, city: int) -> list[Figure]:
    """Persons a second, beside the bare join of the three keys."""
    crowd = (TIMES_THE_CITY - 1) * city
    persons = asyncio.run(_gather(stage.superuser_url("registry"), crowd))
    ours_s, counts = _pass(stage)
    if counts["found"] < crowd // 1000:
        raise RuntimeError(f"the pass found {counts}")
    bare_s = asyncio.run(_joined(stage.superuser_url("registry")))
    return [
        Figure(
            name="full pass for duplicates",
            unit="persons/s",
            ours=persons / ours_s,
            limit=persons / bare_s,
            limit_name="a plain self-join on the three keys, nothing compared or kept",
            kind=Goal.RATIO,
            goal=0.1,
            note=f"{persons:,} persons in {ours_s:.0f} s, {counts['pairs_compared']:,} pairs, {counts['found']:,} found;"
            f" goal on a quiet machine a million in {_MILLION_WITHIN_S} s",
        )
    ]


async def _gather(superuser_url: str, crowd: int) -> int:
    """Write the crowd; how many are on the register then."""
    connection = await asyncpg.connect(superuser_url, server_settings=SERVICE_SESSION, command_timeout=_WITHIN_S)
    try:
        for statement in _CROWD.replace("$1", str(crowd)), _ROWS.format(division=DIVISION):
            await connection.execute(statement)
        await connection.execute("DELETE FROM duplicate_candidate")
        return int(await connection.fetchval("SELECT count(*) FROM person_search_key"))
    finally:
        await connection.close()


def _pass(stage: Stage) -> tuple[float, dict[str, int]]:
    """Seconds from the operation's start to its end, its worker process started within, and what it tells."""
    with httpx.Client(base_url=stage.gateway_url, timeout=120) as http:

        def call(method: str, path: str) -> Any:
            key = {"Idempotency-Key": f"bench-pass-{time.time_ns()}"} if method == "POST" else {}
            answer = http.request(method, path, headers={**stage.outside_headers(), **key})
            answer.raise_for_status()
            return answer.json()

        operation, until = call("POST", "/v1/duplicate-passes"), time.monotonic() + _WITHIN_S
        while operation["state"] in {"accepted", "running"} and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)
            operation = call("GET", f"/v1/registry/operations/{operation['operation_id']}")
    if operation["state"] != "succeeded":
        raise RuntimeError(f"the pass ended as {operation}")
    began, ended = (datetime.fromisoformat(operation[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds(), operation["counts"]


async def _joined(superuser_url: str) -> float:
    """Seconds of the three joins, one after the other, on one connection."""
    connection = await asyncpg.connect(superuser_url, command_timeout=_WITHIN_S)
    try:
        started = time.perf_counter()
        for key in _KEYS:
            await connection.fetchval(_JOIN.format(key=key))
        return time.perf_counter() - started
    finally:
        await connection.close()
