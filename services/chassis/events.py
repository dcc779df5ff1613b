"""Events: what a contract module declares and what travels as a CloudEvent. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class EventData(BaseModel):
    """Base of every event in `services/contracts`.

    A subclass names its `event_type` (`<producer>.<aggregate>.<fact>.v<n>`), which is also the subject it is published on, and
    carries the state a neighbour's mirror needs. Unknown fields are ignored by consumers; producers emit exactly the schema.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    suite_only: ClassVar[frozenset[str]] = frozenset()
    """Fields for neighbours in the suite alone; outside followers of `changes` do not get them."""
    birth_date_field: ClassVar[str | None] = None
    """The field that tells how old the person is, where an event does; it decides what outside followers see of the others."""

    @property
    def partition_key(self) -> UUID:
        """The key whose events stay in order: the person's id for events about a person, else the aggregate's id."""
        raise NotImplementedError


def producer_of(event_type: str) -> str:
    """The service that publishes `event_type`; also the name of its stream."""
    return event_type.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Envelope:
    """CloudEvents 1.0 attributes of one event, without its data.

    `sequence` is dense, starting at 1, per (producer, partition_key). `source` names the producer and its epoch, so that
    `source` + `id` is unique even after a restore to the past.
    """

    id: UUID
    type: str
    source: str
    time: datetime
    partition_key: UUID
    sequence: int
    traceparent: str | None = None


EventT_co = TypeVar("EventT_co", bound=EventData, covariant=True)


@dataclass(frozen=True, slots=True)
class Received(Generic[EventT_co]):
    """An event as a handler receives it."""

    envelope: Envelope
    data: EventT_co
