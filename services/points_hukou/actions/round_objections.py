"""Objections to a place while the notice is up, and their answers (P-26, P-27)."""

from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.parameters import NotInForceError
from services.chassis.records import changed_fields
from services.chassis.work import Work
from services.chassis.working_days import calendar
from services.points_hukou.actions.application_standing import eyes_on, sight_of
from services.points_hukou.actions.law import PROCEDURE
from services.points_hukou.actions.refusals import not_found
from services.points_hukou.actions.round_standing import found, take
from services.points_hukou.rules.round_states import RoundAct
from services.points_hukou.schemas.rounds import (
    Objection,
    ObjectionAnswer,
    ObjectionRecord,
    ObjectionSecrets,
    ObjectionView,
)
from services.points_hukou.store import applications
from services.points_hukou.store import rounds as store

RESOURCE = "round_objection"


async def object_to_place(work: Work, round_id: UUID, body: Objection) -> ObjectionView:
    """Take an objection in. Raises `DomainError('objections-over')` after their last day."""
    record, _ = await take(work, round_id, RoundAct.OBJECT)
    assert record.objections_until is not None
    if work.today > record.objections_until:
        raise DomainError("objections-over", extra={"objections_until": record.objections_until.isoformat()})
    place = await store.place_of(work, round_id, body.application_id)
    if place is None:
        raise not_found("application")
    try:
        term = PROCEDURE.recheck_term(work.today, calendar())
    except NotInForceError as error:
        raise DomainError("no-rules-in-force", extra={"on": work.today.isoformat()}) from error
    objection = ObjectionRecord(
        objection_id=new_id(),
        round_id=round_id,
        application_id=place.application_id,
        person_id=place.person_id,
        status="open",
        raised_on=work.today,
        due_on=term.due_on,
        is_due_provisional=term.is_provisional,
        answered_on=None,
        answered_by=None,
        settled_on=None,
        secrets=ObjectionSecrets(reason=body.reason),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_objection(work, objection)
    return await _left(work, "object", None, objection)


async def answer_objection(work: Work, round_id: UUID, objection_id: UUID, body: ObjectionAnswer) -> ObjectionView:
    """Answer it, once. Raises `DomainError('objection-answered')`."""
    await take(work, round_id, RoundAct.ANSWER)
    before = await store.find_objection(work, objection_id)
    if before is None or before.round_id != round_id:
        raise not_found("objection")
    if before.status != "open":
        raise DomainError("objection-answered")
    reason = "" if before.secrets is None else before.secrets.reason
    answered = before.model_copy(
        update={
            "status": body.outcome,
            "answered_on": work.today,
            "answered_by": work.require_actor(),
            "secrets": ObjectionSecrets(reason=reason, answer=body.answer),
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    await store.answer_objection(work, answered)
    return await _left(work, "answer", before, answered)


async def list_objections(work: Work, round_id: UUID, cursor: str | None, limit: int) -> Page[ObjectionView]:
    """The objections to a round, oldest first."""
    await found(work, round_id)
    scope = f"objections {round_id}"
    rows = await store.list_objections(work, round_id, after(work.keyring, scope, cursor), limit)
    births = await applications.birth_dates_of(work, {row["person_id"] for row in rows})
    sights = {row["person_id"]: eyes_on(work, births.get(row["person_id"])) for row in rows}
    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: ObjectionView.of(store.objection_of(work.keyring, row), sights[row["person_id"]]),
        id_column="objection_id",
    )
    for item in page.items:
        work.audit("read", RESOURCE, item.objection_id, person_id=item.person_id, fields=sights[item.person_id].shown)
    return page


async def _left(work: Work, operation: str, before: ObjectionRecord | None, after_: ObjectionRecord) -> ObjectionView:
    """The version, the evidence and the answer. No event: what follows for the list is told by the round."""
    changed = changed_fields(before, after_)
    person_id = after_.person_id
    work.remember(RESOURCE, after_.objection_id, after_.version, snapshot=after_, changed=changed, person_id=person_id)
    work.audit(operation, RESOURCE, after_.objection_id, person_id=person_id, fields=changed)
    return ObjectionView.of(after_, await sight_of(work, person_id))
