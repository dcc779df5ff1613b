"""A coordinator's visits from a table, as a batch from a device: stored, known already, or refused with reasons; where a visit
disagrees with the register or with another coordinator both stand, and the disagreement stays open.

A table has no ids. A visit is the same as one before when coordinator, minute and subject are: with the same content
it is repeated, with another it is refused, as an id that was used before.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.long_work.course import ActFailedError, Course
from services.chassis.long_work.tables.by_rows import Memory, Taken, Verdict
from services.chassis.long_work.tables.columns import Column
from services.chassis.long_work.tables.refusals import NOT_TAKEN, reasons
from services.chassis.refusals import invalid
from services.chassis.work import Work
from services.registry.actions.divisions import require_own_division
from services.registry.actions.field_work.visits import content_index, take_visits
from services.registry.imports import cells
from services.registry.imports.knowing import Knowledge, look_up
from services.registry.imports.naming import Named, known_as, named
from services.registry.rules.field_work.visits import VisitOutcome, VisitSubject
from services.registry.schemas.field_work.visits import VISITS_MAX, VisitEntry, VisitResult, VisitResultView
from services.registry.schemas.rosters.kinds import COLUMNS, RosterKind
from services.registry.store.homes.claims import address_index
from services.registry.store.homes.premises import premises_at_each

_NO_ID = UUID(int=0)
_POINTERS = {
    "data_matches_unclear": "/data_matches",
    "found_address_unclear": "/found_address",
    "outcome_of_persons": "/outcome",
    "in_future": "/visited_at",
    "visit_too_old": "/visited_at",
    "not_assigned": "/division_code",
    "visit_id_taken": "/visited_at",
}
_NO_HOME = FieldError(
    "/address", "home_not_registered", "该地址没有登记的出租房屋", "no home is registered at this address", "RR-75"
)


class Said(NamedTuple):
    """What a row says. `home`: the digest of the address at which a home is registered."""

    visit: VisitEntry
    who: Named | None
    home: bytes | None


class VisitList:
    """One operation's list. `tried`: numbers that were resolved in vain, see `knowing`."""

    columns: Sequence[Column] = COLUMNS[RosterKind.FIELD_VISITS]
    chunk = VISITS_MAX

    def __init__(self, course: Course) -> None:
        self._told: Memory[UUID, bytes] = Memory(course.rehearsal)
        self._tried: set[bytes] = set()

    def read(self, work: Work, row: Mapping[str, str]) -> Said:
        """See `Book`."""
        who = named(work, work.keyring, row) if row["document_number"] else None
        subject = VisitSubject.PERSON if who or row["name"] else VisitSubject.HOME
        visit = VisitEntry(
            visit_id=_NO_ID,
            subject=cells.visit_subject(row["subject"]) if row["subject"] else subject,
            outcome=cells.visit_outcome(row["outcome"]),
            visited_at=cells.as_instant(row["visited_at"], "/visited_at"),
            division_code=row["division_code"],
            seen_version=cells.whole_number(row["seen_version"], "/seen_version"),
            data_matches=cells.answer(row["data_matches"], "/data_matches"),
            found_address=row["found_address"] or None,
        )
        require_own_division(work, visit.division_code, "/division_code")
        at = address_index(work.keyring, visit.division_code, row["address"]) if row["address"] else None
        return Said(visit, who, None if visit.subject is VisitSubject.PERSON else at)

    def keep(self) -> None:
        """See `Book`."""
        self._told.keep()

    async def take(self, work: Work, said: Sequence[Said]) -> Taken:
        """See `Book`."""
        self._told.begin()
        people = {one.who.number_index: one.who.name_index for one in reversed(said) if one.who is not None}
        known = await look_up(work, people, self._tried)
        homes = await premises_at_each(work, {one.home for one in said if one.home is not None})
        refused: dict[int, Sequence[FieldError]] = {}
        visits: dict[int, VisitEntry] = {}
        for place, one in enumerate(said):
            try:
                visits[place] = _identified(work, one, known, homes)
            except NOT_TAKEN as error:
                refused[place] = reasons(error)
        results = dict(zip(visits, await self._taken(work, list(visits.values())), strict=True))
        for place, visit in visits.items():
            if results[place].result is VisitResult.STORED:
                self._told[visit.visit_id] = content_index(work, work.require_actor(), visit)
        verdicts = [refused[place] if place in refused else _verdict(results[place]) for place in range(len(said))]
        return Taken(verdicts, known.attempts)

    async def _taken(self, work: Work, visits: list[VisitEntry]) -> list[VisitResultView]:
        try:
            return await take_visits(work, visits, self._told.all)
        except DomainError as error:
            if error.code == "field-work-rules-not-held":  # of none of the rows, on no later try
                raise ActFailedError(error.code) from error
            raise


def _identified(work: Work, said: Said, known: Knowledge, homes: Mapping[bytes, UUID]) -> VisitEntry:
    """The visit with the ids of its subject and of itself."""
    is_unregistered = said.visit.outcome is VisitOutcome.FOUND_NOT_REGISTERED
    person_id = premises_id = None
    if said.who is not None and not (is_unregistered and not known.may_be_told_of(said.who.number_index)):
        person_id = known_as(known, said.who).person.person_id
    if said.home is not None:
        premises_id = homes.get(said.home)
        if premises_id is None and not is_unregistered:
            raise invalid([_NO_HOME])
    subject = (said.who.number_index if said.who else said.home) or (said.visit.found_address or "").encode()
    key = f"{work.require_actor()}|{said.visit.visited_at.isoformat()}|{said.visit.division_code}|{subject.hex()}"
    visit_id = UUID(bytes=work.keyring.blind_index("field_visit.row", key)[:16], version=5)
    return said.visit.model_copy(update={"visit_id": visit_id, "person_id": person_id, "premises_id": premises_id})


def _verdict(found: VisitResultView) -> Verdict:
    if found.result is VisitResult.REFUSED:
        return [
            FieldError(_POINTERS.get(each.code, ""), each.code, each.message_zh, each.message_en, each.rule)
            for each in found.reasons
        ]
    return "stored_with_conflict" if found.result is VisitResult.STORED and found.conflicts else found.result.value
