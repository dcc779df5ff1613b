"""Homes that are let: register, change, end, read (RR-15, RR-64 to RR-69).

A home with all its rooms is one thing with one version. It ends when the letting does, and not before its guests have left.
"""

from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.fields import Protection, Sight
from services.chassis.ids import new_id
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import PremisesChanged, PremisesEnded, PremisesRegistered, PremisesState
from services.registry.actions.divisions import require_own_division
from services.registry.actions.homes.deadlines import reported
from services.registry.actions.law import LAW
from services.registry.actions.refusals import day_errors, field_error, with_id
from services.registry.actions.sights import record_shown_of_thing
from services.registry.actions.trail import leave
from services.registry.rules.homes.premises import (
    PremisesEndReason,
    PremisesStatus,
    is_group_letting,
    room_problem,
)
from services.registry.rules.homes.star_rating import in_force
from services.registry.schemas.fields import FIELDS
from services.registry.schemas.homes.premises import (
    ROOMS_MAX,
    AddedRoomView,
    PremisesChange,
    PremisesEnd,
    PremisesRecord,
    PremisesRegistration,
    PremisesView,
    RoomEntry,
    RoomRecord,
)
from services.registry.store.events import premises_event
from services.registry.store.homes import premises as store
from services.registry.store.homes.claims import address_index, claim
from services.registry.store.homes.landlords import hold_landlord

RESOURCE = "premises"


