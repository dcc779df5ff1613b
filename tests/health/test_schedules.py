"""Schedules as files: a city adds its own, nothing unknown is accepted, every rule is told in words, no gap is hidden."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from services.health.actions.schedules import programme, released
from services.health.rules.assessment import Standing, Verdict
from services.health.rules.child import Child, Dose
from services.health.rules.compiling import Programme, ScheduleError, compile_programme
from services.health.rules.document.reading import Sourced
from services.health.rules.forecasting import assess

CITY = """
id = "ningbo"
name_zh = "宁波水痘疫苗"
name_en = "Varicella in Ningbo"
valid_from = 2024-07-01
source = "a city notice"
confidence = "G"
vaccines = [{ code = "VarV", name_zh = "水痘疫苗", name_en = "varicella vaccine", kind = "live_injected" }]
lines = [{ id = "Varicella", name_zh = "水痘", name_en = "varicella" }]
[[series]]
id = "VarV"
line = "Varicella"
until = "7 years"
[[series.courses]]
id = "VAR-1"
rules = ["VAR-1"]
steps = [
  { give = ["VarV"], age = "12 months" },
  { give = ["VarV"], age = "4 years", after = "3 months" },
]
[rules.VAR-1]
zh = "水痘2剂:12月龄、4岁"
en = "two varicella doses: 12 months, 4 years"
"""
BORN = date(2023, 5, 31)


def with_city(text: str = CITY) -> Programme:
    return compile_programme(replace(released(), overlay=text))


def test_a_city_adds_a_vaccine_from_its_day_on() -> None:
    before = assess(with_city(), Child(BORN), date(2024, 6, 30))
    after = assess(with_city(), Child(BORN), date(2024, 7, 1))
    assert "Varicella" not in before.forecasts
    assert after.forecasts["Varicella"].standing is Standing.OVERDUE
    assert after.edition == "cn-nip-2021+ningbo"
    assert "Varicella" in assess(with_city(), Child(BORN), date(2026, 7, 1)).forecasts


def test_a_live_vaccine_of_a_city_keeps_the_spacing_of_all() -> None:
    child = Child(BORN, (Dose("a", "MMR", date(2024, 7, 5)), Dose("b", "VarV", date(2024, 7, 20))))
    verdicts = {each.dose.id: each.verdict for each in assess(with_city(), child, date(2024, 8, 1)).judgements}
    assert verdicts == {"a": Verdict.VALID, "b": Verdict.LIVE_TOO_CLOSE}


REFUSED = [
    ('id = "VarV"\nline', 'id = "MMR-X"\nline = "Measles" #', "not Measles"),
    ('code = "VarV"', 'code = "MMR"', "not MMR"),
    ('rules = ["VAR-1"]', 'rules = ["VAR-2"]', "no rule VAR-2"),
    ('give = ["VarV"], age = "4 years"', 'give = ["VarX"], age = "4 years"', "no vaccine VarX"),
    ('age = "12 months"', 'age = "12 moons"', "a span such as"),
    ('source = "a city notice"', 'sauce = "a city notice"', "Extra inputs"),
    ("valid_from = 2024-07-01", "valid_from = 2024-13-01", "not TOML"),
    ('id = "VarV"\nline = "Varicella"', 'id = "VarV"\nline = "Chickenpox"', "not Chickenpox"),
    ('after = "3 months"', 'after_other = { series = "VarX", interval = "3 months" }', "no series VarX"),
    ('until = "7 years"', 'until = "7 years"\nvaccine_until = { VarX = "6 years" }', "no vaccine VarX"),
    ("steps = [", "needs = { VarV = 3 }\nsteps = [", "more are needed"),
    ("steps = [", 'refer_zh = "转诊"\nsteps = [', "a referral has both languages"),
]


def refusal(old: str, new: str) -> str:
    """What is said of the city's file with one thing changed."""
    assert old in CITY
    try:
        with_city(CITY.replace(old, new))
    except ScheduleError as error:
        return "\n".join(error.problems)
    return "nothing"


@pytest.mark.parametrize(("old", "new", "said"), REFUSED)
def test_what_a_city_cannot_do_is_told(old: str, new: str, said: str) -> None:
    assert said in refusal(old, new)


def test_an_unknown_edition_is_told_with_those_held() -> None:
    assert programme().named("cn-nip-2021").valid_from == date(2021, 3, 1)
    with pytest.raises(LookupError, match="no edition cn-nip-2099; held: cn-nip-2008"):
        programme().named("cn-nip-2099")


def test_the_edition_of_a_day() -> None:
    editions = programme().editions
    for each, following in pairwise(editions):
        assert programme().on(each.valid_from) is each
        assert programme().on(following.valid_from - timedelta(1)) is each
    assert programme().on(date(2000, 1, 1)) is editions[0]
    assert [each.id for each in editions][-1] == "cn-nip-2026"


def test_an_amendment_needs_an_earlier_base() -> None:
    texts = released()
    changed = {**texts.editions, "cn-nip-2026": texts.editions["cn-nip-2026"].replace("cn-nip-2021-hpv-2025", "cn-nip-2030", 1)}
    with pytest.raises(ScheduleError, match="base cn-nip-2030"):
        compile_programme(replace(texts, editions=changed))


def test_every_fact_has_its_source_or_says_that_none_was_seen() -> None:
    """A step, course or series without one of its own stands on that of what holds it; at the top there is always one."""
    for edition in programme().editions:
        for series in edition.series.values():
            for course in series.courses:
                for step in course.steps:
                    confidence = _nearest(step, course, series)
                    assert confidence is not None, (edition.id, course.id)


def _nearest(*facts: Sourced) -> str | None:
    return next((each.confidence for each in facts if each.confidence is not None), None)


def test_every_rule_in_words_is_used() -> None:
    named = {rule for edition in programme().editions for series in edition.series.values() for rule in series.age_rules}
    named |= {
        rule
        for edition in programme().editions
        for series in edition.series.values()
        for course in series.courses
        for rule in course.rules
    }
    named |= {rule for each in programme().conditions.values() for rule in each.rules}
    general = programme().editions[-1].general
    named |= {general.grace_days.rule, general.live_spacing.rule, general.overdue_after.rule}
    named |= {each.rule for each in general.immunoglobulin}
    assert set(programme().rules) - named <= {"IMM-00", "IMM-01", "IMM-02", "IMM-11", "K1", "K6", "X-35", "BCG-C4", "MMR-S2"}


def test_days_of_grace_are_a_parameter_of_the_edition() -> None:
    texts = released()
    graced = texts.editions["cn-nip-2021"].replace("grace_days = { value = 0", "grace_days = { value = 1", 1)
    with_grace = compile_programme(replace(texts, editions={**texts.editions, "cn-nip-2021": graced}))
    for days_early, counts in ((0, True), (1, True), (2, False)):
        child = Child(date(2022, 5, 31), (Dose("a", "MMR", date(2023, 1, 31) - timedelta(days_early)),))
        (judgement,) = assess(with_grace, child, date(2023, 2, 1)).judgements
        assert (judgement.verdict is Verdict.VALID) is counts
