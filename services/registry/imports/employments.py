"""A list of who was taken on and who left.

| with that employer the person | the row tells of | then |
|---|---|---|
| does not work | a start | started |
| | a start and an end | started and ended at once |
| | an end | refused |
| works | that start | unchanged |
| | another start | refused: somebody who works there is not taken on again |
| | an end, and no other start | ended |
| worked, and the row says nothing new | | unchanged |

Occupation and position of an employment that is known already are not corrected by a list: it may be old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.chassis.errors import FieldError
from services.chassis.long_work.course import Course
from services.chassis.long_work.tables.by_rows import Memory, Taken, Verdict
from services.chassis.long_work.tables.columns import Column
from services.chassis.long_work.tables.refusals import NOT_TAKEN, reasons
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import EmploymentEnded, EmploymentStarted
from services.registry.actions.employment.employment_entry import (
    ended,
    leave_employment,
    require_changeable,
    require_employing,
    require_own_code,
    started,
)
from services.registry.imports import cells
from services.registry.imports.knowing import KnownPerson, look_up
from services.registry.imports.naming import Named, known_as, named
from services.registry.schemas.employment.employers import EmployerRecord
from services.registry.schemas.employment.employments import EmploymentEnd, EmploymentRecord, EmploymentStart
from services.registry.schemas.rosters.kinds import COLUMNS, RosterKind
from services.registry.store.employment import many as store
from services.registry.store.employment.many import Pair

_NOBODY = UUID(int=0)
_STARTED_BEFORE = FieldError(
    "/started_on",
    "works_there_already",
    "该人员已在该单位就业，入职日期不同",
    "the person works there already, since another day",
)
_OTHER_END = FieldError(
    "/ended_on",
    "ended_on_another_day",
    "该次就业已登记另一离职日期",
    "that employment has ended already, on another day",
)
_NEITHER = FieldError(
    "/started_on", "missing", "入职日期和离职日期至少填写一项", "the first or the last day is needed", "RR-14"
)


class Said(NamedTuple):
    """What a row says."""

    who: Named
    credit_code: str
    start: EmploymentStart | None
    end: EmploymentEnd | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a person works for an employer. `works_unseen`: yes, as reported by somebody else and not for this client to see;
    `past`: first and last days.
    """

    now: EmploymentRecord | None = None
    works_unseen: bool = False
    past: tuple[tuple[date, date], ...] = ()

    @classmethod
    def of(cls, seen: Sequence[EmploymentRecord], *, works: bool) -> "Standing":
        """As it was read."""
        now = next((record for record in seen if record.ended_on is None), None)
        past = tuple((record.started_on, record.ended_on) for record in seen if record.ended_on is not None)
        return cls(now, works and now is None, past)

    @classmethod
    def begun(cls, record: EmploymentRecord, past: tuple[tuple[date, date], ...], *, is_seen: bool) -> "Standing":
        """Once that employment has begun; what is reported of a stranger with an employer elsewhere is not seen again."""
        return cls(record, past=past) if is_seen else cls(works_unseen=True, past=past)

    def ended(self, record: EmploymentRecord) -> "Standing":
        """Once that employment is over."""
        assert record.ended_on is not None
        return Standing(past=(*self.past, (record.started_on, record.ended_on)))


@dataclass(slots=True)
class Effects:
    """What rows do, written together. An employment that begins and ends in one part is stored as ended."""

    work: Work
    _new: dict[UUID, EmploymentRecord] = field(default_factory=dict)
    _ended: list[EmploymentRecord] = field(default_factory=list)

    def start(self, record: EmploymentRecord, known: KnownPerson) -> None:
        """Somebody was taken on."""
        self._new[record.employment_id] = record
        leave_employment(self.work, "start", EmploymentStarted, None, record, known.divisions)

    def end(self, before: EmploymentRecord, after: EmploymentRecord, known: KnownPerson) -> None:
        """Somebody left."""
        if after.employment_id in self._new:
            self._new[after.employment_id] = after
        else:
            self._ended.append(after)
        leave_employment(self.work, "end", EmploymentEnded, before, after, known.divisions)

    async def write(self) -> None:
        """Store it. Ends come first: whoever left may have come back."""
        if self._ended:
            await store.end_employments(self.work, self._ended)
        if self._new:
            await store.insert_employments(self.work, list(self._new.values()))


