"""Immunisation forecasts: one child, and every card of the city, beside a bare loop over the same doses. Needs no suite."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta
from functools import partial
from random import Random

from bench.figures import Figure, Goal, median
from services.chassis.months import add_months
from services.health.actions.schedules import programme
from services.health.rules.child import Child, Dose
from services.health.rules.forecasting import assess

CARDS = 98_000
_ROUNDS = 3
_CORES = 2
_ONE_MS = 1.0
_SECONDS = 30.0
_OF_BARE = 0.01
_AS_OF = date(2026, 11, 30)
_SAMPLE = 400

# What a child gets, with its minimum age in months and the interval from the dose before, as a bare loop needs them.
_DOSES: tuple[tuple[str, int, int], ...] = (
    ("HepB", 0, 0), ("BCG", 0, 0), ("HepB", 1, 28), ("IPV", 2, 0), ("DTaP", 2, 0), ("IPV", 3, 28), ("DTaP", 4, 28),
    ("bOPV", 4, 28), ("DTaP", 6, 28), ("HepB", 6, 60), ("MPSV-A", 6, 0), ("MMR", 8, 0), ("JE-L", 8, 0), ("MPSV-A", 9, 90),
    ("MMR", 18, 28), ("DTaP", 18, 180), ("HepA-L", 18, 0), ("JE-L", 24, 365), ("MPSV-AC", 36, 0), ("bOPV", 48, 28),
    ("DTaP", 72, 365), ("MPSV-AC", 72, 1095),
)  # fmt: skip


def measure(cards: int = CARDS) -> list[Figure]:
    """One child and all of them; the bare loop in turn with ours, each core with children of its own."""
    shares = [(cards // _CORES + (core < cards % _CORES), core) for core in range(_CORES)]
    ours, bare = [], []
    with ExitStack() as stack:
        pools = [stack.enter_context(ProcessPoolExecutor(1, initializer=_hold, initargs=share)) for share in shares]
        doses = _all(pools, _count)
        for _ in range(_ROUNDS):
            ours.append(_seconds(partial(_all, pools, _forecast)))
            bare.append(_seconds(partial(_all, pools, _bare)))
    return [
        _one(made_up(_SAMPLE, seed=0)),
        Figure(
            name="forecasts of every card",
            unit="s",
            ours=median(ours),
            kind=Goal.AT_MOST,
            goal=_SECONDS * cards / CARDS,
            note=f"{cards:,} cards, {doses:,} doses judged, every line forecast, two cores; nothing written",
        ),
        Figure(
            name="forecasts of every card, beside a bare loop",
            unit="doses/s",
            ours=doses / median(ours),
            limit=doses / median(bare),
            limit_name="the same doses, each compared with one age and one interval",
            kind=Goal.RATIO,
            goal=_OF_BARE,
            note="the loop chooses no course, looks at no other vaccine, tells nothing and forecasts nothing",
        ),
    ]


_held: list[Child] = []
"""The children of a worker."""


def _hold(cards: int, seed: int) -> None:
    _held[:] = made_up(cards, seed)


def made_up(cards: int, seed: int) -> list[Child]:
    """Children up to seven: most come late, some stop, some get a dose too early."""
    random = Random(seed)
    return [_child(random) for _ in range(cards)]


def _child(random: Random) -> Child:
    born_on = _AS_OF - timedelta(random.randrange(7 * 365))
    lateness, stops = random.choice((0, 3, 20, 120)), random.random() < 0.2
    until = born_on + timedelta(random.randrange(1, 900)) if stops else _AS_OF
    return Child(born_on, tuple(_doses(born_on, until, lateness, random)), sex=random.choice(("female", "male")))


def _doses(born_on: date, until: date, lateness: int, random: Random) -> Iterator[Dose]:
    last: dict[str, date] = {}
    for number, (vaccine, months, interval) in enumerate(_DOSES):
        day = add_months(born_on, months) + timedelta(random.randint(-1 if random.random() < 0.02 else 0, lateness))
        if vaccine in last:
            day = max(day, last[vaccine] + timedelta(interval))
        if born_on <= day <= until and random.random() > 0.03:
            yield Dose(f"{number}", vaccine, day)
            last[vaccine] = day


def _one(children: Sequence[Child]) -> Figure:
    known, times = programme(), []
    for child in children:
        started = time.process_time()
        assess(known, child, _AS_OF)
        times.append(time.process_time() - started)
    return Figure(
        name="forecast of one child",
        unit="ms",
        ours=1000 * statistics.quantiles(times, n=100)[94],
        kind=Goal.AT_MOST,
        goal=_ONE_MS,
        note=f"of the processor, p95 of {len(children)} children",
    )


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _all(pools: Sequence[ProcessPoolExecutor], work: Callable[[], int]) -> int:
    return sum(each.result() for each in [pool.submit(work) for pool in pools])


def _count() -> int:
    return sum(len(each.doses) for each in _held)


def _forecast() -> int:
    """Every child judged and forecast; the number of lines told."""
    known = programme()
    return sum(len(assess(known, child, _AS_OF).forecasts) for child in _held)


def _bare() -> int:
    """Every dose compared with the age and interval of its number, nothing else; the number of doses that pass."""
    ages = {vaccine: [months for name, months, _ in _DOSES if name == vaccine] for vaccine, _, _ in _DOSES}
    intervals = {vaccine: [days for name, _, days in _DOSES if name == vaccine] for vaccine, _, _ in _DOSES}
    passed = 0
    for child in _held:
        last: dict[str, tuple[int, date]] = {}
        for dose in child.doses:
            number, before = last.get(dose.vaccine, (0, date.min))
            is_old_enough = dose.given_on >= add_months(child.born_on, ages[dose.vaccine][number])
            if is_old_enough and (dose.given_on - before).days >= intervals[dose.vaccine][number]:
                passed += 1
            last[dose.vaccine] = (number + 1, dose.given_on)
    return passed
