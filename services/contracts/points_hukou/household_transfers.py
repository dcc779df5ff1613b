"""Transfers of household registration (户口迁移): events that keep order per person. No reason and no word of anybody travels.

`completed` asks the registry to end the person's registration and permit; it answers `registry.household_transfer.applied` or
`.rejected` within `due_on`. When it is silent, `overdue` is told and the office that has the case acts.
"""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class HouseholdTransferState(EventData):
    """Where a transfer stands."""

    person_id: UUID
    transfer_id: UUID
    version: int = Field(ge=1, description="Version of the transfer, rising by one; an answer names the one it answers.")
    division_code: str = Field(description="Of the office that has the case.")
    hukou_division_code: str = Field(description="Where the household registration is, or is to be.")
    status: str = Field(description="`opened`, `approved`, `completed`, `returned`, `closed` or `withdrawn`.")
    entered_on: date | None = Field(description="Day of the confirmed entry in the household register.")
    due_on: date | None = Field(description="Last day for the registry's answer.")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


class HouseholdTransferOpened(HouseholdTransferState):
    """A case was opened."""

    event_type: ClassVar[str] = "points_hukou.household_transfer.opened.v1"


class HouseholdTransferApproved(HouseholdTransferState):
    """The person may move the registration here (准迁); nothing has moved yet."""

    event_type: ClassVar[str] = "points_hukou.household_transfer.approved.v1"


class HouseholdTransferCompleted(HouseholdTransferState):
    """The entry in the household register is confirmed. The registry is asked to end registration and permit."""

    event_type: ClassVar[str] = "points_hukou.household_transfer.completed.v1"

    entered_on: date = Field(description="Day of the confirmed entry in the household register.")


class HouseholdTransferReturned(HouseholdTransferState):
    """The registry refused, with reasons that lie with the case; an officer has to look."""

    event_type: ClassVar[str] = "points_hukou.household_transfer.returned.v1"


class HouseholdTransferClosed(HouseholdTransferState):
    """The registry has done its part; the case is over."""

    event_type: ClassVar[str] = "points_hukou.household_transfer.closed.v1"


class HouseholdTransferWithdrawn(HouseholdTransferState):
    """The case was given up."""

    event_type: ClassVar[str] = "points_hukou.household_transfer.withdrawn.v1"


class HouseholdTransferOverdue(HouseholdTransferState):
    """The registry did not answer until `due_on`; told once per request."""

    event_type: ClassVar[str] = "points_hukou.household_transfer.overdue.v1"


class HouseholdTransferConflictOpened(EventData):
    """Persons were merged, and one human has two household transfers open. An office withdraws one."""

    event_type: ClassVar[str] = "points_hukou.household_transfer_conflict.opened.v1"

    person_id: UUID = Field(description="The human, under the id in use.")
    conflict_id: UUID
    transfer_id: UUID
    other_transfer_id: UUID
    opened_on: date

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


EVENTS: tuple[type[EventData], ...] = (
    HouseholdTransferOpened,
    HouseholdTransferApproved,
    HouseholdTransferCompleted,
    HouseholdTransferReturned,
    HouseholdTransferClosed,
    HouseholdTransferWithdrawn,
    HouseholdTransferOverdue,
    HouseholdTransferConflictOpened,
)
