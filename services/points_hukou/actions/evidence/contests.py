"""A person contests a fact; the office that gave it looks and answers within its time (V-18, V-25).

A contested fact still counts, marked, until the office has answered: a score that fell with every contest would punish whoever
contests, one that rose could be had by contesting. The contest is of what the office says of the fact, so later evidence of the
same office does not end it.
"""

from collections.abc import Mapping
from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import DomainError
from services.chassis.ids import new_id
from services.chassis.work import Work
from services.chassis.working_days import calendar
from services.contracts.points_hukou import (
    EvidenceContestAnswered,
    EvidenceContestOpened,
    EvidenceContestOverdue,
    EvidenceContestState,
)
from services.points_hukou.actions.evidence.checking import hold, own_evidence, require_known_day, standing, value_of
from services.points_hukou.actions.evidence.reading import shown_contest
from services.points_hukou.actions.evidence.taking import Told, give
from services.points_hukou.actions.evidence.trail import CONTEST, leave_contest
from services.points_hukou.actions.evidence.vocabulary import vocabulary
from services.points_hukou.actions.evidence_law import LAW
from services.points_hukou.rules.evidence import ContestStatus, EvidenceStatus
from services.points_hukou.schemas.contests import (
    ContestCorrection,
    ContestOpening,
    ContestRecord,
    ContestSecrets,
    ContestUpholding,
    ContestView,
)
from services.points_hukou.schemas.evidence import EvidenceRecord
from services.points_hukou.store import contests as store
from services.points_hukou.store.evidence import divisions_of


async def open_contest(work: Work, evidence_id: UUID, body: ContestOpening) -> ContestView:
    """Bring a contest to the office that gave the fact.

    Raises `DomainError` `evidence-not-found`, `evidence-closed`, `contest-open`, `invalid-request`.
    """
    found = await standing(work, evidence_id)
    await hold(work, found.person_id)
    found = await standing(work, evidence_id)
    work.expect_version(found.version)
    if found.status is not EvidenceStatus.CURRENT:
        raise DomainError("evidence-closed", extra={"status": found.status})
    await work.make_person_keys([found.person_id])
    if (other := await _open(work, found)) is not None:
        raise DomainError("contest-open", extra={"contest_id": str(other.contest_id)})
    deadline = calendar().deadline(work.today, LAW.contest_working_days.on(work.today))
    record = ContestRecord(
        contest_id=new_id(),
        evidence_id=evidence_id,
        person_id=found.person_id,
        rule_set=found.rule_set,
        fact=found.fact,
        organisation=found.organisation,
        division_code=work.principal.division_code,
        status=ContestStatus.OPEN,
        opened_on=work.today,
        due_on=deadline.due_on,
        is_due_provisional=deadline.is_provisional,
        overdue_told_on=None,
        decided_on=None,
        corrected_by=None,
        secrets=ContestSecrets(reason=body.reason, attachment_id=body.attachment_id),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    if body.attachment_id is not None:
        named = [("/attachment_id", body.attachment_id)]
        await refer(work, named, resource=CONTEST, resource_id=record.contest_id, person_ids=[record.person_id])
    await store.insert_contest(work, record)
    await _leave(work, "contest", EvidenceContestOpened, None, record)
    return await shown_contest(work, record)


async def uphold(work: Work, evidence_id: UUID, body: ContestUpholding) -> ContestView:
    """The office looked, and the fact stands.

    Raises `DomainError` `evidence-not-found`, `evidence-not-own`, `contest-not-open`.
    """
    contest = await _to_answer(work, await own_evidence(work, evidence_id))
    return await shown_contest(work, await _answer(work, contest, ContestStatus.UPHELD, body.answer, None))


async def correct(work: Work, evidence_id: UUID, body: ContestCorrection) -> ContestView:
    """The office gives another value, which takes the place of what was contested.

    Raises `DomainError` `evidence-not-found`, `evidence-not-own`, `contest-not-open`, `evidence-older-than-current`,
    `invalid-request`.
    """
    contested = await own_evidence(work, evidence_id)
    contest = await _to_answer(work, contested)
    require_known_day(work, body)
    known = await vocabulary(work, contested.rule_set) or {}
    if contested.fact not in known:
        raise DomainError("evidence-closed", extra={"status": contested.status})
    taken = await give(
        work,
        Told(
            person_id=await hold(work, contested.person_id),
            rule_set=contested.rule_set,
            fact=contested.fact,
            value=value_of(body, known[contested.fact]),
            reliability=contested.reliability,
            as_of=body.as_of,
            valid_from=body.valid_from,
            valid_until=body.valid_until,
            attachment_id=body.attachment_id,
        ),
    )
    if taken.record.status is not EvidenceStatus.CURRENT:
        raise DomainError("evidence-older-than-current")
    answered = await _answer(work, contest, ContestStatus.CORRECTED, body.answer, taken.record.evidence_id)
    return await shown_contest(work, answered)


async def answer_by_withdrawal(work: Work, withdrawn: EvidenceRecord, reason: str) -> None:
    """An open contest of what was withdrawn is answered: the person was right."""
    if (contest := await _open(work, withdrawn)) is not None:
        await _answer(work, contest, ContestStatus.CORRECTED, reason, None)


async def tell_overdue(work: Work, *, limit: int) -> int:
    """Tell of contests past their day, once each; how many."""
    late = await store.lock_late(work, limit=limit)
    for before in late:
        await _go_on(work, "tell_overdue", EvidenceContestOverdue, before, {"overdue_told_on": work.today})
    return len(late)


async def settle_terms(work: Work, *, limit: int) -> int:
    """Count anew what was counted before the calendar of its year was held; how many."""
    days = calendar()
    waiting = await store.lock_provisional(work, held_until=days.held_until, limit=limit)
    for before in waiting:
        deadline = days.deadline(before.opened_on, LAW.contest_working_days.on(before.opened_on))
        settled = {"due_on": deadline.due_on, "is_due_provisional": deadline.is_provisional}
        await _go_on(work, "settle_term", None, before, settled)
    return len(waiting)


async def _open(work: Work, record: EvidenceRecord) -> ContestRecord | None:
    return await store.open_contest(work, record.person_id, record.rule_set, record.fact, record.organisation)


async def _to_answer(work: Work, record: EvidenceRecord) -> ContestRecord:
    contest = await _open(work, record)
    if contest is None:
        raise DomainError("contest-not-open")
    work.expect_version(contest.version)
    return contest


async def _answer(
    work: Work, before: ContestRecord, status: ContestStatus, answer: str, corrected_by: UUID | None
) -> ContestRecord:
    changes = {
        "status": status,
        "decided_on": work.today,
        "corrected_by": corrected_by,
        "secrets": before.secrets.model_copy(update={"answer": answer}),
    }
    return await _go_on(work, "answer", EvidenceContestAnswered, before, changes)


async def _go_on(
    work: Work,
    operation: str,
    event: type[EvidenceContestState] | None,
    before: ContestRecord,
    changes: Mapping[str, object],
) -> ContestRecord:
    after = before.model_copy(update={**changes, "version": before.version + 1, "updated_at": work.now})
    await work.make_person_keys([after.person_id])
    await store.update_contest(work, after)
    await _leave(work, operation, event, before, after)
    return after


async def _leave(
    work: Work,
    operation: str,
    event: type[EvidenceContestState] | None,
    before: ContestRecord | None,
    after: ContestRecord,
) -> None:
    divisions = (await divisions_of(work, [after.person_id])).get(after.person_id, ())
    leave_contest(work, operation, event, before, after, division_codes=divisions)
