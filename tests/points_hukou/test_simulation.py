"""A simulation is what counting everybody one by one comes to; below city level small numbers do not leave it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from fractions import Fraction
from pathlib import Path
from random import Random
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.parameters import Document
from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.compiling import NotCoveredError, RuleSetText, compile_rule_set
from services.points_hukou.rules.exact import Rounding
from services.points_hukou.rules.facts import Facts, Value
from services.points_hukou.rules.ranking import contender_of, rank
from services.points_hukou.rules.scoring import score
from services.points_hukou.rules.simulation import (
    UNKNOWN,
    Group,
    Side,
    Simulation,
    Variant,
    ages,
    labelled,
    read_simulation_law,
    simulate,
)
from services.points_hukou.rules.vectors.population import population_of
from tests.points_hukou.random_rule_sets import PersonMaker
from tests.points_hukou.rule_cases import shipped, texts

ON = date(2024, 3, 1)
PEOPLE = 300
QUOTA = 10
TOWNS = ["330282101", "330282102", "330282103", None]
LAW = read_simulation_law(
    Document.parse(
        "simulation.toml",
        (Path(__file__).parents[2] / "services/points_hukou/parameters/simulation.toml").read_text("utf-8"),
    )
)


def proposed() -> Variant:
    """Ningbo's rule set with residence worth twice as much, a smaller cap of insurance, and a rule for ties."""
    province, city = texts()["zhejiang-common-2023"], texts()["ningbo-2022"]
    changed = province.rule_set.replace("points = 0.25, units = { months", "points = 0.5, units = { months")
    changed = changed.replace('cap = 30\nlines = [\n  { name_zh = "在省内', 'cap = 20\nlines = [\n  { name_zh = "在省内')
    assert changed.count("cap = 20") > province.rule_set.count("cap = 20")
    tied = city.rule_set.replace('cut = "refuse"', 'cut = "admit_all_tied"')
    held = {
        **texts(),
        "zhejiang-common-2023": RuleSetText(changed, province.choices),
        "ningbo-2022": RuleSetText(tied, city.choices),
    }
    return Variant(compile_rule_set("ningbo-2022", held), ON, QUOTA)


def made_people() -> list[Facts]:
    maker = PersonMaker(Random(41), shipped("ningbo-2022"), ON)
    return [maker.person() for _ in range(PEOPLE)]


def by_hand(variant: Variant, people: Sequence[Facts]) -> tuple[list[Assessment], set[int]]:
    """Everybody's assessment, and who is admitted, by the engine that counts one person."""
    counted = [score(variant.rule_set, each) for each in people]
    standing = [contender_of(each, of=UUID(int=number)) for number, each in enumerate(counted)]
    rule = variant.rule_set.ranking
    assert rule is not None
    ranked = rank([each for each in standing if each is not None], rule, variant.quota or 0)
    return counted, {each.contender.id.int for each in ranked.admitted}


@pytest.fixture(scope="module")
def people() -> list[Facts]:
    return made_people()


@pytest.fixture(scope="module")
def town_of(people: list[Facts]) -> list[str | None]:
    random = Random(5)
    return random.choices(TOWNS, [20, 6, 1, 3], k=len(people))


def run(people: Sequence[Facts], town_of: list[str | None], before: Variant, after: Variant, smallest: int) -> Simulation:
    sides = [Side(each, population_of(people, each.rule_set.facts)) for each in (before, after)]
    traits = {
        "town": labelled(town_of),
        "age": ages(sides[0].population, "birth_date", ON, LAW.age_bands.on(ON)),
    }
    return simulate(sides[0], sides[1], traits, smallest)


def before_and_after() -> tuple[Variant, Variant]:
    after = proposed()
    tied = after.rule_set.ranking
    assert tied is not None
    province, city = texts()["zhejiang-common-2023"], texts()["ningbo-2022"]
    admitting = city.rule_set.replace('cut = "refuse"', 'cut = "admit_all_tied"')
    held = {**texts(), "zhejiang-common-2023": province, "ningbo-2022": RuleSetText(admitting, city.choices)}
    return Variant(compile_rule_set("ningbo-2022", held), ON, QUOTA), after


