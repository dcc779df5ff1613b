"""Which regime decides an event, and the seam by which one more regime is held."""

import sys
from dataclasses import dataclass, field
from datetime import date
from types import ModuleType

import pytest

from services.chassis.parameters import Document, History, ParameterError, read_folder, whole_number
from services.registry.rules.law import compile_law
from services.registry.rules.months import add_months
from services.registry.rules.regimes import NoRegimeInForceError, RegimeNotHeldError, read_regimes
from services.registry.rules.residence_permit import PermitRules
from services.registry.rules.zj_2016 import Zj2016
from tests.registry.case_files import NATIONAL_DIVISIONS, REGISTRY, law


@pytest.mark.parametrize(
    ("event_date", "key"),
    [
        (date(2009, 10, 1), "zj-2009"),
        (date(2015, 12, 31), "zj-2009"),
        (date(2016, 1, 1), "cn-2016-transition"),
        (date(2016, 6, 30), "cn-2016-transition"),
        (date(2016, 7, 1), "zj-2016"),
        (date(2099, 1, 1), "zj-2016"),
    ],
)
def test_the_day_of_the_event_picks_the_regime(event_date: date, key: str) -> None:
    regime = law().regimes.regime_on(event_date)

    assert regime.key == key
    assert regime.valid_from <= event_date
    assert regime.instruments_zh


def test_before_the_first_regime_there_is_none() -> None:
    with pytest.raises(NoRegimeInForceError, match="2009-09-30"):
        law().regimes.regime_on(date(2009, 9, 30))


def test_the_regime_held_decides_and_the_others_say_that_they_are_not_held() -> None:
    regimes = law().regimes

    assert regimes.permit_rules_on(date(2016, 7, 1)).key == "zj-2016"
    for event_date, key in [(date(2012, 5, 1), "zj-2009"), (date(2016, 6, 30), "cn-2016-transition")]:
        with pytest.raises(RegimeNotHeldError, match=key) as caught:
            regimes.permit_rules_on(event_date)
        assert caught.value.key == key


@dataclass(frozen=True, slots=True)
class ThreeYears(Zj2016):
    """Stands for the regime of 2009: three years in place of half a year (RR-48), by values of its own."""

    key: str = "zj-2009"
    months: History[int] = field(default_factory=lambda: History.constant(0))

    def eligible_from(self, registered_since: date, *, on: date) -> date:
        return add_months(registered_since, self.months.on(on))


def a_module_for_2009() -> ModuleType:
    def permit_rules(document: Document) -> PermitRules:
        months = document.history("resided_months_min", whole_number(1, 120))
        document.finish()
        held = law().regimes.rules_for("zj-2016")
        assert isinstance(held, Zj2016)
        return ThreeYears(held.parameters, months=months)

    module = ModuleType("services.registry.rules.zj_2009")
    module.permit_rules = permit_rules  # type: ignore[attr-defined]
    return module


VALUES_OF_2009 = """
[resided_months_min]
[[resided_months_min.values]]
value = 36
valid_from = 2009-10-01
source = "ZJ-2009"
confidence = "S2"
"""


def test_one_more_module_and_its_values_are_all_a_regime_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "services.registry.rules.zj_2009", a_module_for_2009())
    documents = {**read_folder(REGISTRY / "parameters"), "zj_2009": Document.parse("zj_2009.toml", VALUES_OF_2009)}

    regimes = compile_law(documents, NATIONAL_DIVISIONS).regimes

    rules = regimes.permit_rules_on(date(2012, 5, 1))
    assert rules.key == "zj-2009"
    assert rules.eligible_from(date(2009, 5, 1), on=date(2012, 5, 1)) == date(2012, 5, 1)
    assert regimes.permit_rules_on(date(2024, 5, 1)).eligible_from(date(2023, 5, 1), on=date(2024, 5, 1)) == date(2023, 11, 1)


def test_values_without_a_module_stop_the_start() -> None:
    documents = {**read_folder(REGISTRY / "parameters"), "zj_2009": Document.parse("zj_2009.toml", VALUES_OF_2009)}

    with pytest.raises(ParameterError, match=r"zj_2009\.toml holds the values of regime zj-2009, but the module"):
        read_regimes(documents)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("valid_from = 2015-12-31", "regime b overlaps the one before it"),
        ("", "regime b has no 'valid_from'"),
    ],
)
def test_two_regimes_on_one_day_stop_the_start(second: str, message: str) -> None:
    def row(key: str, when: str) -> str:
        return f'[[regimes.rows]]\nkey = "{key}"\n{when}\ninstruments_zh = "甲"\ninstruments_en = "A"\n'

    content = '[regimes]\nsource = "S"\nconfidence = "S"\n' + row("a", "valid_from = 2009-10-01\nvalid_until = 2016-01-01")

    with pytest.raises(ParameterError, match=message):
        read_regimes({"regimes": Document.parse("regimes.toml", content + row("b", second))})
