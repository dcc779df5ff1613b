"""Vaccination cards: events that keep order per person. Nothing of what stands against a vaccine and no contact travels."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class CardState(EventData):
    """Where a child's card stands."""

    person_id: UUID
    card_id: UUID
    version: int = Field(ge=1, description="Version of the card, rising by one.")
    division_code: str = Field(description="Where the child lives, by the card.")
    clinic_code: str = Field(description="The vaccination unit that keeps the card.")
    status: str = Field(description="`arrived`, `registered`, `active`, `away`, `moved_out`, `aged_out` or `archived`.")
    basis: str = Field(description="Why it was opened: `birth`, `residence`, `request` or `transfer`.")
    opened_on: date
    certificate_issued_on: date | None = Field(description="Of the certificate (预防接种证) in use, issued or seen.")
    moved_out_on: date | None

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


class CardOpened(CardState):
    """A card was opened."""

    event_type: ClassVar[str] = "health.card.opened.v1"


class CardChanged(CardState):
    """The card went on: certified, away, back, taken over by another unit, of age, or its data were changed."""

    event_type: ClassVar[str] = "health.card.changed.v1"


class CardMovedOut(CardState):
    """The child lives elsewhere now; its full record is handed over."""

    event_type: ClassVar[str] = "health.card.moved_out.v1"

    moved_out_on: date


class CardConflictOpened(EventData):
    """Persons were merged, and one human has two cards in use. A unit moves one of them out, or the merge is taken back."""

    event_type: ClassVar[str] = "health.card_conflict.opened.v1"

    person_id: UUID = Field(description="The human, under the id in use.")
    conflict_id: UUID
    card_id: UUID
    other_card_id: UUID
    opened_on: date

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


EVENTS: tuple[type[EventData], ...] = (CardOpened, CardChanged, CardMovedOut, CardConflictOpened)
