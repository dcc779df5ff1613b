"""Who is placed as one: a child, or children of one family who asked to stay together."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.problem import Child, Problem, Wish


class Unit(NamedTuple):
    """One or several children with one list, one rank everywhere and one lottery number."""

    members: tuple[str, ...]
    grade: int
    points: int
    ties: tuple[int | None, ...]
    claims: tuple[str, ...]
    wishes: tuple[Wish, ...]
    number: bytes

    @property
    def size(self) -> int:
        """How many places it takes."""
        return len(self.members)


_made: Callable[[type[Unit], tuple[object, ...]], Unit] = tuple.__new__
"""A unit without its constructor, which costs a tenth of a placement."""


def units_of(problem: Problem, draw: Draw) -> list[Unit]:
    """Everybody, in the order of the pseudonyms. The problem is sound (`soundness.py`)."""
    apart = sorted((each for each in problem.children if each.together is None), key=lambda each: each.id)
    numbers = draw.numbers([each.id for each in apart])
    unlisted = _Unlisted(problem)
    units = [
        _made(Unit, ((each.id,), each.grade, each.points, each.ties, each.claims, wishes, number))
        for each, number, wishes in zip(apart, numbers, map(unlisted.after, apart), strict=True)
    ]
    together = list(_together(problem, draw, unlisted))
    return sorted([*units, *together], key=lambda each: each.members[0]) if together else units


def _together(problem: Problem, draw: Draw, unlisted: "_Unlisted") -> Iterator[Unit]:
    """They stand where the one with the lower rank would stand: what both have, the fewer points, the worse ties."""
    bundles: dict[str, list[Child]] = {}
    for child in problem.children:
        if child.together is not None:
            bundles.setdefault(child.together, []).append(child)
    is_more = [each.better == "more" for each in problem.rules.tie_breaks]
    for given in bundles.values():
        children = sorted(given, key=lambda each: each.id)
        ids = tuple(each.id for each in children)
        first = children[0]
        weaker = min(children, key=lambda each: (each.points, *_worth(each.ties, is_more)))
        wishes = tuple(
            Wish(wish.offer, _shared(*(each.claims + each.wishes[place].claims for each in children)))
            for place, wish in enumerate(first.wishes)
        )
        claims = _shared(*(each.claims for each in children))
        rest = unlisted.after(first)[len(wishes) :] if all(each.accepts_any for each in children) else ()
        yield Unit(ids, first.grade, weaker.points, weaker.ties, claims, wishes + rest, draw.number_together(ids))


def _worth(ties: tuple[int | None, ...], is_more: list[bool]) -> list[tuple[bool, int]]:
    """Tie values such that the greater is the better, and the unknown the worst."""
    pairs = zip(ties, is_more, strict=True)
    return [(False, 0) if value is None else (True, value if more else -value) for value, more in pairs]


def _shared(first: tuple[str, ...], *others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in first if all(each in other for other in others))


class _Unlisted:
    """What a child's list is in a co-ordination round: its wishes, then every other offer of its grade."""

    def __init__(self, problem: Problem) -> None:
        self._is_open = problem.rules.may_place_unlisted
        self._of_grade: dict[int, list[Wish]] = {}
        for offer in sorted(problem.offers, key=lambda each: each.id) if self._is_open else ():
            self._of_grade.setdefault(offer.grade, []).append(Wish(offer.id))

    def after(self, child: Child) -> tuple[Wish, ...]:
        """The whole list."""
        if not (self._is_open and child.accepts_any):
            return child.wishes
        named = {each.offer for each in child.wishes}
        return child.wishes + tuple(each for each in self._of_grade.get(child.grade, ()) if each.offer not in named)