async def register_premises(work: Work, body: PremisesRegistration) -> PremisesView:
    """Register a home that is let, with its rooms. Raises `DomainError('premises-exists')`, naming the one at that address."""
    require_own_division(work, body.division_code, "/division_code")
    await _require_landlord(work, body.landlord_id)
    errors = day_errors("/let_from", body.let_from, earliest=body.let_from, latest=work.today)
    for place, room in enumerate(body.rooms):
        errors += _room_errors(work, f"/rooms/{place}", room, [other.label for other in body.rooms[:place]])
    if errors:
        raise invalid(errors)
    await _require_free_address(work, body.division_code, body.address)
    report = reported(body.let_from, work.today)
    record = PremisesRecord(
        **body.model_dump(exclude={"rooms"}),
        premises_id=new_id(),
        status=PremisesStatus.REGISTERED,
        report_due_on=report.due_on,
        reported_late=report.is_late,
        report_unsettled_on=report.unsettled_on,
        ended_on=None,
        end_reason=None,
        end_reported_late=None,
        end_unsettled_on=None,
        rooms=tuple(RoomRecord(room_id=new_id(), **room.model_dump()) for room in body.rooms),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_premises(work, record)
    _leave(work, "register", PremisesRegistered, None, record)
    return _shown(work, record, store.Use())


async def change_premises(work: Work, premises_id: UUID, body: PremisesChange) -> PremisesView:
    """Change what is known of the same home."""
    before, use = await lock_let(work, premises_id)
    changes = body.changes()
    if "landlord_id" in changes:
        await _require_landlord(work, body.landlord_id)
    if changes.get("address", before.address) != before.address:
        await _require_free_address(work, before.division_code, body.address, but=premises_id)
    after = before.model_copy(update={**changes, "version": before.version + 1, "updated_at": work.now})
    await store.update_premises(work, after)
    _leave(work, "change", PremisesChanged, before, after)
    return _shown(work, after, use)


async def end_premises(work: Work, premises_id: UUID, body: PremisesEnd) -> PremisesView:
    """End a letting. That it never was one is an officer's finding.

    Raises `DomainError('premises-occupied')` while people are checked in: nobody is checked out by the landlord's leaving.
    """
    if body.reason is PremisesEndReason.RECORDED_IN_ERROR:
        work.require_actor()
    before, use = await lock_let(work, premises_id)
    latest = max(before.let_from, work.today)
    ended_on = body.ended_on or latest
    if errors := day_errors("/ended_on", ended_on, earliest=before.let_from, latest=latest):
        raise invalid(errors)
    if use.guests:
        raise DomainError("premises-occupied", extra={"guests": use.guests})
    report = reported(ended_on, work.today)
    after = before.model_copy(
        update={
            "status": PremisesStatus.ENDED,
            "ended_on": ended_on,
            "end_reason": body.reason,
            "end_reported_late": report.is_late,
            "end_unsettled_on": report.unsettled_on,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    await store.update_premises(work, after)
    _leave(work, "end", PremisesEnded, before, after)
    return _shown(work, after, use)


async def add_room(work: Work, premises_id: UUID, body: RoomEntry) -> AddedRoomView:
    """Add a room to a home."""
    before, _ = await lock_let(work, premises_id)
    errors = _room_errors(work, "", body, [room.label for room in before.rooms])
    if errors:
        raise invalid(errors)
    if len(before.rooms) >= ROOMS_MAX:
        raise DomainError("premises-full", extra={"rooms_max": ROOMS_MAX})
    room = RoomRecord(room_id=new_id(), **body.model_dump())
    after = await _with_rooms(work, before, (*before.rooms, room))
    await store.insert_rooms(work, after, [room])
    return AddedRoomView(**room.__dict__, premises_id=premises_id, version=after.version)


async def change_room(work: Work, premises_id: UUID, room_id: UUID, body: RoomEntry) -> PremisesView:
    """Put another description in the place of a room's.

    Raises `DomainError('room-occupied')` when people are checked in to what would no longer be let, or to beds that would be
    gone.
    """
    before, use = await lock_let(work, premises_id)
    if before.room(room_id) is None:
        raise not_found("room")
    others = [room for room in before.rooms if room.room_id != room_id]
    if errors := _room_errors(work, "", body, [room.label for room in others]):
        raise invalid(errors)
    in_room, highest_bed = await store.guests_of_room(work, room_id)
    if (in_room and not body.is_let) or highest_bed > body.beds:
        raise DomainError("room-occupied", extra={"guests": in_room})
    changed = RoomRecord(room_id=room_id, **body.model_dump())
    rooms = tuple(changed if room.room_id == room_id else room for room in before.rooms)
    after = await _with_rooms(work, before, rooms)
    await store.update_room(work, changed)
    return _shown(work, after, use)


async def lock_let(work: Work, premises_id: UUID) -> tuple[PremisesRecord, store.Use]:
    """A home that is let now and its use, locked. Raises `DomainError('premises-not-found' or 'premises-ended')`."""
    found = await store.lock_premises(work, premises_id)
    if found is None:
        raise not_found("premises")
    work.expect_version(found[0].version)
    if found[0].status is PremisesStatus.ENDED:
        raise DomainError("premises-ended")
    return found


def view_of(work: Work, record: PremisesRecord, use: store.Use, sight: Sight) -> PremisesView:
    """A home as this client may see it today."""
    is_group = is_group_letting(len(record.let_rooms), record.beds, work.today, LAW.homes.premises)
    grade = in_force(use.last_grade, work.today)
    return PremisesView.of(record, sight, guests=use.guests, grade=grade, is_group_letting=is_group)


def sight_on_manager(work: Work) -> Sight:
    """Who looks after a home works there, and is of age."""
    return FIELDS.sight(work.principal.scopes, Protection.ADULT)


async def _with_rooms(work: Work, before: PremisesRecord, rooms: tuple[RoomRecord, ...]) -> PremisesRecord:
    after = before.model_copy(update={"rooms": rooms, "version": before.version + 1, "updated_at": work.now})
    await store.update_premises(work, after)
    _leave(work, "change_rooms", PremisesChanged, before, after)
    return after


async def _require_landlord(work: Work, landlord_id: UUID) -> None:
    if not await hold_landlord(work, landlord_id):
        wrong = FieldError("/landlord_id", "landlord_not_found", "没有找到该出租人", "there is no such landlord")
        raise DomainError("landlord-not-found", errors=[wrong])


async def _require_free_address(work: Work, division_code: str, address: str, but: UUID | None = None) -> None:
    await claim(work, address_index(work.keyring, division_code, address))
    there = await store.premises_at(work, division_code, address)
    if there is not None and there != but:
        raise DomainError("premises-exists", extra=with_id("premises_id", there))


def _room_errors(work: Work, at: str, room: RoomEntry, taken: list[str]) -> list[FieldError]:
    errors = []
    problem = room_problem(room.kind, is_let=room.is_let, on=work.today, parameters=LAW.homes.premises)
    if problem is not None:
        errors.append(field_error(f"{at}/is_let", problem))
    if room.label in taken:
        errors.append(FieldError(f"{at}/label", "label_twice", "该房号已有", "there is a room of this label"))
    return errors


def _leave(work: Work, operation: str, fact: type[PremisesState], before: PremisesRecord | None, after: PremisesRecord) -> None:
    event = premises_event(fact, after)
    codes = (after.division_code,)
    leave(work, operation, RESOURCE, after.premises_id, event, before=before, after=after, division_codes=codes)


def _shown(work: Work, record: PremisesRecord, use: store.Use) -> PremisesView:
    """The answer to a change; what it shows of who looks after the home is evidence."""
    sight = sight_on_manager(work)
    view = view_of(work, record, use, sight)
    record_shown_of_thing(work, RESOURCE, record.premises_id, sight)
    return view
