"""Homes that are let, who lets them and who stays in them. A home's events keep order per `premises_id`, those of a landlord
and its letters per `landlord_id`, those of a stay per `person_id`.
"""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData
from services.contracts.registry.about import AboutPerson


class PremisesState(EventData):
    """A home that is let, down to the division; its address stays in the registry."""

    premises_id: UUID
    version: int = Field(ge=1)
    kind: str = Field(description="`rental_home`, `concentrated_point` or `employer_dormitory`.")
    status: Literal["registered", "ended"]
    division_code: str = Field(description="County (6 digits), township (9) or village (12).")
    landlord_id: UUID
    let_rooms: int = Field(description="Rooms that are let.")
    beds: int = Field(description="Beds in them.")
    let_from: date
    ended_on: date | None
    end_reason: str | None

    @property
    def partition_key(self) -> UUID:
        """Order is kept per home."""
        return self.premises_id


class PremisesRegistered(PremisesState):
    """A home that is let was registered (RR-15)."""

    event_type: ClassVar[str] = "registry.premises.registered.v1"


class PremisesChanged(PremisesState):
    """Its landlord, rooms or other data changed."""

    event_type: ClassVar[str] = "registry.premises.changed.v1"


class PremisesEnded(PremisesState):
    """It is not let any more."""

    event_type: ClassVar[str] = "registry.premises.ended.v1"


class StayState(AboutPerson):
    """A person's stay in a home, from check-in to check-out (RR-72)."""

    stay_id: UUID
    premises_id: UUID
    division_code: str = Field(description="Division of the home.")
    started_at: datetime
    ended_at: datetime | None
    end_reason: str | None


class StayStarted(StayState):
    """A person checked in."""

    event_type: ClassVar[str] = "registry.stay.started.v1"


class StayEnded(StayState):
    """A person checked out."""

    event_type: ClassVar[str] = "registry.stay.ended.v1"


class LandlordState(EventData):
    """Who lets homes in a division; what names a landlord stays in the registry."""

    landlord_id: UUID
    version: int = Field(ge=1)
    kind: Literal["person", "organisation"]
    division_code: str = Field(description="Where the landlord is kept; one who lets in two towns is kept in both.")
    person_id: UUID | None = Field(description="The person, when the landlord is on the register.")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per landlord."""
        return self.landlord_id


class LandlordRegistered(LandlordState):
    """A landlord was registered."""

    event_type: ClassVar[str] = "registry.landlord.registered.v1"


class LandlordCorrected(LandlordState):
    """What is kept of a landlord was corrected."""

    event_type: ClassVar[str] = "registry.landlord.corrected.v1"


class ResponsibilityLetterState(EventData):
    """A letter of responsibility for public order (治安责任保证书, RR-74), in force from the day it was signed."""

    letter_id: UUID
    landlord_id: UUID
    version: int = Field(ge=1)
    division_code: str = Field(description="That of the landlord.")
    signed_on: date
    valid_until: date = Field(description="First day on which it holds no more.")
    ended_on: date | None = Field(description="The same, when it was ended before its time.")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per landlord."""
        return self.landlord_id


class ResponsibilityLetterSigned(ResponsibilityLetterState):
    """A landlord signed a letter."""

    event_type: ClassVar[str] = "registry.responsibility_letter.signed.v1"


class ResponsibilityLetterEnded(ResponsibilityLetterState):
    """A letter was ended before its time."""

    event_type: ClassVar[str] = "registry.responsibility_letter.ended.v1"


EVENTS: tuple[type[EventData], ...] = (
    PremisesRegistered,
    PremisesChanged,
    PremisesEnded,
    LandlordRegistered,
    LandlordCorrected,
    ResponsibilityLetterSigned,
    ResponsibilityLetterEnded,
    StayStarted,
    StayEnded,
)
