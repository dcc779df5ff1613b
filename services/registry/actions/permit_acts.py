"""Acts on an issued or accepted permit. Each holds the holder's row, writes down what the law clock did meanwhile, and asks
the state machine before anything else.
"""

from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import (
    ResidencePermitEnded,
    ResidencePermitEndorsed,
    ResidencePermitIssued,
    ResidencePermitLossReported,
    ResidencePermitReplaced,
    ResidencePermitSuspended,
)
from services.registry.actions.law import LAW
from services.registry.actions.permit_clock import (
    RESOURCE,
    bring_up_to_date,
    day_for,
    facts_of,
    rules_of,
    rules_on,
    save,
    shown,
    with_clock,
)
from services.registry.actions.permit_notices import tell_suspended
from services.registry.actions.refusals import day_errors, require_held, require_settled, require_uncontested
from services.registry.rules.division import county_of
from services.registry.rules.permit_states import CardStatus, IllegalTransition, PermitAct, PermitStatus, is_final, transition
from services.registry.rules.residence_counting import resided_since
from services.registry.rules.residence_permit import EndorsementAssessment, EndorsementFacts, EndReason
from services.registry.schemas.merging import ConflictKind
from services.registry.schemas.permit_views import (
    EndorsementDecisionView,
    PermitRecord,
    PermitSecrets,
    PermitView,
    ReasonView,
    SuspensionCause,
)
from services.registry.schemas.permits import (
    CardReplacement,
    LossReport,
    PermitEnd,
    PermitEndorsement,
    PermitIssue,
    PermitSuspension,
)
from services.registry.schemas.registrations import RegistrationRecord
from services.registry.store import permits as store
from services.registry.store.historical_permits import papers_on_file
from services.registry.store.permits import EndorsementDecision
from services.registry.store.persons import LockedPerson, lock_persons
from services.registry.store.registrations import residence_of

WINDOW_NOT_OPEN = "endorsement_window_not_open"
_MADE_OUT_BY = (ConflictKind.RESIDENCE_PERMIT, ConflictKind.CITIZEN_NUMBER)
"""What a card is made out by: while a merge left two permits or two numbers, neither goes on as if it were the one."""


async def issue_permit(work: Work, permit_id: UUID, body: PermitIssue) -> PermitView:
    """Issue an accepted permit today; from now on it must be endorsed every year.

    Raises `DomainError('permit-not-issuable')` when the applicant is no longer registered in the county: a permit attests to
    residence (RR-20). The application can then only be withdrawn.
    """
    before, holder = await _take_with_holder(work, permit_id)
    status = _step(before, PermitAct.ISSUE)
    require_uncontested(holder, *_MADE_OUT_BY)
    residence = await residence_of(work, before.person_id)
    require_settled(residence)
    if not _is_registered_for(before, residence.current):
        raise DomainError("permit-not-issuable")
    issued = before.model_copy(
        update={
            "status": status,
            "issued_on": day_for(before, work.today),
            "card_status": CardStatus.IN_USE,
            "secrets": _secrets(before, card_number=body.card_number),
        }
    )
    after = await save(work, "issue", ResidencePermitIssued, before, with_clock(issued, work.today))
    return await shown(work, after)


async def endorse_permit(work: Work, permit_id: UUID, body: PermitEndorsement) -> PermitView:
    """Endorse for the year to come: in its window, or late – then the function is restored and residence years restart (RR-32).

    Outside the window of a valid permit it raises `DomainError('endorsement-window')`, which tells the window. A refusal
    because the conditions no longer hold (RR-33) is a decision: it is kept and answered, and changes nothing. What the office
    found of the conditions is an officer's word; without it the holder may ask alone.
    """
    if body.conditions_hold is not None:
        work.require_actor()
    before, holder = await _take_with_holder(work, permit_id)
    status = _step(before, PermitAct.ENDORSE)
    require_uncontested(holder, *_MADE_OUT_BY)
    assert holder is not None, "what is not over has its holder in sight"
    rules = rules_on(work.today)
    assessment = rules.assess_endorsement(await _endorsement_facts(work, before, holder, body))
    _refuse_outside_window(assessment)
    decision = _decision(work, before, assessment)
    await store.insert_endorsement(work, before, decision)
    told = EndorsementDecisionView(accepted=decision.accepted, is_late=decision.is_late, reasons=list(decision.reasons))
    if not assessment.accepted:
        work.audit("endorse", RESOURCE, permit_id, person_id=before.person_id, outcome="refused")
        return (await shown(work, before)).model_copy(update={"endorsement": told})
    endorsed = before.model_copy(
        update={
            "status": status,
            "endorsed_on": (*before.endorsed_on, decision.decided_on),
            "suspended_on": None,
            "suspension_cause": None,
            "secrets": _secrets(before, suspension_note=None),
        }
    )
    after = await save(work, "endorse", ResidencePermitEndorsed, before, with_clock(endorsed, work.today))
    return (await shown(work, after)).model_copy(update={"endorsement": told})


