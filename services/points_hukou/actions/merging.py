"""Ids turn out to be one human's, or not to be: what a human may have only once is looked at again (architecture §1)."""

from collections.abc import Sequence

from services.chassis.events import Received
from services.chassis.work import Work
from services.contracts.registry import PersonAliasState
from services.points_hukou.actions import application_conflicts, transfer_conflicts
from services.points_hukou.store import mirrors
from services.points_hukou.store.applications import lock_applicants


async def keep_aliases(work: Work, events: Sequence[Received[PersonAliasState]]) -> None:
    """Mirror which ids are aliases, and open a conflict for what one human then has twice.

    Whoever applies for one of them, or opens a transfer, meanwhile waits, and is then told that the human has one already.
    """
    humans = {event.data.canonical_person_id for event in events}
    await lock_applicants(work, humans | {event.data.person_id for event in events})
    await mirrors.ALIASES.keep(work, events)
    await application_conflicts.open_new(work, humans)
    await transfer_conflicts.open_new(work, humans)
