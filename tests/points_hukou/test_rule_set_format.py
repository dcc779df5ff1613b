"""The format: what is refused and how it is told; choices; extension by a county; facts that cannot be used."""

import json
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from services.points_hukou.rules.advising import advice_for
from services.points_hukou.rules.compiling import RuleSet, RuleSetError, RuleSetText, compile_rule_set
from services.points_hukou.rules.exact import Rounding, exact, written
from services.points_hukou.rules.explaining import advice_of, explanation_of
from services.points_hukou.rules.facts import FactsError, read_facts
from services.points_hukou.rules.replaying import NotFrozenError, freeze, replay, thaw
from services.points_hukou.rules.scoring import score
from tests.points_hukou.rule_cases import shipped, texts
from tests.points_hukou.test_vectors import differences

REPLAYS = Path(__file__).parent / "replays"

COUNTY = """
format = 1
id = "a-county"
version = 1
name_zh = "某县"
name_en = "A county"
jurisdiction = "330282"
valid_from = 2024-01-01
confidence = "design"
extends = "ningbo-2022"
sources = [{ ref = "made_up", title_zh = "测试", kind = "for a test", confidence = "design" }]

[[facts]]
id = "spring_festivals"
kind = "number"
name_zh = "在本县过年次数"
name_en = "new years spent here"
unit_zh = "次"
unit_en = "times"
at_most = 100

[[items]]
id = "spring_festival"
name_zh = "留县过年"
name_en = "Spring festival"
article = "测试"
rule = "test"
sources = ["made_up"]
confidence = "design"
part = "county"
lines = [{ points = 20, units = { amount = "spring_festivals" } }]
"""

CLAUSE = """
[[clauses]]
id = "young"
name_zh = "年轻"
name_en = "Young"
article = "测试"
rule = "test"
sources = ["made_up"]
confidence = "design"
effect = "eligibility"
when = { item = "age", points = [20] }

"""


def with_county(old: str = "", new: str = "", choices: str = "") -> dict[str, RuleSetText]:
    assert old in COUNTY
    return {**texts(), "a-county": RuleSetText(COUNTY.replace(old, new, 1) if old else COUNTY, choices)}


def person(rule_set: RuleSet, applied_on: str = "2024-03-01", **facts: Any) -> Any:
    document = {"applied_on": applied_on, "facts": {"birth_date": "1990-01-01", **facts}}
    return read_facts(document, rule_set.facts, rule_set.rules_of_facts)


