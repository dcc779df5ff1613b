"""Papers of the regime of 2009: events that keep order per `person_id`."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData
from services.contracts.registry.about import AboutPerson


class HistoricalPermitState(AboutPerson):
    """A temporary or nine-year permit issued before 2016."""

    historical_permit_id: UUID
    kind: Literal["temporary_residence_permit", "residence_permit"]
    regime: str = Field(description="`zj-2009`.")
    division_code: str
    issued_on: date
    valid_until: date = Field(description="Last day of validity, as printed (RR-36).")
    ended_on: date | None = Field(description="First day without it, when that came before its expiry.")
    annulled_on: date | None = Field(description="Day of the finding that it was recorded in error: it never was.")


class HistoricalPermitRecorded(HistoricalPermitState):
    """An old paper was recorded; its time counts towards residence years (RR-13)."""

    event_type: ClassVar[str] = "registry.historical_permit.recorded.v1"


class HistoricalPermitAnnulled(HistoricalPermitState):
    """The record was an error."""

    event_type: ClassVar[str] = "registry.historical_permit.annulled.v1"


EVENTS: tuple[type[EventData], ...] = (HistoricalPermitRecorded, HistoricalPermitAnnulled)
