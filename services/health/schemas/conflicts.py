"""Two cards of which one human may have one, at the edge and as kept."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from services.chassis.schemas import View


class ConflictStatus(StrEnum):
    """Whether a conflict still stands."""

    OPEN = "open"
    SETTLED = "settled"


class CardConflictRecord(View):
    """A conflict as it was opened; it is never written again."""

    conflict_id: UUID
    person_id: UUID
    card_id: UUID
    other_card_id: UUID
    opened_on: date
    created_at: datetime


class CardConflictView(View):
    """Two cards in use of persons who turned out to be one human.

    Nothing is chosen: a unit moves one of them out, or the registry takes the merge back. Forecasts look at the doses of both.
    """

    conflict_id: UUID
    status: ConflictStatus = Field(
        description="`settled` once one of the two is moved out or archived, or the merge taken back."
    )
    person_id: UUID = Field(description="The human, under the id in use then.")
    card_id: UUID
    other_card_id: UUID
    opened_on: date
    created_at: datetime
