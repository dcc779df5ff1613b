"""What comes next for a child: asked of the engine, kept with the card, told when it is another than before.

The engine judges every counted dose of the human, under whatever id and in whatever office it was recorded. What is kept
serves lists; who reads one child's forecast is answered by the engine itself, on any day and by any edition.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from pydantic_core import to_json

from services.chassis.errors import DomainError, FieldError
from services.chassis.work import Work
from services.contracts.health import ForecastChanged
from services.health.actions.cards import RESOURCE, find
from services.health.actions.refusals import invalid
from services.health.actions.schedules import programme
from services.health.rules.child import Child
from services.health.rules.child_files import read_child
from services.health.rules.forecasting import assess
from services.health.rules.standing import Kept, kept
from services.health.rules.wording import told
from services.health.schemas.forecasts import ForecastView, JudgedDose, LineView, NextDoseView, RuleText
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


async def read_forecast(work: Work, card_id: UUID, as_of: date | None, edition: str | None) -> ForecastView:
    """Every dose judged and every line forecast, with the rules. Raises `DomainError` for an edition nobody holds."""
    card = await find(work, card_id)
    found = await store.children_of(work, [card_id])
    if not found:
        raise DomainError("person-not-found")
    known, day = programme(), as_of or work.today
    try:
        using = None if edition is None else known.named(edition)
    except LookupError:
        held = ", ".join(each.id for each in known.editions)
        raise invalid(
            [FieldError("?edition", "unknown", f"没有此版本;可用:{held}", f"no such edition; held: {held}")]
        ) from None
    assessment = assess(known, _child(found[0]), day, using)
    content = told(known, assessment)
    work.audit("forecast", RESOURCE, card_id, person_id=card.person_id)
    return ForecastView(
        card_id=card_id,
        person_id=card.person_id,
        as_of=day,
        edition=assessment.edition,
        doses=[
            JudgedDose.model_validate(each | {"dose_id": each["id"], "vaccine_code": each["vaccine"]})
            for each in content["doses"]
        ],
        lines=[LineView.model_validate(each | {"next": _next(each["next"])}) for each in content["lines"]],
        rules=[
            RuleText(rule=rule, text_zh=text["zh"], text_en=text["en"], source=text["source"], confidence=text["confidence"])
            for rule, text in content["rules"].items()
        ],
    )


async def _renew(work: Work, children: Sequence[CardChild]) -> None:
    known = programme()
    changed: list[tuple[CardChild, Kept, str]] = []
    same: list[UUID] = []
    for each in children:
        now = kept(assess(known, _child(each), work.today))
        if (each.edition, each.lines) == (now.edition, now.lines):
            same.append(each.card_id)
            continue
        changed.append((each, now, to_json(now.lines).decode()))
        work.emit(_event(each, now, work.today), division_codes=[each.division_code])
    if changed:
        await store.keep(work, work.today, changed)
    if same:
        await store.confirm(work, work.today, same)


def _child(card: CardChild) -> Child:
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


def _next(content: dict[str, object] | None) -> NextDoseView | None:
    return None if content is None else NextDoseView.model_validate(content | {"vaccine_code": content["vaccine"]})
