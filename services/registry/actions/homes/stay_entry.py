"""What a stay becomes when somebody checks in and out: decided from what was read, before anything is written. The single door
and the bulk door both ask here.
"""

from datetime import date, datetime

from services.chassis.clock import LAW_ZONE
from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.refusals import invalid
from services.chassis.work import Work
from services.contracts.registry import StayState
from services.registry.actions.homes.deadlines import reported
from services.registry.actions.trail import leave
from services.registry.rules.homes.premises import PremisesKind, PremisesStatus
from services.registry.schemas.homes.premises import PremisesRecord, RoomRecord
from services.registry.schemas.homes.stays import CheckIn, StayEndReason, StayRecord
from services.registry.store.events import stay_event

RESOURCE = "stay"
PREMISES_NOT_FOUND = FieldError("/premises_id", "premises_not_found", "没有找到该房屋", "there are no such premises")
ROOM_NOT_FOUND = FieldError("/room_id", "room_not_found", "该房屋没有这个房间", "the home has no such room")


def require_let(premises: PremisesRecord | None) -> PremisesRecord:
    """The home, when it is let; one that is not there and one that is not let any more are told apart."""
    if premises is None:
        raise DomainError("premises-not-found", errors=[PREMISES_NOT_FOUND])
    if premises.status is PremisesStatus.ENDED:
        raise DomainError("premises-ended")
    return premises


def require_room(room: RoomRecord | None) -> RoomRecord:
    """The room, when it is let."""
    if room is None:
        raise DomainError("room-not-found", errors=[ROOM_NOT_FOUND])
    if not room.is_let:
        raise DomainError("room-not-let")
    return room


def checked_in(
    work: Work, body: CheckIn, premises: PremisesRecord, room: RoomRecord, open_since: datetime | None
) -> StayRecord:
    """The stay that begins. `open_since`: when the person's open stay began, wherever that is; this one ends it."""
    errors = _instant_errors(work, "/started_at", body.started_at, not_before=open_since)
    if body.bed is not None and body.bed > room.beds:
        errors.append(FieldError("/bed", "no_such_bed", "该房间没有这个床位", "the room has no such bed"))
    if body.bed is None and room.beds and premises.kind is PremisesKind.CONCENTRATED_POINT:
        zh, en = "集中居住点按床位登记，请填写床位", "a concentrated residence point keeps its book per bed"
        errors.append(FieldError("/bed", "bed_needed", zh, en, "RR-72"))
    if errors:
        raise invalid(errors)
    report = reported(law_date(body.started_at), work.today)
    return StayRecord(
        **body.model_dump(),
        stay_id=new_id(),
        division_code=premises.division_code,
        report_due_on=report.due_on,
        reported_late=report.is_late,
        report_unsettled_on=report.unsettled_on,
        ended_at=None,
        end_reason=None,
        end_reported_late=None,
        end_unsettled_on=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )


def checked_out(work: Work, before: StayRecord, ended_at: datetime, reason: StayEndReason) -> StayRecord:
    """The stay once its guest has told that it is over."""
    if before.ended_at is not None:
        raise DomainError("stay-ended")
    if errors := _instant_errors(work, "/ended_at", ended_at, not_before=before.started_at):
        raise invalid(errors)
    return over(work, before, ended_at, reason)


def over(work: Work, before: StayRecord, ended_at: datetime, reason: StayEndReason) -> StayRecord:
    """The stay once it is over."""
    report = reported(law_date(ended_at), work.today)
    return before.model_copy(
        update={
            "ended_at": ended_at,
            "end_reason": reason,
            "end_reported_late": report.is_late,
            "end_unsettled_on": report.unsettled_on,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )


def leave_stay(work: Work, operation: str, fact: type[StayState], before: StayRecord | None, after: StayRecord) -> None:
    """Told to the home's division."""
    codes = (after.division_code,)
    leave(work, operation, RESOURCE, after.stay_id, stay_event(fact, after), before=before, after=after, division_codes=codes)


def _instant_errors(work: Work, at: str, instant: datetime, *, not_before: datetime | None) -> list[FieldError]:
    if instant > work.law_now:
        return [FieldError(at, "in_future", "不得晚于现在", "not in the future")]
    if not_before is not None and instant < not_before:
        zh, en = "不得早于当前入住的开始时间", "not before the open stay began"
        return [FieldError(at, "too_early", zh, en)]
    return []


def law_date(instant: datetime) -> date:
    """The day in Shanghai."""
    return instant.astimezone(LAW_ZONE).date()
