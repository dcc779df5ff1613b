"""Places of a final list: given up or left, and handed on to the next in line within the quota.

Whoever is gone makes room as if never having stood (P-14); ranks stay as published. The round's row is held meanwhile, so that
no place is given twice.
"""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.work import Work
from services.points_hukou.actions.round_contenders import claims_of, ranking_rule, still_standing
from services.points_hukou.actions.round_standing import save, take
from services.points_hukou.rules.ranking import Outcome, UndecidedCutError, moved_up
from services.points_hukou.rules.round_states import RoundAct
from services.points_hukou.rules.rounds import Claim, contender_of_figures, once_each
from services.points_hukou.schemas.round_places import GiveUp, PlaceRecord
from services.points_hukou.schemas.rounds import RoundRecord, RoundView
from services.points_hukou.store import household_transfers, rounds
from services.points_hukou.store import round_places as store

RESOURCE = "round_place"


async def give_up_place(work: Work, round_id: UUID, body: GiveUp) -> RoundView:
    """An admitted applicant does not take the place; the next in line moves up, within the quota.

    The round's row is held, so of several who give up at once each sees what the others left. Raises
    `DomainError('place-not-held')`, `DomainError('place-in-use')` while a household transfer rests on it.
    """
    before, status = await take(work, round_id, RoundAct.GIVE_UP)
    place = await store.place_of(work, before, body.application_id)
    if place is None or not is_held(place):
        raise DomainError("place-not-held")
    if await household_transfers.is_place_used(work, round_id, body.application_id):
        raise DomainError("place-in-use")
    await hand_on(work, before, [place], "give_up")
    return RoundView.of(await save(work, "give_up", None, before, before.model_copy(update={"status": status})))


async def hand_on_left(work: Work, *, person_ids: Sequence[UUID] | None = None, limit: int) -> int:
    """Hand on places of final lists whose holders withdrew the application or were erased – of these, or of anybody –, unless
    a household transfer rests on them; how many.
    """
    seen = await store.left_places(work, person_ids=person_ids, limit=limit)
    for round_id in sorted({each.round_id for each in seen}):
        before = await rounds.lock_round(work, round_id)
        assert before is not None
        left = await store.left_places(work, round_id=round_id, person_ids=person_ids, limit=limit)
        await hand_on(work, before, left, "leave")
        await save(work, "leave", None, before, before)
    return len(seen)


async def hand_on(work: Work, record: RoundRecord, gone: Sequence[PlaceRecord], operation: str) -> None:
    """These are gone from the list of a round whose row is held, and who is next in line moves up in their towns."""
    await store.give_up(work, [each.place_id for each in gone])
    for each in gone:
        work.audit(operation, RESOURCE, each.place_id, person_id=each.person_id, fields=("given_up_on",))
    towns = {each.town for each in gone if each.outcome is Outcome.ADMITTED}
    if not towns:
        return
    places = await store.whole_ranking(work, record)
    for town in sorted(towns):
        risen = await _next_in_line(work, record, [each for each in places if each.town == town], town)
        await store.move_up(work, [each.place_id for each in risen])
        for each in risen:
            work.audit("move_up", RESOURCE, each.place_id, person_id=each.person_id, fields=("outcome", "moved_up_on"))


def is_held(place: PlaceRecord) -> bool:
    """Whether somebody holds it now."""
    return place.outcome is Outcome.ADMITTED and place.given_up_on is None


async def _next_in_line(work: Work, record: RoundRecord, places: Sequence[PlaceRecord], town: str) -> list[PlaceRecord]:
    """Who is admitted now, of the same town where towns have places of their own; nobody where equals wait of whom the rule set
    does not say who goes first (P-22).
    """
    held = [each for each in places if is_held(each)]
    waiting = await _waiting(work, record, held, [each for each in places if each.given_up_on is None and not is_held(each)])
    known = [(each, each.secrets) for each in (*held, *waiting) if each.secrets is not None]
    contenders = [contender_of_figures(secrets.score, of=each.application_id, town=town) for each, secrets in known]
    quota = record.town_quotas.get(town, record.quota) - sum(each.secrets is None for each in held)
    holders = {each.application_id for each in held}
    rule = await ranking_rule(work, record)
    try:
        risen = {each.id for each in moved_up([each for each in contenders if each is not None], rule, quota, holders)}
    except UndecidedCutError:
        work.audit("move_up", "round", record.round_id, outcome="undecided")
        return []
    return [each for each in waiting if each.application_id in risen]


async def _waiting(
    work: Work, record: RoundRecord, held: Sequence[PlaceRecord], waiting: Sequence[PlaceRecord]
) -> list[PlaceRecord]:
    """Who of those who wait may take a place: the application still stands with figures no lower – a recheck that is asked for
    takes nobody's turn –, and nobody it would be for holds a place, in this round or another of its use (P-08).
    """
    standing = await still_standing(work, record, waiting, in_recheck=True)
    left = [each for each in waiting if each.place_id in standing]
    claims = await claims_of(work, record, [each.application_id for each in (*held, *left)])
    taken = [Claim(claims[each.application_id].humans, is_spent=False) for each in held]
    once = set(once_each([*taken, *(claims[each.application_id] for each in left)]))
    return [each for number, each in enumerate(left, start=len(held)) if number in once]
