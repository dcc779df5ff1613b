"""The life of a round: opened with its quota, ranked after its freeze day (`round_ranking`), published, finished; or cancelled.

Its notice and its time for objections are counted in working days; while one reaches into a year whose calendar is not
published yet, nobody is late and no list is final.
"""

from collections.abc import Mapping
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.principal import division_prefix
from services.chassis.refusals import invalid, require_own_division
from services.chassis.work import Work
from services.chassis.working_days import calendar
from services.contracts.points_hukou import RoundCancelled, RoundFinished, RoundOpened, RoundPublished
from services.points_hukou.actions.applying import law_today
from services.points_hukou.actions.round_contenders import Changes, changes_since
from services.points_hukou.actions.round_places import hand_on
from services.points_hukou.actions.round_standing import refused_act, save, take
from services.points_hukou.rules.round_states import RoundAct, RoundStatus
from services.points_hukou.schemas.rounds import RoundEntry, RoundRecord, RoundView
from services.points_hukou.store import round_objections, round_places
from services.points_hukou.store import rounds as store


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
        rankings=0,
        ranked_by=None,
        published_by=None,
        finished_by=None,
        is_notice_provisional=False,
        is_objections_provisional=False,
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    return RoundView.of(await save(work, "open", RoundOpened, None, record))


async def publish_round(work: Work, round_id: UUID) -> RoundView:
    """Show the list to the public, masked, for its working days; from today objections are taken (P-25, P-26).

    Raises `DomainError('ranking-out-of-date')` when anything changed since it was ranked, `DomainError('round-not-settled')`.
    """
    before, status = await take(work, round_id, RoundAct.PUBLISH)
    changes = await changes_since(work, before)
    if changes.left or changes.need_ranking:
        raise _out_of_date(changes)
    published = {"status": status, "published_on": work.today, "published_by": work.require_actor()}
    after = before.model_copy(update=published)
    return RoundView.of(await save(work, "publish", RoundPublished, before, after.model_copy(update=_terms_of(after))))


async def finish_round(work: Work, round_id: UUID) -> RoundView:
    """The list is final. Who left it since it was ranked holds nothing, and the next in line is on it.

    Raises `DomainError('round-not-over')` while notice or objections run, or end on a day that is only guessed, or one is not
    answered, or was upheld and the list is not ranked anew; `DomainError('round-not-settled')` while a score is looked at
    again; `DomainError('ranking-out-of-date')` when somebody was scored anew.
    """
    before, status = await take(work, round_id, RoundAct.FINISH)
    await _require_over(work, before)
    changes = await changes_since(work, before)
    if changes.need_ranking:
        raise _out_of_date(changes)
    if changes.left:
        places = await round_places.whole_ranking(work, before)
        await hand_on(work, before, [each for each in places if each.application_id in changes.left], "leave")
    finished = {"status": status, "finished_on": work.today, "finished_by": work.require_actor()}
    return RoundView.of(await save(work, "finish", RoundFinished, before, before.model_copy(update=finished)))


async def cancel_round(work: Work, round_id: UUID) -> RoundView:
    """It does not take place. What was public once is led to its end, ranked anew or not: who objected gets an answer."""
    before, status = await take(work, round_id, RoundAct.CANCEL)
    if before.published_on is not None:
        raise refused_act(before, RoundAct.CANCEL)
    return RoundView.of(await save(work, "cancel", RoundCancelled, before, before.model_copy(update={"status": status})))


async def settle_terms(work: Work, *, limit: int) -> int:
    """Count terms anew that were provisional when they were counted, by the calendar held now; how many rounds."""
    waiting = await store.lock_provisional(work, held_until=calendar().held_until, limit=limit)
    for record in waiting:
        await save(work, "settle_term", None, record, record.model_copy(update=_terms_of(record)))
    return len(waiting)


def _terms_of(record: RoundRecord) -> Mapping[str, object]:
    """The last days of a round published on its day, as well as the calendar tells them."""
    assert record.published_on is not None
    notice = calendar().deadline(record.published_on, record.notice_working_days)
    objections = calendar().deadline(record.published_on, record.objection_working_days)
    return {
        "notice_until": notice.due_on,
        "is_notice_provisional": notice.is_provisional,
        "objections_until": objections.due_on,
        "is_objections_provisional": objections.is_provisional,
    }


async def _require_over(work: Work, record: RoundRecord) -> None:
    assert record.notice_until is not None
    assert record.objections_until is not None
    open_, upheld = await round_objections.objected(work, record.round_id)
    last = max(record.notice_until, record.objections_until)
    is_provisional = record.is_notice_provisional or record.is_objections_provisional
    if open_ or upheld or is_provisional or work.today <= last:
        told = {"until": last.isoformat(), "is_provisional": is_provisional, "objections_open": open_, "upheld": upheld}
        raise DomainError("round-not-over", extra=told)


def _out_of_date(changes: Changes) -> DomainError:
    counts = {"left": len(changes.left), "rescored": changes.rescored, "joined": changes.joined}
    return DomainError("ranking-out-of-date", extra=counts)


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
