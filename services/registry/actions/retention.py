"""The yearly review of what is still kept (V-19, V-62, V-68): the register finds whose retention is over, officers decide.

Nothing of anybody is deleted by a clock. A record that is due – of a person, or of a landlord, home or employer that tells of
one – is deleted by two officers, by the same act as any deletion, or kept by one for a reason and until a day on which it is
due again. The list tells ids, classes and days, oldest first, and ranks nobody. No events: a review is a procedure, and the
deletion it may lead to has its own. Only evidence, which has its years by law, goes by itself.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.months import add_months
from services.chassis.pages import Page, after, page_of
from services.chassis.parameters import NotInForceError
from services.chassis.records import changed_fields
from services.chassis.refusals import invalid, not_found
from services.chassis.two_person import Proposal, ProposalView, RefusalReason, Subject, TwoPersonAct, propose
from services.chassis.work import Work
from services.registry.actions import person_deletion, retention_erasure
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.law import LAW
from services.registry.actions.persons import take_person
from services.registry.actions.refusals import day_errors
from services.registry.rules.retention import ReviewedClass
from services.registry.schemas.deletion import DeletionReason, LegalGround, PersonDeletion
from services.registry.schemas.permit_views import ReasonView
from services.registry.schemas.person_views import PersonRecord
from services.registry.schemas.retention import PastReviewView, ReviewKeeping, ReviewRecord, ReviewStatus, ReviewView
from services.registry.store import retention as store

RESOURCE = "retention_review"
_ARTICLE = "《中华人民共和国个人信息保护法》第四十七条第一款"
_DELETION = PersonDeletion(reason=DeletionReason.RETENTION_OVER, legal_ground=LegalGround.PIPL_47_2)


async def find_due(work: Work, *, limit: int) -> int:
    """Open the reviews of whatever is past its period by now; the most that was found of a class. None on a day before there
    was a rule.
    """
    return max([await _find_due_of(work, each, limit=limit) for each in ReviewedClass])


async def _find_due_of(work: Work, reviewed: ReviewedClass, *, limit: int) -> int:
    try:
        rule = LAW.retention.rule_of(reviewed, work.today)
    except NotInForceError:
        return 0
    rows = await store.lapsed(work, reviewed, ended_by=rule.ended_by(work.today), limit=limit)
    for row in rows:
        record = ReviewRecord(
            review_id=new_id(),
            retention_class=reviewed,
            subject_id=row["subject_id"],
            person_id=row["person_id"],
            division_code=row["division_code"],
            ended_on=row["ended_on"],
            due_on=row["kept_until"] or rule.due_on(row["ended_on"]),
            status=ReviewStatus.DUE,
            reason_code=None,
            keep_until=None,
            decided_on=None,
            version=1,
            created_at=work.now,
            updated_at=work.now,
        )
        await store.insert_review(work, record)
        _leave(work, "open", None, record)
    return len(rows)


async def close_returned(work: Work, *, limit: int) -> int:
    """Close the reviews of what is needed again: persons whom a division holds, landlords who let; the most of a class."""
    return max([await _close_returned_of(work, each, limit=limit) for each in ReviewedClass])


async def _close_returned_of(work: Work, reviewed: ReviewedClass, *, limit: int) -> int:
    returned = await store.lock_returned(work, reviewed, limit=limit)
    for record in returned:
        await _decide(work, "close", record, status=ReviewStatus.RETURNED)
    return len(returned)


async def forget_evidence(work: Work, *, limit: int) -> int:
    """Delete evidence whose years are over (V-33, V-63), and visits that met nobody once they are needed no more (V-62); the
    rows of a chunk. None on a day before there was a rule.
    """
    try:
        evidence = LAW.retention.evidence_months.on(work.today)
        visits = LAW.retention.visits_to_nobody_months.on(work.today)
    except NotInForceError:
        return 0
    gone = await store.forget_evidence(work, months=evidence, limit=limit)
    return gone + await store.forget_visits_to_nobody(work, visited_by=add_months(work.today, -visits), limit=limit)


async def keep(work: Work, review_id: UUID, body: ReviewKeeping) -> ReviewView:
    """The record is kept, for a reason that holds today and no longer than the city has set."""
    before = await _take(work, review_id)
    work.expect_version(before.version)
    rule = LAW.retention.rule_of(before.retention_class, work.today)
    errors = day_errors("/keep_until", body.keep_until, earliest=work.today, latest=rule.keep_until_max(work.today))
    if body.keep_until == work.today:
        errors.append(FieldError("/keep_until", "too_early", "必须晚于今日", "after today", rule="V-68"))
    if body.reason_code not in {reason.code for reason in LAW.retention.keep_reasons.on(work.today)}:
        errors.append(FieldError("/reason_code", "not_a_reason", "没有此理由", "there is no such reason", "V-20"))
    if errors:
        raise invalid(errors)
    kept = {"reason_code": body.reason_code, "keep_until": body.keep_until}
    return _view(await _decide(work, "keep", before, status=ReviewStatus.KEPT, **kept))


async def propose_deletion(work: Work, review_id: UUID) -> ProposalView:
    """Propose that what is kept of the person, landlord, home or employer is deleted; it happens when another officer approves.
    What stands against it refuses it at once (V-20).
    """
    review, person = await _take_with_subject(work, review_id)
    work.expect_version(review.version)
    reasons = await _needed_again(work, review_id)
    if person is not None:
        reasons += await person_deletion.obstacles(work, person.person_id)
    return await propose(work, DELETE_DUE, Subject(RESOURCE, review_id, review.version, review.person_id), _DELETION, reasons)


async def read_review(work: Work, review_id: UUID) -> ReviewView:
    """One review."""
    record = await _visible(work, review_id)
    work.audit("read", RESOURCE, review_id, person_id=record.person_id)
    return _view(record)


async def read_review_history(work: Work, review_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[PastReviewView]]:
    """Versions of a review, newest first."""
    record = await _visible(work, review_id)
    work.audit("read_history", RESOURCE, review_id, person_id=record.person_id)
    return await versions_of(work, RESOURCE, review_id, record=ReviewRecord, view=PastReviewView.of, cursor=cursor, limit=limit)


async def list_reviews(
    work: Work, division_code: str | None, status: ReviewStatus | None, cursor: str | None, limit: int
) -> Page[ReviewView]:
    """Reviews in a division, oldest first."""
    prefix = listed_prefix(work, division_code)
    scope = f"retention reviews {prefix} {status}"
    start = after(work.keyring, scope, cursor)
    rows = await store.list_reviews(work, division_prefix=prefix, status=status, after=start, limit=limit)
    page = page_of(work.keyring, scope, rows, limit, lambda row: _view(store.review_of(row)), id_column="review_id")
    for item in page.items:
        work.audit("read", RESOURCE, item.review_id, person_id=item.person_id)
    return page


async def _delete(work: Work, proposal: Proposal) -> Sequence[RefusalReason]:
    review, person = await _take_with_subject(work, proposal.resource_id)
    proposal.expect_version(review.version)
    if needed := await _needed_again(work, review.review_id):
        return needed
    if person is None:
        await retention_erasure.erase(work, review.review_id, review.retention_class, review.subject_id)
        await _decide(work, "delete", review, status=ReviewStatus.DELETED)
        return ()
    if reasons := await person_deletion.obstacles(work, person.person_id, but=proposal.proposal_id):
        return reasons
    await _decide(work, "delete", review, status=ReviewStatus.DELETED)
    await person_deletion.delete(work, person, PersonDeletion.model_validate_json(proposal.content))
    return ()


async def _needed_again(work: Work, review_id: UUID) -> list[RefusalReason]:
    """Why what was due once is kept: a person is held, sleeps or works here or lets a home again, a landlord lets again, …"""
    if not await store.is_needed_again(work, review_id):
        return []
    zh, en = "保存目的已恢复：该对象现又在用，不得删除。", "It is needed again, so its purpose is not over; it is not deleted."
    return [RefusalReason(code="needed_again", article=_ARTICLE, rule="V-19", message_zh=zh, message_en=en)]


async def _show(work: Work, proposal: Proposal) -> dict[str, Any]:
    await _visible(work, proposal.resource_id)
    return _DELETION.model_dump(mode="json")


async def _visible(work: Work, review_id: UUID) -> ReviewRecord:
    record = await store.find_review(work, review_id)
    if record is None:
        raise not_found("retention-review")
    return record


async def _take(work: Work, review_id: UUID) -> ReviewRecord:
    """A review that is due, locked. Raises `DomainError('retention-review-decided')`."""
    record = await store.lock_review(work, review_id)
    if record is None:
        raise not_found("retention-review")
    if record.status is not ReviewStatus.DUE:
        raise DomainError("retention-review-decided", extra={"retention_review_status": record.status.value})
    return record


async def _take_with_subject(work: Work, review_id: UUID) -> tuple[ReviewRecord, PersonRecord | None]:
    """The same, locked after its subject, and the person, where it is one. Nobody sees a person any more two years after it
    left; who reviews what is kept of it does, for this transaction.
    """
    found = await _visible(work, review_id)
    if found.person_id is None:
        await retention_erasure.take(work, found.retention_class, found.subject_id)
        return await _take(work, review_id), None
    person = await take_person(work, found.person_id) if await store.look_at_reviewed(work, review_id) else None
    review = await _take(work, review_id)
    assert person is not None, "whose review is due is there"
    return review, person


async def _decide(work: Work, operation: str, before: ReviewRecord, **decision: Any) -> ReviewRecord:
    update = decision | {"decided_on": work.today, "version": before.version + 1, "updated_at": work.now}
    decided = before.model_copy(update=update)
    await store.decide_review(work, decided)
    _leave(work, operation, before, decided)
    return decided


def _leave(work: Work, operation: str, before: ReviewRecord | None, decided: ReviewRecord) -> None:
    """A version under the service's own key: ids, codes and days, which outlive the person's as evidence (V-33)."""
    changed = changed_fields(before, decided)
    work.remember(RESOURCE, decided.review_id, decided.version, snapshot=decided, changed=changed)
    work.audit(operation, RESOURCE, decided.review_id, person_id=decided.person_id, fields=changed)


def _view(record: ReviewRecord) -> ReviewView:
    reasons = (row.value for row in LAW.retention.keep_reasons.rows if row.value.code == record.reason_code)
    reason = next(reasons, None)
    return ReviewView.of(record, None if reason is None else ReasonView.of(reason))


DELETE_DUE = TwoPersonAct("retention.delete", person_deletion.SCOPE, _delete, _show)
