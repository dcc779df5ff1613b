"""A round is ranked: everybody whose confirmed score stands in it, by the bare figures that were frozen (P-13 to P-22)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.chassis.db import Record
from services.chassis.errors import DomainError
from services.chassis.ids import new_id
from services.chassis.principal import division_prefix
from services.chassis.work import Work
from services.points_hukou.actions.round_contenders import Figures, changes_since, figures_of, ranking_rule, standing_in
from services.points_hukou.actions.round_objections import settle_upheld
from services.points_hukou.actions.round_standing import refused_act, save, take
from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.exact import written
from services.points_hukou.rules.placing import Placing, place_everybody
from services.points_hukou.rules.ranking import Contender, Outcome, UndecidedCutError
from services.points_hukou.rules.round_states import RoundAct, RoundStatus
from services.points_hukou.rules.rounds import contender_of_figures
from services.points_hukou.schemas.round_places import PlaceRecord, PlaceSecrets
from services.points_hukou.schemas.rounds import RoundRecord, RoundView
from services.points_hukou.store import round_objections, round_places
from services.points_hukou.store import round_standing as store

_TOWN_DIGITS = 9
_NAMED_MAX = 20


@dataclass(frozen=True, slots=True)
class _Standing:
    """Who is ranked: rows of applications, figures by assessment, masked names by person."""

    rows: Sequence[Record]
    figures: Mapping[UUID, Figures]
    names: Mapping[UUID, str]


async def rank_round(work: Work, round_id: UUID) -> RoundView:
    """Rank everybody who stands in it. What is said about who is shown where is published anew unless nothing of it changed.

    Raises `DomainError('round-not-frozen')` on its freeze day and before, `DomainError('cut-undecided')` when a tie falls on
    the cut and the rule set does not say who goes first, `DomainError('round-not-settled')` while an application of the freeze
    day or before waits for its score, an officer or a recheck, `DomainError('round-of-other-rules')` while one is by
    other rules and no round was about it, `DomainError('application-without-town')`,
    `DomainError('town-without-quota')`, `DomainError('round-too-large')`. What was published is ranked again only when an
    objection was upheld or somebody's score or standing changed: `DomainError('round-act-not-allowed')`.
    """
    before, status = await take(work, round_id, RoundAct.RANK)
    if work.today <= before.freeze_on:
        raise DomainError("round-not-frozen", extra={"freeze_on": before.freeze_on.isoformat()})
    await _require_one_rule_set(work, before)
    rows = await standing_in(work, before)
    if before.status is RoundStatus.PUBLISHED:
        await _require_reason(work, before)
    _require_towns(before, rows)
    rule = await ranking_rule(work, before)
    standing = await _known(work, rule, rows)
    places, cut_off = await asyncio.to_thread(_ranked, standing, before, rule)
    is_as_shown = before.status is RoundStatus.PUBLISHED and _shown(places) == _shown(
        await round_places.whole_ranking(work, before)
    )
    sealed = await asyncio.to_thread(lambda: [round_places.sealed_place(work, each) for each in places])
    await round_places.replace_places(work, round_id, sealed)
    await settle_upheld(work, round_id)
    ranked = {
        "status": before.status if is_as_shown else status,
        "rankings": before.rankings + 1,
        "ranked_on": work.today,
        "ranked_by": work.require_actor(),
        "standing": len(places),
        "cut_off": cut_off,
    }
    return RoundView.of(await save(work, "rank", None, before, before.model_copy(update=ranked)))


async def _require_one_rule_set(work: Work, record: RoundRecord) -> None:
    """Nobody is left out because the rules changed (P-37). Raises `DomainError('round-of-other-rules')` with how many by each.

    What is published stays as it was ranked.
    """
    if record.status is RoundStatus.PUBLISHED:
        return
    if others := await store.counted_by_others(work, record, division_prefix(record.division_code)):
        raise DomainError("round-of-other-rules", extra={"rule_set_id": str(record.rule_set_id), "by_other_rule_sets": others})


async def _require_reason(work: Work, record: RoundRecord) -> None:
    changes = await changes_since(work, record)
    _, upheld = await round_objections.objected(work, record.round_id)
    if not (upheld or changes.left or changes.need_ranking):
        raise refused_act(record, RoundAct.RANK)


def _require_towns(record: RoundRecord, rows: Sequence[Record]) -> None:
    """Where towns have places of their own, everybody applied at one of them. Raises `DomainError('application-without-town')`,
    `DomainError('town-without-quota')`.
    """
    if not record.town_quotas:
        return
    homeless = [row for row in rows if len(row["division_code"]) < _TOWN_DIGITS]
    strangers = [row for row in rows if row not in homeless and _town(row) not in record.town_quotas]
    for code, of_these in (("application-without-town", homeless), ("town-without-quota", strangers)):
        if of_these:
            ids = [str(row["application_id"]) for row in of_these[:_NAMED_MAX]]
            raise DomainError(code, extra={"count": len(of_these), "application_ids": ids})


def _town(row: Record) -> str:
    town: str = row["division_code"][:_TOWN_DIGITS]
    return town


async def _known(work: Work, rule: Ranking, rows: Sequence[Record]) -> _Standing:
    """What is known of who stands; nobody of them is erased until the commit, and each has a key to seal under."""
    names = await store.hold_names(work, [row["application_id"] for row in rows])
    rows = [row for row in rows if row["person_id"] in names]
    await work.make_person_keys(names)
    return _Standing(rows, await figures_of(work, rule, [row["assessment_id"] for row in rows]), names)


def _ranked(standing: _Standing, record: RoundRecord, rule: Ranking) -> tuple[list[PlaceRecord], str | None]:
    """Places of everybody who stands, and the total of who was admitted last. Work for a thread."""
    by_id: dict[UUID, Record] = {}
    contenders: list[Contender] = []
    for row in standing.rows:
        figures = standing.figures.get(row["assessment_id"])
        town = _town(row) if record.town_quotas else ""
        made = None if figures is None else contender_of_figures(figures, of=row["application_id"], town=town)
        if made is not None:
            contenders.append(made)
            by_id[made.id] = row
    placing = _placed(contenders, rule, record)
    return [
        PlaceRecord(
            place_id=new_id(),
            round_id=record.round_id,
            application_id=place.contender.id,
            person_id=row["person_id"],
            assessment_id=row["assessment_id"],
            town=place.contender.town,
            rank=place.rank,
            outcome=place.outcome,
            given_up_on=None,
            moved_up_on=None,
            ranking=record.rankings + 1,
            superseded_on=None,
            lowered_on=None,
            secrets=PlaceSecrets(
                masked_name=standing.names[row["person_id"]], score=dict(standing.figures[row["assessment_id"]])
            ),
        )
        for place in placing.places
        for row in (by_id[place.contender.id],)
    ], None if placing.cut_off is None else written(placing.cut_off)


def _placed(contenders: Sequence[Contender], rule: Ranking, record: RoundRecord) -> Placing:
    try:
        return place_everybody(contenders, rule, record.quota, record.town_quotas, service=record.service)
    except UndecidedCutError as error:
        raise DomainError("cut-undecided", detail_zh=error.message_zh, detail_en=error.message_en) from None


def _shown(places: Sequence[PlaceRecord]) -> set[tuple[UUID, int, str, Outcome, object]]:
    """What a notice says of each."""
    return {
        (each.application_id, each.rank, each.town, each.outcome, None if each.secrets is None else each.secrets.score["total"])
        for each in places
    }
