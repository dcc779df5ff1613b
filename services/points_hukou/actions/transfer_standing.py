"""A household transfer as it stands: taken for an act, saved with its trail, shown."""

from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.parameters import NotInForceError
from services.chassis.records import changed_fields
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.chassis.working_days import Deadline, calendar
from services.contracts.points_hukou import HouseholdTransferState
from services.points_hukou.actions.application_standing import sight_of
from services.points_hukou.actions.law import TRANSFERS
from services.points_hukou.rules.household_transfers import TRANSITIONS, TransferAct, TransferStatus
from services.points_hukou.schemas.household_transfers import HouseholdTransferRecord, HouseholdTransferView
from services.points_hukou.store import household_transfers as store

RESOURCE = "household_transfer"


async def take(work: Work, transfer_id: UUID, act: TransferAct) -> tuple[HouseholdTransferRecord, TransferStatus]:
    """The transfer, locked, and its status after the act. Raises `DomainError('transfer-act-not-allowed')`."""
    record = await store.lock_transfer(work, transfer_id)
    if record is None:
        raise not_found("household-transfer")
    work.expect_version(record.version)
    status = TRANSITIONS.get((record.status, act))
    if status is None:
        raise DomainError("transfer-act-not-allowed", extra={"transfer_status": record.status.value, "act": act.value})
    return record, status


async def save(
    work: Work,
    operation: str,
    fact: type[HouseholdTransferState] | None,
    before: HouseholdTransferRecord | None,
    after: HouseholdTransferRecord,
) -> HouseholdTransferRecord:
    """Store a new or changed transfer, tell it, remember it, leave evidence."""
    after = after.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    await (store.insert_transfer if before is None else store.update_transfer)(work, after)
    changed = changed_fields(before, after)
    if fact is not None:
        state = {name: getattr(after, name) for name in fact.model_fields}
        work.emit(fact.model_validate(state), division_codes=[after.division_code])
    about = None if after.secrets is None else after.person_id  # of somebody erased nothing is sealed under a key of theirs
    work.remember(RESOURCE, after.transfer_id, after.version, snapshot=after, changed=changed, person_id=about)
    work.audit(operation, RESOURCE, after.transfer_id, person_id=after.person_id, fields=changed)
    return after


async def shown(work: Work, record: HouseholdTransferRecord) -> HouseholdTransferView:
    """The transfer as this client may see it, with its line of evidence."""
    sight = await sight_of(work, record.person_id)
    view = HouseholdTransferView.of(record, sight, is_overdue=is_overdue(work, record))
    work.audit("read", RESOURCE, record.transfer_id, person_id=record.person_id, fields=sight.shown)
    return view


def is_overdue(work: Work, record: HouseholdTransferRecord) -> bool:
    """Whether the registry's term was missed; one that was only guessed never is."""
    is_waiting = record.status is TransferStatus.COMPLETED and not record.is_due_provisional
    return is_waiting and record.due_on is not None and record.due_on < work.today


def term_of(record: HouseholdTransferRecord) -> Deadline:
    """The term for the registry's answer. Raises `DomainError('no-rules-in-force')` on a day the parameters say nothing of."""
    assert record.completed_on is not None
    try:
        return TRANSFERS.answer_term(record.completed_on, calendar())
    except NotInForceError as error:
        raise DomainError("no-rules-in-force", extra={"on": record.completed_on.isoformat()}) from error
