"""What follows from the registry's news: a child's data change, ids turn out to be one human's, somebody is deleted."""

from collections.abc import Sequence

from services.chassis.events import Received
from services.chassis.work import Work
from services.contracts.registry import PersonAliasState, PersonDeleted, PersonState
from services.health.actions import conflicts, forecasting
from services.health.store import cards, mirrors, persons


async def keep_persons(work: Work, events: Sequence[Received[PersonState]]) -> None:
    """Mirror persons; with another birth date or sex another forecast follows."""
    if news := await mirrors.PERSONS.kept(work, events):
        await forecasting.renew(work, await cards.cards_of(work, news))


async def keep_aliases(work: Work, events: Sequence[Received[PersonAliasState]]) -> None:
    """Mirror which ids are aliases, open a conflict for two cards of one human, and forecast from the doses of both.

    Whoever opens a card for one of them meanwhile waits, and is then told that the human has one already.
    """
    humans = {event.data.canonical_person_id for event in events}
    everybody = humans | {event.data.person_id for event in events}
    await persons.lock_persons(work, everybody)
    await mirrors.ALIASES.keep(work, events)
    await conflicts.open_new(work, humans)
    await forecasting.renew(work, await cards.cards_of(work, list(everybody)))


async def forget_persons(work: Work, events: Sequence[Received[PersonDeleted]]) -> None:
    """Forget everything of deleted persons but that they are gone."""
    await mirrors.forget_persons(work, events)
