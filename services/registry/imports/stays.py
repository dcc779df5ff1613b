"""A landlord's list of guests.

| in that room the person | the row tells of | then |
|---|---|---|
| is not checked in | an arrival | checked in; a stay elsewhere ends as a move |
| | an arrival and a departure | checked in and out at once |
| | a departure | refused |
| is checked in | that arrival | unchanged |
| | another arrival | checked in anew, as at the single door |
| | a departure | checked out |
| was checked in, and the row says nothing new | | unchanged |

Over-crowding stops nobody (decision 0019); it is read of the home.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.long_work.course import Course
from services.chassis.long_work.tables.by_rows import Memory, Taken, Verdict
from services.chassis.long_work.tables.columns import Column
from services.chassis.long_work.tables.refusals import NOT_TAKEN, reasons
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import StayEnded, StayStarted
from services.registry.actions.divisions import require_own_division
from services.registry.actions.homes.stay_entry import checked_in, checked_out, leave_stay, over, require_let, require_room
from services.registry.actions.refusals import merge_conflict_open
from services.registry.imports import cells
from services.registry.imports.knowing import look_up
from services.registry.imports.naming import Named, known_as, named
from services.registry.schemas.homes.premises import PremisesRecord, RoomRecord
from services.registry.schemas.homes.stays import CheckIn, CheckOut, CheckOutReason, StayEndReason, StayRecord
from services.registry.schemas.rosters.kinds import COLUMNS, RosterKind
from services.registry.store.homes import many_stays as store
from services.registry.store.homes.claims import address_index
from services.registry.store.homes.many_stays import Bed, PastStay
from services.registry.store.homes.premises import lock_each, premises_at_each

_NOBODY = UUID(int=0)
_NEITHER = FieldError(
    "/started_at", "missing", "入住时间和退房时间至少填写一项", "an arrival or a departure is needed", "RR-72"
)


class Said(NamedTuple):
    """What a row says. `home`: the digest of its address."""

    who: Named
    home: bytes
    room: str
    arrival: CheckIn | None
    departure: CheckOut | None


@dataclass(slots=True)
class Effects:
    """What rows do, written together. A stay that begins and ends in one part is stored as ended."""

    work: Work
    _new: dict[UUID, StayRecord] = field(default_factory=dict)
    _ended: list[StayRecord] = field(default_factory=list)

    def begin(self, record: StayRecord) -> None:
        """Somebody checks in."""
        self._new[record.stay_id] = record
        leave_stay(self.work, "check_in", StayStarted, None, record)

    def end(self, operation: str, before: StayRecord, after: StayRecord) -> None:
        """A stay is over."""
        if after.stay_id in self._new:
            self._new[after.stay_id] = after
        else:
            self._ended.append(after)
        leave_stay(self.work, operation, StayEnded, before, after)

    async def write(self) -> None:
        """Store it. Ends come first: a person has one stay, a bed one guest."""
        if self._ended:
            await store.end_stays(self.work, self._ended)
        if self._new:
            await store.insert_stays(self.work, list(self._new.values()))


@dataclass(frozen=True, slots=True)
class Books:
    """What a part's rows are decided by, as it was read when the part began; persons and homes are locked."""

    homes: Mapping[bytes, PremisesRecord]
    open: Mapping[UUID, Sequence[StayRecord]]
    past: Mapping[UUID, tuple[PastStay, ...]]
    beds: Mapping[Bed, UUID]


