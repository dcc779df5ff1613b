"""Which regime decides an event, and the seam by which one more regime is held."""

import sys
from dataclasses import dataclass, field
from datetime import date
from types import ModuleType

import pytest

from services.chassis.months import add_months
from services.chassis.parameters import Document, History, ParameterError, read_folder, whole_number
from services.chassis.working_days import calendar
from services.registry.rules.law import compile_law
from services.registry.rules.permit_states import PermitStatus
from services.registry.rules.regimes import NoRegimeInForceError, RegimeNotHeldError, read_regimes
from services.registry.rules.residence_permit import ApplicationFacts, Excusal, Ground, PermitRules
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
    assert regimes.permit_rules_on(date(2016, 6, 30)).key == "cn-2016-transition"
    assert regimes.permit_rules_on(date(2016, 1, 1)).key == "cn-2016-transition"
    with pytest.raises(RegimeNotHeldError, match="zj-2009") as caught:
        regimes.permit_rules_on(date(2015, 12, 31))
    assert caught.value.key == "zj-2009"


@pytest.mark.parametrize(("applied_on", "is_excused"), [(date(2016, 6, 30), False), (date(2016, 7, 1), True)])
def test_talents_are_excused_from_the_day_of_the_provincial_revision(applied_on: date, is_excused: bool) -> None:
    facts = ApplicationFacts(
        applied_on=applied_on,
        ground=Ground.EMPLOYMENT,
        evidence_types=("labour_contract",),
        registered_since=date(2016, 3, 1),
        has_identity_document=True,
        excused_as=Excusal.TALENT,
    )

    decided = law().regimes.permit_rules_on(applied_on).assess_application(facts)

    assert decided.accepted is is_excused
    assert [reason.code for reason in decided.reasons] == ([] if is_excused else ["half_year_not_complete"])


@pytest.mark.parametrize(
    ("on", "cites_the_province", "gives_social_affairs"),
    [(date(2016, 1, 1), False, False), (date(2016, 6, 30), False, False), (date(2016, 7, 1), True, True)],
)
def test_the_transition_rests_on_the_decree_alone(on: date, cites_the_province: bool, gives_social_affairs: bool) -> None:
    rules = law().regimes.permit_rules_on(on)
    nothing = ApplicationFacts(applied_on=on, ground=Ground.HOME, evidence_types=(), registered_since=None, is_floating=False)

    decided = rules.assess_application(nothing)
    given = {item.code for item in rules.entitlements(PermitStatus.VALID, on).items}

    assert {reason.code for reason in decided.reasons} == {
        "local_hukou",
        "registration_missing",
        "identity_document_missing",
        "ground_evidence_missing",
    }
    assert any("浙江省" in reason.article for reason in decided.reasons) is cites_the_province
    assert all(reason.article for reason in decided.reasons)
    assert ("social_affairs" in given) is gives_social_affairs


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

    regimes = compile_law(documents, NATIONAL_DIVISIONS, calendar()).regimes

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
