"""What comes next for cards, and what the engine asks for to say so; all set-based."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.health.rules.child import Child, Dose, Sex
from services.health.rules.standing import Kept
from services.health.schemas.facts import ChildFacts
from services.health.store.cards import secrets_of

_SEX: dict[str, Sex] = {"1": "male", "2": "female"}

_CHILDREN = prepare(
    """
    SELECT k.*, f.edition, f.lines, f.version AS forecast_version
    FROM children_of_cards(CAST(:card_ids AS uuid[])) k LEFT JOIN card_forecast f USING (card_id)
    """
)
_OLD = prepare(
    """
    SELECT c.card_id FROM vaccination_card c LEFT JOIN card_forecast f USING (card_id)
    WHERE (f.as_of IS NULL OR f.as_of <> CAST(:today AS date)) AND c.status NOT IN ('aged_out', 'archived')
    ORDER BY c.card_id LIMIT CAST(:limit AS integer) FOR UPDATE OF c SKIP LOCKED
    """
)
_KEEP = prepare(
    """
    INSERT INTO card_forecast (card_id, person_id, as_of, edition, lines, next_on, overdue_from, version, updated_at)
    SELECT g.card_id, g.person_id, CAST(:as_of AS date), g.edition, CAST(g.lines AS jsonb), g.next_on, g.overdue_from,
        g.version, CAST(:now AS timestamptz)
    FROM unnest(CAST(:card_ids AS uuid[]), CAST(:person_ids AS uuid[]), CAST(:editions AS text[]), CAST(:lines AS text[]),
        CAST(:next_on AS date[]), CAST(:overdue_from AS date[]), CAST(:versions AS integer[]))
        AS g (card_id, person_id, edition, lines, next_on, overdue_from, version)
    ON CONFLICT (card_id) DO UPDATE SET as_of = excluded.as_of, edition = excluded.edition, lines = excluded.lines,
        next_on = excluded.next_on, overdue_from = excluded.overdue_from, version = excluded.version,
        updated_at = excluded.updated_at
    """
)
_SAME = prepare("UPDATE card_forecast SET as_of = CAST(:as_of AS date) WHERE card_id = ANY (CAST(:card_ids AS uuid[]))")


@dataclass(frozen=True, slots=True)
class CardChild:
    """The child of a card as the engine takes it, and the forecast kept so far."""

    card_id: UUID
    person_id: UUID
    division_code: str
    child: Child
    facts: ChildFacts | None
    edition: str | None
    lines: list[dict[str, Any]] | None
    version: int


async def children_of(work: Work, card_ids: Sequence[UUID]) -> list[CardChild]:
    """The children of these cards, as far as they are in sight; none of whom the register does not tell (any more)."""
    return [_child_of(work, row) for row in await work.tx.fetch(_CHILDREN, card_ids=list(card_ids))]


async def lock_old(work: Work, *, limit: int) -> list[UUID]:
    """Cards in use whose forecast is of another day."""
    return [row["card_id"] for row in await work.tx.fetch(_OLD, today=work.today, limit=limit)]


async def keep(work: Work, as_of: date, changed: Sequence[tuple[CardChild, Kept, str]]) -> None:
    """Store forecasts that are another than before, with the JSON of their lines."""
    await work.tx.execute(
        _KEEP,
        as_of=as_of,
        now=work.now,
        card_ids=[card.card_id for card, _, _ in changed],
        person_ids=[card.person_id for card, _, _ in changed],
        editions=[kept.edition for _, kept, _ in changed],
        lines=[lines for _, _, lines in changed],
        next_on=[kept.next_on for _, kept, _ in changed],
        overdue_from=[kept.overdue_from for _, kept, _ in changed],
        versions=[card.version + 1 for card, _, _ in changed],
    )


async def confirm(work: Work, as_of: date, card_ids: Sequence[UUID]) -> None:
    """The forecasts of these cards are still what they were."""
    await work.tx.execute(_SAME, as_of=as_of, card_ids=list(card_ids))


def _child_of(work: Work, row: Record) -> CardChild:
    facts = secrets_of(work.keyring, row["card_id"], row["sealed"]).facts if row["has_facts"] else None
    doses = tuple(
        Dose(dose_id, vaccine, date.fromisoformat(day), campaign=campaign, paid=paid)
        for dose_id, vaccine, day, campaign, paid in row["doses"]
    )
    child = Child(row["birth_date"], doses, sex=_SEX.get(row["sex_code"]))
    return CardChild(
        row["card_id"],
        row["person_id"],
        row["division_code"],
        child,
        facts,
        row["edition"],
        row["lines"],
        row["forecast_version"] or 0,
    )
