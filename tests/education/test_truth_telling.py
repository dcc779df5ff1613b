"""With unlimited lists nobody gains by another list (EDU-82): every profile of small markets, every list, every child."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations, product

import pytest

from services.education.rules.placement.columns import columns_of
from services.education.rules.placement.mechanisms import band_of, run
from services.education.rules.placement.outcomes import Placement
from services.education.rules.placement.problem import Child, Mechanism, Offer, Problem, Wish
from services.education.rules.placement.units import units_of
from tests.education.problems import child, draw, offer, problem, reserve, rules

NAMES = ("a", "b", "c")
LISTS = [each for length in range(4) for each in permutations(NAMES, length)]
Profile = tuple[tuple[str, ...], ...]


def outcomes(offers: Sequence[Offer], children: Sequence[Child], by: Mechanism) -> Mapping[Profile, tuple[str | None, ...]]:
    """What each child gets, for every profile of lists."""
    found = {}
    for lists in product(LISTS, repeat=len(children)):
        given = problem(offers, [listed(each, names) for each, names in zip(children, lists, strict=True)], rules(by))
        found[lists] = placed(given)
    return found


def listed(one: Child, names: Sequence[str]) -> Child:
    """With the claims that hold at a school wherever it stands in the list."""
    claims = {wish.offer: wish.claims for wish in one.wishes}
    return replace(one, wishes=tuple(Wish(name, claims.get(name, ())) for name in names))


def placed(given: Problem) -> tuple[str | None, ...]:
    columns = columns_of(given, units_of(given, draw()))
    placement = Placement(given, columns, run(columns, band_of(given.rules)))
    return tuple(placement.offer_of(each.id) for each in given.children)


def gains(found: Mapping[Profile, tuple[str | None, ...]]) -> list[tuple[Profile, int, tuple[str, ...]]]:
    """Who, in which profile, gets what it likes better by which other list."""
    better = []
    for lists, got in found.items():
        for at, (truth, mine) in enumerate(zip(lists, got, strict=True)):
            liked = truth if mine is None else truth[: truth.index(mine)]
            better += [(lists, at, other) for other in LISTS if found[(*lists[:at], other, *lists[at + 1 :])][at] in liked]
    return better


def children(*claims: Sequence[str]) -> list[Child]:
    """Three, with points 300, 200, 100, and claims of theirs; `sibling@b` holds at b alone."""
    made = []
    for place, own in enumerate(claims):
        everywhere = [each for each in own if "@" not in each]
        there = [each.split("@") for each in own if "@" in each]
        one = child("xyz"[place], 300 - 100 * place, (), *everywhere)
        made.append(replace(one, wishes=tuple(Wish(name, (claim,)) for claim, name in there)))
    return made


MARKETS: Mapping[str, tuple[list[Offer], list[Child]]] = {
    "too few places": ([offer("a", 0), offer("b", 1), offer("c", 1)], children([], [], [])),
    "one order": ([offer(name, 1) for name in NAMES], children([], [], [])),
    "priorities in a circle": (
        [offer(name, 1, "public") for name in NAMES],
        children(["sibling@b"], ["sibling@c"], ["sibling@a", "resident@b"]),
    ),
    "reserves that return": (
        [offer("a", 1, "points", reserve("soldier", 1, "returning", "")), offer("b", 1, "public"), offer("c", 1)],
        children(["returning"], ["resident@b"], ["soldier", "sibling@b"]),
    ),
    "reserves that stay empty": (
        [offer("a", 2, "points", reserve("soldier", 1), reserve("returning", 1, "")), offer("b", 1, "public"), offer("c", 0)],
        children(["soldier", "returning"], ["returning", "sibling@b"], ["resident@b"]),
    ),
    "a lottery": ([offer("a", 1, "private"), offer("b", 1, "private"), offer("c", 1)], children([], ["sibling@a"], [])),
}


@pytest.mark.parametrize("market", MARKETS)
def test_nobody_gains_by_another_list(market: str) -> None:
    assert gains(outcomes(*MARKETS[market], Mechanism.DEFERRED_ACCEPTANCE)) == []


@pytest.mark.parametrize("mechanism", [Mechanism.IMMEDIATE_ACCEPTANCE, Mechanism.PARALLEL])
def test_the_search_finds_who_gains_under_the_mechanisms_for_comparison(mechanism: Mechanism) -> None:
    assert gains(outcomes(*MARKETS["too few places"], mechanism))


def test_twins_cost_the_promise_for_others() -> None:
    """Twins on a place beyond the plan take two where one is left, so that x, refused at a and c, has kept nobody from b in
    vain: naming b alone it would have had a place there. Rare, and no such gain was found for twins themselves (decision 0036).
    """
    offers = [offer("a", 1, "public"), offer("b", 2, "public"), offer("c", 1, "public")]

    def placement(list_of_x: Sequence[str]) -> Placement:
        x = replace(
            child("x", 400, ()), wishes=tuple(Wish(name, ("sibling",) if name in {"a", "b"} else ()) for name in list_of_x)
        )
        z = replace(child("z", 300, ()), wishes=(Wish("b"), Wish("c", ("resident",))))
        y = replace(child("y", 200, ()), wishes=(Wish("b"), Wish("c", ("sibling",)), Wish("a", ("resident",))))
        twins = [
            replace(child(name, 100, (), together="t"), wishes=(Wish("a", ("sibling",)), Wish("b", ("resident",))))
            for name in ("t1", "t2")
        ]
        given = problem(offers, [x, z, y, *twins])
        columns = columns_of(given, units_of(given, draw()))
        return Placement(given, columns, run(columns, None))

    assert placement(("a", "c", "b")).offer_of("x") is None
    assert placement(("b",)).offer_of("x") == "b"
