"""Of two citizen numbers that a merge brought together, which is the human's (C-01, C-15): found by two officers.

A human has one citizen number. Of two nothing is chosen: a conflict is put before the office, and no permit is made out with
either. Two officers then say which one it is, on papers of the authority that gave it. That number stands with the canonical
person from then on; every other one goes out of use, under whichever id it came in – like a registration that is ended, it
stays so when the two are parted again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import DomainError, FieldError
from services.chassis.refusals import invalid
from services.chassis.two_person import Proposal, ProposalView, RefusalReason, Subject, TwoPersonAct, propose
from services.chassis.work import Work
from services.registry.actions import persons
from services.registry.actions.person_reading import require_visible
from services.registry.actions.refusals import require_held
from services.registry.rules.identity_number import DocumentType
from services.registry.schemas.evidence import Evidence, attachments_in
from services.registry.schemas.merging import ConflictKind, NumberSettlement, ProposedSettlement
from services.registry.schemas.person_views import DocumentRecord, PersonRecord
from services.registry.schemas.persons import AddedDocument, PersonCorrection
from services.registry.store.merging import ids_of_human
from services.registry.store.persons import load_persons, lock_persons

SCOPE = "registry.person.merge"


@dataclass(frozen=True, slots=True)
class _Human:
    """Every record of a human, locked; the canonical one apart."""

    canonical: PersonRecord
    aliases: tuple[PersonRecord, ...]

    @property
    def records(self) -> tuple[PersonRecord, ...]:
        return (self.canonical, *self.aliases)

    @property
    def ids(self) -> list[UUID]:
        return [record.person_id for record in self.records]

    @property
    def versions(self) -> dict[UUID, int]:
        return {record.person_id: record.version for record in self.records}


async def propose_settlement(work: Work, person_id: UUID, body: NumberSettlement) -> ProposalView:
    """Propose which number is the human's; it happens when another officer approves.

    Raises `DomainError('citizen-number-settled')` when there are no two, and what a correction of the canonical person to that
    number would raise.
    """
    human = await _take(work, person_id)
    work.expect_version(human.canonical.version)
    _corrected(work, human, _kept(human, body.document_id), body.evidence)
    await _refer(work, body.evidence, human)
    content = ProposedSettlement(document_id=body.document_id, versions=human.versions, evidence=tuple(body.evidence))
    return await propose(work, SETTLE_NUMBER, Subject(persons.RESOURCE, person_id, human.canonical.version, person_id), content)


async def _execute(work: Work, proposal: Proposal) -> Sequence[RefusalReason]:
    content = ProposedSettlement.model_validate_json(proposal.content)
    human = await _take(work, proposal.resource_id)
    proposal.expect_version(human.canonical.version)
    if human.versions != content.versions:
        raise DomainError("proposal-outdated", extra={"current_version": human.canonical.version})
    kept = _kept(human, content.document_id)
    for alias in human.aliases:
        if gone := [document.document_id for document in _citizen_numbers(alias) if _goes_out(document, kept)]:
            await persons.withdraw_documents(work, alias, gone)
    correction = _corrected(work, human, kept, content.evidence)
    await persons.apply_correction(work, human.canonical, correction, cleared=[kept])
    return ()


async def _take(work: Work, person_id: UUID) -> _Human:
    """The human under every id, locked, held, and with two citizen numbers."""
    await persons.take_person(work, person_id)
    ids = await ids_of_human(work, person_id)
    locked = await lock_persons(work, *ids)
    require_held(*locked.values())
    if ConflictKind.CITIZEN_NUMBER not in locked[person_id].contested:
        raise DomainError("citizen-number-settled")
    records = await load_persons(work, ids)
    return _Human(records[person_id], tuple(records[each] for each in ids if each != person_id))


def _kept(human: _Human, document_id: UUID) -> DocumentRecord:
    for record in human.records:
        for document in _citizen_numbers(record):
            if document.document_id == document_id:
                return document
    zh, en = "该证件不是该人员名下的公民身份号码证件", "this is no document with a citizen number of this human"
    raise invalid([FieldError("/document_id", "not_on_file", zh, en, "C-15")])


def _goes_out(document: DocumentRecord, kept: DocumentRecord) -> bool:
    """Of an alias: what is not the human's number, and the one that goes over to the canonical person."""
    return document.document_id == kept.document_id or document.normalised_number != kept.normalised_number


def _corrected(work: Work, human: _Human, kept: DocumentRecord, evidence: Sequence[Evidence]) -> persons.Correction:
    """The canonical person with the number kept, in place of its own; birth date and sex follow what the number tells."""
    replaced = next((document.document_id for document in _citizen_numbers(human.canonical)), None)
    entry = AddedDocument(
        type=kept.type,
        number=kept.number,
        issuer=kept.issuer,
        valid_from=kept.valid_from,
        valid_until=kept.valid_until,
        replaces=replaced,
    )
    correction = persons.corrected(work, human.canonical, PersonCorrection(identity_documents=[entry]))
    shown = {"sharing_evidence": kept.sharing_evidence, "settling_evidence": tuple(evidence)}
    return correction.with_added([document.model_copy(update=shown) for document in correction.added])


def _citizen_numbers(record: PersonRecord) -> list[DocumentRecord]:
    return [document for document in record.identity_documents if document.type is DocumentType.CITIZEN_ID]


async def _refer(work: Work, evidence: Sequence[Evidence], human: _Human) -> None:
    person_id = human.canonical.person_id
    files = attachments_in(evidence)
    await refer(work, files, resource=persons.RESOURCE, resource_id=person_id, person_ids=human.ids)


async def _show(work: Work, proposal: Proposal) -> dict[str, Any]:
    """Which document; of the papers the kinds."""
    await require_visible(work, proposal.resource_id)
    content = ProposedSettlement.model_validate_json(proposal.content)
    return {"document_id": str(content.document_id), "evidence_types": [item.type for item in content.evidence]}


SETTLE_NUMBER = TwoPersonAct("person.settle_number", SCOPE, _execute, _show)
