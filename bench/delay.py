"""From a commit in the registry to the commit of its event in points_hukou, while nothing else goes on.

Timed from the outside, and so by a little too long: the clock starts before the request is sent and ends when another session
sees the mirror's row.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Sequence

import asyncpg
import httpx

from bench.figures import Figure, Goal
from bench.registering import call_for
from bench.stage import Stage

_GIVE_UP_S = 5.0
_LOOK_EVERY_S = 0.0005
_SEEN = "SELECT EXISTS (SELECT FROM mirror_residence_registration WHERE person_id = $1::text::uuid)"


def measure(stage: Stage, person_ids: Sequence[str]) -> list[Figure]:
    """Figure 4: the 99th percentile in milliseconds; the persons have no registration yet."""
    took = sorted(asyncio.run(_sample(stage, person_ids)))
    return [
        Figure(
            name="commit to the consumer's commit, p99, idle",
            unit="ms",
            ours=took[len(took) * 99 // 100],
            kind=Goal.AT_MOST,
            goal=50.0,
            note=f"p50 {statistics.median(took):.1f} ms, from before the request was sent",
        )
    ]


async def _sample(stage: Stage, person_ids: Sequence[str]) -> list[float]:
    connection = await asyncpg.connect(stage.superuser_url("points_hukou"))
    took = []
    try:
        async with httpx.AsyncClient(base_url=stage.service_url("registry")) as client:
            for place, person_id in enumerate(person_ids):
                if place % 50 == 0:
                    headers = stage.inside_headers("registry")
                await asyncio.sleep(random.uniform(0.03, 0.1))
                took.append(await _one(client, connection, person_id, headers) * 1000)
    finally:
        await connection.close()
    return took


async def _one(
    client: httpx.AsyncClient, connection: "asyncpg.Connection[asyncpg.Record]", person_id: str, headers: dict[str, str]
) -> float:
    call = call_for(person_id)
    sent = {**headers, **(call.headers or {}), "Content-Type": "application/json"}
    started = time.perf_counter()
    answer = await client.post(call.path, content=call.body, headers=sent)
    answer.raise_for_status()
    while not await connection.fetchval(_SEEN, person_id):
        if time.perf_counter() - started > _GIVE_UP_S:
            raise RuntimeError("an event did not arrive")
        await asyncio.sleep(_LOOK_EVERY_S)
    return time.perf_counter() - started
