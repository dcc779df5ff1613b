"""Small placement problems in which everything occurs: ties, claims, reserves that return, classes by lottery, twins."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.outcomes import Placement
from services.education.rules.placement.problem import (
    EVERYBODY,
    Child,
    Claim,
    Mechanism,
    Offer,
    PlacementRules,
    PriorityClass,
    Problem,
    Reserve,
    Source,
    TieBreak,
    Wish,
)

ROUND = "2026-primary"
CLAIMS = ("resident", "sibling", "soldier", "returning")
GROUPS = ("soldier", "returning")
_ADAPTER = TypeAdapter(Problem)


def a_class(name: str, *needs: str, by_lottery: bool = False) -> PriorityClass:
    return PriorityClass(name, name, name, "EDU-34", needs, "lottery" if by_lottery else "points")


PRIORITIES: Mapping[str, tuple[PriorityClass, ...]] = {
    "points": (a_class("points"),),
    "public": (a_class("resident", "resident"), a_class("sibling", "sibling"), a_class("others")),
    "closed": (a_class("both", "resident", "sibling"), a_class("resident", "resident")),
    "private": (a_class("sibling", "sibling", by_lottery=True), a_class("drawn", by_lottery=True)),
}


def rules(mechanism: Mechanism = Mechanism.DEFERRED_ACCEPTANCE, **given: Any) -> PlacementRules:
    ties = (TieBreak("permit", "居住证年限", "years of permit"), TieBreak("distance", "距离", "distance", "less"))
    claims = tuple(Claim(each, each, each, "education.md §4.5") for each in CLAIMS)
    band = 2 if mechanism is Mechanism.PARALLEL else None
    told: dict[str, Any] = {"wishes_max": 0, "tie_breaks": ties, "claims": claims, "priorities": PRIORITIES, "band": band}
    return PlacementRules(mechanism, **{**told, **given})


def offer(name: str, places: int, priority: str = "points", *reserves: Reserve, grade: int = 1) -> Offer:
    return Offer(name, f"school-{name}", grade, Source.PUBLIC, places, priority, reserves)


def reserve(group: str, places: int, *returns_to: str) -> Reserve:
    return Reserve(group, places, "EDU-09", returns_to)


def child(name: str, points: int, wishes: Sequence[str], *claims: str, **given: Any) -> Child:
    return Child(name, 1, points, (None, None), tuple(map(Wish, wishes)), claims, **given)


def problem(offers: Sequence[Offer], children: Sequence[Child], by: PlacementRules | None = None) -> Problem:
    return Problem(ROUND, by or rules(), tuple(offers), tuple(children))


def draw(seed: int = 0) -> Draw:
    return Draw(ROUND, seed.to_bytes(32))


def as_json(given: Problem) -> dict[str, Any]:
    """The problem as it is published."""
    told: dict[str, Any] = _ADAPTER.dump_python(given, mode="json")
    return told


def placements(placed: Placement) -> dict[str, str | None]:
    """Where every child goes."""
    return {each.child: each.offer for each in placed.records()}


@st.composite
def reserves(drawn: st.DrawFn, places: int) -> tuple[Reserve, ...]:
    found: list[Reserve] = []
    for group in drawn(st.permutations(GROUPS)):
        most = places - sum(each.places for each in found)
        if drawn(st.booleans()):
            others = [each for each in GROUPS if each != group and drawn(st.booleans())]
            back = (*others, EVERYBODY) if drawn(st.booleans()) else tuple(others)
            found.append(Reserve(group, drawn(st.integers(0, most)), "EDU-09", back))
    return tuple(found)


@st.composite
def offers(drawn: st.DrawFn, grades: Sequence[int]) -> tuple[Offer, ...]:
    made = []
    for grade in grades:
        for number in range(drawn(st.integers(1, 4))):
            places = drawn(st.integers(0, 3))
            priority = drawn(st.sampled_from(sorted(PRIORITIES)))
            name = f"{grade}{'abcd'[number]}"
            made.append(offer(name, places, priority, *drawn(reserves(places)), grade=grade))
    return tuple(made)


_claims = st.lists(st.sampled_from(CLAIMS), unique=True, max_size=2).map(tuple)
_tie = st.none() | st.integers(0, 2)


@st.composite
def children(drawn: st.DrawFn, open_offers: Sequence[Offer], *, with_twins: bool) -> tuple[Child, ...]:
    made: list[Child] = []
    for number in range(drawn(st.integers(0, 9))):
        grade = drawn(st.sampled_from(sorted({each.grade for each in open_offers})))
        named = drawn(st.lists(st.sampled_from([each.id for each in open_offers if each.grade == grade]), unique=True))
        wishes = tuple(Wish(each, drawn(_claims)) for each in named)
        points, ties, any_school = drawn(st.integers(0, 3)) * 50, (drawn(_tie), drawn(_tie)), drawn(st.booleans())
        made.append(Child(f"c{number}", grade, points, ties, wishes, drawn(_claims), None, any_school))
    if with_twins and made and drawn(st.booleans()):
        for nth, other in enumerate(("twin", "triplet")[: drawn(st.integers(1, 2))]):
            first = made[0] = replace(made[0], together="t")
            own = tuple(replace(each, claims=drawn(_claims)) for each in first.wishes)
            made.append(replace(first, id=f"{other}", wishes=own, points=drawn(st.integers(0, 3)) * 50 + nth))
    return tuple(made)


@st.composite
def problems(
    drawn: st.DrawFn, mechanism: Mechanism = Mechanism.DEFERRED_ACCEPTANCE, *, with_twins: bool = True, unlisted: bool = True
) -> Problem:
    """Any problem; what is left out makes the stronger promises hold."""
    open_offers = drawn(offers(drawn(st.sampled_from([(1,), (1, 7)]))))
    may_place_unlisted = unlisted and drawn(st.booleans())
    by = rules(mechanism, may_place_unlisted=may_place_unlisted)
    return problem(open_offers, drawn(children(open_offers, with_twins=with_twins)), by)


draws = st.integers(0, 2**32).map(draw)
