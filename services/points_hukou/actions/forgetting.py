"""What is kept of a person goes with the person: mirrors, keys, and what was said and scored."""

from collections.abc import Sequence

from services.chassis.events import Received
from services.chassis.work import Work
from services.contracts.registry import PersonDeleted
from services.points_hukou.actions import application_acts
from services.points_hukou.store import household_transfers, mirrors


async def forget_persons(work: Work, events: Sequence[Received[PersonDeleted]]) -> None:
    """Forget everything of deleted persons but that they are gone, and that they were answered."""
    await mirrors.forget_persons(work, events)
    person_ids = [event.data.person_id for event in events]
    await application_acts.forget(work, person_ids)
    await household_transfers.forget_transfers(work, person_ids)
