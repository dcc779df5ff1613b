"""An office gives one fact of one person, or withdraws it."""

from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.work import Work
from services.contracts.points_hukou import EvidenceWithdrawn
from services.points_hukou.actions.evidence import contests
from services.points_hukou.actions.evidence.checking import (
    declared_fact,
    hold,
    no_holder,
    own_evidence,
    require_duty,
    value_of,
)
from services.points_hukou.actions.evidence.reading import shown
from services.points_hukou.actions.evidence.taking import Told, give
from services.points_hukou.actions.evidence.trail import leave_evidence
from services.points_hukou.actions.evidence.vocabulary import vocabulary
from services.points_hukou.rules.evidence import EvidenceStatus
from services.points_hukou.rules.gathering.sources import Reliability
from services.points_hukou.schemas.evidence import EvidenceEntry, EvidenceView, EvidenceWithdrawal
from services.points_hukou.store import evidence as store


async def give_evidence(work: Work, body: EvidenceEntry) -> tuple[EvidenceView, bool]:
    """Store what an office, a paper or the applicant says of a fact; whether it is new.

    Raises `DomainError` `invalid-request`, `evidence-of-other-office`, `actor-required`, `not-found`.
    """
    declared = declared_fact(body, await vocabulary(work, body.rule_set))
    value = value_of(body, declared)
    require_duty(work, body, declared)
    told = Told(
        person_id=await _person(work, body),
        rule_set=declared.rule_set,
        fact=body.fact,
        value=value,
        reliability=Reliability(body.reliability),
        as_of=body.as_of,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        attachment_id=body.attachment_id,
    )
    taken = await give(work, told)
    return await shown(work, taken.record), taken.is_new


async def withdraw_evidence(work: Work, evidence_id: UUID, body: EvidenceWithdrawal) -> EvidenceView:
    """Say that it never was so; an open contest of it is answered by that.

    Raises `DomainError` `evidence-not-found`, `evidence-not-own`, `evidence-closed`.
    """
    before = await own_evidence(work, evidence_id)
    work.expect_version(before.version)
    if before.status is not EvidenceStatus.CURRENT:
        raise DomainError("evidence-closed", extra={"status": before.status})
    secrets = before.secrets.model_copy(update={"withdrawal_reason": body.reason})
    after = before.model_copy(
        update={
            "status": EvidenceStatus.WITHDRAWN,
            "withdrawn_on": work.today,
            "closed_at": work.now,
            "secrets": secrets,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    await store.write(work, [], [after])
    divisions = (await store.divisions_of(work, [after.person_id])).get(after.person_id, ())
    leave_evidence(work, "withdraw", EvidenceWithdrawn, before, after, division_codes=divisions)
    await contests.answer_by_withdrawal(work, after, body.reason)
    return await shown(work, after)


async def _person(work: Work, body: EvidenceEntry) -> UUID:
    if body.person_id is not None:
        return await hold(work, body.person_id)
    assert body.document is not None
    holder = (await store.persons_of_documents(work, [(body.document.type, body.document.number)])).get(0)
    if holder is None or holder.person_id is None:
        raise DomainError("invalid-request", errors=[no_holder(holder)])
    return await hold(work, holder.person_id)
