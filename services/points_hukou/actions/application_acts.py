"""What happens to an application after it came in: scored, confirmed, rechecked, withdrawn; and what the law clock does."""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.parameters import NotInForceError
from services.chassis.work import Work
from services.chassis.working_days import Deadline, calendar
from services.contracts.points_hukou import (
    ApplicationConfirmed,
    ApplicationOverdue,
    ApplicationRecheckAsked,
    ApplicationScored,
    ApplicationWithdrawn,
)
from services.points_hukou.actions.application_conflicts import require_no_conflict
from services.points_hukou.actions.application_standing import save, shown, status_after, take
from services.points_hukou.actions.law import PROCEDURE
from services.points_hukou.actions.scoring import score_application
from services.points_hukou.rules.application_states import ApplicationAct, ApplicationStatus
from services.points_hukou.schemas.applications import (
    ApplicationNote,
    ApplicationRecord,
    ApplicationView,
    ApplicationWords,
)
from services.points_hukou.store import applications as store


async def score(work: Work, application_id: UUID) -> ApplicationView:
    """Score it by what offices know. It is the machine's decision until an officer confirms it."""
    before, _ = await take(work, application_id, ApplicationAct.SCORE)
    return await shown(work, await _scored(work, before))


async def confirm(work: Work, application_id: UUID, body: ApplicationNote) -> ApplicationView:
    """An officer has looked at the score and stands for it."""
    before, status = await take(work, application_id, ApplicationAct.CONFIRM)
    await require_no_conflict(work, application_id)
    confirmed = {"status": status, "confirmed_on": work.today, "confirmed_by": work.require_actor()}
    after = before.model_copy(update=confirmed | {"secrets": before.said(body.note)})
    return await shown(work, await save(work, "confirm", ApplicationConfirmed, before, after))


async def refuse_automatic(work: Work, application_id: UUID, body: ApplicationWords) -> ApplicationView:
    """The applicant does not accept what the machine alone decided; an officer decides, within the term of a recheck."""
    return await _ask(work, application_id, ApplicationAct.REFUSE_AUTOMATIC, body)


async def ask_recheck(work: Work, application_id: UUID, body: ApplicationWords) -> ApplicationView:
    """The applicant asks for a recheck (复核), which an officer answers within five working days (P-09).

    Raises `DomainError('rechecks-used-up')` after as many as `procedure.toml` gives. Refusing the machine's decision is none of
    them: it is everybody's right, once, as it is the machine's but once (V-28).
    """
    return await _ask(work, application_id, ApplicationAct.ASK_RECHECK, body)


async def recheck(work: Work, application_id: UUID, body: ApplicationNote) -> ApplicationView:
    """An officer scores it anew, by the same rules and the day of the application, from what is known now."""
    before, status = await take(work, application_id, ApplicationAct.RECHECK)
    await require_no_conflict(work, application_id)
    counted = await score_application(work, before, "recheck")
    rechecked = {
        "status": status,
        "scored_on": work.today,
        "counted_assessment_id": counted,
        "confirmed_on": work.today,
        "confirmed_by": work.require_actor(),
        "secrets": before.said(body.note),
    }
    return await shown(work, await save(work, "recheck", ApplicationConfirmed, before, before.model_copy(update=rechecked)))


async def order_recheck(work: Work, application_id: UUID, reason: str) -> None:
    """An upheld objection has an officer look at a confirmed score again, which is none of the applicant's rechecks; one that
    is open anyway stays so.
    """
    before = await store.lock_application(work, application_id)
    if before is not None and before.status is ApplicationStatus.CONFIRMED:
        await _into_recheck(work, "order_recheck", before, reason)


async def withdraw(work: Work, application_id: UUID) -> ApplicationView:
    """The applicant takes it back."""
    before, status = await take(work, application_id, ApplicationAct.WITHDRAW)
    after = before.model_copy(update={"status": status})
    return await shown(work, await save(work, "withdraw", ApplicationWithdrawn, before, after))


