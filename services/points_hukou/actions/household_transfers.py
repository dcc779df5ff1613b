"""The office's acts on a household transfer (户口迁移): opened, approved, its entry confirmed, asked again, given up.

The right to a transfer comes from a place on a final list, where points still limit settlement. Where the law has closed that
(P-12), nobody needs a place, and the office opens the case on the person alone. Who confirms the entry is another officer than
who approved: it ends a registration and a permit elsewhere.
"""

from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.principal import division_prefix
from services.chassis.refusals import invalid, require_own_division
from services.chassis.work import Work
from services.contracts.points_hukou import (
    HouseholdTransferApproved,
    HouseholdTransferCompleted,
    HouseholdTransferOpened,
    HouseholdTransferWithdrawn,
)
from services.points_hukou.actions import transfer_places
from services.points_hukou.actions.law import PURPOSES
from services.points_hukou.actions.transfer_conflicts import require_no_conflict
from services.points_hukou.actions.transfer_standing import save, shown, take, term_of
from services.points_hukou.rules.household_transfers import TransferAct, TransferStatus
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.schemas.household_transfers import (
    HouseholdEntry,
    HouseholdTransferApproval,
    HouseholdTransferEntry,
    HouseholdTransferRecord,
    HouseholdTransferView,
    HouseholdTransferWithdrawal,
    TransferSecrets,
)
from services.points_hukou.store import applications
from services.points_hukou.store import household_transfers as store

_COUNTY_DIGITS = 6


