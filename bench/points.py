"""Points of a million people: the vectorised engine and ranking against the goals of issue 5, the same five items as a plain
NumPy expression, and in OpenFisca-core. Needs no suite.
"""

import statistics
import subprocess
import sys
import time
import venv
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.figures import Figure, Goal, median
from services.points_hukou.actions.rule_sets import released
from services.points_hukou.rules.compiling import RuleSet, compile_rule_set
from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.facts import read_facts
from services.points_hukou.rules.scoring import score
from services.points_hukou.rules.vectors.exact import Ints, numbers
from services.points_hukou.rules.vectors.inventing import made_up
from services.points_hukou.rules.vectors.population import Holdings, MonthRows, Population, Single
from services.points_hukou.rules.vectors.ranking import rank_all
from services.points_hukou.rules.vectors.scoring import score_all
from services.points_hukou.rules.vectors.stretches import STRETCH, stretches

PEOPLE = 1_000_000
_ROUNDS = 3
_SECONDS = 10.0
_RANKING_SECONDS = 2.0
_ONE_MS = 5.0
_OF_NUMPY = 0.15
_OF_OPENFISCA = 0.25
_OPENFISCA = "openfisca-core==46.0.1"
_PROVINCE = ("zhejiang-common-2023", date(2024, 3, 1))
_MEASURED = (("ningbo-2022", date(2024, 3, 1)), ("beijing-2020", date(2022, 5, 10)))
_EPOCH = date(1970, 1, 1).toordinal()
_UNKNOWN = 10**6


def measure(people: int = PEOPLE) -> list[Figure]:
    """Scoring and ranking everybody, one assessment, and the five items beside NumPy and OpenFisca."""
    figures = [_scored(name, on, people) for name, on in _MEASURED]
    figures += [_one(name, on) for name, on in _MEASURED]
    figures.append(_ranked(people))
    return [*figures, *_five_items(people)]


def _rule_set(name: str) -> RuleSet:
    return compile_rule_set(name, released())


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _scored(name: str, on: date, people: int) -> Figure:
    rule_set = _rule_set(name)
    population = made_up(rule_set, people, on)
    rounds = [_seconds(partial(_score_everybody, rule_set, population, on)) for _ in range(_ROUNDS)]
    return Figure(
        name=f"points of everybody, {name}",
        unit="s",
        ours=median(rounds),
        kind=Goal.AT_MOST,
        goal=_SECONDS * people / PEOPLE,
        note=f"{people:,} people, every component, one core, stretches of {STRETCH:,}",
    )


def _score_everybody(rule_set: RuleSet, population: Population, on: date) -> list[Ints]:
    return [score_all(rule_set, each, on).total.ints for each in stretches(population)]


def _one(name: str, on: date) -> Figure:
    """One person by the engine that explains; the facts as `xinshimin points score` reads them, without reading a file."""
    rule_set, random = _rule_set(name), Random(7)
    months = [{"from": f"{year}-01", "to": f"{year}-11"} for year in range(2005, 2022)]
    facts = {fact: months for fact in ("insurance", "insurance_in_province") if fact in rule_set.facts}
    document = {"applied_on": on.isoformat(), "facts": {"birth_date": f"19{random.randint(70, 90)}-05-31", **facts}}
    rounds = []
    for _ in range(200):
        started = time.process_time()
        score(rule_set, read_facts(document, rule_set.facts, {}))
        rounds.append(time.process_time() - started)
    return Figure(
        name=f"one assessment, {name}",
        unit="ms",
        ours=1000 * statistics.quantiles(rounds, n=100)[94],
        kind=Goal.AT_MOST,
        goal=_ONE_MS,
        note="of the processor, p95 of 200, facts read and counted, without I/O",
    )