async def suspend_permit(work: Work, permit_id: UUID, body: PermitSuspension) -> PermitView:
    """An officer suspends the function; an endorsement restores it on any day, and only a late one restarts the years."""
    before = await _take(work, permit_id)
    suspended = before.model_copy(
        update={
            "status": _step(before, PermitAct.SUSPEND),
            "suspended_on": day_for(before, work.today),
            "suspension_cause": SuspensionCause.OFFICER,
            "secrets": _secrets(before, suspension_note=body.reason),
        }
    )
    after = await save(work, "suspend", ResidencePermitSuspended, before, suspended)
    await tell_suspended(work, after)
    return await shown(work, after)


async def report_loss(work: Work, permit_id: UUID, body: LossReport) -> PermitView:
    """The card is lost or stolen; the permit stays what it is until a new card is made (RR-34)."""
    before = await _take(work, permit_id)
    status = _step(before, PermitAct.REPORT_LOSS)
    if before.card_status is not CardStatus.IN_USE:
        raise DomainError("card-not-in-use")
    assert before.issued_on is not None
    latest = day_for(before, work.today)
    lost_on = body.lost_on or latest
    if problems := day_errors("/lost_on", lost_on, earliest=before.issued_on, latest=latest):
        raise invalid(problems)
    lost = before.model_copy(update={"status": status, "card_status": CardStatus.REPORTED_LOST, "lost_on": lost_on})
    return await shown(work, await save(work, "report_loss", ResidencePermitLossReported, before, lost))


async def replace_card(work: Work, permit_id: UUID, body: CardReplacement) -> PermitView:
    """A new card for the same permit, with the same residence years (RR-34)."""
    before, holder = await _take_with_holder(work, permit_id)
    status = _step(before, PermitAct.REPLACE_CARD)
    require_uncontested(holder, *_MADE_OUT_BY)
    reasons = rules_of(before).assess_card_replacement(
        body.cause, is_old_card_returned=body.is_old_card_returned, on=day_for(before, work.today)
    )
    if reasons:
        raise invalid(
            FieldError("/is_old_card_returned", reason.code, reason.message_zh, reason.message_en, reason.rule)
            for reason in reasons
        )
    number = body.card_number or before.secrets.card_number
    replaced = before.model_copy(
        update={
            "status": status,
            "card_status": CardStatus.IN_USE,
            "lost_on": None,
            "secrets": _secrets(before, card_number=number),
        }
    )
    return await shown(work, await save(work, "replace_card", ResidencePermitReplaced, before, replaced))


async def end_permit(work: Work, permit_id: UUID, body: PermitEnd) -> PermitView:
    """End a permit, or withdraw an application before anything was issued."""
    before = await _take(work, permit_id)
    act = PermitAct.WITHDRAW if before.status is PermitStatus.ACCEPTED else PermitAct.END
    status = _step(before, act)
    latest = day_for(before, work.today)
    if body.reason not in rules_of(before).end_reasons(latest):
        zh, en = "现行规定没有此注销事由", "this is no reason for ending a permit under the rules in force"
        raise invalid([FieldError("/reason", "not_a_reason", zh, en, "RR-37")])
    ended_on = body.ended_on or latest
    if problems := day_errors("/ended_on", ended_on, earliest=before.issued_on or before.applied_on, latest=latest):
        raise invalid(problems)
    ended = _ended(before, status, ended_on, body.reason).model_copy(update={"secrets": _secrets(before, end_note=body.note)})
    return await shown(work, await save(work, "end", ResidencePermitEnded, before, ended))


async def end_by_transfer(work: Work, found: PermitRecord, entered_on: date, caused_by: UUID) -> PermitRecord:
    """End an open permit, or withdraw the application, because its holder has become local hukou, by a neighbour's event; the
    holder's rows are held (RR-37).
    """
    before = await bring_up_to_date(work, found)
    day = max(before.issued_on or before.applied_on, entered_on)
    act = PermitAct.WITHDRAW if before.status is PermitStatus.ACCEPTED else PermitAct.END
    ended = _ended(before, _step(before, act), day, EndReason.HOUSEHOLD_TRANSFER)
    return await save(work, "end", ResidencePermitEnded, before, ended.model_copy(update={"end_caused_by": caused_by}))


