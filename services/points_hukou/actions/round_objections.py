"""Objections to a place while the notice is up, and their answers (P-26, P-27).

One that is upheld puts the application into recheck at once: the list is ranked anew once an officer has looked again.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.chassis.db import Record
from services.chassis.errors import DomainError
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.parameters import NotInForceError
from services.chassis.records import changed_fields
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.chassis.working_days import Deadline, calendar
from services.contracts.points_hukou import RoundObjectionOverdue
from services.points_hukou.actions.application_acts import order_recheck
from services.points_hukou.actions.application_standing import eyes_on, sight_of
from services.points_hukou.actions.law import PROCEDURE
from services.points_hukou.actions.round_standing import noticed, take, take_noticed
from services.points_hukou.rules.round_states import RoundAct
from services.points_hukou.schemas.round_objections import (
    Objection,
    ObjectionAnswer,
    ObjectionRecord,
    ObjectionSecrets,
    ObjectionView,
)
from services.points_hukou.store import applications, round_places, rounds
from services.points_hukou.store import round_objections as store

RESOURCE = "round_objection"


async def object_to_place(work: Work, round_id: UUID, body: Objection) -> ObjectionView:
    """Take an objection in, at any window: the notice is public.

    Raises `DomainError('objections-over')` after their last day, once that is no guess.
    """
    record = await take_noticed(work, round_id, RoundAct.OBJECT)
    assert record.objections_until is not None
    if work.today > record.objections_until and not record.is_objections_provisional:
        raise DomainError("objections-over", extra={"objections_until": record.objections_until.isoformat()})
    person_id = await round_places.hold_noticed_place(work, round_id, body.application_id)
    if person_id is None:
        raise not_found("application")
    term = _term(work.today)
    objection = ObjectionRecord(
        objection_id=new_id(),
        round_id=round_id,
        application_id=body.application_id,
        person_id=person_id,
        status="open",
        raised_on=work.today,
        due_on=term.due_on,
        is_due_provisional=term.is_provisional,
        answered_on=None,
        answered_by=None,
        settled_on=None,
        overdue_told_for=None,
        taken_in=work.principal.division_prefix or None,
        secrets=ObjectionSecrets(reason=body.reason),
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    return await _shown(work, await _save(work, "object", None, objection))


async def answer_objection(work: Work, round_id: UUID, objection_id: UUID, body: ObjectionAnswer) -> ObjectionView:
    """Answer it, once; upheld, an officer looks at the score again. Raises `DomainError('objection-answered')`."""
    await take(work, round_id, RoundAct.ANSWER)
    before = await store.find_objection(work, objection_id)
    if before is None or before.round_id != round_id:
        raise not_found("objection")
    if before.status != "open" or before.secrets is None:
        raise DomainError("objection-answered")
    answered = {
        "status": body.outcome,
        "answered_on": work.today,
        "answered_by": work.require_actor(),
        "secrets": before.secrets.model_copy(update={"answer": body.answer}),
    }
    after_ = await _save(work, "answer", before, before.model_copy(update=answered))
    if body.outcome == "upheld":
        await order_recheck(work, before.application_id, body.answer)
    return await _shown(work, after_)


async def settle_upheld(work: Work, round_id: UUID) -> None:
    """Those that were upheld have had their effect: the round is ranked anew."""
    for before in await store.lock_upheld(work, round_id):
        await _save(work, "settle", before, before.model_copy(update={"settled_on": work.today}))


async def forget(work: Work, person_ids: Sequence[UUID]) -> None:
    """What was said of deleted persons goes; an open objection to a place of theirs has nothing to be about any more."""
    for before in await store.forget_objections(work, person_ids):
        await _save(work, "forget", before, before.model_copy(update={"status": "dismissed", "answered_on": work.today}))


async def tell_overdue(work: Work, *, limit: int) -> int:
    """Tell followers of objections that were not answered in time, once each; how many."""
    late = await store.lock_untold_overdue(work, limit=limit)
    for before in late:
        told = await _save(work, "tell_overdue", before, before.model_copy(update={"overdue_told_for": before.due_on}))
        of_round = await rounds.find_round(work, told.round_id)
        assert of_round is not None
        state = {name: getattr(told, name, None) for name in RoundObjectionOverdue.model_fields}
        fact = RoundObjectionOverdue.model_validate(state | {"division_code": of_round.division_code})
        work.emit(fact, division_codes=[of_round.division_code])
    return len(late)


async def settle_terms(work: Work, *, limit: int) -> int:
    """Count terms anew that were provisional when they were counted, by the calendar held now; how many."""
    waiting = await store.lock_provisional(work, held_until=calendar().held_until, limit=limit)
    for before in waiting:
        term = _term(before.raised_on)
        settled = {"due_on": term.due_on, "is_due_provisional": term.is_provisional}
        await _save(work, "settle_term", before, before.model_copy(update=settled))
    return len(waiting)


async def list_objections(work: Work, round_id: UUID, cursor: str | None, limit: int, *, overdue: bool) -> Page[ObjectionView]:
    """The objections to a round, oldest first; with `overdue` those that were not answered in time. Of another office's round a
    window sees those it took.
    """
    is_own = await rounds.find_round(work, round_id) is not None
    if not is_own:
        await noticed(work, round_id)
    scope = f"objections {round_id} {overdue}"
    start = after(work.keyring, scope, cursor)
    rows = await store.list_objections(work, round_id, overdue=overdue, after=start, limit=limit)
    births = await applications.birth_dates_of(work, {row["person_id"] for row in rows})
    sights = {row["person_id"]: eyes_on(work, births.get(row["person_id"])) for row in rows}

    def view(row: Record) -> ObjectionView:
        record = store.objection_of(work.keyring, row)
        late = is_overdue(work, record)
        return ObjectionView.of(record, sights[record.person_id], is_overdue=late, of_own_round=is_own)

    page = page_of(work.keyring, scope, rows, limit, view, id_column="objection_id")
    whose = {row["objection_id"]: row["person_id"] for row in rows}
    for item in page.items:
        person_id = whose[item.objection_id]
        work.audit("read", RESOURCE, item.objection_id, person_id=person_id, fields=sights[person_id].shown)
    return page


def is_overdue(work: Work, record: ObjectionRecord) -> bool:
    """Whether the term was missed; one that was only guessed never is."""
    return record.status == "open" and not record.is_due_provisional and record.due_on < work.today


def _term(raised_on: date) -> Deadline:
    """Until when it is answered (P-27). Raises `DomainError('no-rules-in-force')` on a day the procedure says nothing of."""
    try:
        return PROCEDURE.recheck_term(raised_on, calendar())
    except NotInForceError as error:
        raise DomainError("no-rules-in-force", extra={"on": raised_on.isoformat()}) from error


async def _save(work: Work, operation: str, before: ObjectionRecord | None, record: ObjectionRecord) -> ObjectionRecord:
    """Store it, remember it, leave evidence; of somebody erased nothing is sealed under a key of theirs."""
    record = record.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    is_erased = record.secrets is None
    if not is_erased:
        await work.make_person_keys([record.person_id])
    await (store.insert_objection if before is None else store.update_objection)(work, record)
    changed = changed_fields(before, record)
    about = None if is_erased else record.person_id
    work.remember(RESOURCE, record.objection_id, record.version, snapshot=record, changed=changed, person_id=about)
    work.audit(operation, RESOURCE, record.objection_id, person_id=record.person_id, fields=changed)
    return record


async def _shown(work: Work, record: ObjectionRecord) -> ObjectionView:
    is_own = await rounds.find_round(work, record.round_id) is not None
    sight = await sight_of(work, record.person_id)
    return ObjectionView.of(record, sight, is_overdue=is_overdue(work, record), of_own_round=is_own)
