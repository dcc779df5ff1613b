"""What is kept of a person goes with the person: mirrors, keys, and what was said and scored.

What stays open without the person ends as any such thing does, with its event and its line of evidence; a place nobody takes
any more is handed on.
"""

from collections.abc import Sequence

from services.chassis.events import Received
from services.chassis.work import Work
from services.contracts.registry import PersonDeleted
from services.points_hukou.actions import application_acts, round_objections, transfer_answers
from services.points_hukou.actions.round_places import hand_on_left
from services.points_hukou.store import mirrors, round_places

_PLACES_AT_ONCE = 1000


async def forget_persons(work: Work, events: Sequence[Received[PersonDeleted]]) -> None:
    """Forget everything of deleted persons but that they are gone, and that they were answered."""
    await mirrors.forget_persons(work, events)
    person_ids = [event.data.person_id for event in events]
    await application_acts.forget(work, person_ids)
    await transfer_answers.forget(work, person_ids)
    await round_objections.forget(work, person_ids)
    await round_places.forget_places(work, person_ids)
    while await hand_on_left(work, person_ids=person_ids, limit=_PLACES_AT_ONCE):
        pass
