"""Persons: register and correct."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypedDict
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.work import Work
from services.contracts.registry import PersonCorrected, PersonRegistered
from services.registry.actions.document_owners import number_index_of, owners_of, person_exists
from services.registry.actions.duplicate_finding import look_for_duplicates
from services.registry.actions.person_entry import PersonCheck, is_same_number
from services.registry.actions.refusals import no_such_person, require_held, require_own_id
from services.registry.actions.sights import record_shown, sight_on
from services.registry.actions.trail import leave
from services.registry.rules.identity_number import DocumentNumber, DocumentType
from services.registry.rules.permit_states import PermitStatus
from services.registry.schemas.person_views import (
    DocumentRecord,
    PersonRecord,
    PersonView,
)
from services.registry.schemas.persons import (
    AddedDocument,
    PersonCorrection,
    PersonRegistration,
)
from services.registry.store import merging, search_keys, visibility
from services.registry.store import persons as store
from services.registry.store.events import person_event
from services.registry.store.permits import open_permit_of

RESOURCE = "person"


@dataclass(frozen=True, slots=True)
class Correction:
    """The person after a correction, the documents that come in, the ids of those that go out."""

    record: PersonRecord
    added: Sequence[DocumentRecord]
    superseded: Sequence[UUID]

    def with_added(self, added: Sequence[DocumentRecord]) -> "Correction":
        """The same with these documents coming in, each in its place."""
        kept = self.record.identity_documents[: len(self.record.identity_documents) - len(self.added)]
        record = self.record.model_copy(update={"identity_documents": (*kept, *added)})
        return Correction(record, added, self.superseded)


class _Stated(TypedDict):
    birth_date: date | None
    sex_code: str | None


async def register_person(work: Work, body: PersonRegistration) -> PersonView:
    """Enter a person; one human is one person, whoever registers and however the number is typed.

    Raises `DomainError('person-exists')` when one of the documents belongs to somebody already.
    """
    record = entered(body, work.today, work.now)
    await _refuse_known(work, record.identity_documents, record.name)
    await enter_person(work, record, work.principal.division_code)
    return PersonView.of(record, sight_on(work, record.birth_date))


async def enter_person(work: Work, record: PersonRecord, division_code: str) -> None:
    """Store a person nobody knew, held by a division of the client's, and leave its trail."""
    await store.insert_person(work, record, division_code=division_code)
    await search_keys.keep(work, [record.person_id], [search_keys.digests_of(work.keyring, record)])
    await look_for_duplicates(work, [record.person_id])
    event = person_event(PersonRegistered, work.keyring, record)
    leave(
        work,
        "register",
        RESOURCE,
        record.person_id,
        event,
        before=None,
        after=record,
        division_codes=[division_code],
    )


async def correct_person(work: Work, person_id: UUID, body: PersonCorrection) -> PersonView:
    """Correct or complete a person's data; nothing is recorded when nothing differs.

    Raises `DomainError('two-officers-needed')` when it changes who the holder of a permit is (`person_proposals.py`).
    """
    before = await take_held_person(work, person_id)
    work.expect_version(before.version)
    correction = corrected(work, before, body)
    if not differs(before, correction.record):
        return _shown(work, before)
    if _changes_identity(before, correction.record) and await _holds_permit(work, person_id):
        raise DomainError("two-officers-needed", extra={"propose": f"/v1/persons/{person_id}/correction"})
    return _shown(work, await apply_correction(work, before, correction))


async def take_person(work: Work, person_id: UUID) -> PersonRecord:
    """The person, visible to the client and locked. Raises `DomainError('person-not-found')`, `('person-deleted')`, or
    `('person-merged')` for an alias.
    """
    await _lock(work, person_id)
    return await store.load_person(work, person_id)


async def take_held_person(work: Work, person_id: UUID) -> PersonRecord:
    """Like `take_person`, and the client's division holds the person now, or raises `DomainError('person-not-held')`."""
    require_held(await _lock(work, person_id))
    return await store.load_person(work, person_id)


async def _lock(work: Work, person_id: UUID) -> store.LockedPerson:
    locked = (await store.lock_persons(work, person_id)).get(person_id)
    if locked is None or not locked.is_visible:
        raise await no_such_person(work, person_id)
    require_own_id(locked)
    return locked