async def forget(work: Work, person_ids: Sequence[UUID]) -> None:
    """What was said and scored of deleted persons goes, and what they had open is withdrawn."""
    for before in await store.forget_applicants(work, person_ids):
        status = status_after(before, ApplicationAct.WITHDRAW)
        await save(work, "forget", ApplicationWithdrawn, before, before.model_copy(update={"status": status}))


async def score_due(work: Work, *, limit: int) -> int:
    """Score applications nobody scored until their last day; how many were looked at.

    Whose facts cannot be used is tried once for a term. Then it is an officer's: it shows when it was tried, is told as
    overdue, and who scores it is told every field.
    """
    waiting = await store.lock_due(work, limit=limit)
    for record in waiting:
        try:
            await _scored(work, record)
        except DomainError:
            await save(work, "try_to_score", None, record, record.model_copy(update={"scoring_tried_on": work.today}))
    return len(waiting)


async def tell_overdue(work: Work, *, limit: int) -> int:
    """Tell followers of terms that were missed, once each; how many."""
    late = await store.lock_untold_overdue(work, limit=limit)
    for record in late:
        told = record.model_copy(update={"overdue_told_for": record.due_on})
        await save(work, "tell_overdue", ApplicationOverdue, record, told)
    return len(late)


async def settle_terms(work: Work, *, limit: int) -> int:
    """Count terms anew that were provisional when they were counted, by the calendar held now; how many."""
    waiting = await store.lock_provisional(work, held_until=calendar().held_until, limit=limit)
    for record in waiting:
        term = _term_of(record)
        settled = record.model_copy(update={"due_on": term.due_on, "is_due_provisional": term.is_provisional})
        await save(work, "settle_term", None, record, settled)
    return len(waiting)


async def _scored(work: Work, before: ApplicationRecord) -> ApplicationRecord:
    status = status_after(before, ApplicationAct.SCORE)
    counted = await score_application(work, before, "first")
    scored = {"status": status, "scored_on": work.today, "counted_assessment_id": counted}
    return await save(work, "score", ApplicationScored, before, before.model_copy(update=scored))


async def _ask(work: Work, application_id: UUID, act: ApplicationAct, body: ApplicationWords) -> ApplicationView:
    before, _ = await take(work, application_id, act)
    is_recheck = act is ApplicationAct.ASK_RECHECK
    if is_recheck and before.rechecks_asked >= (allowed := PROCEDURE.rechecks_at_most.on(before.applied_on)):
        raise DomainError("rechecks-used-up", extra={"allowed": allowed})
    return await shown(work, await _into_recheck(work, act.value, before, body.reason, asked=is_recheck))


async def _into_recheck(
    work: Work, operation: str, before: ApplicationRecord, reason: str, *, asked: bool = False
) -> ApplicationRecord:
    after = before.model_copy(
        update={
            "status": ApplicationStatus.IN_RECHECK,
            "recheck_asked_on": work.today,
            "rechecks_asked": before.rechecks_asked + asked,
            "confirmed_on": None,
            "confirmed_by": None,
            "secrets": before.said(reason),
        }
    )
    term = _term_of(after)
    after = after.model_copy(update={"due_on": term.due_on, "is_due_provisional": term.is_provisional})
    return await save(work, operation, ApplicationRecheckAsked, before, after)


def _term_of(record: ApplicationRecord) -> Deadline:
    """The term that runs. Raises `DomainError('no-rules-in-force')` on a day the procedure says nothing of."""
    try:
        if record.status is ApplicationStatus.IN_RECHECK:
            assert record.recheck_asked_on is not None
            return PROCEDURE.recheck_term(record.recheck_asked_on, calendar())
        return PROCEDURE.scoring_term(record.applied_on, calendar())
    except NotInForceError as error:
        raise DomainError("no-rules-in-force", extra={"on": record.applied_on.isoformat()}) from error
