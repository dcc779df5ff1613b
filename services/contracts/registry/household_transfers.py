"""Answers to `points_hukou.household_transfer.completed`: events that keep order per `person_id`, which is the one asked about.

`version` is that of the transfer that is answered, so that an answer to an older request is known as one.
"""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.chassis.events import EventData
from services.contracts.registry.about import AboutPerson


class RejectionReason(BaseModel):
    """One reason; no value of anybody's record is in it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    rule: str
    message_zh: str
    message_en: str


class HouseholdTransferAnswer(AboutPerson):
    """What became of a request."""

    transfer_id: UUID
    caused_by: UUID = Field(description="Id of the event that asked.")
    ended_on: date | None = Field(description="First day without registration and permit; null where none was ended.")
    registration_id: UUID | None = Field(description="The registration that ended, if one was current.")
    permit_id: UUID | None = Field(description="The permit that ended, or the application that was withdrawn, if one was open.")
    reasons: tuple[RejectionReason, ...] = Field(description="Why nothing was done; empty where it was.")


class HouseholdTransferApplied(HouseholdTransferAnswer):
    """Nothing of the person is current here any more."""

    event_type: ClassVar[str] = "registry.household_transfer.applied.v1"


class HouseholdTransferRejected(HouseholdTransferAnswer):
    """Nothing was ended, for all of these reasons."""

    event_type: ClassVar[str] = "registry.household_transfer.rejected.v1"


EVENTS: tuple[type[EventData], ...] = (HouseholdTransferApplied, HouseholdTransferRejected)
