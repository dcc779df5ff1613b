"""Ranking inside each town, then city-wide for the places towns leave free (P-15, Zhongshan 2014).

In the second round everybody who was not admitted stands again, in one list of the whole city; a town takes at most a share
of its own quota, whole places only. What equals took beyond a town's quota takes no place from another town (design: the
quota is a target, P-14).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.ranking import Contender, Ranked, UndecidedCutError, rank, rank_with_limits


@dataclass(frozen=True, slots=True)
class TownRanking:
    """The round of each town, and the second one city-wide; `None` where the rule set has none for the service."""

    towns: Mapping[str, Ranked]
    second: Ranked | None

    @property
    def admitted(self) -> tuple[Contender, ...]:
        """All who are admitted, town by town, then city-wide."""
        rounds = [*self.towns.values(), *([] if self.second is None else [self.second])]
        return tuple(each.contender for ranked in rounds for each in ranked.admitted)


def rank_by_town(contenders: Iterable[Contender], rule: Ranking, quotas: Mapping[str, int], *, service: str) -> TownRanking:
    """Both rounds. `quotas` by town. Raises LookupError for a contender of a town without quota, UndecidedCutError."""
    of_town: dict[str, list[Contender]] = {town: [] for town in sorted(quotas)}
    for contender in contenders:
        of_town[contender.town].append(contender)
    towns = {town: _rank_in(town, standing, rule, quotas[town]) for town, standing in of_town.items()}
    again = rule.second_round
    if again is None or (again.only_for and service not in again.only_for):
        return TownRanking(towns, None)
    admitted = {each.contender.id for ranked in towns.values() for each in ranked.admitted}
    waiting = [each for standing in of_town.values() for each in standing if each.id not in admitted]
    free = sum(ranked.places_left for ranked in towns.values())
    return TownRanking(towns, rank_with_limits(waiting, rule, free, second_round_limits(quotas, again.town_share)))


def second_round_limits(quotas: Mapping[str, int], share: Fraction) -> dict[str, int]:
    """How many each town takes at most in the second round: "at most" a share, so the part of a place is none."""
    return {town: quota * share.numerator // share.denominator for town, quota in quotas.items()}


def _rank_in(town: str, standing: Sequence[Contender], rule: Ranking, quota: int) -> Ranked:
    try:
        return rank(standing, rule, quota)
    except UndecidedCutError as error:
        tied = [each for each in standing if each.id in set(error.tied)]
        raise UndecidedCutError(tied, error.places, error.rank, town) from None
