"""The engine with its schedules against a second opinion that shares nothing with it."""

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.health.actions.schedules import programme
from services.health.rules.assessment import Verdict
from services.health.rules.child import Child, Dose
from services.health.rules.forecasting import assess
from tests.health.children import days
from tests.health.independent import edition_2021
from tests.health.independent.edition_2021 import Answer, History

Model = Callable[[date, History, date], Answer]
FROM, UNTIL = date(2021, 3, 1), date(2024, 12, 31)
MODELS: dict[str, tuple[Model, list[str], date]] = {
    "HepB": (edition_2021.hepb, ["HepB"], date(2021, 3, 1)),
    "Measles": (edition_2021.mmr, ["MMR", "MMR", "JE-L", "BCG", "HepA-L"], date(2021, 3, 1)),
    "DTP": (edition_2021.dtp, ["DTaP", "DTaP", "DT"], date(2014, 1, 1)),
}
"""The model, the vaccines of its histories, and from when its children are born: all their doses are given under one
edition.
"""


def both(line: str, born_on: date, history: History, as_of: date) -> tuple[Answer, Answer]:
    """What the engine and the model say: the days that count, and the first day of the next dose that is not in the past."""
    child = Child(born_on, tuple(Dose(f"d{number}", vaccine, day) for number, (day, vaccine) in enumerate(history)))
    assessment = assess(programme(), child, as_of)
    valid = [each.dose.given_on for each in assessment.judgements if each.line == line and each.verdict is Verdict.VALID]
    next_ = assessment.forecasts[line].next
    good, day = MODELS[line][0](born_on, history, as_of)
    ours = (sorted(valid), None if next_ is None else max(next_.earliest, as_of))
    return ours, (good, None if day is None else max(day, as_of))


@pytest.mark.parametrize("line", MODELS)
@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_the_engine_and_the_model_agree(line: str, data: st.DataObject) -> None:
    _, vaccines, earliest = MODELS[line]
    born_on = data.draw(st.dates(earliest, UNTIL), "born")
    as_of = data.draw(st.dates(max(born_on, FROM), UNTIL), "as of")
    dosed = st.tuples(days(born_on, as_of).map(lambda day: max(day, FROM)), st.sampled_from(vaccines))
    ours, model = both(line, born_on, data.draw(st.lists(dosed, max_size=7), "history"), as_of)
    assert ours == model


def test_the_model_shares_nothing_with_the_engine() -> None:
    for file in (Path(__file__).parent / "independent").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith(("services", "tests")) for name in names), file


def test_the_comparison_finds_a_day_s_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    born_on = date(2022, 5, 31)
    history = [(born_on, "HepB"), (date(2022, 6, 30), "HepB")]
    ours, model = both("HepB", born_on, history, date(2022, 7, 1))
    assert ours == model
    changed = {**programme().on(FROM).series}
    step = changed["HepB"].courses[-1].steps[2]
    later_age = replace(step.age, days=1)
    monkeypatch.setitem(step.__dict__, "age", later_age)
    ours, model = both("HepB", born_on, history, date(2022, 7, 1))
    assert ours != model