class EmploymentList:
    """One operation's list. `tried`: numbers that were resolved in vain, see `knowing`."""

    columns: Sequence[Column] = COLUMNS[RosterKind.EMPLOYMENTS]
    chunk = 1_000

    def __init__(self, course: Course) -> None:
        self._is_rehearsal = course.rehearsal
        self._standings: Memory[Pair, Standing] = Memory(course.rehearsal)
        self._tried: set[bytes] = set()

    def read(self, work: Work, row: Mapping[str, str]) -> Said:
        """See `Book`."""
        who = named(work, work.keyring, row)
        start = hired(row, row["started_on"]) if row["started_on"] else None
        end = _left(row) if row["ended_on"] else None
        if start is None and end is None:
            raise invalid([_NEITHER])
        require_own_code(work, row["credit_code"])
        return Said(who, row["credit_code"], start, end)

    def keep(self) -> None:
        """See `Book`."""
        self._standings.keep()

    async def take(self, work: Work, said: Sequence[Said]) -> Taken:
        """See `Book`."""
        self._standings.begin()
        known = await look_up(work, {one.who.number_index: one.who.name_index for one in reversed(said)}, self._tried)
        employers = await store.employers_of_codes(work, {one.credit_code for one in said})
        pairs = {
            (known.persons[one.who.number_index].person.person_id, employers[one.credit_code].employer_id)
            for one in said
            if one.who.number_index in known.persons and one.credit_code in employers
        }
        read = await standings_of(work, sorted(pairs))
        effects = Effects(work)

        def decide(one: Said) -> Verdict:
            try:
                person = known_as(known, one.who)
                employer = require_employing(employers.get(one.credit_code))
                return self._decide(work, one, person, employer, read, effects)
            except NOT_TAKEN as error:
                return reasons(error)

        verdicts = [decide(one) for one in said]
        if not self._is_rehearsal:
            await effects.write()
        return Taken(verdicts, known.attempts)

    def _decide(
        self,
        work: Work,
        said: Said,
        known: KnownPerson,
        employer: EmployerRecord,
        read: Mapping[Pair, Standing],
        effects: Effects,
    ) -> Verdict:
        pair = known.person.person_id, employer.employer_id
        standing = self._standings.get(pair, read[pair])
        before = standing.now
        if is_told_already(standing, said.start, said.end):
            return "unchanged"
        if before is None and said.start is not None and not standing.works_unseen:
            body = said.start.model_copy(update={"person_id": known.person.person_id})
            before = started(work, body, known.person.birth_date, employer)
            after = None if said.end is None else _gone(work, before, said.end, known)
            effects.start(before, known)
            self._standings[pair] = Standing.begun(before, standing.past, is_seen=_is_seen(work, before, known))
            if after is None:
                return "started"
        elif said.start is not None and (before is None or before.started_on != said.start.started_on):
            raise invalid([_STARTED_BEFORE])
        elif before is None or said.end is None:
            raise not_found("employment")
        else:
            after = _gone(work, before, said.end, known)
        effects.end(before, after, known)
        self._standings[pair] = standing.ended(after)
        return "ended"


async def standings_of(work: Work, pairs: Sequence[Pair]) -> Mapping[Pair, Standing]:
    """How each locked person stands with that employer."""
    seen = await store.employments_between(work, pairs)
    works = await store.open_employments_of(work, pairs)
    return {pair: Standing.of(seen[pair], works=pair in works) for pair in pairs}


def is_told_already(standing: Standing, start: EmploymentStart | None, end: EmploymentEnd | None) -> bool:
    """Whether the register knows it all. Raises when it knows the start with another end."""
    if end is not None and start is None:
        return any(last == end.ended_on for _, last in standing.past)
    assert start is not None
    ends = {last for first, last in standing.past if first == start.started_on}
    if end is None:
        is_open = standing.works_unseen or (standing.now is not None and standing.now.started_on == start.started_on)
        return is_open or bool(ends)
    if ends and end.ended_on not in ends:
        raise invalid([_OTHER_END])
    return bool(ends)


def hired(row: Mapping[str, str], first_day: str) -> EmploymentStart:
    """What the row says of a start."""
    return EmploymentStart(
        person_id=_NOBODY,
        credit_code=row["credit_code"],
        occupation_code=row["occupation_code"],
        position=row["position"] or None,
        started_on=cells.as_date(first_day, "/started_on"),
    )


def _is_seen(work: Work, record: EmploymentRecord, known: KnownPerson) -> bool:
    """Whether the client sees the employment, as the row policies have it."""
    is_own = work.principal.unit is not None or record.division_code.startswith(work.principal.division_prefix)
    return is_own or known.person.is_visible


def _left(row: Mapping[str, str]) -> EmploymentEnd:
    return EmploymentEnd(
        ended_on=cells.as_date(row["ended_on"], "/ended_on"), reason=cells.employment_end_reason(row["end_reason"])
    )


def _gone(work: Work, before: EmploymentRecord, body: EmploymentEnd, known: KnownPerson) -> EmploymentRecord:
    """The end, as the single door takes it: of an employment the client may change."""
    require_changeable(work, before, known.person)
    return ended(work, before, body)
