"""A whole round ranked: in one list, or inside each town first and then city-wide. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.ranking import Contender, Outcome, Place, Ranked, rank
from services.points_hukou.rules.ranking_by_town import rank_by_town


@dataclass(frozen=True, slots=True)
class Placing:
    """Everybody once: with the rank in the own town or the one list, and what came of it in the end. `cut_off`: the total of
    who was admitted last (P-14), of several lists the lowest.
    """

    places: tuple[Place, ...]
    cut_off: Fraction | None


def place_everybody(
    contenders: Iterable[Contender], rule: Ranking, quota: int, towns: Mapping[str, int], *, service: str
) -> Placing:
    """Rank a round by its quota, or by those of its towns where it has any. Raises UndecidedCutError, and LookupError for a
    contender of a town without quota.
    """
    lists = _lists(contenders, rule, quota, towns, service)
    placed: dict[UUID, Place] = {}
    for ranked in lists:
        for place in ranked.places:
            earlier = placed.get(place.contender.id)
            if earlier is None:
                placed[place.contender.id] = place
            elif earlier.outcome is not Outcome.ADMITTED:
                placed[place.contender.id] = Place(place.contender, earlier.rank, place.outcome)
    lowest = min((last.total for ranked in lists if (last := ranked.cut_off) is not None), default=None)
    return Placing(tuple(placed.values()), lowest)


def _lists(
    contenders: Iterable[Contender], rule: Ranking, quota: int, towns: Mapping[str, int], service: str
) -> tuple[Ranked, ...]:
    if not towns:
        return (rank(contenders, rule, quota),)
    by_town = rank_by_town(contenders, rule, towns, service=service)
    return (*by_town.towns.values(), *(() if by_town.second is None else (by_town.second,)))
