"""The sandbox's law clock, from the public door to every service."""

import httpx
import pytest

from gateway.clients import CreatedClient
from tests.gateway.conftest import RunGateway, Services, obtain_token

CLOCK = "/v1/sandbox/clock"
NOW = "2016-08-01T00:00:00+08:00"


async def test_the_clock_reaches_every_service_and_is_answered_when_all_have_settled(
    http: httpx.AsyncClient, gateway: str, token: str, services: Services
) -> None:
    every = (services.registry, services.points, services.health, services.education)
    services.points.settled_after = 5
    jobs = [service.jobs_run for service in every]
    answer = await http.put(gateway + CLOCK, headers={"authorization": f"Bearer {token}"}, json={"now": NOW})
    assert answer.status_code == 200, answer.text
    assert answer.json()["now"].startswith("2016-08-01T00:00:0")
    assert all(service.clock is not None and service.clock.startswith("2016-0") for service in every)
    assert [service.jobs_run for service in every] == [count + 1 for count in jobs]
    assert services.points.settled_after < -1, "settled must be heard twice in a row"
    shown = (await http.get(gateway + CLOCK, headers={"authorization": f"Bearer {token}"})).json()
    assert shown["services"] == {
        "registry": services.registry.clock,
        "points_hukou": services.points.clock,
        "health": services.health.clock,
        "education": services.education.clock,
    }


async def test_null_returns_to_the_system_clock(http: httpx.AsyncClient, gateway: str, token: str, services: Services) -> None:
    answer = await http.put(gateway + CLOCK, headers={"authorization": f"Bearer {token}"}, json={"now": None})
    assert answer.status_code == 200
    assert services.registry.clock is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"{",
        b'{"now": "2016-08-01"}',
        b'{"now": "2016-08-01T00:00:00"}',
        b'{"now": 1470000000}',
        b'{"now": true}',
        b'{"now": "2016-08-01T00:00:00+08:00", "zone": "x"}',
    ],
)
async def test_what_is_no_instant_with_an_offset_is_refused(
    http: httpx.AsyncClient, gateway: str, token: str, content: bytes
) -> None:
    answer = await http.put(gateway + CLOCK, headers={"authorization": f"Bearer {token}"}, content=content)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_does_not_settle_is_named(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str, services: Services
) -> None:
    services.points.settled_after = 1_000_000
    try:
        with run_gateway(clock_settle_s=0.4) as url:
            answer = await http.put(url + CLOCK, headers={"authorization": f"Bearer {token}"}, json={"now": NOW})
    finally:
        services.points.settled_after = 0
    assert (answer.status_code, answer.json()["services"]) == (503, ["points_hukou"])
    assert answer.json()["type"] == "urn:xinshimin:problem:clock-not-settled"
    assert answer.headers["retry-after"] == "2"


async def test_a_service_that_cannot_be_reached_is_named(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str, services: Services
) -> None:
    with run_gateway(upstreams={**services.urls, "points_hukou": "http://127.0.0.1:1"}) as url:
        answer = await http.put(url + CLOCK, headers={"authorization": f"Bearer {token}"}, json={"now": NOW})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:xinshimin:problem:clock-not-set")
    assert answer.json()["services"] == ["points_hukou"]


async def test_the_clock_needs_its_scope_and_a_sandbox(
    http: httpx.AsyncClient, gateway: str, run_gateway: RunGateway, demo: CreatedClient, token: str
) -> None:
    assert (await http.put(gateway + CLOCK, json={"now": NOW})).status_code == 401
    lesser = await obtain_token(http, gateway, demo, scope="points.file.read")
    refused = await http.put(gateway + CLOCK, headers={"authorization": f"Bearer {lesser}"}, json={"now": NOW})
    assert (refused.status_code, refused.json()["scope"]) == (403, "sandbox.clock")
    with run_gateway(sandbox=False) as strict:
        nothing = await http.put(strict + CLOCK, headers={"authorization": f"Bearer {token}"}, json={"now": NOW})
        assert nothing.status_code == 404
