"""What cannot be placed is refused with every field at once, its rule, and both languages."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given

from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import Child, Mechanism, PriorityClass, Problem, Wish
from services.education.rules.placement.soundness import UnsoundProblemError, problems_of, require_sound
from tests.education.problems import PRIORITIES, a_class, child, draw, offer, problem, problems, reserve


def sound() -> Problem:
    open_offers = [offer("a", 3, "public", reserve("soldier", 1, "returning", "")), offer("b", 1), offer("g7", 1, grade=7)]
    twins = [child(name, 1, ["a", "b"], together="t") for name in ("t1", "t2")]
    return problem(open_offers, [child("x", 1, ["a", "b"]), *twins])


def with_rules(**changes: object) -> Problem:
    return replace(sound(), rules=replace(sound().rules, **changes))  # type: ignore[arg-type]


def with_offer(**changes: object) -> Problem:
    first, *rest = sound().offers
    return replace(sound(), offers=(replace(first, **changes), *rest))  # type: ignore[arg-type]


def with_child(**changes: object) -> Problem:
    first, *rest = sound().children
    return replace(sound(), children=(replace(first, **changes), *rest))  # type: ignore[arg-type]


def with_twin(**changes: object) -> Problem:
    *rest, last = sound().children
    return replace(sound(), children=(*rest, replace(last, **changes)))  # type: ignore[arg-type]


def own_class(*classes: PriorityClass) -> Mapping[str, tuple[PriorityClass, ...]]:
    return {**PRIORITIES, "own": classes}


UNSOUND: Mapping[str, tuple[Callable[[], Problem], str, str]] = {
    "no round": (lambda: replace(sound(), round=""), "/round", "missing"),
    "parallel without a band": (lambda: with_rules(mechanism=Mechanism.PARALLEL), "/rules/band", "band"),
    "a band of nothing": (lambda: with_rules(mechanism=Mechanism.PARALLEL, band=0), "/rules/band", "band"),
    "a band where there is none": (lambda: with_rules(band=2), "/rules/band", "band"),
    "fewer wishes than none": (lambda: with_rules(wishes_max=-1), "/rules/wishes_max", "range"),
    "a tie-break twice": (lambda: with_rules(tie_breaks=sound().rules.tie_breaks[:1] * 2), "/rules/tie_breaks", "twice"),
    "a claim twice": (lambda: with_rules(claims=(*sound().rules.claims, sound().rules.claims[0])), "/rules/claims", "twice"),
    "a claim called open": (
        lambda: with_rules(claims=(*sound().rules.claims, replace(sound().rules.claims[0], id="open"))),
        "/rules/claims",
        "name",
    ),
    "no classes": (lambda: with_rules(priorities=own_class()), "/rules/priorities/own", "empty"),
    "a class twice": (lambda: with_rules(priorities=own_class(a_class("x"), a_class("x"))), "/rules/priorities/own", "twice"),
    "a class by an unknown claim": (
        lambda: with_rules(priorities=own_class(a_class("x", "rich"))),
        "/rules/priorities/own/0/needs",
        "unknown",
    ),
    "fewer places than none": (lambda: with_offer(places=-1, reserves=()), "/offers/0/places", "range"),
    "an unknown order": (lambda: with_offer(priority="none"), "/offers/0/priority", "unknown"),
    "more reserved than there is": (lambda: with_offer(reserves=(reserve("soldier", 4),)), "/offers/0/reserves", "sum"),
    "less reserved than nothing": (
        lambda: with_offer(reserves=(reserve("soldier", -1),)),
        "/offers/0/reserves/0/places",
        "range",
    ),
    "a reserve twice": (lambda: with_offer(reserves=(reserve("soldier", 1),) * 2), "/offers/0/reserves", "twice"),
    "a reserve without a legal ground": (
        lambda: with_offer(reserves=(replace(reserve("soldier", 1), legal_ground=" "),)),
        "/offers/0/reserves/0/legal_ground",
        "missing",
    ),
    "a reserve for nobody known": (lambda: with_offer(reserves=(reserve("rich", 1),)), "/offers/0/reserves/0/group", "unknown"),
    "returned to nobody known": (
        lambda: with_offer(reserves=(reserve("soldier", 1, "rich"),)),
        "/offers/0/reserves/0/returns_to",
        "unknown",
    ),
    "returned to itself": (
        lambda: with_offer(reserves=(reserve("soldier", 1, "soldier"),)),
        "/offers/0/reserves/0/returns_to",
        "unknown",
    ),
    "everybody before somebody": (
        lambda: with_offer(reserves=(reserve("soldier", 1, "", "returning"),)),
        "/offers/0/reserves/0/returns_to",
        "order",
    ),
    "an offer twice": (lambda: replace(sound(), offers=(*sound().offers, sound().offers[1])), "/offers", "twice"),
    "a child without a pseudonym": (lambda: with_child(id=""), "/children/0/id", "missing"),
    "a child twice": (lambda: with_child(id="t1"), "/children", "twice"),
    "a tie value missing": (lambda: with_child(ties=(1,)), "/children/0/ties", "length"),
    "points without bounds": (lambda: with_child(points=10**12), "/children/0/points", "range"),
    "too many wishes": (lambda: with_rules(wishes_max=1), "/children/0/wishes", "length"),
    "an unknown claim": (lambda: with_child(claims=("rich",)), "/children/0/claims", "unknown"),
    "an unknown claim at a school": (
        lambda: with_child(wishes=(Wish("a", ("rich",)),)),
        "/children/0/wishes/0/claims",
        "unknown",
    ),
    "an unknown offer": (lambda: with_child(wishes=(Wish("z"),)), "/children/0/wishes/0/offer", "unknown"),
    "another grade": (lambda: with_child(wishes=(Wish("g7"),)), "/children/0/wishes/0/offer", "grade"),
    "the same wish twice": (lambda: with_child(wishes=(Wish("a"), Wish("a"))), "/children/0/wishes/1/offer", "twice"),
    "together with nobody": (lambda: with_child(together="alone"), "/children/0/together", "alone"),
    "twins with other wishes": (lambda: with_twin(wishes=(Wish("b"), Wish("a"))), "/children/2/wishes", "differs"),
    "twins in other grades": (lambda: with_twin(grade=7, wishes=()), "/children/2/wishes", "differs"),
}


@pytest.mark.parametrize("unsound", UNSOUND)
def test_what_is_wrong_is_told_with_field_and_rule(unsound: str) -> None:
    make, pointer, code = UNSOUND[unsound]
    errors = list(problems_of(make()))
    assert (pointer, code) in {(each.pointer, each.code) for each in errors}
    assert all(each.message_zh and each.message_en and each.rule for each in errors)
    with pytest.raises(UnsoundProblemError, match=pointer):
        require_sound(make())


def test_a_sound_problem_is_sound() -> None:
    assert list(problems_of(sound())) == []


@given(given=problems())
def test_what_is_placed_in_tests_is_sound(given: Problem) -> None:
    assert list(problems_of(given)) == []


def test_everything_is_told_at_once_up_to_two_hundred() -> None:
    children = [Child(f"c{number}", 1, 0, (), (Wish("z"),)) for number in range(300)]
    with pytest.raises(UnsoundProblemError) as refused:
        place(problem([], children), draw())
    assert (refused.value.found, len(refused.value.errors)) == (600, 200)
