"""Relationships: register, end, read. `related_person_id` is the `kind` of `person_id`."""

from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import RelationshipEnded, RelationshipRegistered, RelationshipState
from services.registry.actions.person_reading import require_visible
from services.registry.actions.refusals import day_errors, person_not_found, require_held, require_own_id, with_id
from services.registry.actions.sights import record_shown, sight_of, sight_on
from services.registry.actions.trail import leave
from services.registry.schemas.evidence import attachments_in
from services.registry.schemas.relationships import (
    SYMMETRIC_KINDS,
    RelationshipEnd,
    RelationshipEndReason,
    RelationshipKind,
    RelationshipRecord,
    RelationshipRegistration,
    RelationshipView,
)
from services.registry.store import relationships as store
from services.registry.store.events import relationship_event
from services.registry.store.persons import LockedPerson, lock_persons
from services.registry.store.visibility import divisions_of

RESOURCE = "relationship"


async def register_relationship(work: Work, body: RelationshipRegistration) -> RelationshipView:
    """Register that somebody is another's parent, guardian, spouse or sibling.

    Raises `DomainError('relationship-exists')` when it is in force already, whichever way round for spouses and siblings.
    """
    if body.person_id == body.related_person_id:
        zh, en = "不能与本人建立关系", "a person has no relationship with itself"
        raise invalid([FieldError("/related_person_id", "same_person", zh, en)])
    person, related = await _lock_both(work, body)
    problems = day_errors("/valid_from", body.valid_from, earliest=person.birth_date, latest=work.today)
    if body.kind is RelationshipKind.PARENT and related.birth_date >= person.birth_date:
        zh, en = "父母的出生日期应早于子女", "a parent is born before the child"
        problems.append(FieldError("/related_person_id", "born_later", zh, en))
    if problems:
        raise invalid(problems)
    await _refuse_duplicate(work, body)
    relationship_id = new_id()
    await refer(
        work,
        attachments_in(body.evidence),
        resource=RESOURCE,
        resource_id=relationship_id,
        person_ids=(body.person_id, body.related_person_id),
    )
    record = RelationshipRecord(
        relationship_id=relationship_id,
        person_id=body.person_id,
        related_person_id=body.related_person_id,
        kind=body.kind,
        valid_from=body.valid_from,
        ended_on=None,
        end_reason=None,
        evidence=tuple(body.evidence),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_relationship(work, record)
    await _leave(work, "register", RelationshipRegistered, None, record)
    return RelationshipView.of(record, sight_on(work, max(person.birth_date, related.birth_date)))


async def end_relationship(work: Work, relationship_id: UUID, body: RelationshipEnd) -> RelationshipView:
    """End a relationship. Raises `DomainError('relationship-ended')` when it has ended.

    That it never held is an officer's finding (V-18).
    """
    if body.reason is RelationshipEndReason.RECORDED_IN_ERROR:
        work.require_actor()
    found = await store.find_relationship(work, relationship_id)
    if found is None:
        raise not_found("relationship")
    require_held(*(await lock_persons(work, found.person_id, found.related_person_id)).values())
    before = await store.lock_relationship(work, relationship_id)
    work.expect_version(before.version)
    if before.ended_on is not None:
        raise DomainError("relationship-ended")
    # A sandbox may have moved its clock back before the day the relationship began; it can still be ended.
    latest = max(before.valid_from, work.today)
    ended_on = body.ended_on or latest
    if problems := day_errors("/ended_on", ended_on, earliest=before.valid_from, latest=latest):
        raise invalid(problems)
    ended = before.model_copy(
        update={
            "ended_on": ended_on,
            "end_reason": body.reason,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    await store.end_relationship(work, ended)
    await _leave(work, "end", RelationshipEnded, before, ended)
    sight = await sight_of(work, ended.person_id, ended.related_person_id)
    view = RelationshipView.of(ended, sight)
    record_shown(work, RESOURCE, relationship_id, ended.person_id, sight)
    return view


async def read_relationship(work: Work, relationship_id: UUID) -> RelationshipView:
    """One relationship."""
    found = await store.find_relationship(work, relationship_id)
    if found is None:
        raise not_found("relationship")
    sight = await sight_of(work, found.person_id, found.related_person_id)
    view = RelationshipView.of(found, sight)
    work.audit("read", RESOURCE, relationship_id, person_id=found.person_id, fields=sight.shown)
    return view


async def read_relationships(work: Work, person_id: UUID, cursor: str | None, limit: int) -> Page[RelationshipView]:
    """Those the person is in on either side, current and ended, oldest first."""
    await require_visible(work, person_id)
    scope = f"relationships {person_id}"
    rows = await store.relationships_of(work, person_id, after=after(work.keyring, scope, cursor), limit=limit)
    sight = await sight_of(work, person_id, *(row[side] for row in rows for side in ("person_id", "related_person_id")))
    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: RelationshipView.of(store.relationship_of(work.keyring, row), sight),
        id_column="relationship_id",
    )
    work.audit("read", RESOURCE, None, person_id=person_id, fields=sight.shown, outcome=f"found {len(page.items)}")
    return page


async def _lock_both(work: Work, body: RelationshipRegistration) -> tuple[LockedPerson, LockedPerson]:
    """Both persons, held in one order; both must be visible to the client."""
    locked = await lock_persons(work, body.person_id, body.related_person_id)
    found = []
    for name in ("person_id", "related_person_id"):
        person = locked.get(getattr(body, name))
        if person is None or not person.is_visible:
            raise person_not_found(f"/{name}")
        require_own_id(person)
        found.append(person)
    require_held(*found)
    return found[0], found[1]


async def _refuse_duplicate(work: Work, body: RelationshipRegistration) -> None:
    for relationship_id, person_id, kind in await store.current_between(work, body.person_id, body.related_person_id):
        same_way = person_id == body.person_id
        if kind is body.kind and (same_way or kind in SYMMETRIC_KINDS):
            raise DomainError("relationship-exists", extra=with_id("relationship_id", relationship_id))
        if kind is body.kind is RelationshipKind.PARENT:
            raise DomainError(
                "relationship-contradicts",
                detail_zh="已登记相反方向的亲子关系。",
                detail_en="The opposite parental relationship is on the register.",
                extra=with_id("relationship_id", relationship_id),
            )


async def _leave(
    work: Work,
    operation: str,
    fact: type[RelationshipState],
    before: RelationshipRecord | None,
    after: RelationshipRecord,
) -> None:
    leave(
        work,
        operation,
        RESOURCE,
        after.relationship_id,
        relationship_event(fact, after),
        before=before,
        after=after,
        division_codes=await divisions_of(work, after.person_id, after.related_person_id),
        related_person_id=after.related_person_id,
    )
