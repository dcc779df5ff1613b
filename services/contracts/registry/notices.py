"""Notices: a request to whoever owns SMS and letters."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class NoticeRequested(EventData):
    """Somebody is to be told something. A request, once per occasion: it has no state, and no snapshot repeats it."""

    event_type: ClassVar[str] = "registry.notice.requested.v1"

    notice_id: UUID
    template: str = Field(description="Code of the template; texts and parameters are at `GET /v1/notice-templates`.")
    rule: str = Field(description="The rule for whose sake it is sent.")
    addressee_kind: Literal["person", "employer", "landlord"]
    addressee_id: UUID
    person_id: UUID | None = Field(description="The addressee, when it is a person.")
    subject_kind: str = Field(description="What it is about, as `residence_permit`.")
    subject_id: UUID
    parameters: dict[str, str | int] = Field(description="Ids, days, numbers and codes; never a name, a number or an address.")
    requested_on: date = Field(description="Law date.")

    @property
    def partition_key(self) -> UUID:
        """In order with everything else about the person or organisation."""
        return self.addressee_id


EVENTS: tuple[type[EventData], ...] = (NoticeRequested,)
