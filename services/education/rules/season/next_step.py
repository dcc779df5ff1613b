"""What the next placement of a season is made from: places nobody holds, and children who take part (统筹调剂, 补贴, 补录)."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from services.education.rules.placement.outcomes import Placement
from services.education.rules.placement.problem import Child, Offer, PlacementRules, Problem
from services.education.rules.placement.stages import OPEN
from services.education.rules.season.template import Participants, Places


def first_problem(problem: Problem, places: Places) -> Problem:
    """The first placement of a season: all places of the step's sources, children with the claims it asks for. Who would stay
    together with somebody that does not take part is placed alone.
    """
    return _problem(problem, problem.offers, problem.children, places, problem.round)


def next_problem(round_: str, before: Placement, given_up: Collection[str], places: Places) -> Problem:
    """The placement after another: its places and theirs who gave them up, for children without a place.

    Who gave a place up does not take part again; a reserve keeps what is left of it. Wishes for places this step does not give
    fall away. Of children who stay together each may give up its own place. Raises ValueError when somebody gave up a place
    that was not theirs.
    """
    held = {each.child: each for each in before.records()}
    _require_holders(held.keys(), before, given_up)
    left = before.places_left(frozenset(given_up))
    offers = [_left_of(offer, left[offer.id]) for offer in before.problem.offers]
    waiting = [each for each in before.problem.children if held[each.id].offer is None]
    if places.participants is Participants.NOT_PLACED_ABOVE_CUT_OFF:
        lowest = _lowest_admitted(before)
        waiting = [each for each in waiting if each.grade in lowest and each.points >= lowest[each.grade]]
    return _problem(before.problem, offers, waiting, places, round_)


def _problem(before: Problem, offers: Collection[Offer], children: Collection[Child], places: Places, round_: str) -> Problem:
    open_offers = tuple(each for each in offers if each.source in places.sources)
    ids = {each.id for each in open_offers}
    rules: PlacementRules = replace(before.rules, may_place_unlisted=places.may_place_unlisted)
    taking_part = [each for each in children if set(places.needs_claims).issubset(each.claims)]
    together = Counter(each.together for each in taking_part)
    listed = tuple(
        replace(
            each,
            wishes=tuple(wish for wish in each.wishes if wish.offer in ids),
            together=each.together if together[each.together] > 1 else None,
        )
        for each in taking_part
    )
    return Problem(round_, rules, open_offers, listed)


def _left_of(offer: Offer, left: Mapping[str, int]) -> Offer:
    """An offer with the places nobody holds, of each kind."""
    reserves = tuple(replace(each, places=left[each.group]) for each in offer.reserves)
    return replace(offer, places=left[OPEN] + sum(each.places for each in reserves), reserves=reserves)


def _lowest_admitted(before: Placement) -> dict[int, int]:
    """The lowest points with which anybody got a place, by grade (EDU-41, EDU-42)."""
    lowest: dict[int, int] = {}
    for child in before.problem.children:
        if before.offer_of(child.id) is not None:
            lowest[child.grade] = min(child.points, lowest.get(child.grade, child.points))
    return lowest


def _require_holders(known: Collection[str], before: Placement, given_up: Collection[str]) -> None:
    for child in sorted(given_up):
        if child not in known or before.offer_of(child) is None:
            raise ValueError(f"{child} has no place to give up")
