"""Whether a placement is fair, however it was made: by the definitions of education.md §5.4 and without the engine's columns.

For each offer, of those who hold a place there and those who would rather have one, choose step by step who should: whoever is
chosen and holds none was passed over, for somebody who stands behind (unjustified) or for nobody (wasted).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.problem import EVERYBODY, Offer, Problem, class_of
from services.education.rules.placement.stages import places_of, stages_in
from services.education.rules.placement.units import Unit, units_of

Placements = Mapping[str, str | None]
"""The offer each child is placed at."""
_Key = tuple[int, tuple[int, ...], bytes]


class Fault(StrEnum):
    """What may be wrong with a placement."""

    NOT_PLACED_ONCE = "not_placed_once"
    UNLISTED = "unlisted"
    APART = "apart"
    NOT_ADMISSIBLE = "not_admissible"
    OVER_QUOTA = "over_quota"
    JUSTIFIED_ENVY = "justified_envy"
    WASTE = "waste"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong, with the offer and the children it is about: of envy and waste those who were passed over."""

    fault: Fault
    offer: str | None
    children: tuple[str, ...]
    message_zh: str
    message_en: str


def violations(
    problem: Problem, draw: Draw, placements: Placements, on_offer: Callable[[int], None] = lambda _: None
) -> Iterator[Violation]:
    """Everything that is wrong with a placement, as far as it can be told: what is no placement at all is not judged further.
    `on_offer` is told how many offers have been looked at.
    """
    known = {each.id for each in problem.children}
    wrong = sorted(known ^ placements.keys())
    if wrong:
        zh, en = f"代号不符:{'、'.join(wrong[:5])}", f"not everybody exactly once: {', '.join(wrong[:5])}"
        yield Violation(Fault.NOT_PLACED_ONCE, None, tuple(wrong), zh, en)
        return
    units = list(units_of(problem, draw))
    broken = [each for unit in units for each in _of_unit(unit, placements)]
    if broken:
        yield from broken
        return
    yield from _of_offers(problem, units, placements, on_offer)


def _of_unit(unit: Unit, placements: Placements) -> Iterator[Violation]:
    held = {placements[member] for member in unit.members}
    for offer in sorted(each for each in held if each is not None):
        if all(wish.offer != offer for wish in unit.wishes):
            zh = f"{unit.members[0]}被安排到未填报的{offer}"
            yield Violation(
                Fault.UNLISTED, offer, unit.members, zh, f"{unit.members[0]} is placed at {offer}, which it did not name"
            )
    if len(held) > 1:
        zh, en = f"{'、'.join(unit.members)}申请同校而被分开", f"{', '.join(unit.members)} asked to stay together and are apart"
        yield Violation(Fault.APART, None, unit.members, zh, en)


def _of_offers(
    problem: Problem, units: Sequence[Unit], placements: Placements, on_offer: Callable[[int], None]
) -> Iterator[Violation]:
    holding: dict[str, list[_Asking]] = defaultdict(list)
    wanting: dict[str, list[_Asking]] = defaultdict(list)
    ranking = _Ranking(problem)
    for unit in units:
        own = placements[unit.members[0]]
        for wish in unit.wishes:
            asking = _Asking(unit, frozenset(unit.claims + wish.claims))
            if wish.offer == own:
                holding[wish.offer].append(asking)
                break
            wanting[wish.offer].append(asking)
    for number, offer in enumerate(problem.offers, start=1):
        yield from _of_offer(offer, ranking, holding[offer.id], wanting[offer.id])
        on_offer(number)


@dataclass(frozen=True, slots=True)
class _Asking:
    """A unit at one offer, with the claims it has there."""

    unit: Unit
    claims: frozenset[str]


class _Ranking:
    """Who stands before whom at an offer."""

    def __init__(self, problem: Problem) -> None:
        self._priorities = problem.rules.priorities
        self._is_more = [each.better == "more" for each in problem.rules.tie_breaks]

    def key(self, offer: Offer, asking: _Asking) -> _Key | None:
        """The smaller comes first; `None` for who is not admissible."""
        classes = self._priorities[offer.priority]
        place = class_of(classes, asking.claims)
        if place is None:
            return None
        if classes[place].ranked_by == "lottery":
            return place, (), asking.unit.number
        return place, (-asking.unit.points, *self._ties(asking.unit)), asking.unit.number

    def _ties(self, unit: Unit) -> Iterator[int]:
        for value, is_more in zip(unit.ties, self._is_more, strict=True):
            yield from (1, 0) if value is None else (0, -value if is_more else value)


def _of_offer(offer: Offer, ranking: _Ranking, holding: list[_Asking], wanting: list[_Asking]) -> Iterator[Violation]:
    keys = [(ranking.key(offer, each), each) for each in (*holding, *wanting)]
    for key, each in keys[: len(holding)]:
        if key is None:
            zh, en = f"{each.unit.members[0]}不能入读{offer.id}", f"{each.unit.members[0]} is not admissible at {offer.id}"
            yield Violation(Fault.NOT_ADMISSIBLE, offer.id, each.unit.members, zh, en)
    ordered = [each for _, each in sorted((pair for pair in keys if pair[0] is not None), key=lambda pair: pair[0] or ())]
    held = {each.unit.members for each in holding}
    chosen = {each.unit.members for each in chosen_of(offer, ordered)}
    passed_over = [each.unit for each in ordered if each.unit.members in chosen - held]
    too_many = [each.unit for each in ordered if each.unit.members in held - chosen]
    yield from _told(offer, passed_over, too_many)


def _told(offer: Offer, passed_over: list[Unit], too_many: list[Unit]) -> Iterator[Violation]:
    for unit in passed_over:
        one = unit.members[0]
        if too_many:
            other = too_many[-1].members[0]
            zh, en = f"{one}在{offer.id}优先于已入读的{other}", f"{one} goes before {other}, who has a place at {offer.id}"
            yield Violation(Fault.JUSTIFIED_ENVY, offer.id, unit.members, zh, en)
        else:
            zh, en = f"{offer.id}有空余学位而{one}未获安排", f"{offer.id} has a free place that {one} would rather have"
            yield Violation(Fault.WASTE, offer.id, unit.members, zh, en)
    if too_many and not passed_over:
        members = tuple(member for unit in too_many for member in unit.members)
        zh, en = f"{offer.id}超出学位数{len(members)}人", f"{offer.id} has {len(members)} more than it may have"
        yield Violation(Fault.OVER_QUOTA, offer.id, members, zh, en)


def chosen_of(offer: Offer, ordered: Sequence[_Asking]) -> list[_Asking]:
    """Who should have the places, of those given in the order in which they stand."""
    left, waiting, chosen = Counter(places_of(offer)), list(ordered), []
    for stage in stages_in(offer):
        still = []
        for each in waiting:
            if left[stage.kind] > 0 and (stage.group == EVERYBODY or stage.group in each.claims):
                left[stage.kind] -= each.unit.size
                chosen.append(each)
            else:
                still.append(each)
        waiting = still
    return chosen