async def apply_correction(
    work: Work, before: PersonRecord, correction: Correction, *, cleared: Sequence[DocumentRecord] = ()
) -> PersonRecord:
    """Store a correction of the person held and leave its trail. Of `cleared` documents two officers said that the person may
    have them, whoever else does.

    A citizen number that comes in while another id of the human has a different one opens a conflict like a merge's.
    """
    await _refuse_known(work, correction.added, correction.record.name, own=[*before.identity_documents, *cleared])
    after = await _store(work, before, correction)
    await look_for_duplicates(work, [before.person_id])
    if not citizen_numbers_of(after) <= citizen_numbers_of(before):
        await merging.open_number_conflicts(work, before.person_id)
    return after


async def withdraw_documents(work: Work, before: PersonRecord, document_ids: Sequence[UUID]) -> None:
    """Take documents out of use that turned out not to be the human's, under the id they came in with."""
    kept = tuple(document for document in before.identity_documents if document.document_id not in document_ids)
    await _store(work, before, Correction(before.model_copy(update={"identity_documents": kept}), (), document_ids))


async def _store(work: Work, before: PersonRecord, correction: Correction) -> PersonRecord:
    person_id = before.person_id
    after = correction.record.model_copy(update={"version": before.version + 1, "updated_at": work.now})
    await store.update_person(work, after, added=correction.added, superseded=correction.superseded)
    await search_keys.keep(work, [person_id], [search_keys.digests_of(work.keyring, after)])
    leave(
        work,
        "correct",
        RESOURCE,
        person_id,
        person_event(PersonCorrected, work.keyring, after),
        before=before,
        after=after,
        division_codes=await visibility.divisions_of(work, person_id),
    )
    return after


def differs(before: PersonRecord, after: PersonRecord) -> bool:
    """Whether a correction changes anything; doubts alone are no change."""
    return after.model_copy(update={"warnings": before.warnings}) != before


def _changes_identity(before: PersonRecord, after: PersonRecord) -> bool:
    """Whether the two differ in what a permit attests: name, birth date, sex, citizen number."""
    return _identity(before) != _identity(after)


def _identity(record: PersonRecord) -> tuple[object, ...]:
    return record.name, record.birth_date, record.sex_code, citizen_numbers_of(record)


def citizen_numbers_of(record: PersonRecord) -> set[str]:
    """The citizen numbers on file of a person, normalised."""
    return {item.normalised_number for item in record.identity_documents if item.type is DocumentType.CITIZEN_ID}


async def _holds_permit(work: Work, person_id: UUID) -> bool:
    """Whether the person has a permit that was issued and has not ended."""
    permit = await open_permit_of(work, person_id)
    return permit is not None and permit.status is not PermitStatus.ACCEPTED


def _shown(work: Work, record: PersonRecord) -> PersonView:
    """The person as this client may see it, with its line of evidence."""
    sight = sight_on(work, record.birth_date)
    view = PersonView.of(record, sight)
    record_shown(work, RESOURCE, record.person_id, record.person_id, sight)
    return view


def entered(body: PersonRegistration, today: date, now: datetime) -> PersonRecord:
    """The person as it would be stored; raises with every error at once."""
    check = PersonCheck(today)
    name = check.name(body.name)
    check.codes(body.__dict__)
    check.hukou_division(body.hukou_division_code)
    checked = check.documents(body.identity_documents)
    check.one_citizen_number([document for document, _ in checked])
    if not body.identity_documents and body.no_document_reason is None:
        zh, en = "请填写身份证件，没有证件的说明原因", "give an identity document, or the reason why there is none"
        check.errors.append(FieldError("/identity_documents", "missing", zh, en, "RR-03"))
    if body.identity_documents and body.no_document_reason is not None:
        zh, en = "已填写证件，不应再填无证件原因", "a reason for having no document is given together with one"
        check.errors.append(FieldError("/no_document_reason", "contradiction", zh, en))
    facts = check.facts(
        [number for _, number in checked], birth_date=body.birth_date, sex_code=body.sex_code, entered=len(checked)
    )
    check.done()
    assert facts.birth_date is not None
    assert facts.sex_code is not None
    return PersonRecord(
        person_id=new_id(),
        version=1,
        name=name,
        phone=body.phone,
        birth_date=facts.birth_date,
        sex_code=facts.sex_code,
        ethnicity_code=body.ethnicity_code,
        education_code=body.education_code,
        hukou_division_code=body.hukou_division_code,
        no_document_reason=body.no_document_reason,
        identity_documents=tuple(document for document, _ in checked),
        warnings=check.notices(),
        created_at=now,
        updated_at=now,
    )


