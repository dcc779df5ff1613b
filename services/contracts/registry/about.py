"""What an event of the registry is about: the key that keeps its order."""

from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class AboutPerson(EventData):
    """Part of every event here: the person it is about, which is also the key that keeps order."""

    person_id: UUID
    version: int = Field(ge=1, description="Version of the subject (person, registration, …), rising by one per change.")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id
