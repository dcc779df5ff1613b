"""What a service does on its neighbours' events: the table at the foot of each `consumers.py`, and how it is read."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from services.chassis.events import EventData, Received, producer_of
from services.chassis.work import Work

Event = TypeVar("Event", bound=EventData)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One line of the table: a handler, called per event or, `in_bulk`, with a list of events."""

    handler: Callable[[Work, Any], Awaitable[None]]
    in_bulk: bool


Subscriptions = Mapping[type[EventData], Subscription]


def each(handler: Callable[[Work, Received[Event]], Awaitable[None]]) -> Subscription:
    """Call `handler` with one event at a time, in order."""
    return Subscription(handler, in_bulk=False)


def many(handler: Callable[[Work, list[Received[Event]]], Awaitable[None]]) -> Subscription:
    """Call `handler` with all events of its type in a batch; per key they are in order.

    Such handlers must commute with each other across types (mirrors are upserts guarded by the event's sequence).
    """
    return Subscription(handler, in_bulk=True)


def producers_of(subscriptions: Subscriptions) -> list[str]:
    """The services whose streams must be followed, in the order of their names."""
    return sorted({producer_of(model.event_type) for model in subscriptions})


def by_type(subscriptions: Subscriptions, producer: str) -> dict[str, tuple[type[EventData], Subscription]]:
    """The lines about `producer`, by event type."""
    return {
        model.event_type: (model, subscription)
        for model, subscription in subscriptions.items()
        if producer_of(model.event_type) == producer
    }
