"""A neighbour's household transfer: registration and permit end, or it is told why not (architecture §1, decision 0034).

The same request again finds nothing current and is answered the same: it is applied. Somebody restricted is no exception: as
long as a registration is current, ending it is the office's duty (V-02, V-20).
"""

from collections.abc import Sequence
from datetime import date

from services.chassis.events import Received
from services.chassis.parameters import NotInForceError
from services.chassis.work import Work
from services.contracts.points_hukou import HouseholdTransferCompleted
from services.contracts.registry import HouseholdTransferApplied, HouseholdTransferRejected, RejectionReason
from services.registry.actions import permit_acts, registrations
from services.registry.actions.law import LAW
from services.registry.actions.permit_clock import rules_of
from services.registry.rules import household_transfer as rules
from services.registry.rules.findings import Finding
from services.registry.rules.household_transfer import TransferFacts, obstacles
from services.registry.rules.residence_permit import EndReason
from services.registry.schemas.merging import ConflictKind
from services.registry.schemas.permit_views import PermitRecord
from services.registry.store import permits
from services.registry.store.deletion import deleted_on
from services.registry.store.persons import lock_persons
from services.registry.store.registrations import Residence, residence_of
from services.registry.store.visibility import divisions_of

RESOURCE = "household_transfer"
_RESTS_ON = (ConflictKind.RESIDENCE_REGISTRATION, ConflictKind.RESIDENCE_PERMIT, ConflictKind.CITIZEN_NUMBER)


async def apply_transfer(work: Work, event: Received[HouseholdTransferCompleted]) -> None:
    """End what is current of the person, under whichever id, and answer; or answer with every reason against it."""
    asked, caused_by = event.data, event.envelope.id
    locked = await lock_persons(work, asked.person_id)
    if not locked:
        is_deleted = await deleted_on(work, asked.person_id) is not None
        await _reject(work, event, [rules.PERSON_DELETED if is_deleted else rules.PERSON_UNKNOWN])
        return
    entered_on = min(asked.entered_on, work.today)
    residence = await residence_of(work, asked.person_id)
    open_permits = await permits.open_permits_of(work, asked.person_id)
    is_contested = not locked[asked.person_id].contested.isdisjoint(_RESTS_ON)
    if found := obstacles(_facts(asked, residence, open_permits, is_contested=is_contested)):
        await _reject(work, event, found)
        return
    home = permit = None
    if residence.current is not None:
        home = await registrations.end_by_transfer(work, residence.current, entered_on, caused_by)
    for each in open_permits:
        permit = await permit_acts.end_by_transfer(work, each, entered_on, caused_by)
    days = [each.ended_on for each in (home, permit) if each is not None and each.ended_on is not None]
    answer = HouseholdTransferApplied(
        person_id=asked.person_id,
        version=asked.version,
        transfer_id=asked.transfer_id,
        caused_by=caused_by,
        ended_on=max(days, default=None),
        registration_id=None if home is None else home.registration_id,
        permit_id=None if permit is None else permit.permit_id,
        reasons=(),
    )
    work.emit(answer, division_codes=await _followers(work, asked))
    work.audit("apply", RESOURCE, asked.transfer_id, person_id=asked.person_id)


def _facts(
    asked: HouseholdTransferCompleted, residence: Residence, open_permits: Sequence[PermitRecord], *, is_contested: bool
) -> TransferFacts:
    current = residence.current
    return TransferFacts(
        entered_on=asked.entered_on,
        is_contested=is_contested,
        is_floating=_is_floating(asked, None if current is None else current.division_code, open_permits),
        begun_on=(
            *(() if current is None else (current.registered_on,)),
            *(permit.applied_on for permit in open_permits),
        ),
        is_end_ruled=all(_is_ruled(permit, asked.entered_on) for permit in open_permits),
    )


def _is_floating(
    asked: HouseholdTransferCompleted, registered_in: str | None, open_permits: Sequence[PermitRecord]
) -> bool | None:
    """By the new household registration, where the person is registered, or else where the permit was asked for."""
    here = registered_in or next((permit.division_code for permit in open_permits), None)
    if here is None:
        return None
    try:
        return LAW.divisions.is_floating(asked.hukou_division_code, here, asked.entered_on)
    except NotInForceError:
        return None


def _is_ruled(permit: PermitRecord, entered_on: date) -> bool:
    day = max(entered_on, permit.issued_on or permit.applied_on)
    return EndReason.HOUSEHOLD_TRANSFER in rules_of(permit).end_reasons(day)


async def _reject(work: Work, event: Received[HouseholdTransferCompleted], found: Sequence[Finding]) -> None:
    asked = event.data
    answer = HouseholdTransferRejected(
        person_id=asked.person_id,
        version=asked.version,
        transfer_id=asked.transfer_id,
        caused_by=event.envelope.id,
        ended_on=None,
        registration_id=None,
        permit_id=None,
        reasons=tuple(
            RejectionReason(code=each.code, rule=each.rule, message_zh=each.message_zh, message_en=each.message_en)
            for each in found
        ),
    )
    work.emit(answer, division_codes=await _followers(work, asked))
    work.audit("reject", RESOURCE, asked.transfer_id, person_id=asked.person_id, outcome="refused")


async def _followers(work: Work, asked: HouseholdTransferCompleted) -> Sequence[str]:
    """Whoever may hear of the person, and the office that has the case."""
    return sorted({asked.division_code, *await divisions_of(work, asked.person_id)})