async def open_transfer(work: Work, body: HouseholdTransferEntry) -> HouseholdTransferView:
    """Open a case. Raises `DomainError('place-needed')`, `('place-not-for-transfer')`, `('place-lapsed')`, and
    `('transfer-open')` while another case of the same human is open, wherever.
    """
    require_own_division(work.principal, body.division_code, "/division_code")
    _require_own_county(body.division_code, body.hukou_division_code)
    await _require_person(work, body.person_id)
    await _require_right(work, body)
    await _require_first(work, body.person_id)
    record = HouseholdTransferRecord(
        transfer_id=new_id(),
        person_id=body.person_id,
        application_id=body.application_id,
        round_id=body.round_id,
        division_code=body.division_code,
        hukou_division_code=body.hukou_division_code,
        status=TransferStatus.OPENED,
        opened_on=work.today,
        opened_by=work.require_actor(),
        approved_on=None,
        approved_by=None,
        entered_on=None,
        completed_on=None,
        completed_by=None,
        asked_version=None,
        due_on=None,
        is_due_provisional=False,
        overdue_told_for=None,
        reasons=(),
        closed_on=None,
        ended_registration_id=None,
        ended_permit_id=None,
        secrets=TransferSecrets(words=() if body.note is None else (body.note,)),
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    return await shown(work, await save(work, "open", HouseholdTransferOpened, None, record))


async def approve(work: Work, transfer_id: UUID, body: HouseholdTransferApproval) -> HouseholdTransferView:
    """The person may move the registration here (准迁). Nothing ends by this."""
    before, status = await take(work, transfer_id, TransferAct.APPROVE)
    await _require_standing(work, before)
    approved = {"status": status, "approved_on": work.today, "approved_by": work.require_actor()}
    after = before.model_copy(update=approved | {"secrets": before.said(body.note)})
    return await shown(work, await save(work, "approve", HouseholdTransferApproved, before, after))


async def complete(work: Work, transfer_id: UUID, body: HouseholdEntry) -> HouseholdTransferView:
    """The entry in the household register is confirmed; the registry is asked to end registration and permit."""
    return await _ask(work, transfer_id, TransferAct.COMPLETE, body)


async def resend(work: Work, transfer_id: UUID, body: HouseholdEntry) -> HouseholdTransferView:
    """Ask the registry again: it refused and what was wrong is mended, or it is silent."""
    return await _ask(work, transfer_id, TransferAct.RESEND, body)


async def withdraw(work: Work, transfer_id: UUID, body: HouseholdTransferWithdrawal) -> HouseholdTransferView:
    """Give the case up: before the entry, or after the registry's refusal where the entry never was."""
    before, status = await take(work, transfer_id, TransferAct.WITHDRAW)
    after = before.model_copy(update={"status": status, "secrets": before.said(body.reason)})
    return await shown(work, await save(work, "withdraw", HouseholdTransferWithdrawn, before, after))


async def _ask(work: Work, transfer_id: UUID, act: TransferAct, body: HouseholdEntry) -> HouseholdTransferView:
    before, status = await take(work, transfer_id, act)
    if act is TransferAct.COMPLETE:
        await _require_standing(work, before)
    assert before.approved_by is not None
    assert before.approved_on is not None
    actor = work.require_actor()
    if actor.casefold() == before.approved_by.casefold():
        raise DomainError("second-officer-needed")
    _require_own_county(before.division_code, body.hukou_division_code)
    if not before.approved_on <= body.entered_on <= work.today:
        zh, en = "应在准予迁入之日起至今日之间", "between the day of the approval and today"
        raise invalid([FieldError("/entered_on", "not_in_time", zh, en, "RR-37")])
    asked = before.model_copy(
        update={
            "status": status,
            "entered_on": body.entered_on,
            "hukou_division_code": body.hukou_division_code,
            "completed_on": work.today,
            "completed_by": actor,
            "asked_version": before.version + 1,
            "overdue_told_for": None,
            "reasons": (),
            "secrets": before.said(body.note),
        }
    )
    term = term_of(asked)
    asked = asked.model_copy(update={"due_on": term.due_on, "is_due_provisional": term.is_provisional})
    return await shown(work, await save(work, act.value, HouseholdTransferCompleted, before, asked))


def _require_own_county(division_code: str, hukou_division_code: str) -> None:
    """An office enters people in the household register of its own county."""
    if not hukou_division_code.startswith(division_prefix(division_code)[:_COUNTY_DIGITS]):
        zh, en = "不在办理单位所在县(市、区)", "outside the county of the office that has the case"
        raise invalid([FieldError("/hukou_division_code", "other_county", zh, en, "RR-01")])


async def _require_person(work: Work, person_id: UUID) -> None:
    if person_id not in await applications.birth_dates_of(work, [person_id]):
        error = FieldError("/person_id", "person_not_found", "没有找到该人员", "there is no such person")
        raise DomainError("person-not-found", errors=[error])
    if (await applications.ids_in_use(work, [person_id]))[person_id] != person_id:
        zh, en = "此人已并入他人,请用现用编号", "this id was merged into another, which is to be used"
        raise invalid([FieldError("/person_id", "merged", zh, en)])


async def _require_right(work: Work, body: HouseholdTransferEntry) -> None:
    """The law that nobody needs a place (P-12), or a place on a final list for settlement, used in time (P-28)."""
    if body.round_id is None or body.application_id is None:
        if body.round_id is not body.application_id:
            pointer = "/round_id" if body.round_id is None else "/application_id"
            raise invalid([FieldError(pointer, "missing", "轮次与申请应同时写明", "round and application go together")])
        if PURPOSES.why_closed(Purpose.SETTLEMENT, body.hukou_division_code, work.today) is None:
            raise DomainError("place-needed")
        return
    await transfer_places.require_usable(work, body.person_id, body.round_id, body.application_id)


async def _require_standing(work: Work, record: HouseholdTransferRecord) -> None:
    """The case is its human's only one, and the place it was opened on stands; that was used in time when it was opened."""
    await require_no_conflict(work, record.transfer_id)
    if record.round_id is not None and record.application_id is not None:
        await transfer_places.require_held(work, record.person_id, record.round_id, record.application_id)


async def _require_first(work: Work, person_id: UUID) -> None:
    await applications.lock_applicants(work, [person_id])
    in_use = await applications.ids_in_use(work, [person_id])  # by now: whoever is merged is locked, too
    if await store.is_transferring(work, await applications.all_ids_of(work, in_use.values())):
        raise DomainError("transfer-open")