def test_a_county_adds_its_own_items_within_its_part_and_its_borders() -> None:
    rule_set = compile_rule_set("a-county", with_county())
    facts = person(rule_set, spring_festivals=3, home_in_city=["own_home"])
    assert score(rule_set, facts).total == 20 + 20 + 50
    assert score(rule_set, facts, use_in="330282104").total == 20 + 20 + 50
    assert score(rule_set, facts, use_in="330203").total == 20 + 20
    assert score(rule_set, facts, use_in="330100").total == 20


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("points = 20,", "points = 20.5, colour = 1,", "colour"),
        ("points = 20,", "points = true,", "a number such as"),
        ("points = 20,", 'points = "1/0",', "a number such as"),
        ("points = 20,", "points = 1e99999,", "a number such as"),
        ("points = 20,", 'points = "1e99999999",', "a number such as"),
        ("points = 20,", "points = " + "[" * 5000 + ",", "not TOML"),
        ('part = "county"', 'part = "country"', "part country does not exist"),
        ('amount = "spring_festivals"', 'amount = "festivals"', "there is no fact festivals"),
        ('amount = "spring_festivals"', 'months = "spring_festivals"', "cannot be counted like this"),
        ('amount = "spring_festivals"', 'sum = "spring_festivals"', "a measure has one of the keys"),
        ('sources = ["made_up"]', 'sources = ["nowhere"]', "source nowhere does not exist"),
        ('id = "spring_festival"\n', 'id = "age"\n', "have the id age"),
        ('extends = "ningbo-2022"', 'extends = "a-county"', "or itself"),
        ('extends = "ningbo-2022"', 'extends = "hangzhou-2022"', "hangzhou-2022 is not held"),
        ('part = "county"', 'part = "deductions"', "below zero"),
        ("lines = [{", 'when = { item = "later", points = [1] }\nlines = [{', "does not stand before it"),
        ('confidence = "design"\npart', 'confidence = "design"\nstatus = "gap"\npart', "doubt_zh"),
        ('id = "spring_festivals"', 'id = "unused"', "nothing loaded asks for it"),
        ("points = 20, units", "points = 20, counts_back = true, units", "counts_back needs after"),
        ("version = 1", "version = 0", "version"),
        ("[[items]]", CLAUSE + "[[items]]", "a clause cannot ask for the points of age"),
        ("format = 1", "format = 2", "format"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_rule_set_is_told_with_its_place(old: str, new: str, told: str) -> None:
    with pytest.raises(RuleSetError) as caught:
        compile_rule_set("a-county", with_county(old, new))
    assert any(told in problem for problem in caught.value.problems), caught.value.problems


def test_what_is_doubtful_is_not_loaded_without_a_choice() -> None:
    bare = {**texts(), "zhejiang-common-2023": texts()["zhejiang-common-2023"]._replace(choices="")}
    with pytest.raises(RuleSetError) as caught:
        compile_rule_set("zhejiang-common-2023", bare)
    assert len(caught.value.problems) == 3
    assert "education (文化程度) is conflict and needs a choice, one of: ruian, beilun, leave_out" in caught.value.problems[1]


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ('[choices.education]\nreading = "x"\n', "needs a choice"),
        ('[choices.residence_time]\nreading = "x"\n', "needs no choice"),
        ("[choices.valid_from]\nday = 2022-05-01\n", "lies outside 2022-04"),
        ("[choices.education]\nleave_out = true\nday = 2022-05-01\n", "one of reading"),
    ],
)
def test_a_choice_must_fit_what_it_decides(choices: str, told: str) -> None:
    why = 'reason_zh = "测"\nreason_en = "test"\ndecided_by = "test"\n'
    with pytest.raises(RuleSetError, match=told):
        compile_rule_set("ningbo-2022", texts(), choices + why)


def test_the_citys_own_choice_replaces_the_default_and_is_told() -> None:
    own = '[choices.education]\nleave_out = true\nreason_zh = "市里决定"\nreason_en = "the city"\ndecided_by = "the city"\n'
    rule_set = compile_rule_set("ningbo-2022", texts(), own)
    assessment = score(rule_set, person(rule_set, education=["bachelor_or_above"]))
    told: Any = explanation_of(assessment)
    assert assessment.total == 20
    assert "education" not in {each["id"] for each in told["components"]}
    assert [each["choice"]["reason_en"] for each in told["left_out"] if each["id"] == "education"] == ["the city"]
    assert rule_set.digest != shipped("ningbo-2022").digest


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ([], [""]),
        ({}, ["/applied_on"]),
        ({"applied_on": "2024-03-01"}, ["/facts"]),
        ({"applied_on": "2024-02-30", "facts": {"birth_date": "1990-01-01"}}, ["/applied_on"]),
        ({"applied_on": "2024-03-01", "facts": []}, ["/facts", "/facts/birth_date"]),
        ({"applied_on": "2024-03-01", "facts": {"birth_date": "1990-01-01", "wages": 1}}, ["/facts/wages"]),
        ({"applied_on": "2024-03-01", "facts": {"birth_date": "1990-01-01", "320101199001011234": 1}}, ["/facts/…"]),
        ({"applied_on": "2024-03-01", "facts": {"birth_date": 1990}}, ["/facts/birth_date"]),
        ({"applied_on": "2024-03-01", "facts": {"birth_date": "1990-01-01", "education": ["phd"]}}, ["/facts/education/0"]),
        (
            {
                "applied_on": "2024-03-01",
                "facts": {
                    "birth_date": "1990-01-01",
                    "insurance_in_province": [{"from": "2020-01", "to": "2020-02"}, {"from": "2020-13", "to": "2021-01"}],
                    "work_in_city": [{"from": "2020-01-01", "until": "2020-01-01", "kind": "business_licence"}],
                    "is_dishonest": 1,
                },
            },
            ["/facts/insurance_in_province/1/from", "/facts/work_in_city/0/until", "/facts/is_dishonest"],
        ),
        ({"applied_on": "2024-03-01", "facts": {"birth_date": "1990-01-01"}, "sources": {"skill": {}}}, ["/sources/skill"]),
    ],
)  # fmt: skip
def test_facts_that_cannot_be_used_are_told_all_at_once(document: Any, fields: list[str]) -> None:
    rule_set = shipped("ningbo-2022")
    with pytest.raises(FactsError) as caught:
        read_facts(document, rule_set.facts, rule_set.rules_of_facts)
    assert [each.field for each in caught.value.problems] == fields
    assert all(each.message_zh and each.message_en for each in caught.value.problems)


