"""What happens to the clock of an information request (V-26): something is missing, it is extended, a third party is asked."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import FieldError
from services.chassis.refusals import invalid
from services.chassis.work import Work
from services.registry.actions.law import LAW
from services.registry.actions.rights_notices import tell_abandoned, tell_extended, tell_incomplete
from services.registry.actions.rights_standing import RESOURCE, noted, refused, rights_held, save, shown, standing_of, take
from services.registry.rules.residence_permit import Reason
from services.registry.rules.rights import OPEN, RightsAct, RightsStatus
from services.registry.rules.rights_clock import LATE_WITHOUT_REASON, ClockAct, opinion_due_on, term_of, why_not_lawful
from services.registry.schemas.evidence import attachments_in
from services.registry.schemas.permit_views import ReasonView
from services.registry.schemas.rights import (
    ClockEntry,
    IncompleteTelling,
    RightsExtension,
    RightsRequestRecord,
    RightsRequestView,
    RightsSecrets,
    RightsSupplement,
    ThirdPartyAsking,
    ThirdPartyHearing,
)
from services.registry.store import rights as store


async def tell_what_is_missing(work: Work, rights_request_id: UUID, body: IncompleteTelling) -> RightsRequestView:
    """The requester is told once; until the supplement comes, nothing is decided and nobody is late (OGI 30)."""
    before, _ = await take(work, rights_request_id, RightsAct.SET_CLOCK)
    with rights_held():
        days_max = LAW.rights.supplement_days_max.on(work.today)
    if not 0 < (body.supplement_due_on - work.today).days <= days_max:
        zh, en = f"须晚于今日,最长{days_max}日", f"must lie after today, by {days_max} days at most"
        raise invalid([FieldError("/supplement_due_on", "not_reasonable", zh, en, "V-26")])
    entry = ClockEntry(act=ClockAct.INCOMPLETE_TOLD, on=work.today, until=body.supplement_due_on)
    saved = await _tick(work, before, entry, secrets=noted(before, body.missing))
    await tell_incomplete(work, saved)
    return await shown(work, saved)


async def take_supplement(work: Work, rights_request_id: UUID, body: RightsSupplement) -> RightsRequestView:
    """What was missing; the term starts anew. What was given up goes on when an officer accepts why it is late (OGI 30)."""
    if body.late_reason is not None:
        work.require_actor()
    before, status = await take(work, rights_request_id, RightsAct.SUPPLEMENT)
    if body.wish is None and not body.evidence:
        raise invalid([FieldError("", "nothing_supplemented", "未提交任何补正内容", "nothing was handed in", "V-26")])
    if before.status is RightsStatus.ABANDONED:
        if body.late_reason is None:
            raise refused("rights-clock-act-not-allowed", [LATE_WITHOUT_REASON])
        before = before.model_copy(update={"verified_on": None})
    await refer(
        work, attachments_in(body.evidence), resource=RESOURCE, resource_id=rights_request_id, person_ids=(before.person_id,)
    )
    entry = ClockEntry(act=ClockAct.SUPPLEMENTED, on=work.today)
    return await shown(work, await _tick(work, before, entry, status=status, secrets=_supplemented(before, body)))


async def extend(work: Work, rights_request_id: UUID, body: RightsExtension) -> RightsRequestView:
    """The answer takes longer, once, by no more than the article allows; the requester is told (OGI 33)."""
    before, _ = await take(work, rights_request_id, RightsAct.SET_CLOCK)
    with rights_held():
        days_max = LAW.rights.extension_working_days_max.on(work.today)
        reasons = {reason.code: reason for reason in LAW.rights.extension_reasons.on(work.today)}
    problems = []
    if body.working_days > days_max:
        zh, en = f"最多延长{days_max}个工作日", f"{days_max} working days at most"
        problems.append(FieldError("/working_days", "too_long", zh, en, "V-26"))
    if body.reason_code not in reasons:
        problems.append(FieldError("/reason_code", "not_a_reason", "没有此理由", "there is no such reason", "V-26"))
    if problems:
        raise invalid(problems)
    entry = ClockEntry(
        act=ClockAct.EXTENDED,
        on=work.today,
        working_days=body.working_days,
        reason=ReasonView.of(reasons[body.reason_code]),
    )
    saved = await _tick(work, before, entry, secrets=noted(before, body.note))
    await tell_extended(work, saved, body.reason_code)
    return await shown(work, saved)


async def ask_third_party(work: Work, rights_request_id: UUID, body: ThirdPartyAsking) -> RightsRequestView:
    """Somebody else whom disclosure may harm is asked; the term stands still until the answer or the end of its time (OGI 32).

    The letter is handed over today: whom it goes to, and what is to be disclosed, is in it and not in a notice of ours.
    """
    before, _ = await take(work, rights_request_id, RightsAct.SET_CLOCK)
    with rights_held():
        until = opinion_due_on(work.today, LAW.rights, LAW.working_days)
    entry = ClockEntry(act=ClockAct.THIRD_PARTY_ASKED, on=work.today, until=until)
    return await shown(work, await _tick(work, before, entry, secrets=noted(before, body.note)))


async def hear_third_party(work: Work, rights_request_id: UUID, body: ThirdPartyHearing) -> RightsRequestView:
    """The opinion came in time; the term runs on."""
    before, _ = await take(work, rights_request_id, RightsAct.SET_CLOCK)
    entry = ClockEntry(act=ClockAct.THIRD_PARTY_HEARD, on=work.today, opinion=body.opinion)
    return await shown(work, await _tick(work, before, entry, secrets=noted(before, body.note)))


async def write_down_abandoned(work: Work, *, limit: int) -> int:
    """Write down, and tell, that requests count as given up since what was missing did not come; how many."""
    count = 0
    for rights_request_id in await store.lock_persons_of_abandoned(work, limit=limit):
        before = await store.lock_request(work, rights_request_id)
        after = standing_of(before, work.today)
        if after is not before:
            await tell_abandoned(work, await save(work, "abandon", before, after))
            count += 1
    return count


async def settle_terms(work: Work, *, limit: int) -> int:
    """Count terms anew that were provisional when they were last counted, by the calendar held now; how many."""
    waiting = await store.lock_persons_of_provisional(work, held_until=LAW.working_days.held_until, limit=limit)
    for rights_request_id in waiting:
        before = await store.lock_request(work, rights_request_id)
        if before.status in OPEN:
            await save(work, "settle_term", before, _counted(before))
    return len(waiting)


def _counted(record: RightsRequestRecord) -> RightsRequestRecord:
    term = term_of(record.time, LAW.rights, LAW.working_days)
    told = {
        "due_on": term.due_on,
        "is_due_provisional": term.is_provisional,
        "supplement_due_on": record.time.supplement_due_on,
    }
    return record.model_copy(update=told)


async def _tick(work: Work, before: RightsRequestRecord, entry: ClockEntry, **changes: Any) -> RightsRequestRecord:
    """Save the request with one more step of its clock. Raises `DomainError('rights-clock-act-not-allowed')` with reasons."""
    _require_lawful(work, entry.act, before)
    ticked = before.model_copy(update={"clock": (*before.clock, entry)} | changes)
    return await save(work, entry.act.value, before, _counted(ticked))


def _require_lawful(work: Work, act: ClockAct, record: RightsRequestRecord) -> None:
    with rights_held():
        reasons: Sequence[Reason] = why_not_lawful(act, record.time, work.today, LAW.rights, LAW.working_days)
    if reasons:
        raise refused("rights-clock-act-not-allowed", reasons)


def _supplemented(record: RightsRequestRecord, body: RightsSupplement) -> RightsSecrets | None:
    """The wish made clear and the papers added; nothing for somebody who was deleted meanwhile."""
    secrets = noted(record, body.late_reason)
    if secrets is None:
        return None
    given = {"wish": body.wish or secrets.wish, "evidence": (*secrets.evidence, *body.evidence)}
    return secrets.model_copy(update=given)
