"""A comparison is what counting child by child comes to; below city level no small number leaves it."""

from collections import Counter
from dataclasses import fields, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.education.rules.placement.comparing import UNKNOWN, Comparison, Group, compare
from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import Mechanism, Problem
from tests.education.problems import ROUND, child, offer, problem, problems, rules

SEED = bytes(32)


def season(children: int = 120) -> Problem:
    random = Random(3)
    offers = [offer(name, 20, "public") for name in "abcd"]
    made = [
        child(f"c{number}", random.randrange(40) * 50, random.sample("abcd", 3), *random.choices(["resident", "sibling"], k=1))
        for number in range(children)
    ]
    return problem(offers, made)


def towns(given: Problem) -> dict[str, str]:
    random = Random(4)
    return {each.id: random.choices(["east", "west", "island"], [20, 10, 1])[0] for each in given.children[:-7]}


def with_quota(given: Problem, places: int) -> Problem:
    return replace(given, offers=tuple(replace(each, places=places) for each in given.offers))


def with_mechanism(given: Problem, mechanism: Mechanism) -> Problem:
    return replace(given, rules=rules(mechanism))


def test_it_is_what_counting_child_by_child_comes_to() -> None:
    before = season()
    after = with_quota(before, 25)
    labels = towns(before)
    comparison = compare(before, after, {"town": labels}, 1, seed=SEED)
    places = [{each.child: each for each in place(side, Draw(ROUND, SEED)).records()} for side in (before, after)]
    wanted: dict[str, Counter[str]] = {}
    for one in before.children:
        ranks = []
        for side in places:
            names, where = [wish.offer for wish in one.wishes], side[one.id].offer
            ranks.append(99 if where is None else names.index(where))
        counted = wanted.setdefault(labels.get(one.id, UNKNOWN), Counter())
        counted["children"] += 1
        counted["better" if ranks[1] < ranks[0] else "worse" if ranks[1] > ranks[0] else "same"] += 1
        ways = {(True, True): "placed_both", (False, True): "newly_placed", (True, False): "no_longer_placed"}
        counted[ways.get((ranks[0] < 99, ranks[1] < 99), "placed_neither")] += 1
    assert {each.label: numbers_of(each) for each in comparison.by["town"]} == {
        label: {name: counted[name] for name in NUMBERS} for label, counted in wanted.items()
    }
    assert comparison.all.newly_placed == 20 == (comparison.after.placed or 0) - (comparison.before.placed or 0)
    assert (comparison.before.places, comparison.before.places_left, comparison.before.not_placed) == (80, 0, 40)
    assert sum(each or 0 for each in comparison.before.by_wish) == comparison.before.placed == 80


NUMBERS = [each.name for each in fields(Group) if each.name != "label"]


def numbers_of(group: Group) -> dict[str, int | None]:
    return {name: getattr(group, name) for name in NUMBERS}


def test_immediate_acceptance_passes_children_over_and_deferred_does_not() -> None:
    before = season()
    comparison = compare(before, with_mechanism(before, Mechanism.IMMEDIATE_ACCEPTANCE), {}, 1, seed=SEED)
    assert comparison.before.passed_over == 0
    assert (comparison.after.passed_over or 0) == 5
    firsts = comparison.after.by_wish[0], comparison.before.by_wish[0]
    assert (firsts[0] or 0) > (firsts[1] or 0)


def small_numbers(comparison: Comparison, smallest: int) -> list[tuple[str, str]]:
    groups = [group for found in comparison.by.values() for group in found]
    return [
        (group.label, name)
        for group in groups
        for name, number in numbers_of(group).items()
        if number is not None and 0 < number < smallest
    ]


@settings(max_examples=40)
@given(data=st.data(), smallest=st.integers(2, 6))
def test_no_small_number_leaves_it(data: st.DataObject, smallest: int) -> None:
    before = data.draw(problems().filter(lambda each: bool(each.children)))
    after = with_mechanism(before, Mechanism.IMMEDIATE_ACCEPTANCE)
    labels = {each.id: data.draw(st.sampled_from(["east", "west"])) for each in before.children}
    comparison = compare(before, after, {"town": labels}, smallest, seed=SEED, is_whole_city=False)
    assert small_numbers(comparison, smallest) == []
    assert small_numbers(replace(comparison, by={"": (comparison.all,)}), smallest) == []
    for side in (comparison.before, comparison.after):
        told = [*side.by_wish, side.unlisted, side.not_placed, side.passed_over, side.placed]
        assert all(each is None or each == 0 or each >= smallest for each in told)


def test_who_comes_to_a_school_it_did_not_name_is_told_apart() -> None:
    before = problem([offer("a", 1), offer("b", 1)], [child("x", 2, ["a"]), child("y", 1, ["a"], accepts_any=True)])
    after = replace(before, rules=rules(may_place_unlisted=True))
    comparison = compare(before, after, {}, 1, seed=SEED)
    assert (comparison.before.by_wish, comparison.before.unlisted, comparison.before.not_placed) == ((1,), 0, 1)
    assert (comparison.after.by_wish, comparison.after.unlisted, comparison.after.not_placed) == ((1,), 1, 0)
    assert comparison.all.better == 1


def test_both_are_about_the_same_children() -> None:
    before = season(3)
    with pytest.raises(ValueError, match="same children"):
        compare(before, replace(before, children=before.children[1:]), {}, 5, seed=SEED)
    with pytest.raises(ValueError, match="no children"):
        compare(problem([], []), problem([], []), {}, 5, seed=SEED)
