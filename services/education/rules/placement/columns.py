"""A problem as columns: one row for each wish of each unit, in the order of offers and, inside, of who stands first.

The place of a row in that order is its rank; two rows of one offer never share one, since the lottery decides last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from services.education.rules.placement.problem import EVERYBODY, Problem, class_of
from services.education.rules.placement.stages import Stages, stages_of
from services.education.rules.placement.units import Units

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
NOT_ADMISSIBLE = -1
_UNKNOWN_TIE = -(1 << 40)


@dataclass(frozen=True, slots=True)
class Columns:
    """`first`: where the rows of each unit begin, and the end. By row: `unit`, `offer`, `number` of the wish from 0, `klass`
    (`NOT_ADMISSIBLE`: none), `groups` as bits, `rank`. By rank: `row_at`. By unit: `size`, `merit` (points and ties, the more
    the better) and `draw_order`.
    """

    units: Units
    stages: Stages
    first: Ints
    unit: Ints
    offer: Ints
    number: Ints
    klass: Ints
    groups: Ints
    rank: Ints
    row_at: Ints
    size: Ints
    merit: tuple[Ints, ...]
    draw_order: Ints
    is_drawn: Bools


def columns_of(problem: Problem, units: Units) -> Columns:
    """The columns of a sound problem."""
    wishes = _Wishes(problem)
    offer, klass, groups, drawn = wishes.read(units)
    lengths = np.array([len(each.wishes) for each in units.stands], np.int64)
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    unit = np.repeat(np.arange(len(units)), lengths)
    merit, draw_order, is_drawn = _merit(problem, units), _draw_order(units), drawn != 0
    by_points = np.empty(len(units), np.int64)
    by_points[np.lexsort((draw_order, *(-each for each in reversed(merit))))] = np.arange(len(units))
    standing = np.where(is_drawn, draw_order[unit], by_points[unit])
    most = int(klass.max(initial=0)) + 2
    row_at = np.argsort((offer * most + klass % most) * max(len(units), 1) + standing, kind="stable")
    rank = np.empty(len(offer), np.int64)
    rank[row_at] = np.arange(len(offer))
    return Columns(
        units=units,
        stages=stages_of(problem.offers, wishes.bits),
        first=first,
        unit=unit,
        offer=offer,
        number=np.arange(len(offer)) - np.repeat(first[:-1], lengths),
        klass=klass,
        groups=groups,
        rank=rank,
        row_at=row_at,
        size=_size(units),
        merit=merit,
        draw_order=draw_order,
        is_drawn=is_drawn,
    )


class _Wishes:
    """What a wish is in figures: its offer, the class there, the groups as bits, and whether the lottery alone ranks. Few
    combinations of an offer with claims occur, so each is worked out once.
    """

    def __init__(self, problem: Problem) -> None:
        self._classes = {each.id: problem.rules.priorities[each.priority] for each in problem.offers}
        self._index = {each.id: place for place, each in enumerate(problem.offers)}
        reserved = {name for each in problem.offers for held in each.reserves for name in (held.group, *held.returns_to)}
        self.bits = {name: 1 << place for place, name in enumerate(sorted(reserved - {EVERYBODY}))}
        if len(self.bits) > 62:
            raise ValueError("more than 62 groups have reserves")
        self._worked_out: list[tuple[int, int, int, int]] = []

    def read(self, units: Units) -> Ints:
        """The four, each for all wishes of all units."""
        by_claims: dict[tuple[str, ...], _Known] = {}
        found: list[int] = []
        for each in units.stands:
            known = by_claims.get(each.claims)
            if known is None:
                known = by_claims[each.claims] = _Known(partial(self._work_out, each.claims))
            found += [known[wish.offer, wish.claims] for wish in each.wishes]
        worked_out = np.array(self._worked_out, np.int64).reshape(-1, 4)
        told: Ints = worked_out[np.array(found, np.int64)].T
        return told

    def _work_out(self, own: tuple[str, ...], wish: tuple[str, tuple[str, ...]]) -> int:
        offer, claims = wish[0], frozenset(own + wish[1])
        classes = self._classes[offer]
        place = class_of(classes, claims)
        groups = sum(self.bits[each] for each in claims if each in self.bits)
        is_drawn = place is not None and classes[place].ranked_by == "lottery"
        self._worked_out.append((self._index[offer], NOT_ADMISSIBLE if place is None else place, groups, int(is_drawn)))
        return len(self._worked_out) - 1


class _Known(dict[tuple[str, tuple[str, ...]], int]):
    """The number of what is known of an offer with claims there; what is not known yet is worked out."""

    def __init__(self, work_out: Callable[[tuple[str, tuple[str, ...]]], int]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, wish: tuple[str, tuple[str, ...]]) -> int:
        found = self[wish] = self._work_out(wish)
        return found


def _size(units: Units) -> Ints:
    size = np.ones(len(units), np.int64)
    for place, members in units.together.items():
        size[place] = len(members)
    return size


def _merit(problem: Problem, units: Units) -> tuple[Ints, ...]:
    """Points, then the tie values; the more the better, an unknown one the worst."""
    points = np.array([each.points for each in units.stands], np.int64)
    return points, *(_worth(units, place, rule.better) for place, rule in enumerate(problem.rules.tie_breaks))


def _worth(units: Units, place: int, better: str) -> Ints:
    values = [each.ties[place] for each in units.stands]
    known = np.array([_UNKNOWN_TIE if each is None else each for each in values], np.int64)
    return known if better == "more" else np.where(known == _UNKNOWN_TIE, known, -known)


def _draw_order(units: Units) -> Ints:
    """In which order the lottery draws the units: by the beginnings of their numbers, by all of them where two are equal."""
    numbers = units.numbers
    beginnings = np.frombuffer(b"".join(numbers), ">u8").reshape(len(units), -1)[:, 0] if numbers else np.zeros(0, ">u8")
    order = np.argsort(beginnings.astype(np.uint64), kind="stable")
    if len(np.unique(beginnings)) < len(units):
        order = np.array(sorted(range(len(units)), key=numbers.__getitem__), np.int64)
    drawn = np.empty(len(units), np.int64)
    drawn[order] = np.arange(len(units))
    return drawn
