"""Which of the events at hand may be applied now: the order rule of the inbox (architecture §5). Pure.

Per partition key, a sequence up to the position is a duplicate, the next one is applied, later ones wait until the gap closes.
A snapshot is applied wherever it lies ahead of the position, and moves the position to its own sequence.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.chassis.cloudevents import Arrived


class Sequencer:
    """Takes events in any order and sorts them into `applied`, in an order that is lawful, and `waiting`.

    `positions` are those before the first event; a key that is missing stands at 0. `snapshot_type` is the type of snapshots.
    """

    def __init__(self, positions: Mapping[UUID, int], snapshot_type: str) -> None:
        self._before = dict(positions)
        self._now = dict(positions)
        self._snapshot_type = snapshot_type
        self._waiting: dict[UUID, dict[int, Arrived]] = {}
        self.applied: list[Arrived] = []

    def take(self, events: Iterable[Arrived]) -> None:
        """Sort in some more events."""
        for event in events:
            key, sequence = event.envelope.partition_key, event.envelope.sequence
            position = self.position(key)
            if sequence <= position:
                continue
            if sequence == position + 1 or event.envelope.type == self._snapshot_type:
                self._apply(key, event)
            else:
                self._waiting.setdefault(key, {}).setdefault(sequence, event)

    def _apply(self, key: UUID, event: Arrived | None) -> None:
        """Apply `event` and whatever it sets free."""
        waiting = self._waiting.get(key, {})
        while event is not None:
            self.applied.append(event)
            self._now[key] = event.envelope.sequence
            event = waiting.pop(event.envelope.sequence + 1, None)

    def position(self, key: UUID) -> int:
        """Where `key` stands after the events so far."""
        return self._now.get(key, 0)

    @property
    def moved(self) -> dict[UUID, int]:
        """The positions that changed."""
        return {key: position for key, position in self._now.items() if position != self._before.get(key, 0)}

    @property
    def waiting(self) -> list[Arrived]:
        """Events behind a gap."""
        return [
            event
            for key, events in self._waiting.items()
            for sequence, event in sorted(events.items())
            if sequence > self.position(key)
        ]