def test_it_is_what_counting_everybody_one_by_one_comes_to(people: list[Facts], town_of: list[str | None]) -> None:
    before, after = before_and_after()
    simulation = run(people, town_of, before, after, smallest=1)
    old, old_in = by_hand(before, people)
    new, new_in = by_hand(after, people)
    wanted: dict[str, Counter[str]] = {label: Counter() for label in {*map(str, town_of)}}
    changes: dict[str, list[Fraction]] = {label: [] for label in wanted}
    for number, (one, other) in enumerate(zip(old, new, strict=True)):
        label, change = str(town_of[number]), other.total - one.total
        changes[label].append(change)
        wanted[label]["people"] += 1
        wanted[label]["gain" if change > 0 else "lose" if change < 0 else "same"] += 1
        ways = {(True, True): "within_both", (False, True): "newly_within", (True, False): "no_longer_within"}
        wanted[label][ways.get((number in old_in, number in new_in), "within_neither")] += 1
    found = {each.label: each for each in simulation.by["town"]}
    assert found.keys() == {UNKNOWN if label == "None" else label for label in wanted}
    for label, counts in wanted.items():
        group = found[UNKNOWN if label == "None" else label]
        assert numbers_of(group) == {name: counts[name] for name in numbers_of(group)}
        assert group.average_change == Rounding(2, "half_up").round(sum(changes[label], Fraction(0)) / len(changes[label]))
    assert simulation.before.within == len(old_in) >= QUOTA
    assert simulation.after.within == len(new_in)
    assert simulation.before.cut_off == min(old[number].total for number in old_in)
    assert simulation.after.cut_off == min(new[number].total for number in new_in)
    assert simulation.after.stand == sum(each.stands for each in new)
    assert simulation.after.highest == max(each.total for each in new if each.stands)
    assert numbers_of(simulation.all)["gain"] == sum(counts["gain"] for counts in wanted.values()) > 0


def numbers_of(group: Group) -> dict[str, int | None]:
    return {each.name: getattr(group, each.name) for each in fields(group) if each.name not in {"label", "average_change"}}


def test_no_small_number_is_shown(people: list[Facts], town_of: list[str | None]) -> None:
    before, after = before_and_after()
    open_, shown = run(people, town_of, before, after, 1), run(people, town_of, before, after, LAW.smallest_cell.on(ON))
    hidden = 0
    for trait, groups in {**shown.by, "": (shown.all,)}.items():
        for group, whole in zip(groups, open_.by.get(trait, (open_.all,)), strict=True):
            for name, number in numbers_of(group).items():
                assert number in {None, numbers_of(whole)[name]}
                assert number is None or number == 0 or number >= 5
                hidden += number is None
            assert group.average_change in {None, whole.average_change}
            assert group.average_change is None or None not in (group.gain, group.lose, group.same)
    assert hidden


def test_without_a_quota_it_is_about_who_stands(people: list[Facts], town_of: list[str | None]) -> None:
    variant = Variant(shipped("ningbo-2022"), ON)
    simulation = run(people, town_of, variant, variant, 1)
    assert simulation.before == simulation.after
    assert simulation.before.within == simulation.before.stand
    assert simulation.before.cut_off is None
    assert (simulation.all.gain, simulation.all.lose, simulation.all.same) == (0, 0, PEOPLE)


def test_a_tie_on_the_cut_that_nobody_decides_is_told(people: list[Facts], town_of: list[str | None]) -> None:
    rule_set = shipped("ningbo-2022")
    totals = sorted((each.total for each in (score(rule_set, one) for one in people) if each.stands), reverse=True)
    tied = next(number for number in range(1, len(totals)) if totals[number] == totals[number - 1])
    simulation = run(people, town_of, Variant(rule_set, ON, tied), Variant(rule_set, ON), 1)
    assert simulation.before.undecided == totals.count(totals[tied])
    assert simulation.before.within == sum(each > totals[tied] for each in totals)


