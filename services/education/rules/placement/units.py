"""Who is placed as one: a child, or children of one family who asked to stay together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Units:
    """Everybody: for each unit the child that stands for it and its lottery number. Of a single child that is the child itself,
    since making fifty thousand things more costs a fifth of a placement; `together` names the members of the others.
    """

    stands: list[Child]
    numbers: list[bytes]
    together: Mapping[int, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.stands)

    def __getitem__(self, place: int) -> Unit:
        child = self.stands[place]
        members = self.together.get(place, (child.id,))
        return Unit(members, child.grade, child.points, child.ties, child.claims, child.wishes, self.numbers[place])

    def __iter__(self) -> Iterator[Unit]:
        return map(self.__getitem__, range(len(self)))


def units_of(problem: Problem, draw: Draw) -> Units:
    """Everybody, in no order that matters. The problem is sound (`soundness.py`)."""
    unlisted = _Unlisted(problem)
    apart = [each for each in problem.children if each.together is None]
    numbers = draw.numbers([each.id for each in apart])
    stands = [unlisted.listed(each) for each in apart] if problem.rules.may_place_unlisted else apart
    together: dict[int, tuple[str, ...]] = {}
    for members, child in _together(problem, unlisted):
        together[len(stands)] = members
        stands.append(child)
        numbers.append(draw.number_together(members))
    return Units(stands, numbers, together)


def _together(problem: Problem, unlisted: "_Unlisted") -> Iterator[tuple[tuple[str, ...], Child]]:
    """Who stays together, and who stands for them: a child with what all of them have, the fewer points and the worse ties."""
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
        accepts_any = all(each.accepts_any for each in children)
        child = Child(ids[0], first.grade, weaker.points, weaker.ties, wishes, claims, first.together, accepts_any)
        yield ids, unlisted.listed(child)


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

    def listed(self, child: Child) -> Child:
        """The child with its whole list."""
        if not (self._is_open and child.accepts_any):
            return child
        named = {each.offer for each in child.wishes}
        rest = tuple(each for each in self._of_grade.get(child.grade, ()) if each.offer not in named)
        return replace(child, wishes=child.wishes + rest)
