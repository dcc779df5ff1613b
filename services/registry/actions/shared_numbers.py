"""Two living persons with one number (重号, C-08): the second comes onto the register by two officers.

Everybody else who enters a number that somebody has is told who has it, because it nearly always is the same human. Of old
records two may have the same; then papers of the authority that gave the number show it, one officer states it and another
approves. From then on whoever asks for the number is told of both.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import FieldError
from services.chassis.two_person import Proposal, ProposalView, RefusalReason, Subject, TwoPersonAct, propose
from services.chassis.work import Work
from services.registry.actions import persons
from services.registry.actions.document_owners import number_index_of, owners_of, person_exists
from services.registry.actions.person_proposals import masked
from services.registry.actions.person_reading import require_visible
from services.registry.actions.refusals import invalid
from services.registry.actions.sights import sight_on
from services.registry.schemas.evidence import Evidence, attachments_in
from services.registry.schemas.person_views import DocumentRecord, PersonRecord
from services.registry.schemas.shared_numbers import PersonSharingNumber, ProposedSharing

SCOPE = "registry.person.write"


async def propose_sharing(work: Work, person_id: UUID, body: PersonSharingNumber) -> ProposalView:
    """Propose to enter a person who has a number of the person in the path, too; it happens when another officer approves.

    Raises `DomainError('person-exists')` when a document belongs to anybody else, or to somebody this client does not see.
    """
    known = await persons.take_person(work, person_id)
    work.expect_version(known.version)
    record = persons.entered(body.person, work.today, work.now)
    await _sharing(work, record, person_id, body.evidence)
    await _refer(work, body.evidence, record.person_id, [person_id])
    content = ProposedSharing(
        person_id=record.person_id,
        birth_date=record.birth_date,
        division_code=work.principal.division_code,
        person=body.person,
        evidence=tuple(body.evidence),
    )
    return await propose(work, SHARE_NUMBER, Subject(persons.RESOURCE, person_id, known.version, person_id), content)


async def _execute(work: Work, proposal: Proposal) -> Sequence[RefusalReason]:
    content = ProposedSharing.model_validate_json(proposal.content)
    known = await persons.take_person(work, proposal.resource_id)
    proposal.expect_version(known.version)
    entered = persons.entered(content.person, work.today, work.now).model_copy(update={"person_id": content.person_id})
    record = await _sharing(work, entered, known.person_id, content.evidence)
    await persons.enter_person(work, record, content.division_code)
    await _refer(work, content.evidence, record.person_id, [known.person_id, record.person_id])
    work.audit("share_number", persons.RESOURCE, known.person_id, person_id=known.person_id)
    return ()


async def _sharing(work: Work, record: PersonRecord, known_id: UUID, evidence: Sequence[Evidence]) -> PersonRecord:
    """The person, with what shows it at each document whose number the known person has; every other number is nobody's."""
    indexes = [number_index_of(work, document) for document in record.identity_documents]
    owners = await owners_of(work, indexes)
    documents: list[DocumentRecord] = []
    for position, (document, index) in enumerate(zip(record.identity_documents, indexes, strict=True)):
        humans = owners.humans(index)
        if humans and (None in humans or known_id not in humans):
            raise await person_exists(work, f"/person/identity_documents/{position}/number", humans, record.name)
        update = {"sharing_evidence": tuple(evidence)} if humans else {}
        documents.append(document.model_copy(update=update))
    if not any(document.sharing_evidence for document in documents):
        zh, en = "其中没有与该人员相同的证件号码，请直接登记", "none of the numbers is that person's: register directly"
        raise invalid([FieldError("/person/identity_documents", "not_shared", zh, en, "C-08")])
    return record.model_copy(update={"identity_documents": tuple(documents)})


async def _refer(work: Work, evidence: Sequence[Evidence], sharer: UUID, person_ids: Sequence[UUID]) -> None:
    files = attachments_in(evidence)
    await refer(work, files, resource=persons.RESOURCE, resource_id=sharer, person_ids=person_ids)


async def _show(work: Work, proposal: Proposal) -> dict[str, Any]:
    """Who is to be entered, masked like a person on the register; of the papers the kinds."""
    await require_visible(work, proposal.resource_id)
    content = ProposedSharing.model_validate_json(proposal.content)
    entry = json.loads(content.person.model_dump_json(exclude_unset=True))
    shown = masked(sight_on(work, content.birth_date), entry)
    kinds = [item.type for item in content.evidence]
    return shown | {"person_id": str(content.person_id), "evidence_types": kinds}


SHARE_NUMBER = TwoPersonAct("person.share_number", SCOPE, _execute, _show)
