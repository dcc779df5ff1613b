"""The place that a household transfer rests on: held on a final list, by an application that stands with figures no lower than
those it was ranked by.

It is asked for beyond the rows of the office that has the case: the round may be another office's.
"""

from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.work import Work
from services.points_hukou.actions.application_conflicts import require_no_conflict
from services.points_hukou.actions.law import TRANSFERS
from services.points_hukou.actions.round_contenders import figures_by_rule, rank_as_well, rule_of
from services.points_hukou.actions.round_standing import found
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.store import rule_sets
from services.points_hukou.store import transfer_places as store


async def require_usable(work: Work, person_id: UUID, round_id: UUID, application_id: UUID) -> None:
    """Held, of a round for settlement, and within the time in which it has to be used (P-28). Raises
    `DomainError('round-not-found')`, `DomainError('place-not-for-transfer')`, `DomainError('place-lapsed')`.
    """
    record = await found(work, round_id)
    if record.purpose is not Purpose.SETTLEMENT:
        raise DomainError("place-not-for-transfer")
    place = await require_held(work, person_id, round_id, application_id)
    rule_set = await rule_sets.find_rule_set(work, place.rule_set_id)
    assert rule_set is not None, "approved rule sets are seen by everybody"
    until = TRANSFERS.usable_until(rule_set.name, place.finished_on, place.moved_up_on)
    if until is not None and work.today > until:
        raise DomainError("place-lapsed", extra={"usable_until": until.isoformat()})


async def require_held(work: Work, person_id: UUID, round_id: UUID, application_id: UUID) -> store.HeldPlace:
    """The place, which is not given up, nor its application withdrawn, until the commit. Raises
    `DomainError('place-not-for-transfer')`, `DomainError('application-conflict-open')` while its human holds another one.
    """
    await require_no_conflict(work, application_id)
    place = await store.hold_place(work, round_id, application_id, person_id)
    if place is None or not await _has_figures(work, place, round_id, application_id):
        raise DomainError("place-not-for-transfer")
    return place


async def _has_figures(work: Work, place: store.HeldPlace, round_id: UUID, application_id: UUID) -> bool:
    """Whether what counts now is what the place was given for, or ranks no lower."""
    if place.counted_assessment_id == place.assessment_id:
        return True
    rule = await rule_of(work, place.rule_set_id)
    scores = await store.scores_of_place(work, round_id, application_id)
    now = (await figures_by_rule(work, rule, *scores)).get(place.counted_assessment_id)
    return rank_as_well(now, place.secrets.score, rule)
