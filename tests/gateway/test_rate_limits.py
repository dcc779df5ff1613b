"""How often tokens are given: per client over all replicas, failures by address, and nobody locked out by another."""

import asyncio
import re

import httpx

from gateway.clients import CreatedClient
from services.chassis.db import Pool
from tests.gateway.conftest import RunGateway, new_client
from tests.gateway.test_tokens import GRANT, basic, post


async def ask(http: httpx.AsyncClient, gateway: str, client: CreatedClient, *, secret: str | None = None) -> httpx.Response:
    assert client.client_secret is not None
    return await post(http, gateway, GRANT, authorization=basic(client.client_id, secret or client.client_secret))


async def test_a_client_gets_its_quota_and_is_told_where_it_stands(
    http: httpx.AsyncClient, run_gateway: RunGateway, pool: Pool
) -> None:
    client, other = await new_client(pool), await new_client(pool)
    with run_gateway(token_quota=3) as gateway:
        answers = [await ask(http, gateway, client) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"token";q=3;w=60'}
        told = [re.fullmatch(r'"token";r=(\d+);t=(\d+)', answer.headers["ratelimit"]) for answer in answers]
        assert [found and int(found.group(1)) for found in told] == [2, 1, 0, 0]
        assert all(found and 50 <= int(found.group(2)) <= 60 for found in told)
        refused = answers[-1]
        assert refused.json()["error"] == "slow_down"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert "retry-after" not in answers[0].headers
        assert (await ask(http, gateway, other)).status_code == 200


async def test_replicas_add_up_even_in_a_race(http: httpx.AsyncClient, run_gateway: RunGateway, pool: Pool) -> None:
    client = await new_client(pool)
    with run_gateway(token_quota=5) as one, run_gateway(token_quota=5) as another:
        asked = [ask(http, gateway, client) for gateway in (one, another) for _ in range(10)]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*asked))
    assert statuses == [200] * 5 + [429] * 15


async def test_a_window_ends(http: httpx.AsyncClient, run_gateway: RunGateway, pool: Pool) -> None:
    client = await new_client(pool)
    with run_gateway(token_quota=1) as gateway:
        assert [(await ask(http, gateway, client)).status_code for _ in range(2)] == [200, 429]
        await pool.execute(
            "UPDATE rate_window SET window_start = now() - interval '61 seconds' WHERE subject = $1", client.client_id
        )
        assert (await ask(http, gateway, client)).status_code == 200


async def test_whoever_keeps_failing_is_slowed_and_nobody_else(
    http: httpx.AsyncClient, run_gateway: RunGateway, pool: Pool
) -> None:
    await pool.execute("DELETE FROM rate_window WHERE policy = 'token-failure'")
    client = await new_client(pool)
    with run_gateway(token_failure_quota=3) as gateway:
        answers = [await ask(http, gateway, client, secret="wrong") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert answers[0].headers["ratelimit-policy"] == '"token-failure";q=3;w=60'
        assert answers[3].json()["error"] == "slow_down"
        assert "www-authenticate" not in answers[3].headers
        unknown = await post(http, gateway, GRANT, authorization=basic("client-nobody", "x"))
        assert unknown.status_code == 429
        assert (await ask(http, gateway, client)).status_code == 200
