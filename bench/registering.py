"""`POST /v1/residence-registrations` against a bare asyncpg transaction writing the same rows."""

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

import asyncpg
import httpx

from bench import bare_writer
from bench.figures import Figure, Goal, median
from bench.load import Call, drive
from bench.stage import Stage
from services.chassis.clock import LawClock
from tests.journeys.suite import ROOT

_PATH = "/v1/residence-registrations"
_CONNECTIONS = 16
_ROUNDS = 5
_ROUND_S = 3.0
_PERSONS_PER_ROUND = 9000
_KEYS = itertools.count(1)


def measure(stage: Stage, person_ids: Sequence[str]) -> list[Figure]:
    """Figure 3, both in turn in every round; every person is registered once here and once by the limit."""
    pattern = _register_one(stage, person_ids[0])
    asyncio.run(_make_twins(stage.superuser_url("registry")))
    ours, bare = [], []
    shares = list(_shares(person_ids[1:]))
    _ours(stage, shares[0], 1)
    for share in shares[1:]:
        ours.append(_ours(stage, share, _ROUND_S))
        bare.append(_bare(stage, pattern, share))
    return [
        Figure(
            name="POST residence registration at the service",
            unit="registrations/s",
            ours=median(ours),
            limit=median(bare),
            limit_name="bare asyncpg transactions, the same rows",
            kind=Goal.RATIO,
            goal=0.35,
        )
    ]


def _shares(person_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    size = min(_PERSONS_PER_ROUND, len(person_ids) // (_ROUNDS + 1))
    return (person_ids[place * size : (place + 1) * size] for place in range(_ROUNDS + 1))


def call_for(person_id: str) -> Call:
    """A registration of a person who has none, from today on, under a key of its own."""
    content = {
        "person_id": person_id,
        "division_code": "330282107",
        "address": "陈家村东路12号201室",
        "residence_kind": "rented",
        "started_on": LawClock().today().isoformat(),
        "reported_by": "self",
    }
    return Call("POST", _PATH, {"Idempotency-Key": f"bench-{next(_KEYS)}"}, json.dumps(content, ensure_ascii=False).encode())


def _register_one(stage: Stage, person_id: str) -> dict[str, str]:
    call = call_for(person_id)
    headers = {**stage.inside_headers("registry"), **(call.headers or {}), "Content-Type": "application/json"}
    answer = httpx.post(stage.service_url("registry") + call.path, content=call.body, headers=headers)
    answer.raise_for_status()
    return {"registration_id": answer.json()["registration_id"], "person_id": person_id}


async def _make_twins(superuser_url: str) -> None:
    connection = await asyncpg.connect(superuser_url)
    try:
        await bare_writer.make_twins(connection)
    finally:
        await connection.close()


def _ours(stage: Stage, person_ids: Sequence[str], seconds: float) -> float:
    calls = [call_for(person_id) for person_id in person_ids]
    headers = stage.inside_headers("registry")
    return drive(stage.service_url("registry"), calls, headers, connections=_CONNECTIONS, seconds=seconds, once=True).per_second


def _bare(stage: Stage, pattern: dict[str, str], person_ids: Sequence[str]) -> float:
    given = {
        "database_url": stage.superuser_url("registry"),
        "person_ids": person_ids,
        "seconds": _ROUND_S,
        **pattern,
    }
    command = [sys.executable, "-m", "bench.bare_writer"]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)
