"""`GET /v1/persons/{id}` with random keys: the service against bare Starlette + asyncpg, the gateway against nginx."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx

from bench.city import City
from bench.figures import Figure, Goal, median
from bench.load import Call, drive
from bench.neighbours import bare_reader, nginx
from bench.processes import cpu_s
from bench.stage import Stage

_CONNECTIONS = 16
_ROUNDS = 5
_ROUND_S = 3.0
_CALLS = 8000
_SAMPLES = 20


@dataclass(slots=True)
class _Door:
    """One way to read a person, and how many answers per second each round brought."""

    url: str
    headers: Callable[[], Mapping[str, str]]
    pid: int | None = None
    rounds: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def measure(self, person_ids: Sequence[str], seconds: float = _ROUND_S) -> float:
        calls = [Call("GET", f"/v1/persons/{random.choice(person_ids)}") for _ in range(_CALLS)]
        before = cpu_s([self.pid]) if self.pid else 0.0
        load = drive(self.url, calls, self.headers(), connections=_CONNECTIONS, seconds=seconds)
        if self.pid:
            self.cpu_us.append((cpu_s([self.pid]) - before) / load.answered * 1e6)
        return load.per_second


def measure(stage: Stage, city: City) -> list[Figure]:
    """Figures 1 and 2, all doors in turn in every round."""
    with ExitStack() as stack:
        service_url = stage.service_url("registry")
        bare = _Door(stack.enter_context(bare_reader(stage.superuser_url("registry"))), dict)
        service = _Door(service_url, lambda: stage.inside_headers("registry"), stage.running.pids["registry"])
        gateway = _Door(stage.gateway_url, stage.outside_headers)
        doors = [bare, service, gateway]
        proxy_url = stack.enter_context(nginx(service_url))
        proxy = _Door(proxy_url or "", service.headers)
        if proxy_url is not None:
            doors.append(proxy)
        _same_bytes(doors, random.sample(city.person_ids, _SAMPLES))
        for door in doors:
            door.measure(city.person_ids, 1)
        for _ in range(_ROUNDS):
            for door in doors:
                door.rounds.append(door.measure(city.person_ids))
    return [
        Figure(
            name="GET person at the service",
            unit="answers/s",
            ours=median(service.rounds),
            limit=median(bare.rounds),
            limit_name="Starlette + asyncpg, the same bytes",
            kind=Goal.RATIO,
            goal=0.35,
            note=f"{median(service.cpu_us):.0f} µs of the service's CPU time per answer, with all it does besides",
        ),
        Figure(
            name="GET person through the gateway",
            unit="answers/s",
            ours=median(gateway.rounds),
            limit=median(proxy.rounds) if proxy.rounds else None,
            limit_name="nginx proxying to the service",
            kind=Goal.RATIO,
            goal=0.5,
            note="" if proxy.rounds else "nginx is not installed: apt-get install nginx-light",
        ),
    ]


def _same_bytes(doors: Sequence[_Door], person_ids: Sequence[str]) -> None:
    """Raise `RuntimeError` unless every door gives the same answer."""
    for person_id in person_ids:
        answers = [httpx.get(f"{door.url}/v1/persons/{person_id}", headers=dict(door.headers())) for door in doors]
        if any(answer.status_code != 200 for answer in answers) or len({answer.content for answer in answers}) != 1:
            raise RuntimeError(f"the doors do not answer the same: {[answer.status_code for answer in answers]}")
