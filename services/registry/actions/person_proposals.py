"""Corrections that need two officers (reliability.md 34): identity data of somebody who holds a permit.

A permit attests to who its holder is, and other offices rely on it. So name, birth date, sex and citizen number of a holder
change only when a second officer approves; everything else, and everything of somebody without a permit, is corrected directly.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis.errors import FieldError
from services.chassis.fields import Sight
from services.chassis.refusals import invalid
from services.chassis.two_person import Proposal, ProposalView, RefusalReason, Subject, TwoPersonAct, propose
from services.chassis.work import Work
from services.registry.actions import persons
from services.registry.actions.person_reading import require_visible
from services.registry.actions.sights import sight_on
from services.registry.schemas.person_views import DocumentView, PersonView
from services.registry.schemas.persons import PersonCorrection

SCOPE = "registry.person.write"


async def propose_correction(work: Work, person_id: UUID, body: PersonCorrection) -> ProposalView:
    """Propose a correction, with every error told at once; it happens when another officer approves."""
    before = await persons.take_held_person(work, person_id)
    work.expect_version(before.version)
    if not persons.differs(before, persons.corrected(work, before, body).record):
        raise invalid([FieldError("", "no_change", "更正内容与现有信息相同", "the correction changes nothing")])
    return await propose(work, CORRECT, Subject(persons.RESOURCE, person_id, before.version, person_id), body)


async def _execute(work: Work, proposal: Proposal) -> Sequence[RefusalReason]:
    body = PersonCorrection.model_validate_json(proposal.content)
    before = await persons.take_held_person(work, proposal.resource_id)
    proposal.expect_version(before.version)
    await persons.apply_correction(work, before, persons.corrected(work, before, body))
    return ()


async def _show(work: Work, proposal: Proposal) -> dict[str, Any]:
    person = await require_visible(work, proposal.resource_id)
    return masked(sight_on(work, person.birth_date), json.loads(proposal.content))


def masked(sight: Sight, content: dict[str, Any]) -> dict[str, Any]:
    """What a body says about a person, as `sight` shows it."""
    shown = sight.show_data(PersonView, content)
    if "identity_documents" in shown:
        shown["identity_documents"] = [sight.show_data(DocumentView, item) for item in shown["identity_documents"]]
    return shown


CORRECT = TwoPersonAct("person.correct", SCOPE, _execute, _show)