def _ranked(people: int) -> Figure:
    """Totals on a quarter point, so that some thousand people share each: ties everywhere, and on the cut."""
    random = np.random.default_rng(5)
    total = numbers(random.integers(0, 700, people) * 25, 100)
    rule = Ranking.model_validate({"cut": "admit_all_tied", "rule": "P-13, P-14"})
    rounds = [_seconds(lambda: rank_all(total, {}, rule, people // 20)) for _ in range(_ROUNDS)]
    return Figure(
        name="ranking everybody, with ties",
        unit="s",
        ours=median(rounds),
        kind=Goal.AT_MOST,
        goal=_RANKING_SECONDS * people / PEOPLE,
        note=f"{people:,} people, {people // 20:,} places",
    )


def _five_items(people: int) -> list[Figure]:
    """The same people by the engine, by NumPy alone and by OpenFisca, rounds in turn; all three must say the same."""
    name, on = _PROVINCE
    rule_set = _rule_set(name)
    population = _insured_without_overlap(made_up(rule_set, people, on, seed=3), on)
    ours, plain = [], []
    for _ in range(_ROUNDS):
        ours.append(_seconds(partial(_score_everybody, rule_set, population, on)))
        plain.append(_seconds(partial(_plain, population, on)))
    wanted = _plain(population, on)
    found = np.concatenate(_score_everybody(rule_set, population, on))
    if not np.array_equal(found, wanted):
        raise RuntimeError("the engine and the plain expression do not agree")
    openfisca_s, note = _openfisca(population, on, wanted)
    rate = people / median(ours)
    return [
        Figure(
            name="the province's five items, beside NumPy",
            unit="people/s",
            ours=rate,
            limit=people / median(plain),
            limit_name="the five items written out for these very columns",
            kind=Goal.RATIO,
            goal=_OF_NUMPY,
            note="the same totals",
        ),
        Figure(
            name="the province's five items, beside OpenFisca",
            unit="people/s",
            ours=rate,
            limit=None if openfisca_s is None else people / openfisca_s,
            limit_name=_OPENFISCA,
            kind=Goal.RATIO,
            goal=_OF_OPENFISCA,
            note=note,
        ),
    ]


def _insured_without_overlap(population: Population, on: date) -> Population:
    """With stretches apart from each other and before the day, so that a plain expression may just add them up."""
    random = np.random.default_rng(11)
    number = random.integers(0, 4, population.size)
    owners = np.repeat(np.arange(population.size), number)
    nth = np.arange(len(owners)) - np.repeat(np.cumsum(number) - number, number)
    firsts = (on.year - 13) * 12 + nth * 50 + random.integers(0, 10, len(owners))
    lasts = firsts + random.integers(0, 38, len(owners))
    known = np.ones(population.size, np.bool_)
    insured = MonthRows(owners, known, firsts, lasts, np.zeros(len(owners), np.int64), ("",))
    return Population(population.size, {**population.columns, "insurance_in_province": insured})


def _months_since(days: Ints, on: date) -> Ints:
    months = (days - _EPOCH).astype("M8[D]").astype("M8[M]")
    day_of_month = days - _EPOCH - months.astype("M8[D]").astype(np.int64) + 1
    is_short = np.minimum(day_of_month, monthrange(on.year, on.month)[1]) > on.day
    found: Ints = (on.year - 1970) * 12 + on.month - 1 - months.astype(np.int64) - is_short
    return found


def _plain(population: Population, on: date) -> Ints:
    """Hundredths of points, by the five items alone: no rule set, no components, nothing but the sum."""
    birth, since = (population.columns[each] for each in ("birth_date", "registered_in_province_since"))
    education, skill = (population.columns[each] for each in ("education", "skill"))
    insured = population.columns["insurance_in_province"]
    assert isinstance(birth, Single)
    assert isinstance(since, Single)
    assert isinstance(education, Holdings)
    assert isinstance(skill, Holdings)
    assert isinstance(insured, MonthRows)
    years = _months_since(birth.values, on) // 12
    age = np.minimum(np.where(years <= 60, 500, 0) + 100 * np.maximum(55 - years, 0), 2000)
    months = np.bincount(insured.owners, insured.lasts - insured.firsts + 1, population.size).astype(np.int64)
    residence = np.where(since.known, np.maximum(_months_since(since.values, on), 0), 0)
    total: Ints = age + _tiers(education, _EDUCATION) + _tiers(skill, _SKILL)
    total += np.minimum(50 * months, 3000) + np.minimum(25 * residence, 3000)
    return np.minimum(total, 10_000)


_EDUCATION = {"senior_secondary_or_below": 500, "junior_college": 800, "bachelor_or_above": 1000}
_SKILL = {
    "level_5": 300, "special_ability": 300, "level_4": 500, "level_3": 800, "junior_title": 800,
    "special_ability_advanced": 800, "level_2_or_above": 1000, "mid_title_or_above": 1000,
}  # fmt: skip


def _tiers(held: Holdings, tiers: dict[str, int]) -> Ints:
    best = np.zeros(held.size, np.int64)
    for key, points in tiers.items():
        best = np.maximum(best, held.held[key] * points)
    return best


def _openfisca(population: Population, on: date, wanted: Ints) -> tuple[float | None, str]:
    """Seconds of OpenFisca for the same totals, in an environment made for it; `None` and why where there is none."""
    with TemporaryDirectory() as folder:
        python = Path(folder) / "environment" / "bin" / "python"
        try:
            venv.create(Path(folder) / "environment", with_pip=True)
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", _OPENFISCA], check=True, capture_output=True, timeout=300
            )
        except (subprocess.SubprocessError, OSError) as error:
            return None, f"not installed here: {type(error).__name__}"
        given, told = Path(folder) / "given.npz", Path(folder) / "told.npz"
        inputs: dict[str, Any] = {"day": on.isoformat(), **dict(_openfisca_inputs(population))}
        np.savez(given, **inputs)
        program = Path(__file__).with_name("openfisca_five.py")
        subprocess.run([python, program, given, told], check=True, stdout=sys.stderr)
        answer = np.load(told)
        if not np.array_equal(answer["total"], wanted):
            raise RuntimeError("OpenFisca and the plain expression do not agree")
        return median(answer["seconds"].tolist()), "the same totals; months insured come counted there, the engine counts them"


def _openfisca_inputs(population: Population) -> Iterator[tuple[str, Ints]]:
    columns = population.columns
    birth, since, insured = (columns[each] for each in ("birth_date", "registered_in_province_since", "insurance_in_province"))
    assert isinstance(birth, Single)
    assert isinstance(since, Single)
    assert isinstance(insured, MonthRows)
    yield "birth", birth.values - _EPOCH
    yield "registered_since", np.where(since.known, since.values - _EPOCH, _UNKNOWN)
    yield "insured_months", np.bincount(insured.owners, insured.lasts - insured.firsts + 1, population.size).astype(np.int64)
    for name, tiers in (("education", _EDUCATION), ("skill", _SKILL)):
        held = columns[name]
        assert isinstance(held, Holdings)
        steps = sorted({0, *tiers.values()})
        yield name, np.searchsorted(steps, _tiers(held, tiers))
