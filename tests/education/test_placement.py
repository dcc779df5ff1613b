"""The eight properties of education.md §5.4, and that the engine does what the textbook does."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from secrets import token_bytes

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from bench.season import season
from services.education.rules.placement import columns, mechanisms
from services.education.rules.placement.columns import Columns, Ints
from services.education.rules.placement.fairness import Fault, violations
from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.mechanisms import NONE, Placed
from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import Child, Mechanism, Problem
from services.education.rules.placement.proving import make_bundle
from services.education.rules.placement.units import Units
from tests.education.independent.textbook import dictatorship, textbook
from tests.education.problems import as_json, child, draw, draws, offer, placements, problem, problems, reserve

BANDS = {Mechanism.DEFERRED_ACCEPTANCE: None, Mechanism.IMMEDIATE_ACCEPTANCE: 1, Mechanism.PARALLEL: 2}


def of_textbook(given: Problem, drawn: Draw) -> dict[str, str | None]:
    return textbook(as_json(given), drawn.seed, drawn.public_value, BANDS[given.rules.mechanism])


@settings(max_examples=200)
@given(given=problems(), drawn=draws)
def test_the_engine_does_what_the_textbook_does(given: Problem, drawn: Draw) -> None:
    assert placements(place(given, drawn)) == of_textbook(given, drawn)


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=5_000, deadline=None)
@given(given=problems(), drawn=draws)
def test_the_engine_does_what_the_textbook_does_in_many_more(given: Problem, drawn: Draw) -> None:
    assert placements(place(given, drawn)) == of_textbook(given, drawn)


@pytest.mark.parametrize("mechanism", [Mechanism.IMMEDIATE_ACCEPTANCE, Mechanism.PARALLEL])
@given(data=st.data(), drawn=draws)
def test_the_mechanisms_for_comparison_are_the_textbooks(mechanism: Mechanism, data: st.DataObject, drawn: Draw) -> None:
    given = data.draw(problems(mechanism))
    assert placements(place(given, drawn)) == of_textbook(given, drawn)


@given(given=problems(), drawn=draws)
def test_a_band_of_one_is_immediate_acceptance_and_a_long_one_is_deferred(given: Problem, drawn: Draw) -> None:
    def placed(mechanism: Mechanism, band: int | None = None) -> dict[str, str | None]:
        return placements(place(replace(given, rules=replace(given.rules, mechanism=mechanism, band=band)), drawn))

    assert placed(Mechanism.PARALLEL, 1) == placed(Mechanism.IMMEDIATE_ACCEPTANCE)
    assert placed(Mechanism.PARALLEL, 9) == placed(Mechanism.DEFERRED_ACCEPTANCE)


@given(given=problems(with_twins=False, unlisted=False), drawn=draws)
def test_with_one_order_everywhere_it_is_serial_dictatorship(given: Problem, drawn: Draw) -> None:
    """EDU-84."""
    alike = replace(given, offers=tuple(replace(each, priority="points", reserves=()) for each in given.offers))
    assert placements(place(alike, drawn)) == dictatorship(as_json(alike), drawn.seed)


@settings(max_examples=100)
@given(given=problems(), drawn=draws)
def test_it_is_feasible_rational_wastes_nothing_and_nobody_has_justified_envy(given: Problem, drawn: Draw) -> None:
    placed = place(given, drawn)
    assert list(violations(given, drawn, placements(placed))) == []
    assert_feasible(given, placements(placed))


def assert_feasible(given: Problem, found: Mapping[str, str | None]) -> None:
    """Counted once more, from the definition alone: beyond the plan goes only who stays with somebody within it."""
    bundles = {each.together for each in given.children if each.together is not None}
    extra = max((sum(each.together == name for each in given.children) for name in bundles), default=1) - 1
    for each in given.offers:
        assert sum(name == each.id for name in found.values()) <= each.places + extra
    listed = {one.id: {wish.offer for wish in one.wishes} for one in given.children}
    grades = {each.id: each.grade for each in given.offers}
    for one in given.children:
        where = found[one.id]
        may_be_elsewhere = given.rules.may_place_unlisted and one.accepts_any
        assert where is None or grades[where] == one.grade
        assert where is None or may_be_elsewhere or where in listed[one.id]


def depends_on_order(given: Problem, drawn: Draw, order: Random) -> bool:
    children, offers = list(given.children), list(given.offers)
    order.shuffle(children)
    order.shuffle(offers)
    one, other = place(given, drawn), place(replace(given, children=tuple(children), offers=tuple(offers)), drawn)
    same_cut_offs = sorted(map(repr, other.cut_offs())) == sorted(map(repr, one.cut_offs()))
    return list(other.records()) != list(one.records()) or not same_cut_offs


@given(given=problems(), drawn=draws, order=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(given: Problem, drawn: Draw, order: Random) -> None:
    assert not depends_on_order(given, drawn, order)


def is_hurt_by_points(given: Problem, drawn: Draw, at: int, more: int) -> bool:
    """Whether a child comes to a later wish with more points."""
    before = given.children[at % len(given.children)]
    raised = replace(before, points=before.points + more)
    other = with_child(given, at % len(given.children), raised)
    return place_in_list(other, drawn, raised) > place_in_list(given, drawn, before)


some_children = problems(unlisted=False, with_twins=False).filter(lambda each: bool(each.children))


@settings(max_examples=100)
@given(given=some_children, drawn=draws, at=st.integers(0, 8), more=st.integers(1, 300))
def test_more_points_never_give_a_worse_place(given: Problem, drawn: Draw, at: int, more: int) -> None:
    assert not is_hurt_by_points(given, drawn, at, more)


def with_child(given: Problem, at: int, other: Child) -> Problem:
    return replace(given, children=(*given.children[:at], other, *given.children[at + 1 :]))


def place_in_list(given: Problem, drawn: Draw, one: Child) -> int:
    """How far down its list a child is placed; without a place, behind all of it."""
    names = [wish.offer for wish in one.wishes]
    where = place(given, drawn).offer_of(one.id)
    return len(names) if where is None else names.index(where)


def differs_when_repeated(given: Problem, drawn: Draw) -> bool:
    once, again = (make_bundle(place(replace(given), replace(drawn)), drawn).digest for _ in range(2))
    return once != again


@given(given=problems(), drawn=draws)
def test_the_same_gives_the_same_digest(given: Problem, drawn: Draw) -> None:
    assert not differs_when_repeated(given, drawn)


def in_order_of_rows(units: Units) -> Ints:
    return np.arange(len(units))


def test_the_checks_of_order_points_and_repetition_find_what_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    look = settings(max_examples=2000, phases=[Phase.generate], database=None, deadline=None)
    with monkeypatch.context() as planted:
        planted.setattr(columns, "_draw_order", in_order_of_rows)
        find(st.tuples(problems(), draws, st.randoms()), lambda each: depends_on_order(*each), settings=look)
    with monkeypatch.context() as planted:
        planted.setattr(columns, "_merit", lambda problem, units: tuple(-each for each in merit(problem, units)))
        raised = st.tuples(some_children, draws, st.integers(0, 8), st.integers(1, 300))
        find(raised, lambda each: is_hurt_by_points(*each), settings=look)
    with monkeypatch.context() as planted:
        planted.setattr(Draw, "numbers", lambda _, children: [token_bytes(32) for _ in children])
        find(st.tuples(problems(), draws), lambda each: differs_when_repeated(*each), settings=look)


merit = columns._merit


def test_another_seed_draws_others() -> None:
    given = problem([offer("a", 5)], [child(f"c{number}", 100, ["a"]) for number in range(10)])
    assert len({frozenset(placements(place(given, draw(seed))).items()) for seed in range(20)}) > 10


before, choose, worth = mechanisms._before, mechanisms._choose, columns._worth


def choose_without_reserves(given: Columns, ranks: Ints, left: Ints) -> Ints:
    stages = replace(given.stages, group=np.zeros_like(given.stages.group))
    return choose(replace(given, stages=stages), ranks, left)


class OnlyFirstWishes(mechanisms._Band):
    """Nobody asks a second school."""

    def settle(self) -> None:
        self._end = np.minimum(self._end, self._next + 1)
        super().settle()


PLANTED: Mapping[str, tuple[object, str, Callable[..., object]]] = {
    "ties backwards": (columns, "_worth", lambda units, place, better: -worth(units, place, better)),
    "the lottery in order of names": (columns, "_draw_order", lambda units: np.arange(len(units))),
    "the classes not heeded": (columns, "class_of", lambda _classes, _claims: 0),
    "reserves for everybody": (mechanisms, "_choose", choose_without_reserves),
    "final at once": (mechanisms, "_Band", OnlyFirstWishes),
    "one place too many": (mechanisms, "_before", lambda offer, size, offers: before(offer, size, offers) - 1),
    "one place too few": (mechanisms, "_before", lambda offer, size, offers: before(offer, size, offers) + 1),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_bug_in_the_engine_is_found_by_the_textbook_and_by_the_definitions(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PLANTED[bug])
    look = settings(max_examples=3000, phases=[Phase.generate], database=None, deadline=None)
    pairs = st.tuples(problems(), draws)
    find(pairs, lambda each: placements(place(*each)) != of_textbook(*each), settings=look)
    find(pairs, lambda each: bool(list(violations(each[0], each[1], placements(place(*each))))), settings=look)


def faults(given: Problem, found: Mapping[str, str | None]) -> set[Fault]:
    return {each.fault for each in violations(given, draw(), found)}


def small() -> tuple[Problem, dict[str, str | None]]:
    """Two schools, three children by points, twins who want one of them."""
    children = [child("best", 300, ["a", "b"]), child("good", 200, ["a", "b"]), child("last", 100, ["a"])]
    twins = [child(name, 150, ["b"], together="t") for name in ("twin-1", "twin-2")]
    given = problem([offer("a", 1), offer("b", 3)], [*children, *twins])
    return given, {"best": "a", "good": "b", "last": None, "twin-1": "b", "twin-2": "b"}


SPOILT: Mapping[str, tuple[Mapping[str, str | None], set[Fault]]] = {
    "nothing": ({}, set()),
    "the best refused for the last": ({"best": "b", "last": "a"}, {Fault.JUSTIFIED_ENVY}),
    "the best and the good changed": ({"best": "b", "good": "a"}, {Fault.JUSTIFIED_ENVY}),
    "a place left free": ({"good": None}, {Fault.WASTE}),
    "one too many": ({"last": "a"}, {Fault.OVER_QUOTA}),
    "at a school not named": ({"last": "b"}, {Fault.UNLISTED}),
    "twins apart": ({"twin-1": None}, {Fault.APART}),
    "a child more": ({"nobody": "a"}, {Fault.NOT_PLACED_ONCE}),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_each_fault_is_told_by_name(spoilt: str) -> None:
    given, found = small()
    change, expected = SPOILT[spoilt]
    assert faults(given, {**found, **change}) == expected
    assert placements(place(given, draw())) == found


def test_who_is_not_admissible_cannot_have_the_place() -> None:
    given = problem([offer("a", 1, "closed")], [child("one", 100, ["a"])])
    assert faults(given, {"one": "a"}) == {Fault.NOT_ADMISSIBLE}
    assert placements(place(given, draw())) == {"one": None}


def test_a_reserve_is_for_its_group_and_returns_in_the_stated_order() -> None:
    crowd = [child("first", 400, ["a"]), child("back", 300, ["a"], "returning"), child("second", 350, ["a"])]
    soldier = child("soldier", 0, ["a"], "soldier")
    open_one = offer("a", 2, "points", reserve("soldier", 1, "returning", ""))
    assert placements(place(problem([open_one], [*crowd, soldier]), draw())) == {
        "first": "a", "second": None, "back": None, "soldier": "a"
    }  # fmt: skip
    assert placements(place(problem([open_one], crowd), draw())) == {"first": "a", "second": None, "back": "a"}
    assert placements(place(problem([open_one], [crowd[0], crowd[2]]), draw())) == {"first": "a", "second": "a"}
    for_nobody_else = offer("a", 2, "points", reserve("soldier", 1))
    assert placements(place(problem([for_nobody_else], crowd), draw())) == {"first": "a", "second": None, "back": None}


def test_twins_take_a_place_beyond_the_plan_and_no_more_than_one() -> None:
    twins = [child(name, 150, ["a"], together="t") for name in ("twin-1", "twin-2")]
    given = problem([offer("a", 2)], [child("first", 300, ["a"]), *twins, child("last", 100, ["a"])])
    placed = place(given, draw())
    assert placements(placed) == {"first": "a", "twin-1": "a", "twin-2": "a", "last": None}
    (cut_off,) = placed.cut_offs()
    assert (cut_off.taken, cut_off.beyond, cut_off.left) == (3, 1, 0)


def test_twins_stand_where_the_weaker_of_them_would() -> None:
    twins = [child("twin-1", 400, ["a"], "soldier", together="t"), child("twin-2", 150, ["a"], together="t")]
    given = problem([offer("a", 1, "points", reserve("soldier", 1))], [*twins, child("single", 300, ["a"])])
    assert placements(place(given, draw())) == {"twin-1": None, "twin-2": None, "single": None}
    returned = replace(given, offers=(offer("a", 1),))
    assert placements(place(returned, draw()))["single"] == "a"


def test_columns_hold_nobody_twice() -> None:
    given = problem([offer("a", 2)], [child("x", 1, ["a"]), child("y", 1, ["a"])])
    placed: Placed = place(given, draw()).placed
    assert sorted(placed.row.tolist()) == [0, 1]
    assert NONE not in placed.stage


def test_a_draw_of_another_round_is_refused() -> None:
    with pytest.raises(ValueError, match="other"):
        place(problem([], []), Draw("other", bytes(32)))


def test_a_whole_town_is_placed_as_the_textbook_does() -> None:
    """Three hundred children, so that ranks, ties and reserves have more than one digit."""
    given = season(300, 12, 5, with_reserves=True)
    drawn = Draw(given.round, bytes(range(32)))
    assert placements(place(given, drawn)) == of_textbook(given, drawn)
