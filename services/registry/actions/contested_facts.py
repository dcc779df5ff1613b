"""A neighbour's client contests a fact that this register feeds: a correction case here, and its answer (V-18, V-25).

The case is an ordinary request of the person, with the clock, the verification and the decision of one. The same contest
again – delivered twice, or told by a snapshot – opens nothing, and is answered again once it is answered.
"""

from collections.abc import Sequence
from typing import Literal

from services.chassis.errors import DomainError
from services.chassis.events import Received
from services.chassis.ids import new_id
from services.chassis.work import Work
from services.contracts.points_hukou import RegistryContestOpened
from services.contracts.registry import CorrectionAnswered, RejectionReason
from services.registry.actions.law import LAW
from services.registry.actions.rights_standing import RESOURCE, rights_held, save
from services.registry.rules.findings import Finding
from services.registry.rules.household_transfer import PERSON_DELETED, PERSON_UNKNOWN
from services.registry.rules.rights import Outcome, Requester, RightsKind, RightsStatus
from services.registry.rules.rights_clock import Clock, term_of
from services.registry.schemas.rights import RightsRequestRecord, RightsSecrets
from services.registry.store import rights as store
from services.registry.store.deletion import deleted_on
from services.registry.store.merging import ids_of_human
from services.registry.store.persons import load_person, lock_persons
from services.registry.store.visibility import divisions_of

_Outcome = Literal["corrected", "upheld", "withdrawn", "rejected"]
_NO_LAW = Finding(
    "rights_law_not_held", "V-24", "当日没有可适用的期限规定。", "No rule sets a term for such a request on that day."
)
_WISH = "本人对登记簿所载“{field}”有异议;理由存于积分窗口,异议编号 {contest_id}。"


async def open_correction(work: Work, event: Received[RegistryContestOpened]) -> None:
    """Open the case; or answer that there is nobody, or nothing, to look into."""
    asked = event.data
    if (found := await store.request_of_contest(work, asked.contest_id)) is not None:
        await answer(work, found)
        return
    if not await lock_persons(work, asked.person_id):
        is_deleted = await deleted_on(work, asked.person_id) is not None
        await _reject(work, asked, PERSON_DELETED if is_deleted else PERSON_UNKNOWN)
        return
    person_id = (await ids_of_human(work, asked.person_id))[0]
    await lock_persons(work, person_id)
    try:
        with rights_held():
            term = term_of(Clock(RightsKind.CORRECTION, work.today), LAW.rights, LAW.working_days)
    except DomainError:
        await _reject(work, asked, _NO_LAW)
        return
    record = RightsRequestRecord(
        rights_request_id=new_id(),
        person_id=person_id,
        kind=RightsKind.CORRECTION,
        requester=Requester.SELF,
        requester_person_id=None,
        division_code=asked.division_code,
        status=RightsStatus.RECEIVED,
        received_on=work.today,
        due_on=term.due_on,
        is_due_provisional=term.is_provisional,
        clock=(),
        supplement_due_on=None,
        verified_on=None,
        decided_on=None,
        outcome=None,
        reasons=(),
        done_on=None,
        lifted_on=None,
        copy_sha256=None,
        contest_id=asked.contest_id,
        contested_field=asked.field,
        person_version=(await load_person(work, person_id)).version,
        secrets=RightsSecrets(wish=_WISH.format(field=asked.field, contest_id=asked.contest_id)),
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    await save(work, "receive", None, record)


async def answer(work: Work, record: RightsRequestRecord) -> None:
    """Tell what became of a contest, once something did: that the register stands when that is decided, that it was corrected
    when that is done.
    """
    if record.contest_id is None or (outcome := _outcome(record)) is None:
        return
    reasons = [
        RejectionReason(code=each.code, rule=each.rule, message_zh=each.message_zh, message_en=each.message_en)
        for each in record.reasons
    ]
    told = CorrectionAnswered(
        person_id=record.person_id,
        version=1,
        contest_id=record.contest_id,
        rights_request_id=record.rights_request_id,
        outcome=outcome,
        reasons=tuple(reasons),
    )
    divisions = {record.division_code, *await divisions_of(work, record.person_id)}
    work.emit(told, division_codes=sorted(divisions))
    work.audit("answer_contest", RESOURCE, record.rights_request_id, person_id=record.person_id, outcome=outcome)


def _outcome(record: RightsRequestRecord) -> _Outcome | None:
    if record.status is RightsStatus.WITHDRAWN:
        return "withdrawn"
    if record.outcome is Outcome.REFUSED:
        return "upheld"
    return "corrected" if record.status is RightsStatus.DONE else None


async def _reject(work: Work, asked: RegistryContestOpened, *found: Finding) -> None:
    reasons: Sequence[RejectionReason] = [
        RejectionReason(code=each.code, rule=each.rule, message_zh=each.message_zh, message_en=each.message_en)
        for each in found
    ]
    told = CorrectionAnswered(
        person_id=asked.person_id,
        version=1,
        contest_id=asked.contest_id,
        rights_request_id=None,
        outcome="rejected",
        reasons=tuple(reasons),
    )
    work.emit(told, division_codes=[asked.division_code])
    work.audit("reject_contest", RESOURCE, asked.contest_id, person_id=asked.person_id, outcome="refused")
