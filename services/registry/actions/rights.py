"""Requests of persons about their data (V-16 to V-26): received, verified, decided with reasons, carried out, in time."""

from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.registry.actions.contested_facts import answer
from services.registry.actions.law import LAW
from services.registry.actions.person_copy import copy_of
from services.registry.actions.person_reading import require_visible
from services.registry.actions.refusals import person_not_found, require_own_id
from services.registry.actions.restriction import impose, lift
from services.registry.actions.rights_notices import tell_decided
from services.registry.actions.rights_recipients import require_told
from services.registry.actions.rights_standing import (
    RESOURCE,
    lock_subject,
    noted,
    refused,
    rights_held,
    save,
    shown,
    take,
    view_of,
)
from services.registry.actions.sights import sight_of
from services.registry.rules.residence_permit import Reason
from services.registry.rules.rights import (
    Outcome,
    Requester,
    RequesterFacts,
    RightsAct,
    RightsKind,
    RightsStatus,
    why_not_entitled,
)
from services.registry.rules.rights_clock import Clock, term_of, why_not_decidable
from services.registry.schemas.evidence import attachments_in
from services.registry.schemas.permit_views import ReasonView
from services.registry.schemas.relationships import RelationshipEndReason, RelationshipKind
from services.registry.schemas.rights import (
    PastRightsRequestView,
    PersonCopyView,
    RestrictionLift,
    RightsCompletion,
    RightsDecision,
    RightsRequestEntry,
    RightsRequestRecord,
    RightsRequestView,
    RightsSecrets,
    RightsVerification,
)
from services.registry.store import rights as store
from services.registry.store.merging import ids_of_human
from services.registry.store.persons import find_person, lock_persons
from services.registry.store.relationships import relationship_of, relationships_of

_CHANGING = frozenset({RightsKind.CORRECTION, RightsKind.COMPLETION})
_GUARDIANS = frozenset({RelationshipKind.PARENT, RelationshipKind.GUARDIAN})
_RELATIONSHIPS_MAX = 200