def _ended(before: PermitRecord, status: PermitStatus, ended_on: date, reason: EndReason) -> PermitRecord:
    return before.model_copy(
        update={
            "status": status,
            "ended_on": ended_on,
            "end_reason": reason,
            "endorsement_from": None,
            "endorsement_until": None,
            "card_status": None if before.card_status is None else CardStatus.WITHDRAWN,
        }
    )


async def _take(work: Work, permit_id: UUID) -> PermitRecord:
    """The permit, locked together with its holder and brought up to date.

    The client's division must hold the holder now, or have this open case; what is over, the state machine refuses to all.
    """
    record, _ = await _take_with_holder(work, permit_id)
    return record


async def _take_with_holder(work: Work, permit_id: UUID) -> tuple[PermitRecord, LockedPerson | None]:
    """The same, and what is known of the holder; nothing may be, of a permit that is over."""
    found = await store.find_permit(work, permit_id)
    if found is None:
        raise not_found("permit")
    holder = (await lock_persons(work, found.person_id)).get(found.person_id)
    record = await store.reload_permit(work, permit_id)
    work.expect_version(record.version)
    if not is_final(record.status):
        require_held(holder)
    return await bring_up_to_date(work, record), holder


async def _endorsement_facts(
    work: Work, record: PermitRecord, holder: LockedPerson, body: PermitEndorsement
) -> EndorsementFacts:
    """What is known of the permit and its holder. Whose hukou is of this place now no longer meets the conditions (RR-20),
    whatever the office found.
    """
    permit = facts_of(record)
    assert permit is not None
    hukou = holder.hukou_division_code
    residence = await residence_of(work, record.person_id)
    require_settled(residence)
    here, on = residence.current, day_for(record, work.today)
    papers = await papers_on_file(work, record.person_id)
    since = resided_since(residence.periods, papers, on, LAW.registration, LAW.historical)
    is_floating = LAW.divisions.is_floating(hukou, here.division_code, work.today) if hukou and here else None
    return EndorsementFacts(
        permit=permit,
        requested_on=on,
        is_registered=_is_registered_for(record, here),
        conditions_hold=False if is_floating is False else body.conditions_hold,
        residence_since=None if here is None else since,
    )


def _is_registered_for(permit: PermitRecord, current: RegistrationRecord | None) -> bool:
    """Whether the holder is registered in the permit's county; for who is registered elsewhere the conditions hold there."""
    if current is None:
        return False
    return permit.division_code is None or county_of(current.division_code) == county_of(permit.division_code)


def _step(record: PermitRecord, act: PermitAct) -> PermitStatus:
    """The status after the act. Raises `DomainError('permit-act-not-allowed')`."""
    following = transition(record.status, act)
    if isinstance(following, IllegalTransition):
        raise DomainError(
            "permit-act-not-allowed",
            detail_zh=following.message_zh,
            detail_en=following.message_en,
            extra={"permit_status": record.status.value, "act": act.value},
        )
    return following


def _secrets(record: PermitRecord, **changes: str | None) -> PermitSecrets:
    """The encrypted part with these values changed."""
    return record.secrets.model_copy(update=changes)


def _refuse_outside_window(assessment: EndorsementAssessment) -> None:
    for reason in assessment.reasons:
        if reason.code == WINDOW_NOT_OPEN:
            raise DomainError(
                "endorsement-window",
                detail_zh=reason.message_zh,
                detail_en=reason.message_en,
                extra={
                    "endorsement_from": assessment.next_year.window_opens_on.isoformat(),
                    "endorsement_until": assessment.next_year.window_closes_on.isoformat(),
                },
            )


def _decision(work: Work, record: PermitRecord, assessment: EndorsementAssessment) -> EndorsementDecision:
    """The decision with the window that was waiting."""
    assert record.endorsement_from is not None
    assert record.endorsement_until is not None
    return EndorsementDecision(
        decided_on=day_for(record, work.today),
        accepted=assessment.accepted,
        is_late=assessment.is_late,
        window_from=record.endorsement_from,
        window_until=record.endorsement_until,
        reasons=[ReasonView.of(reason) for reason in assessment.reasons],
    )
