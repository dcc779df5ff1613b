"""A row made ready: its errors, the digests under which the register may know the person, and what would be stored if it does
not – checked, sealed, indexed, with its trail. Plain values, as they go to the database.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.chassis.db import Transaction
from services.chassis.errors import DomainError, FieldError
from services.chassis.keyring import Keyring
from services.chassis.long_work.tables.refusals import errors_of
from services.chassis.work import Trail, Work
from services.contracts.registry import PersonRegistered, ResidenceRegistrationRegistered
from services.registry.actions.divisions import Desk
from services.registry.actions.persons import RESOURCE as PERSON
from services.registry.actions.refusals import field_error
from services.registry.actions.registration_entry import assess_entry, told_of
from services.registry.actions.registration_entry import entered as entered_registration
from services.registry.actions.registrations import RESOURCE as REGISTRATION
from services.registry.actions.trail import leave
from services.registry.imports.rows import Bringer, RosterRow
from services.registry.rules.residence_registration import RegistrationAssessment
from services.registry.schemas.person_views import PersonRecord
from services.registry.schemas.registrations import RegistrationRecord, ResidenceRegistrationEntry
from services.registry.store.bulk import NewResident
from services.registry.store.events import person_event, registration_event
from services.registry.store.persons import LockedPerson, name_index, number_index, sealed_document, sealed_person
from services.registry.store.registrations import Residence, sealed_registration
from services.registry.store.search_keys import digests_of

NOWHERE = Residence(None, (), is_contested=False)


class PreparedRow(NamedTuple):
    """See the module's docstring. With `errors` nothing comes of the row; `errors_if_new` stop a person nobody knows, of whom
    `notes_if_new` are told otherwise.
    """

    number: int
    cells: Sequence[str]
    errors: Sequence[FieldError]
    number_index: bytes = b""
    name_index: bytes = b""
    errors_if_new: Sequence[FieldError] = ()
    notes_if_new: Sequence[FieldError] = ()
    resident: NewResident | None = None
    trail: Trail | None = None


@dataclass(frozen=True, slots=True)
class Preparation:
    """Makes rows ready in the name of who brings the roster."""

    desk: Bringer
    keyring: Keyring
    service: str
    request_id: str

    def prepare(self, row: RosterRow) -> PreparedRow:
        """One examined row."""
        person, entry = row.person, row.entry
        if row.errors or person is None or entry is None:
            return PreparedRow(row.number, row.cells, row.errors)
        document = person.identity_documents[0]
        by_number = number_index(self.keyring, document.type, document.normalised_number)
        by_name = name_index(self.keyring, person.name)
        try:
            assessment = assess_entry(self.desk, entry, as_locked(person))
            registration = entered_registration(self.desk, entry, assessment, NOWHERE).record
        except DomainError as error:
            return PreparedRow(row.number, row.cells, (), by_number, by_name, errors_of(error))
        return PreparedRow(
            row.number,
            row.cells,
            (),
            by_number,
            by_name,
            notes_if_new=notes_of(self.desk, registration, assessment),
            resident=_resident(self.keyring, person, registration, by_number, by_name),
            trail=self._trail(person, registration),
        )

    def _trail(self, person: PersonRecord, registration: RegistrationRecord) -> Trail:
        """What the two acts of the single door leave behind."""
        work = paper(self.desk, self.keyring, self.service, self.request_id)
        leave_person(work, person)
        leave_registration(work, registration)
        return work.take_trail(person.person_id)


def paper(desk: Desk, keyring: Keyring, service: str, request_id: str) -> Work:
    """A unit of work without a transaction: what is left on it is taken from it again."""
    return Work(
        tx=_NO_TRANSACTION,
        service=service,
        principal=desk.principal,
        keyring=keyring,
        today=desk.today,
        law_now=desk.now,
        request_id=request_id,
        now=desk.now,
    )


def leave_person(work: Work, person: PersonRecord) -> None:
    """What entering the person leaves behind at the single door."""
    event = person_event(PersonRegistered, work.keyring, person)
    own = work.principal.division_code
    leave(work, "register", PERSON, person.person_id, event, before=None, after=person, division_codes=[own])


def leave_registration(work: Work, registration: RegistrationRecord) -> None:
    """What registering somebody new leaves behind at the single door."""
    leave(
        work,
        "register",
        REGISTRATION,
        registration.registration_id,
        registration_event(ResidenceRegistrationRegistered, registration),
        before=None,
        after=registration,
        division_codes=sorted({work.principal.division_code, registration.division_code}),
    )


def as_locked(person: PersonRecord) -> LockedPerson:
    """A person that this transaction enters."""
    return LockedPerson(
        person_id=person.person_id,
        birth_date=person.birth_date,
        hukou_division_code=person.hukou_division_code,
        document_types=tuple(document.type for document in person.identity_documents),
        is_visible=True,
        is_held=True,
        merged_into=None,
        contested=frozenset(),
    )


def notes_of(desk: Desk, record: RegistrationRecord, assessment: RegistrationAssessment | None = None) -> list[FieldError]:
    """What the single door tells of a registration and what stops nothing, as told of a row."""
    return [field_error("", finding) for finding in told_of(desk, record, assessment)]


def warnings_of(person: PersonRecord) -> str:
    """The doubts that travel along with a person, as JSON."""
    warnings = [warning.model_dump() for warning in person.warnings]
    return json.dumps(warnings, ensure_ascii=False) if warnings else "[]"


def first_registration(desk: Bringer, entry: ResidenceRegistrationEntry, person: PersonRecord) -> RegistrationRecord:
    """The registration of somebody who has had none."""
    return entered_registration(desk, entry, assess_entry(desk, entry, as_locked(person)), NOWHERE).record


class _NoConnection:
    """Nothing is asked of the database while rows are made ready."""


_NO_TRANSACTION = Transaction(_NoConnection())  # type: ignore[arg-type]


def _resident(
    keyring: Keyring, person: PersonRecord, registration: RegistrationRecord, by_number: bytes, by_name: bytes
) -> NewResident:
    document = person.identity_documents[0]
    return NewResident(
        person_id=str(person.person_id),
        sealed_person=sealed_person(keyring, person),
        name_index=by_name,
        birth_date=person.birth_date,
        sex_code=person.sex_code,
        ethnicity_code=person.ethnicity_code,
        education_code=person.education_code,
        hukou_code=person.hukou_division_code,
        warnings=warnings_of(person),
        document_id=str(document.document_id),
        document_type=document.type.value,
        number_index=by_number,
        sealed_document=sealed_document(keyring, document),
        registration_id=str(registration.registration_id),
        division_code=registration.division_code,
        sealed_registration=sealed_registration(keyring, registration),
        residence_kind=registration.residence_kind.value,
        reported_by=registration.reported_by.value,
        started_on=registration.started_on,
        expected_end_on=registration.expected_end_on,
        reported_late=registration.reported_late,
        **digests_of(keyring, person),
    )
