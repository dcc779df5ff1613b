"""One run: work, a fault in the middle of it, everything up again, every unknown asked again, then the checker."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta

import httpx

from tests.crashes.checker import CONVERGED_WITHIN_S, Checker
from tests.crashes.journal import Journal
from tests.crashes.workload import (
    Desk,
    NeverAnsweredError,
    RefusedError,
    made_up_person,
    newborn,
    newcomer,
    papers,
    permit_holder,
    residence,
)
from tests.crashes.world import World

_REGISTERED_ON = date(2023, 3, 15)
_PERMITS_FROM = date(2023, 9, 20)
_RESIDENTS = 4
_REPEATED_RATIO = 0.4


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done `before` and `during` the work. It ends with all parts running."""

    during: Callable[[World, random.Random], Awaitable[None]]
    before: Callable[[World], Awaitable[None]] | None = None


@dataclass(slots=True)
class Scene:
    """A world with some residents of half a year, in which runs follow each other."""

    world: World
    residents: list[str] = field(default_factory=list)
    runs: int = 0

    @property
    def today(self) -> date:
        """The law date; every run is a day of its own, so that jobs have something to do."""
        return _PERMITS_FROM + timedelta(days=self.runs)


@dataclass(frozen=True, slots=True)
class Report:
    """What one run did and what is wrong afterwards."""

    writes: int
    unknown: int
    repeated: int
    converged_in_s: float
    complaints: tuple[str, ...]

    def __str__(self) -> str:
        told = f"{self.writes} writes, {self.unknown} unknown attempts, {self.repeated} repeated"
        told += f", quiet {self.converged_in_s:.1f} s after all was up"
        return told + "".join(f"\n  {complaint}" for complaint in self.complaints)


async def prepare(world: World) -> Scene:
    """Residents registered on 2023-03-15, and a law clock half a year later."""
    scene = Scene(world)
    async with AsyncExitStack() as stack:
        desk = await _desk(scene, "prepare", random.Random(0), world.base_url, stack)
        await desk.set_clock(f"{_REGISTERED_ON}T09:00:00+08:00")
        for _ in range(_RESIDENTS):
            person = await desk.act("POST", "/v1/persons", made_up_person(desk.choose))
            home = residence(person["person_id"], desk.choose, str(_REGISTERED_ON))
            await desk.act("POST", "/v1/residence-registrations", home)
            scene.residents.append(person["person_id"])
        await desk.set_clock(f"{_PERMITS_FROM}T09:00:00+08:00")
    await Checker(world).until_quiet()
    return scene


async def run(
    scene: Scene, name: str, seed: int, fault: Fault, *, base_url: str | None = None, patience_s: float = CONVERGED_WITHIN_S
) -> Report:
    """Drive one run; `base_url` is another way to the gateway. What cannot be done or never ends is a complaint, too."""
    world, choose = scene.world, random.Random(f"{name} {seed}")
    scene.runs += 1
    checker = Checker(world, patience_s)
    since = await checker.marks()
    if fault.before is not None:
        await fault.before(world)
    async with AsyncExitStack() as stack:
        desk = await _desk(scene, f"{name}-{seed}-{scene.runs}", choose, base_url or world.base_url, stack)
        outcomes = await asyncio.gather(_work(scene, desk), fault.during(world, choose), return_exceptions=True)
        complaints = [f"{type(outcome).__name__} {outcome}" for outcome in outcomes if isinstance(outcome, Exception)]
        await world.until_ready()
        await checker.until_quiet()
        converged_in_s = checker.converged_in_s
        repeated = await _ask_again(desk)
        complaints += await checker.check(desk.journal, since)
    entries = list(desk.journal)
    unknown = sum(len(entry.unknown) for entry in entries)
    return Report(len(entries), unknown, repeated, converged_in_s, tuple(complaints))


async def _desk(scene: Scene, run_name: str, choose: random.Random, base_url: str, stack: AsyncExitStack) -> Desk:
    http = await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, timeout=20))
    journal = Journal(scene.world.folder / f"journal-{run_name}.jsonl")
    stack.callback(journal.close)
    return Desk(http, scene.world.demo(), journal, run_name, choose)


async def _work(scene: Scene, desk: Desk) -> None:
    today = str(scene.today - timedelta(days=1))
    resident = scene.residents[scene.runs % len(scene.residents)]
    parts = [newcomer(desk, today) for _ in range(3)] + [newborn(desk, today), permit_holder(desk, resident), papers(desk)]
    outcomes = await asyncio.gather(*parts, _later(desk, f"{scene.today}T09:00:00+08:00"), return_exceptions=True)
    if failures := [outcome for outcome in outcomes if isinstance(outcome, Exception)]:
        if len(failures) == 1 or not all(isinstance(failure, NeverAnsweredError | RefusedError) for failure in failures):
            raise failures[0]
        raise RefusedError("; ".join(map(str, failures)))


async def _later(desk: Desk, now: str) -> None:
    await asyncio.sleep(desk.choose.uniform(0, 0.5))
    await desk.set_clock(now)


async def _ask_again(desk: Desk) -> int:
    """Some commands that were done are asked again: they must get the same answer and have no second effect."""
    again = [entry for entry in desk.journal if entry.acknowledged and desk.choose.random() < _REPEATED_RATIO]
    for entry in again:
        await desk.attempt(entry)
    return len(again)
