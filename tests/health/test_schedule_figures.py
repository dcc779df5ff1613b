"""No figure or day of any schedule can change unnoticed: moved a little, each must break a case."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.health.actions.schedules import released
from services.health.rules.compiling import Programme, ScheduleError, ScheduleTexts, compile_programme
from tests.health.schedule_cases import Case, cases, expected, outcome
from tests.share import ONE_IN, SHARES, is_tried

NAMES = sorted(released().editions)
NEVER_BINDING = tomllib.loads((Path(__file__).parent / "never_binding.toml").read_text("utf-8"))
_SPAN = re.compile(r"\d+ (hour|day|month|year)s?( \d+ (month|day)s?)?")
_WORDS = {"id", "name_zh", "name_en", "source", "doubt_zh", "doubt_en", "refer_zh", "refer_en", "base", "rules", "age_rules"}
Place = tuple[str | int, ...]


def moved(value: object) -> Iterator[object]:
    """A figure, span or day, one down and one up; nothing where it is neither."""
    if isinstance(value, date):
        yield from (value - timedelta(1), value + timedelta(1))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from (value - 1, value + 1)
    elif isinstance(value, str) and _SPAN.fullmatch(value):
        for number in re.finditer(r"\d+", value):
            for changed in (int(number[0]) - 1, int(number[0]) + 1):
                yield f"{value[: number.start()]}{changed}{value[number.end() :]}"


def mutations(content: Any, path: Place = ()) -> Iterator[tuple[Place, Any, Any]]:
    """A document once with each of its figures and days moved, where, and what it became."""
    if isinstance(content, dict | list):
        for key, value in list(content.items() if isinstance(content, dict) else enumerate(content)):
            if key in _WORDS:
                continue
            for where, became, changed in mutations(value, (*path, key)):
                copy = content.copy()
                copy[key] = changed
                yield where, became, copy
    else:
        yield from ((path, each, each) for each in moved(content))


def told_of(place: Place, content: Mapping[str, Any]) -> str:
    """A place with the ids of the series and course it lies in, for whoever reads the list."""
    parts: list[str] = []
    here: Any = content
    for key in place:
        here = here[key]
        parts.append(str(here["id"]) if isinstance(here, dict) and "id" in here else str(key))
    return ".".join(part for part in parts if part not in {"series", "courses"})


def line_of(place: Place, content: Mapping[str, Any]) -> str | None:
    return str(content["series"][place[1]]["line"]) if place[0] == "series" else None


@cache
def about(line: str | None) -> tuple[Case, ...]:
    """The cases, those that speak of a line first."""
    return tuple(sorted(cases(), key=lambda case: line not in case.lines))


def is_noticed(programme: Programme, line: str | None) -> bool:
    return any(not holds(programme, case) for case in about(line))


def holds(programme: Programme, case: Case) -> bool:
    return outcome(programme, case) == expected(case)


def with_edition(name: str, content: Mapping[str, Any]) -> Programme:
    texts = released()
    others = {each: text for each, text in texts.editions.items() if each != name}
    return compile_programme(ScheduleTexts(texts.vaccines, texts.rules, others, drafts=(dict(content),)))


def unnoticed(name: str, one_in: int) -> list[str]:
    """What the figures and days, of one in so many, can become without a case that no longer holds."""
    content = tomllib.loads(released().editions[name])
    found = []
    for place, became, changed in mutations(content):
        if not is_tried(told_of(place, content), one_in):
            continue
        try:
            programme = with_edition(name, changed)
        except ScheduleError:
            continue
        if not is_noticed(programme, line_of(place, content)):
            found.append(f"{told_of(place, content)} = {became}")
    return sorted(found)


@pytest.mark.parametrize("one_in", SHARES)
@pytest.mark.parametrize("name", NAMES)
def test_no_figure_or_day_changes_unnoticed(name: str, one_in: int) -> None:
    listed = [each["figure"] for each in NEVER_BINDING.get(name, ())]
    assert unnoticed(name, one_in) == sorted(each for each in listed if is_tried(each.partition(" = ")[0], one_in))


def test_a_figure_that_no_case_speaks_of_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: all cases but a few are lost, and what they alone spoke of is noticed by nobody."""
    monkeypatch.setitem(globals(), "about", lambda _: cases()[:2])
    listed = {each["figure"] for each in NEVER_BINDING[NAMES[0]]}
    assert len(set(unnoticed(NAMES[0], ONE_IN)) - listed) > 3


def test_figures_are_moved_both_ways_and_nothing_else() -> None:
    content = {"id": "9 days", "value": "13 years 6 months", "at_least": 1, "valid_from": date(2020, 1, 31), "offered": False}
    found = [(place[0], became) for place, became, _ in mutations(content)]
    assert found == [
        ("value", "12 years 6 months"),
        ("value", "14 years 6 months"),
        ("value", "13 years 5 months"),
        ("value", "13 years 7 months"),
        ("at_least", 0),
        ("at_least", 2),
        ("valid_from", date(2020, 1, 30)),
        ("valid_from", date(2020, 2, 1)),
    ]
