"""What becomes of each row: the acts of the single door, decided by its rules, in the order of the file.

| the document is | and the person is registered | then |
|---|---|---|
| nobody's | | person and registration are entered |
| somebody's of another name | | refused |
| somebody's of this name | nowhere | registered |
| | in another town, before the day in the row | registered; that registration ends as a move |
| | in this town at another address, before that day | the address is changed |
| | at this address | unchanged |
| | since that day or later, elsewhere | refused: the roster is older than what the register knows |
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from services.chassis.errors import DomainError, FieldError
from services.chassis.work import Work
from services.registry.actions.divisions import is_own_division, is_same_town
from services.registry.actions.refusals import invalid, require_held, require_settled
from services.registry.actions.registration_entry import assess_entry, changed_address
from services.registry.actions.registration_entry import entered as entered_registration
from services.registry.imports.effects import Effects
from services.registry.imports.knowing import ANOTHER_NAME, Knowledge, KnownPerson
from services.registry.imports.prepared import as_locked
from services.registry.imports.rows import RosterRow, errors_of
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
    """The rows of a chunk, decided one after the other; each sees what those before it did."""

    work: Work
    known: Knowledge
    effects: Effects
    refused: list[tuple[RosterRow, Sequence[FieldError]]] = field(default_factory=list)

    async def decide(self, row: RosterRow) -> Outcome:
        """One row: done, or refused with every reason and without a trace."""
        if row.errors:
            return self._refuse(row, row.errors)
        number = row.number_index
        if number in self.known.elsewhere:
            return self._refuse(row, [ANOTHER_NAME])
        known = self.known.persons.get(number)
        try:
            if known is None:
                return self._enter(row)
            if known.name_index != row.name_index:
                return self._refuse(row, [ANOTHER_NAME])
            if known.person.person_id in self.effects.touched:
                await self.effects.write()
            return self._go_on(row, known)
        except DomainError as error:
            return self._refuse(row, errors_of(error))

    def _refuse(self, row: RosterRow, errors: Sequence[FieldError]) -> Outcome:
        self.refused.append((row, errors))
        return Outcome.REFUSED

    def _enter(self, row: RosterRow) -> Outcome:
        if row.resident is None:
            return self._refuse(row, row.errors_if_new)
        assert row.person is not None
        self.effects.enter(row.resident, row.person)
        divisions = {self.work.principal.division_code, row.resident.registration.division_code}
        self.known.persons[row.number_index] = KnownPerson(
            as_locked(row.person), row.name_index, [row.resident.registration], divisions
        )
        return Outcome.ENTERED

    def _go_on(self, row: RosterRow, known: KnownPerson) -> Outcome:
        """The row is about a person the register knows."""
        assert row.entry is not None
        entry = row.entry.model_copy(update={"person_id": known.person.person_id})
        where = residence(known.registrations)
        require_settled(where)
        current = where.current
        if current is not None:
            if (current.division_code, current.address) == (entry.division_code, entry.address):
                return Outcome.UNCHANGED
            if _is_outdated(entry, current):
                raise invalid([_OUTDATED])
            if is_own_division(self.work, current.division_code) and is_same_town(current.division_code, entry.division_code):
                return self._change(row, known, current)
        made = entered_registration(self.work, entry, assess_entry(self.work, entry, known.person), where)
        if current is not None and made.moved is not None:
            self.effects.move(current, made.moved, known.divisions)
            _replace(known.registrations, made.moved)
        known.divisions.add(made.record.division_code)
        known.registrations.append(made.record)
        known.person = replace(known.person, is_visible=True, is_held=True)
        self.effects.register(made.record, known.divisions)
        return Outcome.REGISTERED

    def _change(self, row: RosterRow, known: KnownPerson, current: RegistrationRecord) -> Outcome:
        assert row.entry is not None
        require_held(known.person)
        body = AddressChange(
            changed_on=row.entry.started_on,
            division_code=row.entry.division_code,
            address=row.entry.address,
            residence_kind=row.entry.residence_kind,
        )
        after = changed_address(self.work, current, body)
        known.divisions.add(after.division_code)
        _replace(known.registrations, after)
        self.effects.change(current, after, known.divisions)
        return Outcome.ADDRESS_CHANGED


def _is_outdated(entry: ResidenceRegistrationEntry, current: RegistrationRecord) -> bool:
    """Whether the register has heard of the person's residence since the day the row speaks of."""
    return entry.started_on <= (current.changed_on or current.started_on)


def _replace(records: list[RegistrationRecord], after: RegistrationRecord) -> None:
    place = next(place for place, record in enumerate(records) if record.registration_id == after.registration_id)
    records[place] = after