def _entered_documents_are_new(check: PersonCheck, kept: Sequence[DocumentRecord], added: Sequence[DocumentRecord]) -> None:
    """A document on file is not added again."""
    for position, document in enumerate(added):
        if any(is_same_number(known, document.type, document.normalised_number) for known in kept):
            zh, en = "该证件已在该人员名下", "this document is on file for the person already"
            check.errors.append(FieldError(f"/identity_documents/{position}/number", "repeated", zh, en))


def corrected(work: Work, before: PersonRecord, body: PersonCorrection) -> Correction:
    """What a correction makes of the person; raises with every error at once."""
    check, changes = PersonCheck(work.today), body.changes()
    name = check.name(changes.get("name", before.name))
    check.codes(changes)
    check.hukou_division(changes.get("hukou_division_code", before.hukou_division_code))
    checked = check.documents(body.identity_documents)
    superseded = _superseded(check, before, body.identity_documents)
    gone = [document for document in before.identity_documents if document.document_id in superseded]
    added, numbers = [_renewed(document, gone) for document, _ in checked], [number for _, number in checked]
    kept = [document for document in before.identity_documents if document.document_id not in superseded]
    _entered_documents_are_new(check, kept, added)
    check.one_citizen_number([*added, *kept])
    numbers_kept = check.numbers_of(kept)
    check.doubts(numbers_kept)
    stated = _stated(check, before, changes, superseded, numbers)
    facts = check.facts([*numbers, *numbers_kept], **stated, entered=len(added))
    check.done()
    documents = (*kept, *added)
    update = changes | {
        "name": name,
        "birth_date": facts.birth_date,
        "sex_code": facts.sex_code,
        "identity_documents": documents,
        "no_document_reason": None if documents else before.no_document_reason,
        "warnings": check.notices(),
    }
    return Correction(before.model_copy(update=update), added, superseded)


def _renewed(document: DocumentRecord, gone: Sequence[DocumentRecord]) -> DocumentRecord:
    """A new paper with the number of one that goes out; what was stated about that number stays with it."""
    for old in gone:
        if is_same_number(old, document.type, document.normalised_number):
            return document.model_copy(update={"sharing_evidence": old.sharing_evidence})
    return document


def _superseded(check: PersonCheck, before: PersonRecord, entries: Sequence[AddedDocument]) -> list[UUID]:
    """Documents on file that the added ones replace; naming one that is not on file is an error."""
    on_file = {document.document_id for document in before.identity_documents}
    for position, entry in enumerate(entries):
        if entry.replaces is not None and entry.replaces not in on_file:
            zh, en = "被替换的证件不在该人员名下", "the document to be replaced is not on file for this person"
            check.errors.append(FieldError(f"/identity_documents/{position}/replaces", "not_on_file", zh, en))
    return [entry.replaces for entry in entries if entry.replaces is not None and entry.replaces in on_file]


def _stated(
    check: PersonCheck,
    before: PersonRecord,
    changes: dict[str, Any],
    superseded: Sequence[UUID],
    numbers: Sequence[DocumentNumber],
) -> _Stated:
    """Birth date and sex as stated now or before. What a replaced number had told is left to the number that replaces it."""
    gone = check.numbers_of([document for document in before.identity_documents if document.document_id in superseded])
    stated = {name: changes.get(name, getattr(before, name)) for name in ("birth_date", "sex_code")}
    for name, value in stated.items():
        told_before = any(getattr(number, name) == value for number in gone)
        told_now = any(getattr(number, name) is not None for number in numbers)
        if name not in changes and told_before and told_now:
            stated[name] = None
    return _Stated(birth_date=stated["birth_date"], sex_code=stated["sex_code"])


async def _refuse_known(
    work: Work, documents: Sequence[DocumentRecord], name: str, *, own: Sequence[DocumentRecord] = ()
) -> None:
    """Claim the documents for this transaction; raise `DomainError('person-exists')` when one is on the register and not among
    the person's `own`.
    """
    indexes = [number_index_of(work, document) for document in documents]
    owners = await owners_of(work, indexes, own=[number_index_of(work, document) for document in own])
    for position, index in enumerate(indexes):
        if humans := owners.humans(index):
            raise await person_exists(work, f"/identity_documents/{position}/number", humans, name)
