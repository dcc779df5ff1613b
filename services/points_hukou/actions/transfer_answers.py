"""The registry's answers to a household transfer, what the law clock does when there is none, and what an erasure ends.

An answer closes the case or gives it back to the office. One that comes twice, or to a request that was made anew meanwhile,
changes nothing; that the registry has done it closes the case whenever it is heard.
"""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.events import Received
from services.chassis.work import Work
from services.chassis.working_days import calendar
from services.contracts.points_hukou import (
    HouseholdTransferClosed,
    HouseholdTransferOverdue,
    HouseholdTransferReturned,
    HouseholdTransferWithdrawn,
)
from services.contracts.registry import HouseholdTransferApplied, HouseholdTransferRejected
from services.points_hukou.actions.transfer_standing import save, term_of
from services.points_hukou.rules.household_transfers import TRANSITIONS, TransferAct
from services.points_hukou.schemas.household_transfers import RegistryReason
from services.points_hukou.store import household_transfers as store


async def close(work: Work, events: Sequence[Received[HouseholdTransferApplied]]) -> None:
    """The registry has ended what there was; the case is over."""
    for event in events:
        answer = event.data
        before = await store.lock_transfer(work, answer.transfer_id)
        status = None if before is None else TRANSITIONS.get((before.status, TransferAct.CLOSE))
        if before is None or status is None:
            continue
        closed = {
            "status": status,
            "reasons": (),
            "closed_on": work.today,
            "ended_registration_id": answer.registration_id,
            "ended_permit_id": answer.permit_id,
        }
        await save(work, "close", HouseholdTransferClosed, before, before.model_copy(update=closed))


async def give_back(work: Work, events: Sequence[Received[HouseholdTransferRejected]]) -> None:
    """The registry refused: the case is its office's task again, with the reasons."""
    for event in events:
        answer = event.data
        before = await store.lock_transfer(work, answer.transfer_id)
        status = None if before is None else TRANSITIONS.get((before.status, TransferAct.RETURN))
        if before is None or status is None or before.asked_version != answer.version:
            continue
        reasons = tuple(RegistryReason.model_validate(reason.model_dump()) for reason in answer.reasons)
        returned = before.model_copy(update={"status": status, "reasons": reasons})
        await save(work, "return", HouseholdTransferReturned, before, returned)


async def forget(work: Work, person_ids: Sequence[UUID]) -> None:
    """What was noted of deleted persons goes, and cases not yet entered are withdrawn; the registry answers for itself what it
    was asked of somebody it has deleted.
    """
    for before in await store.forget_transfers(work, person_ids):
        after = before.model_copy(update={"status": TRANSITIONS[before.status, TransferAct.WITHDRAW]})
        await save(work, "forget", HouseholdTransferWithdrawn, before, after)


async def tell_overdue(work: Work, *, limit: int) -> int:
    """Tell followers of requests the registry did not answer in time, once each; how many."""
    late = await store.lock_untold_overdue(work, limit=limit)
    for record in late:
        told = record.model_copy(update={"overdue_told_for": record.due_on})
        await save(work, "tell_overdue", HouseholdTransferOverdue, record, told)
    return len(late)


async def settle_terms(work: Work, *, limit: int) -> int:
    """Count terms anew that were provisional when they were counted, by the calendar held now; how many."""
    waiting = await store.lock_provisional(work, held_until=calendar().held_until, limit=limit)
    for record in waiting:
        term = term_of(record)
        settled = record.model_copy(update={"due_on": term.due_on, "is_due_provisional": term.is_provisional})
        await save(work, "settle_term", None, record, settled)
    return len(waiting)
