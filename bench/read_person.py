"""`GET /v1/persons/{id}` through the gateway, as a share of a bare Starlette + asyncpg service answering as many bytes."""

import asyncio
import json
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from rich.console import Console
from rich.progress import track

from tests.journeys.suite import ROOT, Office, Suite, citizen_number, running_suite

PERSONS = 2000
CONNECTIONS = 16
ROUNDS = 5
ROUND_S = 3.0

console = Console()


def fill(city: Office) -> list[str]:
    """Register persons through the public door; returns their ids."""
    ids = []
    for number in track(range(PERSONS), "registering persons", console=console):
        birth = f"19{60 + number % 40:02d}{1 + number % 12:02d}{1 + number % 28:02d}"
        document = {"type": "citizen_id", "number": citizen_number("341204", birth, number % 1000)}
        made = city.post("/v1/persons", {"name": "王小明", "hukou_division_code": "341204", "identity_documents": [document]})
        ids.append(made["person_id"])
    return ids


async def answers_per_second(base_url: str, ids: list[str], headers: dict[str, str]) -> float:
    """Closed-loop readers with random keys for one round."""
    deadline = time.monotonic() + ROUND_S
    count = 0

    async def reader(session: aiohttp.ClientSession) -> None:
        nonlocal count
        while time.monotonic() < deadline:
            async with session.get(f"{base_url}/v1/persons/{random.choice(ids)}", headers=headers) as answer:  # noqa: S311
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{base_url} answered {answer.status}")
            count += 1

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as readers:
        started = time.monotonic()
        for _ in range(CONNECTIONS):
            readers.create_task(reader(session))
    return count / (time.monotonic() - started)


@contextmanager
def bare_service(suite: Suite, answer_bytes: int) -> Iterator[str]:
    """The limit, in a process of its own on the suite's own database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = json.loads((suite.data_dir / "suite.json").read_text())["variables"]["XINSHIMIN_REGISTRY__DATABASE_URL"]
    command = [
        sys.executable,
        "-m",
        "bench.limit",
        "--database-url",
        url,
        "--port",
        str(port),
        "--answer-bytes",
        str(answer_bytes),
    ]
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own module
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def main() -> None:
    """Run and print."""
    with running_suite() as suite:
        city = suite.demo()
        ids = fill(city)
        sample = city.call("GET", f"/v1/persons/{ids[0]}")
        headers = {"authorization": f"Bearer {city.token()}", "x-purpose": city.purpose, "x-actor": city.actor}
        rates: dict[str, list[float]] = {"gateway": [], "limit": []}
        with bare_service(suite, len(sample.content)) as bare:
            for _ in track(range(ROUNDS), "measuring", console=console):
                rates["limit"].append(asyncio.run(answers_per_second(bare, ids, {})))
                rates["gateway"].append(asyncio.run(answers_per_second(str(suite.http.base_url).rstrip("/"), ids, headers)))
    limit, gateway = statistics.median(rates["limit"]), statistics.median(rates["gateway"])
    console.print(
        f"limit: bare Starlette + asyncpg, {len(sample.content)} bytes: {limit:,.0f}/s (its client shares the two cores)"
    )
    console.print(f"suite: GET /v1/persons/{{id}} through the gateway, everything on: {gateway:,.0f}/s")
    console.print(f"ratio: {gateway / limit:.2f} ({PERSONS} persons, {CONNECTIONS} connections, {ROUNDS} rounds)")


if __name__ == "__main__":
    main()
