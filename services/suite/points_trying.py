"""People for `xinshimin points simulate`, from a file or made up, and what comes of it. Nothing of anybody is kept."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from services.points_hukou.actions.law import simulation_law
from services.points_hukou.rules.compiling import NotCoveredError, RuleSet
from services.points_hukou.rules.exact import written
from services.points_hukou.rules.facts import Facts, FactsError, read_facts
from services.points_hukou.rules.simulation import (
    Group,
    Outcome,
    Side,
    Simulation,
    Trait,
    Variant,
    ages,
    labelled,
    simulate,
)
from services.points_hukou.rules.vectors.inventing import made_up, made_up_labels
from services.points_hukou.rules.vectors.joining import joined
from services.points_hukou.rules.vectors.population import Population, population_of
from services.points_hukou.rules.walking import facts_of_age
from services.suite.exits import ExitCode, SuiteError
from services.suite.points_files import members

_PIECE = 20_000
_CODES = ("town", "origin", "industry")
_CODE = re.compile(r"[0-9A-Z]{1,12}", re.ASCII)
_MADE_UP: Mapping[str, tuple[str, ...]] = {
    "town": tuple(f"3302821{number:02d}" for number in range(14)),
    "origin": ("52", "34", "36", "41", "51", "53", "42", "43", "50", "61"),
    "industry": ("C", "F", "E", "H", "G", "O"),
}


@dataclass(frozen=True, slots=True)
class People:
    """Everybody with the facts each side's rule set asks for, and the codes they are told apart by."""

    before: Population
    after: Population
    traits: Mapping[str, Trait]


def invented(before: Variant, after: Variant, size: int, seed: int) -> People:
    """People made up; what both rule sets ask for alike is the same of each person."""
    one = made_up(before.rule_set, size, before.applied_on, seed)
    other = made_up(after.rule_set, size, after.applied_on, seed + 1)
    alike = {
        name: column for name, column in one.columns.items() if after.rule_set.facts.get(name) == before.rule_set.facts[name]
    }
    traits = {
        name: Trait(made_up_labels(codes, size, seed + 2 + place), codes)
        for place, (name, codes) in enumerate(_MADE_UP.items())
    }
    return People(one, Population(size, {**other.columns, **alike}), traits)


def read_people(file: Path, before: Variant, after: Variant) -> People:
    """A person a line: `{"facts": {…}, "town": "330282101", "origin": "52", "industry": "C"}`. Codes may be left out."""
    pieces: list[tuple[Population, Population]] = []
    codes: dict[str, list[str | None]] = {name: [] for name in _CODES}
    try:
        with file.open(encoding="utf-8") as opened:
            lines = enumerate(opened, 1)
            while piece := list(islice(lines, _PIECE)):
                people = [_person(number, line, codes) for number, line in piece]
                pieces.append((_facts(people, before, piece[0][0]), _facts(people, after, piece[0][0])))
    except (OSError, UnicodeError) as error:
        raise _refused(f"{file}: 无法读取 · cannot be read: {error}") from None
    if not pieces:
        raise _refused(f"{file}: 没有人 · holds nobody")
    traits = {name: labelled(values) for name, values in codes.items()}
    return People(joined([one for one, _ in pieces]), joined([other for _, other in pieces]), traits)


def _person(number: int, line: str, codes: dict[str, list[str | None]]) -> Mapping[str, object]:
    """The facts in a line; its codes are added to those of everybody."""
    try:
        person = json.loads(line, object_pairs_hook=members)
    except (ValueError, RecursionError):
        raise _refused(f"第{number}行:不是有效的 JSON · line {number}: not valid JSON") from None
    if not isinstance(person, dict) or not person.keys() <= {"facts", *_CODES} or not isinstance(person.get("facts"), dict):
        known = ", ".join(("facts", *_CODES))
        raise _refused(
            f"第{number}行:须为含 facts 的对象,只能有 {known} · line {number}: an object of {known} and nothing else"
        )
    for name in _CODES:
        code = person.get(name)
        if code is not None and (not isinstance(code, str) or not _CODE.fullmatch(code)):
            raise _refused(
                f"第{number}行 {name}:须为代码 · line {number}, {name}: must be a code of digits and capital letters"
            )
        codes[name].append(code)
    facts: Mapping[str, object] = person["facts"]
    return facts


