"""A place of a final list whose holder's score fell since: the office is told, once, and decides.

A recheck after the list is final may find less than the place was given for. The machine takes no place from anybody (V-28):
until an officer has it given up, nobody moves on it, and it is shown as lowered.
"""

from services.chassis.work import Work
from services.contracts.points_hukou import RoundPlaceLowered
from services.points_hukou.actions.round_contenders import still_standing
from services.points_hukou.actions.round_places import RESOURCE
from services.points_hukou.schemas.round_places import PlaceRecord
from services.points_hukou.schemas.rounds import RoundRecord
from services.points_hukou.store import lowered_places as store
from services.points_hukou.store import rounds


async def tell_lowered(work: Work, *, limit: int) -> int:
    """Compare scores that count now with those places were given for, each once; how many were compared."""
    seen = await store.rescored_places(work, limit=limit)
    for round_id in sorted({each.round_id for each in seen}):
        record = await rounds.lock_round(work, round_id)
        assert record is not None
        places = await store.rescored_places(work, round_id=round_id, limit=limit)
        standing = await still_standing(work, record, places, in_recheck=False)
        for place in places:
            await _settle(work, record, place, is_lower=place.place_id not in standing)
    return len(seen)


async def _settle(work: Work, record: RoundRecord, place: PlaceRecord, *, is_lower: bool) -> None:
    """Mark what was found, and tell it when it is less."""
    await store.mark_compared(work, place.place_id, work.today if is_lower else None)
    if not is_lower:
        return
    state = {"place_id": place.place_id, "round_id": record.round_id, "division_code": record.division_code}
    work.emit(RoundPlaceLowered.model_validate(state | {"lowered_on": work.today}), division_codes=[record.division_code])
    work.audit("tell_lowered", RESOURCE, place.place_id, person_id=place.person_id, fields=("lowered_on",))
