"""A frozen ranking: who stood in a round under pseudonyms, with the figures they were ranked by, quota and full text of the
rules, so that whoever is entitled to it can rank it again, offline, and reach the same ranks and the same cut.

Of somebody erased nothing is left but that there was somebody: then the order of all others is compared, not the numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.points_hukou.rules.compiling import RuleSetText, compile_rule_set
from services.points_hukou.rules.exact import exact, written
from services.points_hukou.rules.placing import Placing, place_everybody
from services.points_hukou.rules.ranking import Contender, Outcome
from services.points_hukou.rules.replaying import FrozenText, NotFrozenError
from services.points_hukou.rules.rounds import ranking_of, tie_break_of

FORMAT: Literal["xinshimin-points-ranking-1"] = "xinshimin-points-ranking-1"
Pseudonym = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class FrozenStanding(BaseModel):
    """One who stood: never by the application or person; the pseudonym is the round's own."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    pseudonym: Pseudonym
    town: str
    total: str
    tie_breaks: dict[str, str | None]
    rank: int
    admitted: bool


class FrozenRanking(BaseModel):
    """Everything a ranking rests on, and what came of it. `erased`: how many stood of whom nothing is left."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: Literal["xinshimin-points-ranking-1"]
    round_id: str
    ranking: int
    rule_set: str
    digest: str
    service: str
    quota: int
    town_quotas: dict[str, int]
    freeze_on: str
    cut_off: str | None
    erased: int
    standing: list[FrozenStanding]
    rule_sets: dict[str, FrozenText]
    own_choices: str


@dataclass(frozen=True, slots=True)
class RankDifference:
    """A figure that came out otherwise, of one who stood or (`cut_off`) of the round."""

    pseudonym: str
    figure: str
    frozen: object
    recomputed: object


@dataclass(frozen=True, slots=True)
class RankedAgain:
    """What ranking again came to. `is_text_intact`: the rules still have the digest the round was ranked by."""

    placing: Placing
    is_text_intact: bool
    is_complete: bool
    differences: tuple[RankDifference, ...]

    @property
    def is_same(self) -> bool:
        """Whether the same text gives the same ranks and the same cut; of an incomplete ranking, the same order."""
        return self.is_text_intact and not self.differences


def thaw_ranking(content: object) -> FrozenRanking:
    """A frozen ranking from its document. Raises NotFrozenError."""
    try:
        return FrozenRanking.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise NotFrozenError(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from None


def rank_again(frozen: FrozenRanking) -> RankedAgain:
    """Rank from what the document holds alone. Raises what compiling and ranking raise, ValueError for what is no figure."""
    texts = {name: RuleSetText(each.rule_set, each.choices) for name, each in frozen.rule_sets.items()}
    rule_set = compile_rule_set(frozen.rule_set, texts, frozen.own_choices)
    contenders, rule = [_contender(each) for each in frozen.standing], ranking_of(rule_set)
    is_complete = frozen.erased == 0
    if is_complete:
        placing = place_everybody(contenders, rule, frozen.quota, frozen.town_quotas, service=frozen.service)
    else:  # room for everybody: of a cut nothing is asked
        room = dict.fromkeys(frozen.town_quotas, len(contenders))
        placing = place_everybody(contenders, rule, len(contenders), room, service=frozen.service)
    found = _differences(frozen, placing) if is_complete else _disorder(frozen, placing)
    return RankedAgain(placing, rule_set.digest == frozen.digest, is_complete, tuple(found))


def _contender(standing: FrozenStanding) -> Contender:
    ties = {name: tie_break_of(value) for name, value in standing.tie_breaks.items()}
    return Contender(UUID(hex=standing.pseudonym), exact(standing.total), ties, standing.town)


def _differences(frozen: FrozenRanking, placing: Placing) -> Iterator[RankDifference]:
    found = {place.contender.id.hex: place for place in placing.places}
    for each in frozen.standing:
        place = found[each.pseudonym]
        admitted = place.outcome is Outcome.ADMITTED
        if place.rank != each.rank:
            yield RankDifference(each.pseudonym, "rank", each.rank, place.rank)
        if admitted != each.admitted:
            yield RankDifference(each.pseudonym, "admitted", each.admitted, admitted)
    cut_off = None if placing.cut_off is None else written(placing.cut_off)
    if frozen.cut_off is not None and cut_off != frozen.cut_off:
        yield RankDifference("", "cut_off", frozen.cut_off, cut_off)


def _disorder(frozen: FrozenRanking, placing: Placing) -> Iterator[RankDifference]:
    """Where somebody stands otherwise among those who are left, counted without gaps."""
    was = _without_gaps({(each.town, each.pseudonym): each.rank for each in frozen.standing})
    now = _without_gaps({(place.contender.town, place.contender.id.hex): place.rank for place in placing.places})
    for key, place in was.items():
        if now[key] != place:
            yield RankDifference(key[1], "order", place, now[key])


def _without_gaps(ranks: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    of_town: dict[str, list[int]] = {}
    for town, at in {(town, at) for (town, _), at in ranks.items()}:
        of_town.setdefault(town, []).append(at)
    places = {(town, at): number for town, all_ in of_town.items() for number, at in enumerate(sorted(all_), start=1)}
    return {key: places[key[0], at] for key, at in ranks.items()}