async def receive_request(work: Work, body: RightsRequestEntry) -> RightsRequestView:
    """Take a request in; its clock runs from today. Whoever may ask is looked at when it is verified."""
    asking = [] if body.requester_person_id is None else [body.requester_person_id]
    locked = await lock_subject(work, body.person_id, *asking)
    if (person := locked.get(body.person_id)) is None or not person.is_visible:
        raise person_not_found("/person_id")
    for one in locked.values():
        require_own_id(one)
    if body.requester is Requester.SELF and body.requester_person_id is not None:
        zh, en = "本人提出的不填他人", "who asks for itself names nobody else"
        raise invalid([FieldError("/requester_person_id", "not_self", zh, en)])
    with rights_held():
        term = term_of(Clock(body.kind, work.today), LAW.rights, LAW.working_days)
    rights_request_id = new_id()
    papers = attachments_in(body.evidence)
    await refer(work, papers, resource=RESOURCE, resource_id=rights_request_id, person_ids=(body.person_id,))
    record = RightsRequestRecord(
        rights_request_id=rights_request_id,
        person_id=body.person_id,
        kind=body.kind,
        requester=body.requester,
        requester_person_id=body.requester_person_id,
        division_code=work.principal.division_code,
        status=RightsStatus.RECEIVED,
        received_on=work.today,
        due_on=term.due_on,
        is_due_provisional=term.is_provisional,
        clock=(),
        supplement_due_on=None,
        verified_on=None,
        decided_on=None,
        outcome=None,
        reasons=(),
        done_on=None,
        lifted_on=None,
        copy_sha256=None,
        person_version=(await require_visible(work, body.person_id)).version,
        secrets=RightsSecrets(wish=body.wish, evidence=tuple(body.evidence)),
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    return await shown(work, await save(work, "receive", None, record))


async def verify_request(work: Work, rights_request_id: UUID, body: RightsVerification) -> RightsRequestView:
    """The officer has seen who asks. Raises `DomainError('rights-request-not-entitled')` with every reason why it may not."""
    before, status = await take(work, rights_request_id, RightsAct.VERIFY)
    requester = await _requester(work, before)
    with rights_held():
        reasons = why_not_entitled(requester, LAW.rights)
    if reasons:
        raise refused("rights-request-not-entitled", reasons)
    after_ = before.model_copy(update={"status": status, "verified_on": work.today, "secrets": noted(before, body.note)})
    return await shown(work, await save(work, "verify", before, after_))


async def decide_request(work: Work, rights_request_id: UUID, body: RightsDecision) -> RightsRequestView:
    """Decide; the requester is told, with reasons and the ways against a refusal. A restriction granted begins at once. Raises
    `DomainError('rights-request-waits')` while somebody else is to be heard (V-26).
    """
    before, status = await take(work, rights_request_id, RightsAct.DECIDE)
    if waits := why_not_decidable(before.time, work.today):
        raise refused("rights-request-waits", waits)
    with rights_held():
        LAW.rights.remedies.on(work.today)  # a decision tells them
        reasons = _reasons(work, body)
    decided = before.model_copy(
        update={
            "status": status,
            "decided_on": work.today,
            "outcome": body.outcome,
            "reasons": tuple(map(ReasonView.of, reasons)),
            "secrets": noted(before, body.note),
        }
    )
    saved = await save(work, "decide", before, decided)
    await tell_decided(work, saved)
    await answer(work, saved)
    view = await shown(work, saved)
    if saved.kind is RightsKind.RESTRICTION and saved.outcome is Outcome.GRANTED:
        await impose(work, saved)
    return view


async def hand_over_copy(work: Work, rights_request_id: UUID) -> PersonCopyView:
    """The copy that was granted, made now (V-17); its digest stays with the request."""
    before = await store.find_request(work, rights_request_id)
    if before is None:
        raise not_found("rights-request")
    await lock_subject(work, before.person_id)
    before = await store.lock_request(work, rights_request_id)
    work.expect_version(before.version)
    granted = before.outcome in {Outcome.GRANTED, Outcome.PARTLY}
    if before.kind is not RightsKind.ACCESS_COPY or not granted or before.status is not RightsStatus.DECIDED:
        raise DomainError("rights-request-act-not-allowed", extra={"rights_request_status": before.status.value})
    await require_visible(work, before.person_id)
    copy = await copy_of(work, rights_request_id, before.person_id)
    await save(work, "hand_over_copy", before, before.model_copy(update={"copy_sha256": copy.sha256}))
    work.audit("read", "person_copy", rights_request_id, person_id=before.person_id, fields=[held.source for held in copy.held])
    return copy


async def complete_request(work: Work, rights_request_id: UUID, body: RightsCompletion) -> RightsRequestView:
    """What was decided is done. Raises `DomainError('rights-request-not-carried-out')` while the register shows it is not, and
    `DomainError('rights-recipients-not-told')` of a correction while somebody may still go by the old data (V-18).
    """
    before, status = await take(work, rights_request_id, RightsAct.COMPLETE)
    if before.outcome is not Outcome.REFUSED:
        if not await _is_carried_out(work, before):
            raise DomainError("rights-request-not-carried-out")
        if before.kind in _CHANGING and not body.recipients_are_told:
            await require_told(work, rights_request_id)
    done = before.model_copy(update={"status": status, "done_on": work.today, "secrets": noted(before, body.note)})
    saved = await save(work, "complete", before, done)
    if saved.outcome is not Outcome.REFUSED:  # that was answered when it was decided
        await answer(work, saved)
    return await shown(work, saved)


async def withdraw_request(work: Work, rights_request_id: UUID) -> RightsRequestView:
    """The requester takes it back before it is decided."""
    before, status = await take(work, rights_request_id, RightsAct.WITHDRAW)
    saved = await save(work, "withdraw", before, before.model_copy(update={"status": status}))
    await answer(work, saved)
    return await shown(work, saved)


async def lift_request(work: Work, rights_request_id: UUID, body: RestrictionLift) -> RightsRequestView:
    """End the restriction that a request led to. Raises `DomainError('restriction-not-in-force')`."""
    before = await store.find_request(work, rights_request_id)
    if before is None:
        raise not_found("rights-request")
    await lock_persons(work, before.person_id)
    before = await store.lock_request(work, rights_request_id)
    work.expect_version(before.version)
    lifted = before.model_copy(update={"lifted_on": work.today, "secrets": noted(before, body.note)})
    await lift(work, before)
    return await shown(work, await save(work, "lift", before, lifted))


async def read_request(work: Work, rights_request_id: UUID) -> RightsRequestView:
    """One request that this client's office answers."""
    record = await store.find_request(work, rights_request_id)
    if record is None:
        raise not_found("rights-request")
    return await shown(work, record)


async def read_request_history(
    work: Work, rights_request_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastRightsRequestView]]:
    """Versions of a request, newest first; without their state once the person is deleted."""
    record = await store.find_request(work, rights_request_id)
    if record is None:
        raise not_found("rights-request")
    sight = await sight_of(work, record.person_id)
    versions = await versions_of(
        work,
        RESOURCE,
        rights_request_id,
        record=RightsRequestRecord,
        view=lambda past: PastRightsRequestView.of(past, sight),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, rights_request_id, person_id=record.person_id, fields=sight.shown)
    return versions


