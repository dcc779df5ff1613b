"""A second round gives what the first left, to who has nothing yet, and no place twice."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import Problem, Source
from services.education.rules.placement.soundness import problems_of
from services.education.rules.season.next_step import first_problem, next_problem
from services.education.rules.season.template import Participants, Places
from tests.education.problems import child, draw, draws, offer, problem, problems, reserve

EVERYTHING = Places(sources=tuple(Source), participants=Participants.NOT_PLACED)


def second(given: Problem, given_up: tuple[str, ...] = (), places: Places = EVERYTHING) -> Problem:
    return next_problem("second", place(given, draw()), given_up, places)


@settings(max_examples=150)
@given(given=problems(), drawn=draws, data=st.data())
def test_no_place_is_given_twice_and_nobody_has_two(given: Problem, drawn: Draw, data: st.DataObject) -> None:
    first = place(given, drawn)
    holders = sorted(each.child for each in first.records() if each.offer)
    given_up = tuple(data.draw(st.lists(st.sampled_from(holders), unique=True))) if holders else ()
    after = next_problem("second", first, given_up, EVERYTHING)
    assert list(problems_of(after)) == []
    assert {each.id for each in after.children}.isdisjoint(holders)
    taken = {each.offer: each.taken for each in first.cut_offs()}
    for before, left in zip(given.offers, after.offers, strict=True):
        back = sum(first.offer_of(name) == before.id for name in given_up)
        assert left.places >= max(0, before.places - (taken[before.id] - back))
        assert left.places <= before.places


def test_what_was_given_up_goes_to_the_next_of_the_same_kind_of_place() -> None:
    children = [
        child("s", 1, ["a"], "soldier"),
        child("x", 300, ["a"]),
        child("y", 200, ["a"]),
        child("z", 100, ["a"]),
    ]
    given = problem([offer("a", 2, "points", reserve("soldier", 1))], children)
    assert [(each.places, each.reserves[0].places) for each in second(given).offers] == [(0, 0)]
    after = second(given, ("x",))
    assert [(each.places, each.reserves[0].places) for each in after.offers] == [(1, 0)]
    assert place(after, Draw("second", bytes(32))).offer_of("y") == "a"
    kept = second(given, ("s",))
    assert [(each.places, each.reserves[0].places) for each in kept.offers] == [(1, 1)]
    assert place(kept, Draw("second", bytes(32))).offer_of("y") is None


def test_above_the_lowest_score_that_was_admitted() -> None:
    given = problem(
        [offer("a", 1), offer("b", 1), offer("c", 1)],
        [child("x", 300, ["a"]), child("y", 200, ["a"], accepts_any=True), child("low", 100, ["b"]), child("z", 99, ["a"])],
    )
    places = replace_places(participants=Participants.NOT_PLACED_ABOVE_CUT_OFF, may_place_unlisted=True)
    after = second(given, (), places)
    assert [each.id for each in after.children] == ["y"]
    assert place(after, Draw("second", bytes(32))).offer_of("y") == "c"


def replace_places(**changes: object) -> Places:
    return EVERYTHING.model_copy(update=changes)


def test_a_step_gives_places_of_its_sources_to_those_with_its_claims() -> None:
    subsidised = replace(offer("p", 1), source=Source.SUBSIDISED)
    given = problem([offer("a", 1), subsidised], [child("x", 2, ["a", "p"], "resident"), child("y", 1, ["p"])])
    first = first_problem(given, replace_places(sources=(Source.PUBLIC,), needs_claims=("resident",)))
    assert ([each.id for each in first.offers], [each.id for each in first.children]) == (["a"], ["x"])
    assert [wish.offer for wish in first.children[0].wishes] == ["a"]
    after = second(given, (), replace_places(sources=(Source.SUBSIDISED,)))
    assert [each.id for each in after.offers] == ["p"]


def test_who_would_stay_together_with_somebody_that_does_not_take_part_is_placed_alone() -> None:
    twins = [child("t1", 2, ["a"], "resident", together="t"), child("t2", 2, ["a"], together="t")]
    first = first_problem(problem([offer("a", 1)], twins), replace_places(needs_claims=("resident",)))
    assert list(problems_of(first)) == []
    assert place(first, draw()).offer_of("t1") == "a"


def test_only_who_has_a_place_gives_it_up() -> None:
    given = problem([offer("a", 1)], [child("x", 2, ["a"]), child("y", 1, ["a"])])
    for nobody in ("y", "nobody"):
        with pytest.raises(ValueError, match="no place to give up"):
            second(given, (nobody,))