def test_another_day_is_a_variant_too(people: list[Facts], town_of: list[str | None]) -> None:
    rule_set = shipped("ningbo-2022")
    later = run(people, town_of, Variant(rule_set, ON), Variant(rule_set, date(2029, 3, 1)), 1)
    assert later.all.gain
    assert later.all.lose
    with pytest.raises(NotCoveredError):
        run(people, town_of, Variant(rule_set, ON), Variant(rule_set, date(1999, 1, 1)), 1)


def test_progress_is_told_and_nobody_is_no_city(people: list[Facts]) -> None:
    rule_set, told = shipped("ningbo-2022"), list[int]()
    side = Side(Variant(rule_set, ON), population_of(people, rule_set.facts))
    simulate(side, side, {}, 5, on_counted=told.append)
    assert sum(told) == 2 * PEOPLE
    nobody = Side(Variant(rule_set, ON), population_of([], rule_set.facts))
    with pytest.raises(ValueError, match="nobody"):
        simulate(nobody, nobody, {}, 5)
    with pytest.raises(ValueError, match="same people"):
        simulate(side, nobody, {}, 5)


def test_ages_are_full_years_in_bands() -> None:
    rule_set = shipped("ningbo-2022")
    births = [date(2006, 3, 1), date(2006, 3, 2), date(1964, 3, 1), date(1964, 3, 2), None]
    people: list[Mapping[str, date]] = [{} if each is None else {"birth_date": each} for each in births]
    trait = ages(population_of(people, rule_set.facts), "birth_date", ON, LAW.age_bands.on(ON))
    assert [trait.labels[place] for place in trait.places] == ["18-24", "0-17", "60+", "55-59", UNKNOWN]
    assert ages(population_of(people, {}), "birth_date", ON, (0,)).labels == (UNKNOWN,)
    assert np.array_equal(labelled(["b", None, "a"]).places, [1, 2, 0])


def test_small_numbers_of_all_people_are_hidden_too(people: list[Facts]) -> None:
    before, after = before_and_after()
    few = [each for each in people if score(before.rule_set, each).stands][:3] + people[:30]
    old, new = (Side(each, population_of(few, each.rule_set.facts)) for each in (before, after))
    whole, told = simulate(old, new, {}, 1), simulate(old, new, {}, 5)
    for number in numbers_of(told.all).values():
        assert number in {None, 0} or number >= 5
    for outcome, exactly in ((told.before, whole.before), (told.after, whole.after)):
        assert outcome.highest is None
        assert exactly.highest is not None
        assert outcome.stand in {None, exactly.stand}
        assert outcome.within is None or None not in numbers_of(told.all).values()
    assert None in numbers_of(told.all).values()


@pytest.mark.parametrize("offenders", [1, 2, 3, 4])
@given(others=st.integers(10, 40))
@settings(max_examples=10)
def test_how_few_a_draft_leaves_out_is_not_told(offenders: int, others: int) -> None:
    """A planted leak: whoever has offended does not stand, so any exact figure of who stands would say how many have."""
    rule_set = shipped("ningbo-2022")
    usual: dict[str, Value] = {"birth_date": date(1985, 1, 1), "has_valid_permit": True, "lives_and_works_in_city": True}
    usual |= {"is_dishonest": False}
    people = [Facts(ON, {**usual, "has_offended": number < offenders}) for number in range(offenders + others)]
    side = Side(Variant(rule_set, ON), population_of(people, rule_set.facts))
    told = simulate(side, side, {}, 5)
    assert score(rule_set, people[-1]).stands
    assert not score(rule_set, people[0]).stands
    for outcome in (told.before, told.after):
        assert (outcome.stand, outcome.within, outcome.average, outcome.highest) == (None, None, None, None)
    assert (told.all.within_both, told.all.within_neither) == (None, None)
