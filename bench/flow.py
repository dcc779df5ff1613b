"""The flow of events: how fast the relay publishes a backlog, and how fast consumers apply one.

The backlog is the city's own events. Relay and consumer are those of the running suite; each is frozen (SIGSTOP) but for its
rounds, so that nobody else is at work in the round of another.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from bench.figures import Figure, Goal, median
from bench.stage import Stage
from services.chassis import migrations
from services.suite.catalogue import process
from tests.journeys.suite import ROOT

_ROUNDS = 5
_ROUND_S = 1.5
_EACH_ROUNDS = 3
_EVENTS = 20_000
_DRAIN_TIMEOUT_S = 240.0
_MIRROR = "bench_mirror"
_PUBLISHED = "SELECT last_position FROM relay_state"
_EMITTED = "SELECT count(*) FROM outbox"
_APPLIED = "SELECT coalesce(sum(sequence), 0)::bigint FROM inbox_position WHERE producer = 'registry'"


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the suite that works a backlog off, and the number that tells how far it is."""

    stage: Stage
    process: str
    database: str
    progress: str

    def done(self) -> int:
        return asyncio.run(self.stage.value(self.database, self.progress))

    def round(self) -> float:
        """Let it go for a round; what it did per second. It is frozen before and after."""
        before = self.done()
        self.stage.let_go(self.process)
        started = time.monotonic()
        time.sleep(_ROUND_S)
        self.stage.hold(self.process)
        taken = time.monotonic() - started
        return (self.done() - before) / taken

    def finish(self, target: int) -> float:
        """Let it go for good and wait until it is through; the rate of this last stretch."""
        self.stage.let_go(self.process)
        before, started = self.done(), time.monotonic()
        while (now := self.done()) < target:
            if time.monotonic() - started > _DRAIN_TIMEOUT_S:
                raise RuntimeError(f"{self.process} is stuck at {now} of {target}")
            time.sleep(0.2)
        return (target - before) / (time.monotonic() - started)


def measure(stage: Stage) -> list[Figure]:
    """Figures 5 and 6. Registry and points_hukou are frozen when this begins, and run when it ends."""
    emitted = asyncio.run(stage.value("registry", _EMITTED))
    relay = _Part(stage, "registry", "registry", _PUBLISHED)
    consumer = _Part(stage, "points_hukou", "points_hukou", _APPLIED)
    asyncio.run(_make_mirror(stage))
    published, publishing = _rounds(relay, emitted, lambda place: _bare(stage, "publish", "registry", place))
    relay.finish(emitted)
    with stage.held("registry"):
        applied, applying = _rounds(consumer, emitted, lambda place: _bare(stage, "many", _MIRROR, place))
        consumer.finish(emitted)
        each, each_bare = [], []
        for place in range(_EACH_ROUNDS):
            each.append(_run("bench.each_consumer", _given(stage, _MIRROR, place)))
            each_bare.append(_bare(stage, "each", _MIRROR, place))
    return [
        Figure(
            name="relay, fsync on every batch",
            unit="events/s",
            ours=median(published),
            limit=median(publishing),
            limit_name="bare atomic batches, nothing read or marked",
            kind=Goal.AT_LEAST,
            goal=10_000,
        ),
        Figure(
            name="consumer, set-based mirror of points_hukou",
            unit="events/s",
            ours=median(applied),
            limit=median(applying),
            limit_name="bare loop, the same rows, a statement per batch",
            kind=Goal.AT_LEAST,
            goal=10_000,
        ),
        Figure(
            name="consumer, a handler per message",
            unit="events/s",
            ours=median(each),
            limit=median(each_bare),
            limit_name="bare loop, the same rows, a statement per event",
            kind=Goal.RATIO,
            goal=0.5,
        ),
    ]


def settle(stage: Stage) -> None:
    """Wait until nothing is on its way any more."""
    emitted = asyncio.run(stage.value("registry", _EMITTED))
    _Part(stage, "points_hukou", "points_hukou", _APPLIED).finish(emitted)


def _rounds(part: _Part, target: int, bare: Callable[[int], float]) -> tuple[list[float], list[float]]:
    """Rounds in turn. A backlog that ends within a round would be measured too slow: the rounds stop before."""
    ours: list[float] = []
    limits: list[float] = []
    fastest = part.round()
    for place in range(_ROUNDS):
        if target - part.done() < 1.5 * _ROUND_S * fastest:
            break
        ours.append(part.round())
        limits.append(bare(place))
        fastest = max(fastest, ours[-1])
    if not ours:
        raise RuntimeError(f"{target} events are too few to measure {part.process}: make the city larger")
    return ours, limits


async def _make_mirror(stage: Stage) -> None:
    """A database with the tables of points_hukou for those that write the same rows beside it."""
    connection = await asyncpg.connect(stage.superuser_url("postgres"))
    await connection.execute(f"CREATE DATABASE {_MIRROR} TEMPLATE template0")
    await connection.close()
    url = stage.superuser_url(_MIRROR)
    await migrations.upgrade(process("points_hukou").migrations, url, url)


def _given(stage: Stage, database: str, place: int) -> dict[str, Any]:
    return {
        "nats_url": stage.running.nats_admin_url,
        "database_url": stage.superuser_url(database),
        "seconds": _ROUND_S,
        "events": _EVENTS,
        "round": place,
    }


def _bare(stage: Stage, what: str, database: str, place: int) -> float:
    return _run("bench.bare_events", {**_given(stage, database, place), "what": what})


def _run(module: str, given: dict[str, Any]) -> float:
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)
