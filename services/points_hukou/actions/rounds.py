"""A round: opened with its quota, ranked after its freeze day, published, finished; next in line when somebody gives up."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.chassis.db import Record
from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.principal import division_prefix
from services.chassis.work import Work
from services.chassis.working_days import calendar
from services.contracts.points_hukou import RoundCancelled, RoundFinished, RoundOpened, RoundPublished
from services.points_hukou.actions.applying import law_today
from services.points_hukou.actions.refusals import invalid, require_own_division
from services.points_hukou.actions.round_standing import RESOURCE, save, take
from services.points_hukou.actions.rule_set_compiling import compiled
from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.exact import written
from services.points_hukou.rules.ranking import Contender, Outcome, Ranked, UndecidedCutError, moved_up, rank
from services.points_hukou.rules.ranking_by_town import rank_by_town
from services.points_hukou.rules.round_states import RoundAct, RoundStatus
from services.points_hukou.rules.rounds import contender_of_figures, once_each, ranking_of
from services.points_hukou.schemas.rounds import (
    GiveUp,
    PlaceRecord,
    PlaceSecrets,
    RoundEntry,
    RoundRecord,
    RoundView,
)
from services.points_hukou.store import household_transfers, rule_sets
from services.points_hukou.store import rounds as store

_TOWN_DIGITS = 9
_NAMED_MAX = 20


async def open_round(work: Work, body: RoundEntry) -> RoundView:
    """Open a round by the rules in force today."""
    require_own_division(work.principal, body.division_code, "/division_code")
    towns = {each.division_code: each.places for each in body.town_quotas}
    _require_quotas(body, towns)
    law, _ = await law_today(work, body.purpose, body.division_code)
    record = RoundRecord(
        round_id=new_id(),
        purpose=body.purpose,
        service=law.service,
        division_code=body.division_code,
        rule_set_id=law.rule_set_id,
        quota=body.quota,
        town_quotas=towns,
        freeze_on=body.freeze_on,
        notice_working_days=body.notice_working_days,
        objection_working_days=body.objection_working_days,
        status=RoundStatus.OPEN,
        ranked_on=None,
        standing=None,
        cut_off=None,
        published_on=None,
        notice_until=None,
        objections_until=None,
        finished_on=None,
        opened_by=work.require_actor(),
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    return RoundView.of(await save(work, "open", RoundOpened, None, record))


async def rank_round(work: Work, round_id: UUID) -> RoundView:
    """Rank everybody whose confirmed score stands in it (P-13 to P-22).

    Raises `DomainError('round-not-frozen')` on its freeze day and before, `DomainError('cut-undecided')` when a tie falls on
    the cut and the rule set does not say who goes first, `DomainError('round-not-settled')` while an application of the freeze
    day or before waits for its score, an officer or a recheck, `DomainError('application-without-town')`,
    `DomainError('round-too-large')`. What was published is ranked again only after an objection was upheld:
    `DomainError('round-act-not-allowed')`.
    """
    before, status = await take(work, round_id, RoundAct.RANK)
    if work.today <= before.freeze_on:
        raise DomainError("round-not-frozen", extra={"freeze_on": before.freeze_on.isoformat()})
    if before.status is RoundStatus.PUBLISHED and (await store.objected(work, round_id))[1] == 0:
        raise DomainError("round-act-not-allowed", extra={"round_status": before.status.value, "act": "rank"})
    prefix = division_prefix(before.division_code)
    if waiting := await store.waiting_in(work, before, prefix):
        raise DomainError("round-not-settled", extra={"waiting": waiting})
    rows = await store.standing_in(work, before, prefix)
    if len(rows) > store.STANDING_MAX:
        raise DomainError("round-too-large", extra={"at_most": store.STANDING_MAX})
    rows = await _once_each(work, before, rows)
    _require_towns(before, rows)
    places, cut_off = await _ranked(work, before, rows)
    await store.replace_places(work, round_id, places)
    await store.settle_objections(work, round_id)
    ranked = {"status": status, "ranked_on": work.today, "standing": len(places), "cut_off": cut_off}
    return RoundView.of(await save(work, "rank", None, before, before.model_copy(update=ranked)))


async def publish_round(work: Work, round_id: UUID) -> RoundView:
    """Show the list to the public, masked, for its working days; from today objections are taken (P-25, P-26)."""
    before, status = await take(work, round_id, RoundAct.PUBLISH)
    published = {
        "status": status,
        "published_on": work.today,
        "notice_until": calendar().deadline(work.today, before.notice_working_days).due_on,
        "objections_until": calendar().deadline(work.today, before.objection_working_days).due_on,
    }
    return RoundView.of(await save(work, "publish", RoundPublished, before, before.model_copy(update=published)))


async def finish_round(work: Work, round_id: UUID) -> RoundView:
    """The list is final. Raises `DomainError('round-not-over')` while notice or objections run, or one is not answered, or was
    upheld and the list is not ranked anew.
    """
    before, status = await take(work, round_id, RoundAct.FINISH)
    assert before.notice_until is not None
    assert before.objections_until is not None
    open_, upheld = await store.objected(work, round_id)
    last = max(before.notice_until, before.objections_until)
    if open_ or upheld or work.today <= last:
        raise DomainError("round-not-over", extra={"until": last.isoformat(), "objections_open": open_, "upheld": upheld})
    finished = before.model_copy(update={"status": status, "finished_on": work.today})
    return RoundView.of(await save(work, "finish", RoundFinished, before, finished))


async def cancel_round(work: Work, round_id: UUID) -> RoundView:
    """It does not take place."""
    before, status = await take(work, round_id, RoundAct.CANCEL)
    return RoundView.of(await save(work, "cancel", RoundCancelled, before, before.model_copy(update={"status": status})))


async def give_up_place(work: Work, round_id: UUID, body: GiveUp) -> RoundView:
    """An admitted applicant does not take the place; the next in line moves up, within the quota.

    The round's row is held, so of several who give up at once each sees what the others left. Raises
    `DomainError('place-not-held')`, `DomainError('place-in-use')` while a household transfer rests on it.
    """
    before, status = await take(work, round_id, RoundAct.GIVE_UP)
    place = await store.place_of(work, round_id, body.application_id)
    if place is None or place.outcome is not Outcome.ADMITTED or place.given_up_on is not None:
        raise DomainError("place-not-held")
    if await household_transfers.is_place_used(work, round_id, body.application_id):
        raise DomainError("place-in-use")
    await store.give_up(work, place.place_id)
    risen = await _next_in_line(work, before, place)
    await store.move_up(work, round_id, risen)
    for application_id in (body.application_id, *risen):
        work.audit("give_up" if application_id == body.application_id else "move_up", RESOURCE, round_id, outcome="done")
    return RoundView.of(await save(work, "give_up", None, before, before.model_copy(update={"status": status})))


def _require_quotas(body: RoundEntry, towns: Mapping[str, int]) -> None:
    problems = []
    prefix = division_prefix(body.division_code)
    for place, each in enumerate(body.town_quotas):
        if not each.division_code.startswith(prefix):
            zh, en = "不在本轮的区划内", "outside the division of the round"
            problems.append(FieldError(f"/town_quotas/{place}/division_code", "out_of_scope", zh, en, "P-15"))
    if len(towns) != len(body.town_quotas):
        problems.append(FieldError("/town_quotas", "repeated", "同一镇不得重复", "no town twice", "P-15"))
    if towns and sum(towns.values()) != body.quota:
        zh, en = "各镇名额之和须等于总名额", "the towns' places add up to the quota"
        problems.append(FieldError("/town_quotas", "sum", zh, en, "P-15"))
    if problems:
        raise invalid(problems)


async def _ranking(work: Work, record: RoundRecord) -> Ranking:
    law = await rule_sets.find_rule_set(work, record.rule_set_id)
    assert law is not None, "approved rule sets are seen by everybody"
    return ranking_of(compiled(law))


async def _once_each(work: Work, record: RoundRecord, rows: Sequence[Record]) -> list[Record]:
    """The rows that stand: of each child or family one, and none that holds a place of another round."""
    claims = await store.claims_of(work, record, [row["application_id"] for row in rows])
    latest_first = sorted(rows, key=lambda row: (row["applied_on"], row["application_id"]), reverse=True)
    standing = set(once_each([claims[row["application_id"]] for row in latest_first]))
    return [row for place, row in enumerate(latest_first) if place in standing]


def _require_towns(record: RoundRecord, rows: Sequence[Record]) -> None:
    """Where towns have places of their own, everybody applied at a town. Raises `DomainError('application-without-town')`."""
    homeless = [str(row["application_id"]) for row in rows if len(row["division_code"]) < _TOWN_DIGITS]
    if record.town_quotas and homeless:
        raise DomainError("application-without-town", extra={"count": len(homeless), "application_ids": homeless[:_NAMED_MAX]})


async def _ranked(work: Work, record: RoundRecord, rows: Sequence[Record]) -> tuple[list[PlaceRecord], str | None]:
    """Places of everybody who stands, and the total of who was admitted last."""
    by_id: dict[UUID, tuple[Record, Mapping[str, object]]] = {}
    contenders: list[Contender] = []
    for row in rows:
        score = store.score_in(work.keyring, row)
        town = row["division_code"][:_TOWN_DIGITS] if record.town_quotas else ""
        made = None if score is None else contender_of_figures(score, of=row["application_id"], town=town)
        if score is not None and made is not None and (not record.town_quotas or town in record.town_quotas):
            contenders.append(made)
            by_id[made.id] = row, score
    rankings = _rank(contenders, await _ranking(work, record), record)
    admitted = [place for ranked in rankings for place in ranked.admitted]
    lowest = min((place.contender.total for place in admitted), default=None)
    last: dict[UUID, PlaceRecord] = {}
    for ranked in rankings:
        for place in ranked.places:
            row, score = by_id[place.contender.id]
            earlier = last.get(place.contender.id)
            if earlier is not None and earlier.outcome is Outcome.ADMITTED:
                continue
            last[place.contender.id] = PlaceRecord(
                place_id=new_id(),
                round_id=record.round_id,
                application_id=place.contender.id,
                person_id=row["person_id"],
                assessment_id=row["assessment_id"],
                town=place.contender.town,
                rank=place.rank if earlier is None else earlier.rank,
                outcome=place.outcome,
                given_up_on=None,
                moved_up_on=None,
                secrets=PlaceSecrets(masked_name=row["masked_name"], score=dict(score)),
            )
    return list(last.values()), None if lowest is None else written(lowest)


def _rank(contenders: Sequence[Contender], rule: Ranking, record: RoundRecord) -> list[Ranked]:
    try:
        if not record.town_quotas:
            return [rank(contenders, rule, record.quota)]
        by_town = rank_by_town(contenders, rule, record.town_quotas, service=record.service)
        return [*by_town.towns.values(), *(() if by_town.second is None else (by_town.second,))]
    except UndecidedCutError as error:
        raise DomainError("cut-undecided", detail_zh=error.message_zh, detail_en=error.message_en) from None


async def _next_in_line(work: Work, record: RoundRecord, gone: PlaceRecord) -> list[UUID]:
    """Who is admitted now that somebody gave up: of the same town where towns have places of their own."""
    places = await store.places_of(work, record.round_id, admitted=False, after=None, limit=store.STANDING_MAX)
    of_town = [each for each in places if each.town == gone.town]
    left = [each for each in of_town if each.given_up_on is None and each.place_id != gone.place_id]
    quota = record.town_quotas.get(gone.town, record.quota) - await _used_by_erased(work, left)
    known = [(each, each.secrets) for each in left if each.secrets is not None]
    contenders = [contender_of_figures(secrets.score, of=each.application_id, town=each.town) for each, secrets in known]
    held = {each.application_id for each, _ in known if each.outcome is Outcome.ADMITTED}
    try:
        ranking = await _ranking(work, record)
        return [each.id for each in moved_up([each for each in contenders if each is not None], ranking, quota, held)]
    except UndecidedCutError:
        return []  # equals wait: who of them goes first, the rule set leaves to nobody (P-22)


async def _used_by_erased(work: Work, places: Sequence[PlaceRecord]) -> int:
    """How many places of people deleted since a household transfer rests on; the others are free."""
    erased = [each for each in places if each.secrets is None and each.outcome is Outcome.ADMITTED]
    return sum([await household_transfers.is_place_used(work, each.round_id, each.application_id) for each in erased])
