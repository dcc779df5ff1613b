"""A round as it stands: taken for an act, saved with its trail."""

from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.records import changed_fields
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.contracts.points_hukou import RoundState
from services.points_hukou.rules.round_states import TRANSITIONS, RoundAct, RoundStatus
from services.points_hukou.schemas.rounds import RoundRecord
from services.points_hukou.store import rounds as store

RESOURCE = "round"


async def take(work: Work, round_id: UUID, act: RoundAct) -> tuple[RoundRecord, RoundStatus]:
    """The round, locked, and its status after the act. Raises `DomainError('round-act-not-allowed')`."""
    record = await store.lock_round(work, round_id)
    if record is None:
        raise not_found("round")
    work.expect_version(record.version)
    status = TRANSITIONS.get((record.status, act))
    if status is None:
        raise refused_act(record, act)
    return record, status


async def take_noticed(work: Work, round_id: UUID, act: RoundAct) -> RoundRecord:
    """The round of whatever office, once its list was published, as it stands until the commit, for an act of any window.

    Raises `DomainError('round-not-found')`, `DomainError('round-act-not-allowed')`.
    """
    record = await noticed(work, round_id, hold=True)
    work.expect_version(record.version)
    if (record.status, act) not in TRANSITIONS:
        raise refused_act(record, act)
    return record


async def noticed(work: Work, round_id: UUID, *, hold: bool = False) -> RoundRecord:
    """The round, when this client's office has it or its list was published. Raises `DomainError('round-not-found')`."""
    record = await store.noticed_round(work, round_id, hold=hold)
    if record is None:
        raise not_found("round")
    return record


def refused_act(record: RoundRecord, act: RoundAct) -> DomainError:
    """That a round, as it stands, does not take an act."""
    return DomainError("round-act-not-allowed", extra={"round_status": record.status.value, "act": act.value})


async def save(
    work: Work, operation: str, fact: type[RoundState] | None, before: RoundRecord | None, after: RoundRecord
) -> RoundRecord:
    """Store a new or changed round, tell it, remember it, leave evidence."""
    after = after.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    await (store.insert_round if before is None else store.update_round)(work, after)
    changed = changed_fields(before, after)
    if fact is not None:
        state = {name: getattr(after, name) for name in fact.model_fields}
        work.emit(fact.model_validate(state), division_codes=[after.division_code])
    work.remember(RESOURCE, after.round_id, after.version, snapshot=after, changed=changed)
    work.audit(operation, RESOURCE, after.round_id, fields=changed)
    return after


async def found(work: Work, round_id: UUID) -> RoundRecord:
    """The round, to be read. Raises `DomainError('round-not-found')`."""
    record = await store.find_round(work, round_id)
    if record is None:
        raise not_found("round")
    return record
