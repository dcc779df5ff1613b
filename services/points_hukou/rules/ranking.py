"""Ranking: who stands where, and who is admitted to so many places (points.md §4). Pure, exact, and the same whatever the
order in which contenders are given.

Equal in everything share a rank; the next rank skips (P-13). The quota is a target: who stands at a rank within it is
admitted, and with them all their equals (P-14) – or, where the rule set leaves that to the city, the round is refused by name
(P-22). Where a rule set has batches (P-21), whoever is in an earlier one stands before all others. A tie-break nobody knows of
a person puts that person behind all of whom it is known.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from math import lcm
from operator import itemgetter
from uuid import UUID

from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.document.rule_set import Ranking

_Order = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Contender:
    """One who is ranked: the total, and what decides between equals, by the ids of the rule set's tie-breaks."""

    id: UUID
    total: Fraction
    tie_breaks: Mapping[str, Fraction | date | None]
    town: str = ""


def contender_of(assessment: Assessment, *, of: UUID, town: str = "") -> Contender | None:
    """The contender an assessment makes; `None` for whoever is not eligible, is vetoed or frozen, or misses the pass mark."""
    if not assessment.stands or assessment.passes is False:
        return None
    return Contender(of, assessment.total, assessment.tie_breaks, town)


class Outcome(StrEnum):
    """What a place in the ranking came to."""

    ADMITTED = "admitted"
    BELOW_THE_CUT = "below_the_cut"
    TOWN_LIMIT = "town_limit"


@dataclass(frozen=True, slots=True)
class Place:
    """A contender's rank and what came of it."""

    contender: Contender
    rank: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Ranked:
    """Everybody in order, equals by their id; `limits` of towns, where there are any."""

    rule: Ranking
    quota: int
    limits: Mapping[str, int]
    places: tuple[Place, ...]

    @property
    def admitted(self) -> tuple[Place, ...]:
        """Who is admitted, the best first."""
        return tuple(each for each in self.places if each.outcome is Outcome.ADMITTED)

    @property
    def cut_off(self) -> Contender | None:
        """One of those who were admitted last; their total is the published cut-off (P-14)."""
        return self.admitted[-1].contender if self.admitted else None

    @property
    def tied_at_cut(self) -> int:
        """How many share the last admitted rank."""
        admitted = self.admitted
        return sum(each.rank == admitted[-1].rank for each in admitted) if admitted else 0

    @property
    def next_in_line(self) -> tuple[Place, ...]:
        """The best of those who are not admitted, with their equals."""
        waiting = [each for each in self.places if each.outcome is not Outcome.ADMITTED]
        return tuple(each for each in waiting if each.rank == waiting[0].rank)

    @property
    def places_left(self) -> int:
        """Places of the quota nobody took; what equals took beyond it is nobody's loss."""
        return max(0, self.quota - len(self.admitted))


class UndecidedCutError(Exception):
    """Equals stand where only some of them fit, and the rule set does not say who of them goes first (P-22, P-15)."""

    def __init__(self, tied: Sequence[Contender], places: int, rank: int, town: str = "") -> None:
        where_zh, where_en = (f"{town}:", f"{town}: ") if town else ("", "")
        self.tied, self.places, self.rank, self.town = tuple(each.id for each in tied), places, rank, town
        self.message_zh = f"{where_zh}第{rank}名有{len(tied)}人并列,只余{places}个名额,规则未规定先后,不能确定入围名单。"
        self.message_en = (
            f"{where_en}{len(tied)} share rank {rank} and {places} places are left; the rule set does not say who goes first."
        )
        super().__init__(self.message_en)


def rank(contenders: Iterable[Contender], rule: Ranking, quota: int) -> Ranked:
    """Everybody's rank, and who is admitted to so many places. Raises UndecidedCutError."""
    return rank_with_limits(contenders, rule, quota, {})


