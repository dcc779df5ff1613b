"""Two living persons with one number (重号, C-08): the second has it on the register by two officers.

Everybody else who enters a number that somebody has is told who has it, because it nearly always is the same human. Of old
records two may have the same; then papers of the authority that gave the number show it, one officer states it and another
approves. From then on whoever asks for the number is told of both. Whether the second is entered with the number or, on the
register already, corrected to it makes no difference: it is the same act.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import DomainError, FieldError
from services.chassis.refusals import invalid
from services.chassis.two_person import Proposal, ProposalView, RefusalReason, Subject, TwoPersonAct, propose
from services.chassis.work import Work
from services.registry.actions import persons
from services.registry.actions.document_owners import number_index_of, owners_of, person_exists
from services.registry.actions.person_proposals import masked
from services.registry.actions.person_reading import require_visible
from services.registry.actions.refusals import person_not_found
from services.registry.actions.sights import sight_on
from services.registry.schemas.evidence import Evidence, attachments_in
from services.registry.schemas.person_views import DocumentRecord, PersonRecord
from services.registry.schemas.persons import PersonCorrection, PersonRegistration
from services.registry.schemas.shared_numbers import PersonSharingNumber, ProposedSharing
from services.registry.store.persons import lock_persons

SCOPE = "registry.person.write"
_ENTERED, _CORRECTED = "/person", "/correction"
_OTHER = "/corrected_person_id"


async def propose_sharing(work: Work, person_id: UUID, body: PersonSharingNumber) -> ProposalView:
    """Propose that another person has a number of the person in the path, too; it happens when another officer approves.

    Raises `DomainError('person-exists')` when a document belongs to anybody else, or to somebody this client does not see.
    """
    if body.corrected_person_id is None:
        known = await persons.take_person(work, person_id)
        assert body.person is not None
        other = await _entered(work, body.person, person_id, body.evidence)
    else:
        known, before = await _take_both(work, person_id, body.corrected_person_id)
        assert body.correction is not None
        other = (await _corrected(work, before, body.correction, person_id, body.evidence)).record
    work.expect_version(known.version)
    concerned = [person_id] if body.corrected_person_id is None else [person_id, body.corrected_person_id]
    await _refer(work, body.evidence, other.person_id, concerned)
    content = ProposedSharing(
        person_id=other.person_id,
        birth_date=other.birth_date,
        division_code=work.principal.division_code,
        person=body.person,
        correction=body.correction,
        version=None if body.corrected_person_id is None else other.version,
        evidence=tuple(body.evidence),
    )
    return await propose(work, SHARE_NUMBER, Subject(persons.RESOURCE, person_id, known.version, person_id), content)


async def _execute(work: Work, proposal: Proposal) -> Sequence[RefusalReason]:
    content = ProposedSharing.model_validate_json(proposal.content)
    known_id = proposal.resource_id
    if content.correction is not None:
        await _execute_correction(work, proposal, content, content.correction)
    else:
        proposal.expect_version((await persons.take_person(work, known_id)).version)
        assert content.person is not None
        record = await _entered(work, content.person, known_id, content.evidence, person_id=content.person_id)
        await persons.enter_person(work, record, content.division_code)
    await _refer(work, content.evidence, content.person_id, [known_id, content.person_id])
    work.audit("share_number", persons.RESOURCE, known_id, person_id=known_id)
    return ()


async def _execute_correction(work: Work, proposal: Proposal, content: ProposedSharing, correction: PersonCorrection) -> None:
    known, before = await _take_both(work, proposal.resource_id, content.person_id)
    proposal.expect_version(known.version)
    if before.version != content.version:
        raise DomainError("proposal-outdated", extra={"current_version": before.version})
    corrected = await _corrected(work, before, correction, known.person_id, content.evidence)
    shared = [document for document in corrected.added if document.is_shared]
    await persons.apply_correction(work, before, corrected, cleared=shared)


async def _take_both(work: Work, known_id: UUID, other_id: UUID) -> tuple[PersonRecord, PersonRecord]:
    """Who has the number, and who is to have it, too, and is held: two in sight, locked in the order of their ids."""
    if known_id == other_id:
        raise invalid([FieldError(_OTHER, "same_person", "两者是同一人员编号", "this is the person in the path")])
    other = (await lock_persons(work, known_id, other_id)).get(other_id)
    known = await persons.take_person(work, known_id)
    if other is None or not other.is_visible:
        raise person_not_found(_OTHER)
    return known, await persons.take_held_person(work, other_id)


async def _entered(
    work: Work, body: PersonRegistration, known_id: UUID, evidence: Sequence[Evidence], person_id: UUID | None = None
) -> PersonRecord:
    """The person to be entered, under an id of its own or the one given."""
    with _errors_within(_ENTERED):
        record = persons.entered(body, work.today, work.now)
    documents = await _stated(work, record, record.identity_documents, known_id, evidence, within=_ENTERED)
    return record.model_copy(update={"person_id": person_id or record.person_id, "identity_documents": tuple(documents)})


async def _corrected(
    work: Work, before: PersonRecord, body: PersonCorrection, known_id: UUID, evidence: Sequence[Evidence]
) -> persons.Correction:
    """The correction of a person on the register."""
    with _errors_within(_CORRECTED):
        correction = persons.corrected(work, before, body)
    return correction.with_added(await _stated(work, before, correction.added, known_id, evidence, within=_CORRECTED))


async def _stated(
    work: Work,
    person: PersonRecord,
    documents: Sequence[DocumentRecord],
    known_id: UUID,
    evidence: Sequence[Evidence],
    *,
    within: str,
) -> list[DocumentRecord]:
    """The documents with what shows it at each whose number the known person has; every other number is nobody's."""
    indexes = [number_index_of(work, document) for document in documents]
    owners = await owners_of(work, indexes)
    stated: list[DocumentRecord] = []
    for position, (document, index) in enumerate(zip(documents, indexes, strict=True)):
        humans = [human for human in owners.humans(index) if human != person.person_id]
        if humans and (None in humans or known_id not in humans):
            raise await person_exists(work, f"{within}/identity_documents/{position}/number", humans, person.name)
        stated.append(document.model_copy(update={"sharing_evidence": tuple(evidence)}) if humans else document)
    if not any(document.is_shared for document in stated):
        zh, en = "其中没有与该人员相同的证件号码，请直接登记或更正", "none of the numbers is that person's: act directly"
        raise invalid([FieldError(f"{within}/identity_documents", "not_shared", zh, en, "C-08")])
    return stated


@contextmanager
def _errors_within(part: str) -> Iterator[None]:
    """What is wrong in a part of the body is pointed at from the whole."""
    try:
        yield
    except DomainError as error:
        error.errors = [replace(each, pointer=part + each.pointer) for each in error.errors]
        raise


async def _refer(work: Work, evidence: Sequence[Evidence], sharer: UUID, person_ids: Sequence[UUID]) -> None:
    files = attachments_in(evidence)
    await refer(work, files, resource=persons.RESOURCE, resource_id=sharer, person_ids=person_ids)


async def _show(work: Work, proposal: Proposal) -> dict[str, Any]:
    """Who is to be entered, or what corrected of whom, masked like a person on the register; of the papers the kinds."""
    await require_visible(work, proposal.resource_id)
    content = ProposedSharing.model_validate_json(proposal.content)
    said = content.person or content.correction
    assert said is not None
    shown = masked(sight_on(work, content.birth_date), json.loads(said.model_dump_json(exclude_unset=True)))
    kinds = [item.type for item in content.evidence]
    return shown | {"person_id": str(content.person_id), "evidence_types": kinds}


SHARE_NUMBER = TwoPersonAct("person.share_number", SCOPE, _execute, _show)
