"""What is kept of a person goes with the person: mirrors, keys, and what was said and scored.

What stays open without the person ends as any such thing does, with its event and its line of evidence; a place nobody takes
any more is handed on.
"""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.events import Received
from services.chassis.work import Work
from services.contracts.points_hukou import ApplicationWithdrawn, HouseholdTransferWithdrawn
from services.contracts.registry import PersonDeleted
from services.points_hukou.actions import application_standing, transfer_standing
from services.points_hukou.actions.round_objections import dismiss_about
from services.points_hukou.actions.round_places import hand_on_left
from services.points_hukou.rules.application_states import ApplicationStatus
from services.points_hukou.rules.household_transfers import TransferStatus
from services.points_hukou.store import applications, household_transfers, mirrors, round_objections, round_places

_PLACES_AT_ONCE = 1000


async def forget_persons(work: Work, events: Sequence[Received[PersonDeleted]]) -> None:
    """Forget everything of deleted persons but that they are gone, and that they were answered."""
    await mirrors.forget_persons(work, events)
    person_ids = [event.data.person_id for event in events]
    await _end(work, person_ids)
    await applications.forget_applicants(work, person_ids)
    await household_transfers.forget_transfers(work, person_ids)
    await round_objections.forget_objections(work, person_ids)
    await round_places.forget_places(work, person_ids)
    while await hand_on_left(work, person_ids=person_ids, limit=_PLACES_AT_ONCE):
        pass


async def _end(work: Work, person_ids: Sequence[UUID]) -> None:
    """End what waits for an office; the registry answers for itself what it was asked of somebody it has deleted."""
    for application in await applications.lock_open_of(work, person_ids):
        withdrawn = application.model_copy(update={"status": ApplicationStatus.WITHDRAWN, "secrets": None})
        await application_standing.save(work, "withdraw", ApplicationWithdrawn, application, withdrawn)
    for transfer in await household_transfers.lock_not_entered(work, person_ids):
        given_up = transfer.model_copy(update={"status": TransferStatus.WITHDRAWN, "secrets": None})
        await transfer_standing.save(work, "withdraw", HouseholdTransferWithdrawn, transfer, given_up)
    await dismiss_about(work, person_ids)
