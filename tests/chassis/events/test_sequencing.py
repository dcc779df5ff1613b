"""The order rule, against a model so slow that it is plainly right. Nothing but Python."""

from collections.abc import Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.cloudevents import Arrived
from services.chassis.events import Envelope
from services.chassis.sequencing import Sequencer
from tests.chassis.events.stage import arrived

SNAPSHOT = "origin.snapshot.mirror.v1"
KEYS = [UUID(int=1), UUID(int=2)]
Delivery = tuple[int, int, bool]


def event(key: UUID, sequence: int, snapshot: bool) -> Arrived:
    made = arrived(key, sequence)
    if not snapshot:
        return made
    envelope = made.envelope
    return Arrived(Envelope(envelope.id, SNAPSHOT, envelope.source, envelope.time, key, sequence), "{}")


def model(start: int, deliveries: Sequence[tuple[int, bool]]) -> tuple[int, list[tuple[int, bool]]]:
    """One key: after each delivery, look again through all that came so far for one that may be applied."""
    position, applied, seen = start, [], list[tuple[int, bool]]()
    for sequence, snapshot in deliveries:
        if snapshot:
            if sequence > position:
                position = sequence
                applied.append((sequence, True))
        else:
            seen.append((sequence, False))
        while (position + 1, False) in seen:
            position += 1
            applied.append((position, False))
    return position, applied


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=2),
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 8), st.booleans()), max_size=30),
    st.integers(1, 30),
)
def test_the_sequencer_agrees_with_the_model(starts: list[int], deliveries: list[Delivery], cut: int) -> None:
    positions = {key: start for key, start in zip(KEYS, starts, strict=True) if start > 0}
    sequencer = Sequencer(positions, SNAPSHOT)
    events = [event(KEYS[key], sequence, snapshot) for key, sequence, snapshot in deliveries]
    sequencer.take(events[:cut])
    sequencer.take(events[cut:])
    for number, key in enumerate(KEYS):
        position, applied = model(starts[number], [(seq, snapshot) for k, seq, snapshot in deliveries if k == number])
        mine = [e.envelope for e in sequencer.applied if e.envelope.partition_key == key]
        assert [(e.sequence, e.type == SNAPSHOT) for e in mine] == applied
        assert sequencer.position(key) == position
        assert sequencer.moved.get(key, starts[number]) == position
        waiting = {seq for k, seq, snapshot in deliveries if k == number and not snapshot and seq > position}
        assert {e.envelope.sequence for e in sequencer.waiting if e.envelope.partition_key == key} == waiting