def rank_with_limits(contenders: Iterable[Contender], rule: Ranking, quota: int, limits: Mapping[str, int]) -> Ranked:
    """The same where a town takes no more than its limit; a town without one takes what it gets. Raises UndecidedCutError."""
    free, room = quota, dict(limits)
    places: list[Place] = []
    for equals in _groups(contenders, rule):
        rank_of_all = len(places) + 1
        admitted = _fitting(equals, room) if free > 0 else []
        _require_decided(admitted, rule, free, room, rank_of_all)
        free -= len(admitted)
        for each in admitted:
            if each.town in room:
                room[each.town] -= 1
        ids = {each.id for each in admitted}
        missed = Outcome.TOWN_LIMIT if free > 0 or admitted else Outcome.BELOW_THE_CUT
        places += [Place(each, rank_of_all, Outcome.ADMITTED if each.id in ids else missed) for each in equals]
    return Ranked(rule, quota, dict(limits), tuple(places))


def moved_up(left: Iterable[Contender], rule: Ranking, quota: int, held: Collection[UUID]) -> tuple[Contender, ...]:
    """Who is admitted now to the places that are free, of those who are left and hold none: whoever is gone never stood. While
    the quota is full, nobody; and who stands again after all, however high, takes no place that others hold. Published ranks
    stay. Raises UndecidedCutError.
    """
    everybody = list(left)
    waiting = [each for each in everybody if each.id not in held]
    free = quota - (len(everybody) - len(waiting))
    return tuple(each.contender for each in rank(waiting, rule, free).admitted) if free > 0 else ()


def ranks_no_lower(one: Contender, other: Contender, rule: Ranking) -> bool:
    """Whether one stands before the other or equals it."""
    order, order_of_other = _orders([one, other], rule)
    return order <= order_of_other


def _fitting(equals: Sequence[Contender], room: Mapping[str, int]) -> list[Contender]:
    """Those whose town may still take somebody."""
    return [each for each in equals if room.get(each.town, 1) > 0]


def _require_decided(admitted: Sequence[Contender], rule: Ranking, free: int, room: Mapping[str, int], at: int) -> None:
    """A quota may be a target; a town's limit is a bound, so equals never stretch it."""
    if rule.cut == "refuse" and len(admitted) > free:
        raise UndecidedCutError(admitted, free, at)
    for town in sorted({each.town for each in admitted} & room.keys()):
        of_town = [each for each in admitted if each.town == town]
        if len(of_town) > room[town]:
            raise UndecidedCutError(of_town, room[town], at, town)


def _groups(contenders: Iterable[Contender], rule: Ranking) -> Iterable[list[Contender]]:
    """Groups of equals, the best first."""
    given = sorted(contenders, key=lambda each: each.id.int)
    ordered = sorted(zip(_orders(given, rule), given, strict=True), key=itemgetter(0))
    for _, group in groupby(ordered, key=itemgetter(0)):
        yield [contender for _, contender in group]


def _orders(contenders: Sequence[Contender], rule: Ranking) -> list[_Order]:
    """What each is ordered by, as whole numbers of which the smaller comes first."""
    first = [each.total for each in contenders] if rule.first_by is None else _values(contenders, rule.first_by.id)
    batches, ties = ([_values(contenders, each.id) for each in part] for part in (rule.batches, rule.tie_breaks))
    columns = [*batches, first, *ties]
    return list(zip(*(_in_whole_numbers(column) for column in columns), strict=True))


def _values(contenders: Sequence[Contender], tie_break: str) -> list[Fraction | date | None]:
    return [each.tie_breaks[tie_break] for each in contenders]


def _in_whole_numbers(values: Sequence[Fraction | date | None]) -> list[int]:
    """More points first, the earlier day first, the unknown last; fractions over their common denominator, so exact."""
    common = lcm(*{each.denominator for each in values if isinstance(each, Fraction)})
    known = [None if each is None else _in_order(each, common) for each in values]
    last = max((each for each in known if each is not None), default=0)
    return [last + 1 if each is None else each for each in known]


def _in_order(value: Fraction | date, common: int) -> int:
    return -value.numerator * (common // value.denominator) if isinstance(value, Fraction) else value.toordinal()