async def list_requests(
    work: Work,
    person_id: UUID | None,
    status: RightsStatus | None,
    cursor: str | None,
    limit: int,
    *,
    overdue: bool,
) -> Page[RightsRequestView]:
    """Requests that this client's office answers, oldest first; with `overdue` those that should be decided by now."""
    scope = f"rights {person_id} {status} {overdue}"
    rows = await store.list_requests(
        work,
        person_id=person_id,
        status=status,
        overdue=overdue,
        after=after(work.keyring, scope, cursor),
        limit=limit,
    )
    sights = {row["person_id"]: await sight_of(work, row["person_id"]) for row in rows}
    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: view_of(work, store.request_of(work.keyring, row), sights[row["person_id"]]),
        id_column="rights_request_id",
    )
    for item in page.items:
        work.audit("read", RESOURCE, item.rights_request_id, person_id=item.person_id, fields=sights[item.person_id].shown)
    return page


async def _requester(work: Work, record: RightsRequestRecord) -> RequesterFacts:
    """What the register knows of who asks for whom."""
    person = await require_visible(work, record.person_id)
    rows = await relationships_of(work, record.person_id, after=None, limit=_RELATIONSHIPS_MAX)
    known = [relationship_of(work.keyring, row) for row in rows]
    asking = set() if record.requester_person_id is None else {*await ids_of_human(work, record.requester_person_id)}
    theirs = [one for one in known if asking & {one.person_id, one.related_person_id}]
    papers = record.secrets.evidence if record.secrets is not None else ()
    return RequesterFacts(
        kind=record.kind,
        requester=record.requester,
        on=work.today,
        birth_date=person.birth_date,
        is_guardian=any(one.kind in _GUARDIANS and one.ended_on is None and one.related_person_id in asking for one in theirs),
        is_relative=any(one.end_reason in {None, RelationshipEndReason.DEATH} for one in theirs),
        evidence_types=frozenset(item.type for item in papers),
    )


def _reasons(work: Work, body: RightsDecision) -> list[Reason]:
    """The reasons named. Raises when one is unknown, when a refusal has none, or when what is granted whole has one."""
    known = {reason.code: reason for reason in LAW.rights.refusal_reasons.on(work.today)}
    problems = [
        FieldError(f"/reason_codes/{place}", "not_a_reason", "没有此理由", "there is no such reason", "V-23")
        for place, code in enumerate(body.reason_codes)
        if code not in known
    ]
    if (body.outcome is Outcome.GRANTED) == bool(body.reason_codes):
        zh, en = "不予同意或部分同意须说明理由,同意的不填", "a refusal, also of a part, names reasons; a grant has none"
        problems.append(FieldError("/reason_codes", "reasons_and_outcome", zh, en, "V-23"))
    if problems:
        raise invalid(problems)
    return [known[code] for code in dict.fromkeys(body.reason_codes)]


async def _is_carried_out(work: Work, record: RightsRequestRecord) -> bool:
    match record.kind:
        case RightsKind.ACCESS_COPY:
            return record.copy_sha256 is not None
        case kind if kind in _CHANGING:
            seen = await find_person(work, record.person_id)
            if seen is not None and seen.record.version > record.person_version:
                return True
            field = record.contested_field
            return field is not None and await store.is_field_changed(work, record.person_id, field, record.created_at)
        case RightsKind.DELETION:
            return False  # the deletion itself completes it
        case _:
            return True