def _facts(people: list[Mapping[str, object]], variant: Variant, first: int) -> Population:
    """What of it a rule set asks for. A fact neither rule set knows is passed over: one file serves many rule sets."""
    return population_of([_read(facts, variant, first + at) for at, facts in enumerate(people)], variant.rule_set.facts)


def _read(facts: Mapping[str, object], variant: Variant, number: int) -> Facts:
    asked = {name: value for name, value in facts.items() if name in variant.rule_set.facts}
    document = {"applied_on": variant.applied_on.isoformat(), "facts": asked}
    try:
        return read_facts(document, variant.rule_set.facts, {})
    except FactsError as error:
        first = error.problems[0]
        where = f"第{number}行 line {number}, {first.field}"
        raise _refused(f"{where}: {first.message_zh} · {first.message_en}") from None


def tried(before: Variant, after: Variant, people: People, on_counted: Callable[[int], None]) -> Simulation:
    """Both variants over everybody, with age among what people are told apart by."""
    births = facts_of_age(item.bundle for item in before.rule_set.items)
    held, on = simulation_law(), before.applied_on
    age = ages(people.before, births[0] if births else "birth_date", on, held.age_bands.on(on))
    old, new = Side(before, people.before), Side(after, people.after)
    traits = {**people.traits, "age": age}
    try:
        return simulate(old, new, traits, held.smallest_cell.on(on), on_counted=on_counted)
    except NotCoveredError as error:
        raise _refused(f"{error.message_zh} · {error.message_en}") from None
    except LookupError as error:
        raise _refused(f"请用 --service 指明服务 · name the service with --service: {error}") from None


def told_of(simulation: Simulation) -> dict[str, Any]:
    """The simulation as JSON has it; numbers of points are written exactly, what is hidden is null."""
    told: dict[str, Any] = _plain(asdict(simulation))
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return written(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def lines_of(simulation: Simulation, before: RuleSet, after: RuleSet) -> Iterator[str]:
    """The simulation for people at a screen."""
    for name, rule_set, outcome in (("前 before", before, simulation.before), ("后 after", after, simulation.after)):
        yield f"{name}: {rule_set.document.name_zh} · {rule_set.document.name_en} ({rule_set.id})"
        yield f"  {_outcome(outcome)}"
    yield ""
    yield _row("", _HEADS)
    yield _line("全市 city", simulation.all)
    for trait, groups in simulation.by.items():
        yield f"{_TRAITS.get(trait, trait)}:"
        yield from (_line(group.label, group) for group in groups)
    yield "× 人数过少,不显示 · too few people to be shown (indicators.md §5)"


_TRAITS = {"town": "镇街 town", "origin": "来源地 origin", "industry": "行业 industry", "age": "年龄 age"}
_HEADS = ("人 people", "增 gain", "减 lose", "平 same", "新入 newly in", "退出 no longer", "均 average")
_WIDTHS = (12, 11, 11, 11, 14, 15, 10)


def _outcome(outcome: Outcome) -> str:
    cut = "" if outcome.cut_off is None else f" · 末位 cut-off {written(outcome.cut_off)}"
    undecided = "" if outcome.undecided == 0 else f" · 并列未决 undecided {_number(outcome.undecided)}"
    average = "–" if outcome.average is None else written(outcome.average, 2)
    counts = f"符合条件 stand {_number(outcome.stand)} · 入围 within {_number(outcome.within)}"
    return f"{counts}{cut}{undecided} · 平均 average {average}"


def _number(number: int | None) -> str:
    return "×" if number is None else f"{number:,}"


def _line(label: str, group: Group) -> str:
    counts = (group.people, group.gain, group.lose, group.same, group.newly_within, group.no_longer_within)
    cells = [_number(each) for each in counts]
    average = "×" if group.average_change is None else written(group.average_change, 2)
    return _row(label, (*cells, average))


def _row(label: str, cells: Sequence[str]) -> str:
    return f"{label:<14}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))


def _refused(message: str) -> SuiteError:
    return SuiteError(ExitCode.INPUT_REFUSED, message)
