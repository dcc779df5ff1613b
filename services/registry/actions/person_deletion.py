"""The deletion of a person (V-19, V-20): two officers, obstacles told with their articles, nothing left but ids and evidence.

A human is deleted under every id it is known by. What is deleted is gone at once: rows, document indexes and tokens, files with
their keys, and with the person's key every remembered version. Backups still hold it until they expire (decision 0008), and the
bus until its messages do (14 days, masked names and birth dates).
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis.attachments import references
from services.chassis.two_person import Proposal, ProposalView, RefusalReason, Subject, TwoPersonAct, propose
from services.chassis.work import Work
from services.contracts.registry import PersonDeleted
from services.registry.actions.person_reading import require_visible
from services.registry.actions.persons import RESOURCE, take_person
from services.registry.schemas.deletion import PersonDeletion
from services.registry.schemas.person_views import PersonRecord
from services.registry.store import deletion as store
from services.registry.store.merging import ids_of_human
from services.registry.store.persons import load_person
from services.registry.store.visibility import divisions_of

SCOPE = "registry.person.delete"
_ARTICLE = "《中华人民共和国个人信息保护法》第四十七条第二款"
_TEXTS = {
    store.Obstacle.REGISTRATION: (
        "该人员有在册的居住登记，应先注销居住登记。",
        "The person is registered as resident; the registration has to end first.",
    ),
    store.Obstacle.PERMIT: (
        "该人员有在办或有效的居住证，应先注销居住证或撤回申请。",
        "The person has an open permit or application; it has to end first.",
    ),
    store.Obstacle.CASE: (
        "该人员有未办结的事项，应先办结。",
        "A case of the person is open; it has to be closed first.",
    ),
    store.Obstacle.HOME: (
        "该人员有在册的出租房，应先办理停止出租或变更出租人。",
        "The person lets a home that is registered; the letting has to end, or another landlord be entered, first.",
    ),
}


async def propose_deletion(work: Work, person_id: UUID, body: PersonDeletion) -> ProposalView:
    """Propose the deletion; it happens when another officer approves. What stands against it refuses it at once (V-20)."""
    person = await take_person(work, person_id)
    work.expect_version(person.version)
    subject = Subject(RESOURCE, person_id, person.version, person_id)
    return await propose(work, DELETE, subject, body, await obstacles(work, person_id))


async def _execute(work: Work, proposal: Proposal) -> Sequence[RefusalReason]:
    person_id = proposal.resource_id
    person = await take_person(work, person_id)
    proposal.expect_version(person.version)
    if reasons := await obstacles(work, person_id, but=proposal.proposal_id):
        return reasons
    await delete(work, person, PersonDeletion.model_validate_json(proposal.content))
    return ()


async def delete(work: Work, person: PersonRecord, body: PersonDeletion) -> None:
    """Delete everything that is kept of a person who is locked, as two officers have decided."""
    divisions = await divisions_of(work, person.person_id)
    _, *aliases = await ids_of_human(work, person.person_id)
    for alias in aliases:
        await _erase(work, await load_person(work, alias), body, divisions)
    await _erase(work, person, body, divisions)


async def _erase(work: Work, person: PersonRecord, body: PersonDeletion, divisions: Sequence[str]) -> None:
    """Delete what is kept under one id."""
    person_id, version = person.person_id, person.version + 1
    await store.erase_person(work, person_id, version=version, reason=body.reason, legal_ground=body.legal_ground)
    await references.release(work, person_id)
    work.emit(PersonDeleted(person_id=person_id, version=version, deleted_on=work.today), division_codes=divisions)
    work.audit("delete", RESOURCE, person_id, person_id=person_id)


async def _show(work: Work, proposal: Proposal) -> dict[str, Any]:
    await require_visible(work, proposal.resource_id)
    content: dict[str, Any] = json.loads(proposal.content)
    return content


async def obstacles(work: Work, person_id: UUID, *, but: UUID | None = None) -> list[RefusalReason]:
    """Every reason why the person's data must be kept."""
    found = await store.obstacles(work, person_id, but=but)
    return [
        RefusalReason(code=each.value, article=_ARTICLE, rule="V-20", message_zh=_TEXTS[each][0], message_en=_TEXTS[each][1])
        for each in found
    ]


DELETE = TwoPersonAct("person.delete", SCOPE, _execute, _show)
