"""The life of a rule set: handed in, rewritten, checked, put before a second officer, withdrawn."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.records import changed_fields
from services.chassis.refusals import invalid, not_found
from services.chassis.schemas import View
from services.chassis.two_person import Proposal, ProposalView, RefusalReason, Subject, TwoPersonAct, propose
from services.chassis.work import Work
from services.points_hukou.actions.rule_set_compiling import chain_of, compiled, released_chain, unreadable
from services.points_hukou.actions.rule_sets import released, released_cases
from services.points_hukou.rules.checking import problems_of
from services.points_hukou.rules.compiling import RuleSetText, parse
from services.points_hukou.rules.document.rule_set import RuleSetDocument
from services.points_hukou.rules.rule_set_states import TRANSITIONS, RuleSetAct, RuleSetStatus
from services.points_hukou.schemas.rule_sets import RuleSetRecord, RuleSetTexts, RuleSetView
from services.points_hukou.store import rule_sets as store

RESOURCE = "rule_set"
APPROVE_SCOPE = "points.rule_set.approve"
_PROBLEMS_MAX = 200


class Approval(View):
    """What a second officer approves: exactly this text."""

    digest: str


async def draft_rule_set(work: Work, body: RuleSetTexts) -> RuleSetView:
    """Take a rule set in, with the whole text of all it extends. Raises `DomainError('rule-set-unreadable')`."""
    record = RuleSetRecord(
        rule_set_id=new_id(),
        **await _texts(work, body),
        division_code=work.principal.division_code,
        status=RuleSetStatus.DRAFT,
        digest=None,
        problems=None,
        drafted_by=work.require_actor(),
        proposed_by=None,
        approved_by=None,
        approved_on=None,
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    return RuleSetView.of(await _save(work, "draft", None, record))


async def rewrite_rule_set(work: Work, rule_set_id: UUID, body: RuleSetTexts) -> RuleSetView:
    """Another text in place of a draft's; what was checked is a draft again. One that was approved is never edited."""
    before, status = await take(work, rule_set_id, RuleSetAct.REWRITE)
    changed = await _texts(work, body) | {"status": status, "digest": None, "problems": None}
    return RuleSetView.of(await _save(work, "rewrite", before, before.model_copy(update=changed)))


async def check_rule_set(work: Work, rule_set_id: UUID) -> RuleSetView:
    """Compile it and run its cases; with no problem it may be put before a second officer."""
    before, status = await take(work, rule_set_id, RuleSetAct.CHECK)
    found = await asyncio.to_thread(problems_of, before.name, before.chain, before.own_choices, before.cases)
    checked: dict[str, Any] = {"status": RuleSetStatus.DRAFT if found else status, "problems": found[:_PROBLEMS_MAX]}
    checked["digest"] = None if found else compiled(before).digest
    return RuleSetView.of(await _save(work, "check", before, before.model_copy(update=checked)))


async def propose_approval(work: Work, rule_set_id: UUID) -> ProposalView:
    """Put a checked rule set before a second officer."""
    before, _ = await take(work, rule_set_id, RuleSetAct.APPROVE)
    assert before.digest is not None, "it was checked"
    return await propose(work, APPROVE, Subject(RESOURCE, rule_set_id, before.version, None), Approval(digest=before.digest))


async def _approve(work: Work, proposal: Proposal) -> Sequence[RefusalReason]:
    before, status = await take(work, proposal.resource_id, RuleSetAct.APPROVE, compare=False)
    proposal.expect_version(before.version)
    approved = {
        "status": status,
        "proposed_by": work.proposer,
        "approved_by": work.require_actor(),
        "approved_on": work.today,
    }
    await _save(work, "approve", before, before.model_copy(update=approved))
    return ()


async def _show(work: Work, proposal: Proposal) -> dict[str, Any]:
    if await store.find_rule_set(work, proposal.resource_id) is None:
        raise not_found("rule-set")
    return Approval.model_validate_json(proposal.content).model_dump()


APPROVE = TwoPersonAct("rule_set.approve", APPROVE_SCOPE, _approve, _show)


async def withdraw_rule_set(work: Work, rule_set_id: UUID) -> RuleSetView:
    """It will never be put in force again. Raises `DomainError('rule-set-in-force')` while it is, or is about to be."""
    before, status = await take(work, rule_set_id, RuleSetAct.WITHDRAW)
    if standing := await store.standing_of(work, rule_set_id):
        where = [{"purpose": each.purpose.value, "division_code": each.division_code} for each in standing]
        raise DomainError("rule-set-in-force", extra={"in_force": where})
    return RuleSetView.of(await _save(work, "withdraw", before, before.model_copy(update={"status": status})))


async def take(work: Work, rule_set_id: UUID, act: RuleSetAct, *, compare: bool = True) -> tuple[RuleSetRecord, RuleSetStatus]:
    """The rule set, locked, and its status after the act. Raises `DomainError('rule-set-act-not-allowed')`."""
    record = await store.lock_rule_set(work, rule_set_id)
    if record is None or (act is not RuleSetAct.PUT_IN_FORCE and not _is_own(work, record)):
        raise not_found("rule-set")
    if compare:
        work.expect_version(record.version)
    status = TRANSITIONS.get((record.status, act))
    if status is None:
        raise DomainError("rule-set-act-not-allowed", extra={"rule_set_status": record.status.value, "act": act.value})
    return record, status


def _is_own(work: Work, record: RuleSetRecord) -> bool:
    """What others approved is seen by everybody and changed by its own office."""
    return record.division_code.startswith(work.principal.division_prefix)


async def _save(work: Work, operation: str, before: RuleSetRecord | None, after: RuleSetRecord) -> RuleSetRecord:
    """Store it, remember it, leave evidence. No event: what matters to others is what is in force."""
    after = after.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    await (store.insert_rule_set if before is None else store.update_rule_set)(work, after)
    changed = changed_fields(before, after)
    work.remember(RESOURCE, after.rule_set_id, after.version, snapshot=after, changed=changed)
    work.audit(operation, RESOURCE, after.rule_set_id, fields=changed)
    return after


async def _texts(work: Work, body: RuleSetTexts) -> dict[str, Any]:
    """What a body says the rule set is."""
    if (body.released is None) == (body.rule_set is None):
        zh, en = "released 与 rule_set 须填且只填其一", "exactly one of released and rule_set is given"
        raise invalid([FieldError("", "one_of", zh, en)])
    if body.released is not None:
        if body.released not in released():
            zh, en = "没有此规则集", "no such rule set ships"
            raise invalid([FieldError("/released", "unknown", zh, en)])
        chain = released_chain(body.released)
        document = parse(RuleSetDocument, body.released, chain[body.released].rule_set)
        own_choices, cases = body.choices, body.cases or released_cases(body.released)
    else:
        document, chain = await chain_of(work, RuleSetText(body.rule_set or "", body.choices))
        own_choices, cases = "", body.cases
    if (largest := sum(len(text) for each in chain.values() for text in each)) > _CHAIN_MAX:
        raise unreadable([f"{document.id}: {largest} characters with all it extends, more than {_CHAIN_MAX}"])
    return {
        "name": document.id,
        "document_version": document.version,
        "name_zh": document.name_zh,
        "name_en": document.name_en,
        "doc_no": document.doc_no,
        "jurisdiction": document.jurisdiction,
        "texts": {name: {"rule_set": each.rule_set, "choices": each.choices} for name, each in chain.items()},
        "own_choices": own_choices,
        "cases": cases,
    }


_CHAIN_MAX = 600_000
