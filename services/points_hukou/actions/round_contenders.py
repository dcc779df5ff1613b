"""Who stands in a round now, with which figures, and what has changed since it was ranked.

A ranking holds as long as every application in it is confirmed with the figures it was ranked by, and nobody else stands who
would be in it.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from services.chassis.db import Record
from services.chassis.errors import DomainError
from services.chassis.keyring import Keyring
from services.chassis.principal import division_prefix
from services.chassis.work import Work
from services.points_hukou.actions.rule_set_compiling import compiled
from services.points_hukou.rules.application_states import ApplicationStatus
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.ranking import ranks_no_lower
from services.points_hukou.rules.rounds import Claim, contender_of_figures, figures_to_rank, once_each, ranking_of
from services.points_hukou.schemas.round_places import PlaceRecord
from services.points_hukou.schemas.rounds import RoundRecord
from services.points_hukou.store import round_places, rule_sets
from services.points_hukou.store import round_standing as store

Figures = Mapping[str, Any]
_OPENED_AT_ONCE = 1000
_ANYBODY = UUID(int=0)
"""Of whom figures are compared plays no part."""
_NOTHING = Fraction(-(10**9))
"""Below any total: a score that may not be used stands behind one that may."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since the ranking: applications that are gone from it (withdrawn, erased, another id's of somebody who
    stands, or of somebody who holds a place elsewhere), how many were scored anew, how many would be in it now.
    """

    left: frozenset[UUID]
    rescored: int
    joined: int

    @property
    def need_ranking(self) -> bool:
        """Whether the list is another one now. Who left only makes room, as whoever gives up."""
        return bool(self.rescored or self.joined)


async def standing_in(work: Work, record: RoundRecord) -> list[Record]:
    """The applications that stand, of each child or family the best (P-08). Raises `DomainError('round-not-settled')`,
    `DomainError('round-too-large')`.
    """
    prefix = division_prefix(record.division_code)
    if waiting := await store.waiting_in(work, record, prefix):
        raise DomainError("round-not-settled", extra={"waiting": waiting})
    rows = await store.standing_in(work, record, prefix)
    if len(rows) > store.STANDING_MAX:
        raise DomainError("round-too-large", extra={"at_most": store.STANDING_MAX})
    claims = await claims_of(work, record, [row["application_id"] for row in rows])
    totals = await _totals_of_rivals(work, record, rows, claims)
    best_first = sorted(
        rows,
        key=lambda row: (totals.get(row["application_id"], _NOTHING), row["applied_on"], row["application_id"]),
        reverse=True,
    )
    standing = set(once_each([claims[row["application_id"]] for row in best_first]))
    return [row for place, row in enumerate(best_first) if place in standing]


async def claims_of(work: Work, record: RoundRecord, application_ids: Sequence[UUID]) -> dict[UUID, Claim]:
    """Who would take a place with each, the spouse only where the rules count a family by its highest holder (P-08)."""
    by_family = (await _law_of(work, record.rule_set_id)).family is not None
    return await store.claims_of(work, record, application_ids, by_family=by_family)


async def _totals_of_rivals(
    work: Work, record: RoundRecord, rows: Sequence[Record], claims: Mapping[UUID, Claim]
) -> dict[UUID, Fraction]:
    """The points of who claims a place that another claims, too, as far as they may be used; no other figures are opened."""
    claimants = Counter(human for row in rows for human in claims[row["application_id"]].humans)
    rivals = [row for row in rows if any(claimants[human] > 1 for human in claims[row["application_id"]].humans)]
    if not rivals:
        return {}
    figures = await figures_of(work, await ranking_rule(work, record), [row["assessment_id"] for row in rivals])
    found = (
        contender_of_figures(figures[row["assessment_id"]], of=row["application_id"])
        for row in rivals
        if row["assessment_id"] in figures
    )
    return {each.id: each.total for each in found if each is not None}


async def ranking_rule(work: Work, record: RoundRecord) -> Ranking:
    """How the rule set of a round orders people."""
    return await rule_of(work, record.rule_set_id)


async def rule_of(work: Work, rule_set_id: UUID) -> Ranking:
    """How a rule set orders people."""
    return ranking_of(await _law_of(work, rule_set_id))


async def _law_of(work: Work, rule_set_id: UUID) -> RuleSet:
    law = await rule_sets.find_rule_set(work, rule_set_id)
    assert law is not None, "approved rule sets are seen by everybody"
    return compiled(law)


async def figures_of(work: Work, rule: Ranking, assessment_ids: Sequence[UUID]) -> dict[UUID, Figures]:
    """What a ranking rests on by assessment, without those of who was erased; opened in a thread, so many at once."""
    found: dict[UUID, Figures] = {}
    needs_others = any(each.other_of_family is not None for each in rule.decided_by)
    for start in range(0, len(assessment_ids), _OPENED_AT_ONCE):
        ids = assessment_ids[start : start + _OPENED_AT_ONCE]
        rows = await store.sealed_scores(work, ids)
        others = await store.others_scored(work, ids) if needs_others else ()
        found |= await figures_by_rule(work, rule, rows, others)
    return found


async def figures_by_rule(work: Work, rule: Ranking, rows: Sequence[Record], others: Sequence[Record]) -> dict[UUID, Figures]:
    """The same of rows of scores, and of who else of a family was scored `beside` them."""
    return await asyncio.to_thread(_figures_in, work.keyring, rule, rows, others)


def _figures_in(keyring: Keyring, rule: Ranking, rows: Sequence[Record], others: Sequence[Record]) -> dict[UUID, Figures]:
    opened = store.figures_in(keyring, others)
    beside: dict[UUID, list[Figures]] = defaultdict(list)
    for row in others:
        if row["assessment_id"] in opened:
            beside[row["beside"]].append(opened[row["assessment_id"]])
    return {
        assessment_id: figures_to_rank(score, beside[assessment_id], rule)
        for assessment_id, score in store.figures_in(keyring, rows).items()
    }


async def changes_since(work: Work, record: RoundRecord) -> Changes:
    """What is otherwise than when it was ranked. Raises `DomainError('round-not-settled')` while a score is looked at again."""
    now = {row["application_id"]: row["assessment_id"] for row in await standing_in(work, record)}
    ranked = await round_places.bases_of(work, record)
    others = await figures_of(work, await ranking_rule(work, record), [now[each] for each in now.keys() - ranked.keys()])
    return Changes(
        left=frozenset(ranked.keys() - now.keys()),
        rescored=sum(now[each] != ranked[each] for each in now.keys() & ranked.keys()),
        joined=sum(contender_of_figures(each, of=record.round_id) is not None for each in others.values()),
    )


async def still_standing(
    work: Work, record: RoundRecord, places: Sequence[PlaceRecord], *, in_recheck: bool
) -> frozenset[UUID]:
    """Of which places the application still stands with the figures it was ranked by: confirmed – or, with `in_recheck`, asked
    to be looked at again –, and never scored so that it would rank lower. Whom a recheck gave more keeps what less was enough
    for.
    """
    states = await store.states_of(work, [each.application_id for each in places])
    alive = {ApplicationStatus.CONFIRMED} | ({ApplicationStatus.IN_RECHECK} if in_recheck else set())
    asked = [each for each in places if each.secrets is not None and states[each.application_id][0] in alive]
    counted = {each.place_id: states[each.application_id][1] or each.assessment_id for each in asked}
    newer = {each.place_id: counted[each.place_id] for each in asked if counted[each.place_id] != each.assessment_id}
    rule = await ranking_rule(work, record)
    figures = await figures_of(work, rule, list(newer.values()))
    return frozenset(
        each.place_id
        for each in asked
        if each.secrets is not None
        and (each.place_id not in newer or rank_as_well(figures.get(newer[each.place_id]), each.secrets.score, rule))
    )


def rank_as_well(figures: Figures | None, ranked: Figures, rule: Ranking) -> bool:
    """Whether figures rank no lower than those a place was given for."""
    found = None if figures is None else contender_of_figures(figures, of=_ANYBODY)
    before = contender_of_figures(ranked, of=_ANYBODY)
    return found is not None and before is not None and ranks_no_lower(found, before, rule)
