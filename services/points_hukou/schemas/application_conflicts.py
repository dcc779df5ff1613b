"""Two applications of which one human may have one, or two places, at the edge and as kept."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from services.chassis.schemas import View
from services.points_hukou.rules.purposes import Purpose


class ConflictStatus(StrEnum):
    """Whether the human still has two."""

    OPEN = "open"
    SETTLED = "settled"


class ConflictRecord(View):
    """A conflict as it was opened; it is never written again."""

    conflict_id: UUID
    person_id: UUID
    purpose: Purpose
    application_id: UUID
    other_application_id: UUID
    division_codes: tuple[str, ...]
    opened_on: date
    created_at: datetime


class ApplicationConflictView(View):
    """Two open applications, or two places of final lists, for the same of persons who turned out to be one human, or for
    children who did (P-08).

    Nothing is chosen: an office has one of them withdrawn or given up, or the registry takes the merge back.
    """

    conflict_id: UUID
    status: ConflictStatus = Field(
        description="`settled` once one of the two is settled, withdrawn or given up, or the merge taken back."
    )
    person_id: UUID = Field(description="The human who has two, or the child they are for, under the id in use then.")
    purpose: Purpose
    application_id: UUID
    other_application_id: UUID
    division_codes: list[str] = Field(description="Of the offices that have the two cases, in that order.")
    opened_on: date
    created_at: datetime
