"""The engine with its rule sets against a second opinion (`independent/`), item by item, on people at the boundaries."""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.facts import read_facts
from services.points_hukou.rules.scoring import score
from tests.points_hukou.boundary_people import boundary_people
from tests.points_hukou.independent.beijing_2017 import beijing_2017
from tests.points_hukou.independent.beijing_2020 import beijing_2020
from tests.points_hukou.independent.dongguan_2016 import dongguan_2016
from tests.points_hukou.independent.foshan_2016 import foshan_2016
from tests.points_hukou.independent.guangzhou_2014 import guangzhou_2014
from tests.points_hukou.independent.huizhou_2012 import huizhou_2012
from tests.points_hukou.independent.panyu_2016 import panyu_2016
from tests.points_hukou.independent.plain import Counted
from tests.points_hukou.independent.shanghai_2015 import shanghai_2015
from tests.points_hukou.independent.tianjin_2014 import tianjin_2014
from tests.points_hukou.independent.xiamen_2016 import xiamen_2016
from tests.points_hukou.independent.zhejiang_ningbo import ningbo_2022, zhejiang_common_2023
from tests.points_hukou.independent.zhongshan_2014 import zhongshan_2014
from tests.points_hukou.rule_cases import shipped

Model = Callable[[Mapping[str, Any], date, str], Counted]


def for_any_service(model: Callable[[Mapping[str, Any], date], Counted]) -> Model:
    return lambda facts, on, _: model(facts, on)


MODELS: Mapping[str, Model] = {
    "zhejiang-common-2023": for_any_service(zhejiang_common_2023),
    "ningbo-2022": for_any_service(ningbo_2022),
    "beijing-2020": for_any_service(beijing_2020),
    "beijing-2017": for_any_service(beijing_2017),
    "shanghai-2015": for_any_service(shanghai_2015),
    "zhongshan-2014": zhongshan_2014,
    "dongguan-2016": for_any_service(dongguan_2016),
    "foshan-2016": foshan_2016,
    "tianjin-2014": for_any_service(tianjin_2014),
    "guangzhou-2014": for_any_service(guangzhou_2014),
    "huizhou-2012": for_any_service(huizhou_2012),
    "xiamen-2016": for_any_service(xiamen_2016),
    "panyu-2016": for_any_service(panyu_2016),
}


@dataclass(frozen=True)
class Difference:
    """What the two say of the same."""

    service: str
    what: str
    engine: object
    model: object


def differences(name: str, rule_set: RuleSet, person: Mapping[str, Any]) -> list[Difference]:
    """Where the engine and the model do not agree about a person."""
    facts = read_facts(person, rule_set.facts, {})
    found = []
    for service in rule_set.services:
        counted = MODELS[name](person["facts"], date.fromisoformat(person["applied_on"]), service.id)
        for what, engine, model in compared(score(rule_set, facts, service=service.id), counted):
            if engine != model:
                found.append(Difference(service.id, what, engine, model))
    return found


def compared(assessment: Assessment, counted: Counted) -> Iterator[tuple[str, object, object]]:
    items = {each.item.law.id: each for each in assessment.components}
    for item in {*items, *counted.points}:
        engine = items[item].counted if item in items else None
        yield item, engine or Fraction(0), counted.points.get(item, Fraction(0))
    yield "total", assessment.total, counted.total
    yield "eligible", not assessment.not_eligible, counted.is_eligible
    yield "vetoed", assessment.is_vetoed, counted.is_vetoed
    yield "frozen", assessment.is_frozen, counted.is_frozen
    stands = counted.is_eligible and not counted.is_vetoed and not counted.is_frozen
    yield "passes", assessment.passes, None if counted.passes is None else counted.passes and stands


CAREFULLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("name", sorted(MODELS))
@settings(CAREFULLY, max_examples=10)
@given(data=st.data())
def test_the_engine_agrees_with_the_second_opinion(name: str, data: st.DataObject) -> None:
    rule_set = shipped(name)
    assert differences(name, rule_set, data.draw(boundary_people(rule_set))) == []


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", sorted(MODELS))
@settings(CAREFULLY, max_examples=1500)
@given(data=st.data())
def test_the_engine_agrees_with_the_second_opinion_about_many(name: str, data: st.DataObject) -> None:
    rule_set = shipped(name)
    assert differences(name, rule_set, data.draw(boundary_people(rule_set))) == []


PLANTED: Mapping[str, tuple[str, str, object]] = {
    "a tier": ("zhejiang-common-2023", "zhejiang_ningbo.EDUCATION", {"bachelor_or_above": 10, "junior_college": 7}),
    "a rate": ("tianjin-2014", "tianjin_2014.PER_YEAR", {"pension": 4, "medical": 3}),
    "a day": ("beijing-2017", "beijing_2017.BEGIN", date(2017, 1, 2)),
    "rounding": ("beijing-2020", "beijing_2020.two_places", lambda value: Fraction(int(value * 100), 100)),
    "a district": ("xiamen-2016", "xiamen_2016.SIMING_AND_HULI", ("350203",)),
}


@pytest.mark.parametrize(("name", "what", "planted"), PLANTED.values(), ids=PLANTED.keys())
def test_a_figure_moved_in_the_second_opinion_is_found(
    name: str, what: str, planted: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"tests.points_hukou.independent.{what}", planted)
    rule_set = shipped(name)
    only_look = settings(CAREFULLY, max_examples=500, phases=[Phase.generate], database=None)
    find(boundary_people(rule_set), lambda person: bool(differences(name, rule_set, person)), settings=only_look)


def test_the_second_opinion_knows_nothing_of_the_engine() -> None:
    folder = Path(__file__).parent / "independent"
    imported = {
        alias.module or ""
        for path in folder.glob("*.py")
        for alias in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(alias, ast.ImportFrom)
    }
    assert imported - sys.stdlib_module_names == {"plain", "collections.abc"}
