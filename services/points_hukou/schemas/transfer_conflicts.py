"""Two household transfers of which one human may have one, at the edge and as kept."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from services.chassis.schemas import View
from services.points_hukou.schemas.application_conflicts import ConflictStatus


class TransferConflictRecord(View):
    """A conflict as it was opened; it is never written again."""

    conflict_id: UUID
    person_id: UUID
    transfer_id: UUID
    other_transfer_id: UUID
    division_codes: tuple[str, ...]
    opened_on: date
    created_at: datetime


class TransferConflictView(View):
    """Two open household transfers of persons who turned out to be one human.

    Nothing is chosen: an office withdraws one of them, or the registry takes the merge back.
    """

    conflict_id: UUID
    status: ConflictStatus = Field(description="`settled` once one of the two is closed or withdrawn, or the merge taken back.")
    person_id: UUID = Field(description="The human, under the id in use then.")
    transfer_id: UUID
    other_transfer_id: UUID
    division_codes: list[str] = Field(description="Of the offices that have the two cases, in that order.")
    opened_on: date
    created_at: datetime
