"""Places that were published: events that keep order per school. Nobody is named in them."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.chassis.events import EventData


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReservedPlaces(_Part):
    """Places held back for a group."""

    group: str = Field(description="`soldier`, `favoured`, `returning`, …")
    places: int
    legal_ground: str
    returns_to: tuple[str, ...] = Field(description="Who is offered what is left of them, in this order; `everybody` last.")


class SourcePlaces(_Part):
    """Places from one source."""

    source: str = Field(description="`public`, `bought` or `subsidised`.")
    places: int
    fen_per_place: int | None = Field(description="What the government pays for a place a year, in fen.")
    reserves: tuple[ReservedPlaces, ...]


class GradePlaces(_Part):
    """Places of one grade."""

    grade: int
    classes: int = Field(description="New classes.")
    sources: tuple[SourcePlaces, ...]


class PlacePlanState(EventData):
    """What a school offers in a year."""

    plan_id: UUID
    version: int = Field(ge=1, description="Version of the plan, rising by one per change.")
    school_id: UUID
    entry_year: int
    division_code: str
    areas: tuple[str, ...] = Field(description="The catchment (学区), as codes of divisions; private schools have none.")
    grades: tuple[GradePlaces, ...]
    published_on: date

    @property
    def partition_key(self) -> UUID:
        """Order is kept per school."""
        return self.school_id


class PlacePlanPublished(PlacePlanState):
    """Families may count on it."""

    event_type: ClassVar[str] = "education.place_plan.published.v1"


class PlacePlanCorrected(PlacePlanState):
    """What was published is another now, for the reason the log of corrections gives."""

    event_type: ClassVar[str] = "education.place_plan.corrected.v1"


EVENTS: tuple[type[EventData], ...] = (PlacePlanPublished, PlacePlanCorrected)