def test_a_problem_in_the_facts_names_the_rules_that_need_them() -> None:
    rule_set = shipped("ningbo-2022")
    with pytest.raises(FactsError) as caught:
        person(rule_set, insurance_in_province="two years")
    assert caught.value.problems[0].rules == ("social_insurance (P-05, P-34)",)


def test_every_component_tells_facts_rule_article_and_arithmetic_in_both_languages() -> None:
    rule_set = shipped("ningbo-2022")
    document = {
        "applied_on": "2024-03-01",
        "facts": {"birth_date": "1990-01-01", "insurance_in_province": [{"from": "2019-01", "to": "2024-01"}]},
        "sources": {"insurance_in_province": {"source": "省社保", "as_of": "2024-02-01"}},
    }
    told: Any = explanation_of(score(rule_set, read_facts(document, rule_set.facts, {})))
    insurance = next(each for each in told["components"] if each["id"] == "social_insurance")
    assert insurance["arithmetic_zh"] == "在省内每缴纳一个月(累计):0.5 × 61个月 = 30.5,上限30 → 30.00"
    assert insurance["arithmetic_en"] == "each month paid in the province, in total: 0.5 × 61 months = 30.5, cap 30 → 30.00"
    assert (insurance["article"], insurance["rule"]) == ("省级共性指标表·缴纳社保", "P-05, P-34")
    assert insurance["facts"]["insurance_in_province"] == {
        "name_zh": "在浙江省缴纳社会保险的月份",
        "name_en": "months of social insurance paid in the province",
        "value": [{"from": "2019-01", "to": "2024-01"}],
        "source": "省社保",
        "as_of": "2024-02-01",
    }
    assert "education" in {each["id"] for each in told["facts_not_given"]}


def test_what_would_help_is_told_with_its_gain() -> None:
    rule_set = shipped("ningbo-2022")
    facts = person(rule_set, education=["junior_college"], insurance_in_province=[{"from": "2023-01", "to": "2023-12"}])
    assessment = score(rule_set, facts)
    told: Any = advice_of(assessment)
    gains = {(each.fact, each.more or each.option): each.gain for each in advice_for(assessment)}
    assert gains["insurance_in_province", 3] == Fraction(3, 2)
    assert gains["work_in_city", 12] == 10
    assert gains["education", "bachelor_or_above"] == 2
    assert not {"birth_date", "is_dishonest", "has_offended"} & {fact for fact, _ in gains}
    assert "Social insurance: 3 more months, +1.5" in [each["text_en"] for each in told]
    assert "缴纳社保:再有3个月,+1.5" in [each["text_zh"] for each in told]


@pytest.mark.parametrize("file", sorted(REPLAYS.glob("*.json")), ids=lambda file: file.stem)
def test_an_old_assessment_still_comes_to_the_same_score(file: Path) -> None:
    """These files are released: they are never written anew. Whatever changes in the engine, they come to the same."""
    assert replay(thaw(json.loads(file.read_text("utf-8")))).is_same


