"""What would be stored if nobody knew the person of a row: made ready, sealed and indexed, before the transaction begins."""

import json

from services.chassis.errors import DomainError
from services.chassis.keyring import Keyring
from services.registry.actions.registration_entry import assess_entry
from services.registry.actions.registration_entry import entered as entered_registration
from services.registry.imports.rows import Bringer, RosterRow, errors_of
from services.registry.schemas.person_views import PersonRecord
from services.registry.schemas.registrations import RegistrationRecord, ResidenceRegistrationEntry
from services.registry.store.bulk import NewResident
from services.registry.store.persons import LockedPerson, name_index, number_index, sealed_document, sealed_person
from services.registry.store.registrations import Residence, sealed_registration

_NOWHERE = Residence(None, (), is_contested=False)


def prepare(desk: Bringer, keyring: Keyring, row: RosterRow) -> RosterRow:
    """Fill in the digests under which the register may know the person, and the resident for the case that it does not."""
    person, entry = row.person, row.entry
    if person is None or entry is None or row.errors:
        return row
    document = person.identity_documents[0]
    row.number_index = number_index(keyring, document.type, document.normalised_number)
    row.name_index = name_index(keyring, person.name)
    try:
        registration = _first_registration(desk, entry, person)
    except DomainError as error:
        row.errors_if_new = errors_of(error)
        return row
    row.resident = _resident(keyring, row, person, registration)
    return row


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
    )


def _first_registration(desk: Bringer, entry: ResidenceRegistrationEntry, person: PersonRecord) -> RegistrationRecord:
    return entered_registration(desk, entry, assess_entry(desk, entry, as_locked(person)), _NOWHERE).record


def _resident(keyring: Keyring, row: RosterRow, person: PersonRecord, registration: RegistrationRecord) -> NewResident:
    document = person.identity_documents[0]
    warnings = [warning.model_dump() for warning in person.warnings]
    return NewResident(
        person_id=person.person_id,
        sealed_person=sealed_person(keyring, person),
        name_index=row.name_index,
        birth_date=person.birth_date,
        sex_code=person.sex_code,
        ethnicity_code=person.ethnicity_code,
        education_code=person.education_code,
        hukou_code=person.hukou_division_code,
        warnings=json.dumps(warnings, ensure_ascii=False) if warnings else "[]",
        document_id=document.document_id,
        document_type=document.type,
        number_index=row.number_index,
        sealed_document=sealed_document(keyring, document),
        registration=registration,
        sealed_registration=sealed_registration(keyring, registration),
    )
