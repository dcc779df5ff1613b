"""Stays: check in and check out as in a hotel's book (RR-72).

A person sleeps in one place: a check-in ends the stay before it, wherever that was, as a registration elsewhere does. A bed has
one guest. Over-crowding is computed and told, and stops nobody: a full room is the landlord's to clear, not a reason to leave
somebody without a roof.
"""

from datetime import date, datetime
from uuid import UUID

from services.chassis.clock import LAW_ZONE
from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.schemas import Notice
from services.chassis.work import Work
from services.contracts.registry import StayEnded, StayStarted, StayState
from services.registry.actions.homes.deadlines import reported
from services.registry.actions.law import LAW
from services.registry.actions.refusals import invalid, merge_conflict_open, not_found, notice, person_not_found, require_own_id
from services.registry.actions.sights import record_shown, sight_of, sight_on
from services.registry.actions.trail import leave
from services.registry.rules.findings import Finding
from services.registry.rules.homes.capacity import assess_room, overcrowding
from services.registry.rules.homes.premises import PremisesKind, PremisesStatus
from services.registry.schemas.homes.premises import PremisesRecord, RoomRecord
from services.registry.schemas.homes.stays import CheckIn, CheckOut, CheckOutReason, StayEndReason, StayRecord, StayView
from services.registry.store.events import stay_event
from services.registry.store.homes import stays as store
from services.registry.store.homes.premises import guests_of_room, lock_premises
from services.registry.store.persons import lock_persons

RESOURCE = "stay"


async def check_in(work: Work, body: CheckIn) -> StayView:
    """A person moves into a room. The person is locked first, then the home: everybody takes them in this order."""
    person = (await lock_persons(work, body.person_id)).get(body.person_id)
    if person is None:
        raise person_not_found("/person_id")
    require_own_id(person)
    premises, room = await _lock_room(work, body)
    before = await _open_stay(work, body.person_id)
    _require_possible(work, body, premises, room, before)
    notes = []
    if before is not None:
        _leave(work, "end", StayEnded, before, moved := _ended(work, before, body.started_at, _ELSEWHERE))
        await store.end_stay(work, moved)
        notes.append(notice(_MOVED))
    if body.bed is not None and await store.is_bed_taken(work, room.room_id, body.bed):
        raise DomainError("bed-taken")
    due_on, is_late = reported(work, _law_date(body.started_at))
    record = StayRecord(
        **body.model_dump(),
        stay_id=new_id(),
        division_code=premises.division_code,
        report_due_on=due_on,
        reported_late=is_late,
        ended_at=None,
        end_reason=None,
        end_reported_late=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_stay(work, record)
    _leave(work, "check_in", StayStarted, None, record)
    notes += await _crowding(work, room)
    sight = sight_on(work, person.birth_date)
    view = StayView.of(record, sight, notes)
    record_shown(work, RESOURCE, record.stay_id, record.person_id, sight)
    return view


async def check_out(work: Work, stay_id: UUID, body: CheckOut) -> StayView:
    """A person moves out. That it was never there is an officer's finding (V-18)."""
    if body.reason is CheckOutReason.RECORDED_IN_ERROR:
        work.require_actor()
    found = await store.find_stay(work, stay_id)
    if found is None:
        raise not_found("stay")
    await lock_persons(work, found.person_id)
    before = await store.find_stay(work, stay_id)
    if before is None:
        raise not_found("stay")
    work.expect_version(before.version)
    if before.ended_at is not None:
        raise DomainError("stay-ended")
    if errors := _instant_errors(work, "/ended_at", body.ended_at, not_before=before.started_at):
        raise invalid(errors)
    after = _ended(work, before, body.ended_at, StayEndReason(body.reason.value))
    await store.end_stay(work, after)
    _leave(work, "check_out", StayEnded, before, after)
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
    """The room in a home that is let; a home that is not there and one that is not let any more are told apart."""
    found = await lock_premises(work, body.premises_id)
    if found is None:
        wrong = FieldError("/premises_id", "premises_not_found", "没有找到该房屋", "there are no such premises")
        raise DomainError("premises-not-found", errors=[wrong])
    premises = found[0]
    if premises.status is PremisesStatus.ENDED:
        raise DomainError("premises-ended")
    room = premises.room(body.room_id)
    if room is None:
        wrong = FieldError("/room_id", "room_not_found", "该房屋没有这个房间", "the home has no such room")
        raise DomainError("room-not-found", errors=[wrong])
    if not room.is_let:
        raise DomainError("room-not-let")
    return premises, room


def _require_possible(work: Work, body: CheckIn, premises: PremisesRecord, room: RoomRecord, before: StayRecord | None) -> None:
    errors = _instant_errors(work, "/started_at", body.started_at, not_before=None if before is None else before.started_at)
    if body.bed is not None and body.bed > room.beds:
        errors.append(FieldError("/bed", "no_such_bed", "该房间没有这个床位", "the room has no such bed"))
    if body.bed is None and room.beds and premises.kind is PremisesKind.CONCENTRATED_POINT:
        zh, en = "集中居住点按床位登记，请填写床位", "a concentrated residence point keeps its book per bed"
        errors.append(FieldError("/bed", "bed_needed", zh, en, "RR-72"))
    if errors:
        raise invalid(errors)


def _instant_errors(work: Work, at: str, instant: datetime, *, not_before: datetime | None) -> list[FieldError]:
    if instant > work.law_now:
        return [FieldError(at, "in_future", "不得晚于现在", "not in the future")]
    if not_before is not None and instant < not_before:
        zh, en = "不得早于当前入住的开始时间", "not before the open stay began"
        return [FieldError(at, "too_early", zh, en)]
    return []


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


def _ended(work: Work, before: StayRecord, ended_at: datetime, reason: StayEndReason) -> StayRecord:
    _, is_late = reported(work, _law_date(ended_at))
    return before.model_copy(
        update={
            "ended_at": ended_at,
            "end_reason": reason,
            "end_reported_late": is_late,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )


def _law_date(instant: datetime) -> date:
    return instant.astimezone(LAW_ZONE).date()


def _leave(work: Work, operation: str, fact: type[StayState], before: StayRecord | None, after: StayRecord) -> None:
    event = stay_event(fact, after)
    codes = (after.division_code,)
    leave(work, operation, RESOURCE, after.stay_id, event, before=before, after=after, division_codes=codes)


_ELSEWHERE = StayEndReason.CHECKED_IN_ELSEWHERE
_MOVED = Finding(
    "earlier_stay_ended",
    "RR-72",
    "该人员此前的入住登记尚未退房，已随本次入住结束。",
    "An earlier stay of this person was still open; this check-in ended it.",
)