def test_a_changed_figure_or_text_is_found_by_the_replay() -> None:
    rule_set = shipped("ningbo-2022")
    frozen = json.loads(freeze(score(rule_set, person(rule_set)), texts()).model_dump_json())
    frozen["score"]["components"]["age"] = "19.99"
    found = replay(thaw(frozen))
    assert [(each.figure, each.frozen, each.replayed) for each in found.differences] == [("/components/age", "19.99", "20.00")]
    frozen["score"]["components"]["age"] = "20.00"
    frozen["rule_sets"]["ningbo-2022"]["rule_set"] += "# a remark\n"
    assert not replay(thaw(frozen)).is_text_intact


def test_a_changed_explanation_is_found_by_the_replay() -> None:
    rule_set = shipped("ningbo-2022")
    frozen = json.loads(freeze(score(rule_set, person(rule_set)), texts()).model_dump_json())
    total = frozen["explanation"]["total"]
    frozen["explanation"]["total"] = "999.00"
    found = replay(thaw(frozen))
    assert not found.is_same
    assert [(each.figure, each.frozen, each.replayed) for each in found.differences] == [
        ("/explanation/total", "999.00", total)
    ]


def test_what_is_no_assessment_is_refused() -> None:
    with pytest.raises(NotFrozenError):
        thaw({"format": "something else"})


@pytest.mark.parametrize(
    ("value", "places", "mode", "rounded"),
    [
        ("71/8", 2, "half_up", "8.88"),
        ("-77/8", 2, "half_up", "-9.63"),
        ("1/24", 2, "half_up", "0.04"),
        ("-0.005", 2, "half_up", "-0.01"),
        ("8.879", 2, "down", "8.87"),
        ("-8.879", 2, "down", "-8.87"),
        ("5/2", 0, "half_up", "3"),
    ],
)
def test_rounding(value: str, places: int, mode: Any, rounded: str) -> None:
    assert written(Rounding(places, mode).round(exact(value)), places) == rounded


def test_binary_floats_are_refused() -> None:
    with pytest.raises(ValueError, match="a number such as"):
        exact(0.1)


def test_a_reference_day_is_there_in_every_year() -> None:
    rule_set = shipped("beijing-2020")
    assert rule_set.day("counting_stops", date(2024, 2, 29)) == date(2023, 12, 31)


def test_a_lone_holder_is_the_first() -> None:
    rule_set = shipped("foshan-2016")
    with pytest.raises(FactsError) as caught:
        person(rule_set, "2017-03-01", patents=[{"on": "2016-01-01", "kind": "design", "is_first": False}])
    assert [each.field for each in caught.value.problems] == ["/facts/patents/0/is_first"]


WINDOWED = """
[[facts]]
id = "gifts"
kind = "events"
name_zh = "捐赠"
name_en = "Gifts"

[[items]]
id = "giving"
name_zh = "捐赠"
name_en = "Giving"
article = "测试"
rule = "test"
sources = ["made_up"]
confidence = "design"
part = "county"
lines = [{ points = 1, units = { count = "gifts", NAME = NUMBER } }]
"""


def windowed(name: str, number: int) -> dict[str, RuleSetText]:
    given = WINDOWED.replace("NAME", name).replace("NUMBER", str(number))
    return {**texts(), "a-county": RuleSetText(COUNTY + given, "")}


@pytest.mark.parametrize("name", ["years", "calendar_years"])
def test_a_window_reaches_back_as_long_as_somebody_lives_and_both_engines_count_it(name: str) -> None:
    rule_set = compile_rule_set("a-county", windowed(name, 150))
    gifts = [{"on": day} for day in ("1900-01-01", "1900-12-31", "2050-06-01")]
    for applied_on in ("2050-05-31", "2050-06-01", "2024-01-01", "2199-12-31"):
        people = [person(rule_set, applied_on, gifts=gifts), person(rule_set, applied_on)]
        assert list(differences(rule_set, people, date.fromisoformat(applied_on), "330282")) == []
    with pytest.raises(RuleSetError) as caught:
        compile_rule_set("a-county", windowed(name, 151))
    assert any(name in problem for problem in caught.value.problems)