class GuestList:
    """One operation's list. `tried`: numbers that were resolved in vain, see `knowing`."""

    columns: Sequence[Column] = COLUMNS[RosterKind.STAYS]
    chunk = 1_000

    def __init__(self, course: Course) -> None:
        self._is_rehearsal = course.rehearsal
        self._open: Memory[UUID, StayRecord | None] = Memory(course.rehearsal)
        self._past: Memory[UUID, tuple[PastStay, ...]] = Memory(course.rehearsal)
        self._beds: Memory[Bed, UUID | None] = Memory(course.rehearsal)
        self._tried: set[bytes] = set()

    def read(self, work: Work, row: Mapping[str, str]) -> Said:
        """See `Book`."""
        who = named(work, work.keyring, row)
        if work.principal.unit is None:  # a landlord's homes are its own, wherever they lie
            require_own_division(work, row["division_code"], "/division_code")
        arrival = _arrival(row) if row["started_at"] else None
        departure = _departure(row) if row["ended_at"] else None
        if arrival is None and departure is None:
            raise invalid([_NEITHER])
        return Said(who, address_index(work.keyring, row["division_code"], row["address"]), row["room"], arrival, departure)

    def keep(self) -> None:
        """See `Book`."""
        for memory in (self._open, self._past, self._beds):
            memory.keep()

    async def take(self, work: Work, said: Sequence[Said]) -> Taken:
        """See `Book`."""
        for memory in (self._open, self._past, self._beds):
            memory.begin()
        known = await look_up(work, {one.who.number_index: one.who.name_index for one in reversed(said)}, self._tried)
        books = await _books(work, {one.home for one in said}, {each.person.person_id for each in known.persons.values()})
        effects = Effects(work)

        def decide(one: Said) -> Verdict:
            try:
                person_id = known_as(known, one.who).person.person_id
                home = require_let(books.homes.get(one.home))
                room = require_room(next((room for room in home.rooms if room.label == one.room), None))
                return self._decide(work, one, person_id, home, room, books, effects)
            except NOT_TAKEN as error:
                return reasons(error)

        verdicts = [decide(one) for one in said]
        if not self._is_rehearsal:
            await effects.write()
        return Taken(verdicts, known.attempts)

    def _decide(
        self, work: Work, said: Said, person_id: UUID, home: PremisesRecord, room: RoomRecord, books: Books, effects: Effects
    ) -> Verdict:
        stays = books.open.get(person_id, ())
        if len(stays) > 1:
            raise merge_conflict_open()
        before = self._open.get(person_id, next(iter(stays), None))
        here = before if before is not None and before.room_id == room.room_id else None
        past = self._past.get(person_id, books.past.get(person_id, ()))
        if is_told_already(said, here, [one for one in past if one.room_id == room.room_id]):
            return "unchanged"
        if said.arrival is None or _is_that_arrival(here, said.arrival):
            if here is None or said.departure is None:
                raise not_found("stay")
            after = checked_out(work, here, said.departure.ended_at, StayEndReason.CHECKED_OUT)
            self._end(person_id, effects, "check_out", here, after, past)
            return "checked_out"
        ids = {"person_id": person_id, "premises_id": home.premises_id, "room_id": room.room_id}
        stay = checked_in(work, said.arrival.model_copy(update=ids), home, room, None if before is None else before.started_at)
        if stay.bed is not None and self._beds.get(bed := (room.room_id, stay.bed), books.beds.get(bed)) not in {
            None,
            person_id,
        }:
            raise DomainError("bed-taken")
        departure = said.departure
        left = None if departure is None else checked_out(work, stay, departure.ended_at, StayEndReason.CHECKED_OUT)
        if before is not None:
            moved = over(work, before, stay.started_at, StayEndReason.CHECKED_IN_ELSEWHERE)
            past = self._end(person_id, effects, "end", before, moved, past)
        effects.begin(stay)
        self._open[person_id] = stay
        if stay.bed is not None:
            self._beds[room.room_id, stay.bed] = person_id
        if left is not None:
            self._end(person_id, effects, "check_out", stay, left, past)
            return "checked_out"
        # Where else somebody slept is no landlord's business.
        is_told = before is not None and (work.principal.unit is None or before.premises_id == home.premises_id)
        return "moved" if is_told else "checked_in"

    def _end(
        self,
        person_id: UUID,
        effects: Effects,
        operation: str,
        before: StayRecord,
        after: StayRecord,
        past: tuple[PastStay, ...],
    ) -> tuple[PastStay, ...]:
        """A stay of the person, under whichever of its ids, is over; those that are, with it."""
        effects.end(operation, before, after)
        assert after.ended_at is not None
        past = (*past, PastStay(after.room_id, after.started_at, after.ended_at))
        self._open[person_id] = None
        self._past[person_id] = past
        if after.bed is not None:
            self._beds[after.room_id, after.bed] = None
        return past


def is_told_already(said: Said, here: StayRecord | None, past: Sequence[PastStay]) -> bool:
    """Whether the register knows it all. Raises when it knows the arrival with another departure."""
    if said.arrival is None:
        assert said.departure is not None
        return any(one.ended_at == said.departure.ended_at for one in past)
    ends = {one.ended_at for one in past if one.started_at == said.arrival.started_at}
    if said.departure is None:
        return bool(ends) or _is_that_arrival(here, said.arrival)
    if ends and said.departure.ended_at not in ends:
        raise DomainError("stay-ended")
    return bool(ends)


def _is_that_arrival(here: StayRecord | None, arrival: CheckIn) -> bool:
    return here is not None and here.started_at == arrival.started_at and arrival.bed in {None, here.bed}


def _arrival(row: Mapping[str, str]) -> CheckIn:
    return CheckIn(
        person_id=_NOBODY,
        premises_id=_NOBODY,
        room_id=_NOBODY,
        bed=cells.whole_number(row["bed"], "/bed"),
        started_at=cells.as_instant(row["started_at"], "/started_at"),
        manager_name=row["manager_name"] or None,
    )


def _departure(row: Mapping[str, str]) -> CheckOut:
    return CheckOut(ended_at=cells.as_instant(row["ended_at"], "/ended_at"), reason=CheckOutReason.CHECKED_OUT)


async def _books(work: Work, addresses: set[bytes], person_ids: set[UUID]) -> Books:
    at = await premises_at_each(work, addresses)
    homes = await lock_each(work, at.values())
    return Books(
        homes={address: homes[premises_id] for address, premises_id in at.items() if premises_id in homes},
        open=await store.open_stays_of(work, person_ids),
        past=await store.past_stays_of(work, person_ids, homes),
        beds=await store.guests_in_beds(work, homes),
    )
