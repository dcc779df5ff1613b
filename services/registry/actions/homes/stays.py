"""Stays: check in and check out as in a hotel's book (RR-72).

A person sleeps in one place: a check-in ends the stay before it, wherever that was, as a registration elsewhere does. A bed has
one guest. Over-crowding is computed and told, and stops nobody: a full room is the landlord's to clear, not a reason to leave
somebody without a roof.
"""

from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.refusals import not_found
from services.chassis.schemas import Notice
from services.chassis.work import Work
from services.contracts.registry import StayEnded, StayStarted
from services.registry.actions.homes.stay_entry import (
    RESOURCE,
    checked_in,
    checked_out,
    leave_stay,
    over,
    require_let,
    require_room,
)
from services.registry.actions.law import LAW
from services.registry.actions.refusals import merge_conflict_open, notice, person_not_found, require_own_id
from services.registry.actions.sights import record_shown, sight_of, sight_on
from services.registry.rules.findings import Finding
from services.registry.rules.homes.capacity import assess_room, overcrowding
from services.registry.schemas.homes.premises import PremisesRecord, RoomRecord
from services.registry.schemas.homes.stays import CheckIn, CheckOut, CheckOutReason, StayEndReason, StayRecord, StayView
from services.registry.store.homes import stays as store
from services.registry.store.homes.premises import guests_of_room, lock_premises
from services.registry.store.persons import lock_persons


async def check_in(work: Work, body: CheckIn) -> StayView:
    """A person moves into a room. The person is locked first, then the home: everybody takes them in this order."""
    person = (await lock_persons(work, body.person_id)).get(body.person_id)
    if person is None:
        raise person_not_found("/person_id")
    require_own_id(person)
    premises, room = await _lock_room(work, body)
    before = await _open_stay(work, body.person_id)
    record = checked_in(work, body, premises, room, None if before is None else before.started_at)
    notes = []
    if before is not None:
        leave_stay(work, "end", StayEnded, before, moved := over(work, before, body.started_at, _ELSEWHERE))
        await store.end_stay(work, moved)
        if work.principal.unit is None or before.premises_id == premises.premises_id:
            notes.append(notice(_MOVED))  # where else somebody slept is no landlord's business
    if body.bed is not None and await store.is_bed_taken(work, room.room_id, body.bed):
        raise DomainError("bed-taken")
    await store.insert_stay(work, record)
    leave_stay(work, "check_in", StayStarted, None, record)
    notes += await _crowding(work, room)
    sight = sight_on(work, person.birth_date)
    view = StayView.of(record, sight, notes)
    record_shown(work, RESOURCE, record.stay_id, record.person_id, sight)
    return view


async def check_out(work: Work, stay_id: UUID, body: CheckOut) -> StayView:
    """A person moves out. That it was never there is an officer's finding (V-18), not a landlord's."""
    if body.reason is CheckOutReason.RECORDED_IN_ERROR:
        if work.principal.unit is not None:
            raise DomainError("offices-only")
        work.require_actor()
    found = await store.find_stay(work, stay_id)
    if found is None:
        raise not_found("stay")
    await lock_persons(work, found.person_id)
    before = await store.find_stay(work, stay_id)
    if before is None:
        raise not_found("stay")
    work.expect_version(before.version)
    after = checked_out(work, before, body.ended_at, StayEndReason(body.reason.value))
    await store.end_stay(work, after)
    leave_stay(work, "check_out", StayEnded, before, after)
    sight = await sight_of(work, after.person_id)
    view = StayView.of(after, sight)
    record_shown(work, RESOURCE, stay_id, after.person_id, sight)
    return view


async def _open_stay(work: Work, person_id: UUID) -> StayRecord | None:
    """Where the human sleeps until now. Raises `DomainError('merge-conflict-open')` when a merge found two places."""
    stays = await store.open_stays_of(work, person_id)
    if len(stays) > 1:
        raise merge_conflict_open()
    return next(iter(stays), None)


async def _lock_room(work: Work, body: CheckIn) -> tuple[PremisesRecord, RoomRecord]:
    found = await lock_premises(work, body.premises_id)
    premises = require_let(None if found is None else found[0])
    return premises, require_room(premises.room(body.room_id))


async def _crowding(work: Work, room: RoomRecord) -> list[Notice]:
    """What the room holds now, with the one who has just come, against the standard in use; nothing while none is set."""
    in_force = LAW.homes.capacity.on(work.today)
    if in_force is None:
        return []
    guests, _ = await guests_of_room(work, room.room_id)
    found = assess_room(room.usable_area_dm2, guests, in_force.standard)
    if not found.is_over or found.persons_max is None:
        return []
    return [notice(overcrowding(guests, found.persons_max))]


_ELSEWHERE = StayEndReason.CHECKED_IN_ELSEWHERE
_MOVED = Finding(
    "earlier_stay_ended",
    "RR-72",
    "该人员此前的入住登记尚未退房，已随本次入住结束。",
    "An earlier stay of this person was still open; this check-in ended it.",
)
