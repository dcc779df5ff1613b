"""What becomes of each row: the acts of the single door, decided by its rules, in the order of the file.

| the document is | and the person is registered | then |
|---|---|---|
| nobody's | | person and registration are entered |
| somebody's of another name | | refused; of somebody out of sight as taken, and no word of the name |
| several humans' (C-08) | | refused |
| somebody's of this name | nowhere | registered |
| | in another town, before the day in the row | registered; that registration ends as a move |
| | in this town at another address, before that day | the address is changed |
| | at this address | unchanged |
| | since that day or later, elsewhere | refused: the roster is older than what the register knows |
| | nowhere any more, having left after that day | refused likewise |
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.long_work.tables.layout import Layout
from services.chassis.long_work.tables.refusals import errors_of
from services.chassis.refusals import invalid
from services.chassis.work import Work
from services.registry.actions.divisions import is_own_division, is_same_town
from services.registry.actions.document_owners import ANOTHER_NAME, ELSEWHERE, SHARED_NUMBER
from services.registry.actions.refusals import require_held, require_settled
from services.registry.actions.registration_entry import assess_entry, changed_address
from services.registry.actions.registration_entry import entered as entered_registration
from services.registry.imports.effects import Effects
from services.registry.imports.knowing import Knowledge, KnownPerson
from services.registry.imports.prepared import PreparedRow, as_locked, first_registration, notes_of
from services.registry.imports.rows import Bringer, examine
from services.registry.rules.residence_registration import RegistrationEndReason
from services.registry.schemas.registrations import AddressChange, RegistrationRecord, ResidenceRegistrationEntry
from services.registry.store.bulk import residence

_OUTDATED = FieldError(
    "/started_on",
    "outdated",
    "该人员自该日或之后另有居住登记，名册信息已过时",
    "the register knows another residence since that day or later: the roster is out of date",
)


class Outcome(StrEnum):
    """What became of a row."""

    ENTERED = "entered"
    """a person nobody knew"""
    REGISTERED = "registered"
    """a person the register knew, registered here now"""
    ADDRESS_CHANGED = "address_changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(slots=True)
class Decisions:
    """The rows of a chunk, decided one after the other; each sees what those before it did. A rehearsal writes nothing."""

    work: Work
    layout: Layout
    known: Knowledge
    effects: Effects
    is_rehearsal: bool
    refused: list[tuple[PreparedRow, Sequence[FieldError]]] = field(default_factory=list)
    noted: list[tuple[PreparedRow, Sequence[FieldError]]] = field(default_factory=list)
    _entered: dict[bytes, tuple[PreparedRow, UUID]] = field(default_factory=dict)

    async def decide(self, row: PreparedRow) -> Outcome:
        """One row: done, or refused with every reason and without a trace."""
        if row.errors:
            return self._refuse(row, row.errors)
        number = row.number_index
        if number in self.known.shared:
            return self._refuse(row, [SHARED_NUMBER])
        if number in self.known.elsewhere:
            return self._refuse(row, [ELSEWHERE])
        known = self.known.persons.get(number)
        try:
            if known is None and number in self._entered:
                known = self.known.persons[number] = self._just_entered(*self._entered[number])
            if known is None:
                return self._enter(row)
            if known.name_index != row.name_index:
                return self._refuse(row, [ANOTHER_NAME])
            if known.person.person_id in self.effects.touched and not self.is_rehearsal:
                await self.effects.write()
            return self._go_on(row, known)
        except DomainError as error:
            return self._refuse(row, errors_of(error))

    def person_of(self, number_index: bytes) -> KnownPerson | None:
        """What the rows have made of whoever has that document."""
        if number_index in self._entered and number_index not in self.known.persons:
            return self._just_entered(*self._entered[number_index])
        return self.known.persons.get(number_index)

    def _refuse(self, row: PreparedRow, errors: Sequence[FieldError]) -> Outcome:
        self.refused.append((row, errors))
        return Outcome.REFUSED

    def _note(self, row: PreparedRow, notes: Sequence[FieldError]) -> None:
        """What is told of a row that was taken."""
        if notes:
            self.noted.append((row, notes))

    def _enter(self, row: PreparedRow) -> Outcome:
        if row.resident is None or row.trail is None:
            return self._refuse(row, row.errors_if_new)
        self._note(row, row.notes_if_new)
        self._entered[row.number_index] = row, self.effects.enter(row.resident, row.trail)
        return Outcome.ENTERED

    def _just_entered(self, row: PreparedRow, person_id: UUID) -> KnownPerson:
        """Somebody whom a row before entered, as that row says: the file names the person twice."""
        desk, resident = self._desk, row.resident
        again = examine(desk, self.layout, row.number, row.cells)
        assert again.person is not None
        assert again.entry is not None
        assert resident is not None
        person = again.person.model_copy(update={"person_id": person_id})
        entry = again.entry.model_copy(update={"person_id": person_id})
        made = first_registration(desk, entry, person)
        record = made.model_copy(update={"registration_id": UUID(resident.registration_id)})
        divisions = {self.work.principal.division_code, record.division_code}
        return KnownPerson(as_locked(person), row.name_index, [record], divisions)

    @property
    def _desk(self) -> Bringer:
        return Bringer(self.work.principal, self.work.today, self.work.now)

    def _go_on(self, row: PreparedRow, known: KnownPerson) -> Outcome:
        """The row is about a person the register knows."""
        said = examine(self._desk, self.layout, row.number, row.cells).entry
        assert said is not None
        entry = said.model_copy(update={"person_id": known.person.person_id})
        where = residence(known.registrations)
        require_settled(where)
        current = where.current
        if current is not None:
            if (current.division_code, current.address) == (entry.division_code, entry.address):
                return Outcome.UNCHANGED
            if _is_outdated(entry, current):
                raise invalid([_OUTDATED])
            if is_own_division(self.work, current.division_code) and is_same_town(current.division_code, entry.division_code):
                return self._change(row, entry, known, current)
        elif _was_told_since(entry, known.registrations):
            raise invalid([_OUTDATED])
        assessment = assess_entry(self.work, entry, known.person, known.documents_expired_on)
        made = entered_registration(self.work, entry, assessment, where)
        self._note(row, notes_of(self.work, made.record, assessment))
        if current is not None and made.moved is not None:
            self.effects.move(current, made.moved, known.divisions)
            _replace(known.registrations, made.moved)
        known.divisions.add(made.record.division_code)
        known.registrations.append(made.record)
        known.person = replace(known.person, is_visible=True, is_held=True)
        self.effects.register(made.record, known.divisions)
        return Outcome.REGISTERED

    def _change(
        self, row: PreparedRow, entry: ResidenceRegistrationEntry, known: KnownPerson, current: RegistrationRecord
    ) -> Outcome:
        require_held(known.person)
        body = AddressChange(
            changed_on=entry.started_on,
            division_code=entry.division_code,
            address=entry.address,
            residence_kind=entry.residence_kind,
        )
        after = changed_address(self.work, current, body)
        self._note(row, notes_of(self.work, after))
        known.divisions.add(after.division_code)
        _replace(known.registrations, after)
        self.effects.change(current, after, known.divisions)
        return Outcome.ADDRESS_CHANGED


def _is_outdated(entry: ResidenceRegistrationEntry, current: RegistrationRecord) -> bool:
    """Whether the register has heard of the person's residence since the day the row speaks of."""
    return entry.started_on <= (current.changed_on or current.started_on)


def _was_told_since(entry: ResidenceRegistrationEntry, past: Sequence[RegistrationRecord]) -> bool:
    """Whether the register heard that the person left after the day the row speaks of: an old roster brings nobody back."""
    told = (each for each in past if each.end_reason is not RegistrationEndReason.RECORDED_IN_ERROR)
    return any(each.ended_on is not None and entry.started_on < each.ended_on for each in told)


def _replace(records: list[RegistrationRecord], after: RegistrationRecord) -> None:
    place = next(place for place, record in enumerate(records) if record.registration_id == after.registration_id)
    records[place] = after
