"""What comes next for a child: asked of the engine, kept with the card, told when it is another than before.

The engine judges every counted dose of the human, under whatever id and in whatever office it was recorded.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from pydantic_core import to_json

from services.chassis.work import Work
from services.contracts.health import ForecastChanged
from services.health.actions.schedules import programme
from services.health.rules.child import Child
from services.health.rules.child_files import read_child
from services.health.rules.forecasting import assess
from services.health.rules.standing import Kept, kept
from services.health.store import forecasts as store
from services.health.store.forecasts import CardChild


async def renew(work: Work, card_ids: Collection[UUID]) -> None:
    """Ask the engine again for these cards; store and tell what is another than before."""
    await _renew(work, await store.children_of(work, list(card_ids)))


async def renew_old(work: Work, *, limit: int) -> int:
    """Ask again for cards whose forecast is of another day; how many were found."""
    card_ids = await store.lock_old(work, limit=limit)
    children = await store.children_of(work, card_ids)
    await _renew(work, children)
    return len(children)


async def _renew(work: Work, children: Sequence[CardChild]) -> None:
    known = programme()
    changed: list[tuple[CardChild, Kept, str]] = []
    same: list[UUID] = []
    for each in children:
        now = kept(assess(known, child_of(each), work.today))
        if (each.edition, each.lines) == (now.edition, now.lines):
            same.append(each.card_id)
            continue
        changed.append((each, now, to_json(now.lines).decode()))
        work.emit(_event(each, now, work.today), division_codes=[each.division_code])
    if changed:
        await store.keep(work, work.today, changed)
    if same:
        await store.confirm(work, work.today, same)


def child_of(card: CardChild) -> Child:
    """The child with what is known of it; what was said of it was checked when it was said."""
    if card.facts is None:
        return card.child
    said = card.facts.model_dump(mode="json") | {"born_on": card.child.born_on.isoformat()}
    return replace(read_child(said, programme()), doses=card.child.doses, sex=card.child.sex)


def _event(card: CardChild, now: Kept, today: date) -> ForecastChanged:
    return ForecastChanged(
        person_id=card.person_id,
        card_id=card.card_id,
        version=card.version + 1,
        as_of=today,
        edition=now.edition,
        due_lines=now.due_lines,
        overdue_lines=now.overdue_lines,
        next_on=now.next_on,
        overdue_from=now.overdue_from,
    )
