"""Identifiers grow with time and are UUIDs to everybody."""

import time
from uuid import RFC_4122, UUID

from services.chassis.ids import new_id


def test_an_id_is_a_uuid_of_version_7_with_the_instant_in_front() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000
    assert isinstance(made, UUID)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= after
    assert UUID(str(made)) == made


def test_the_other_bits_are_random() -> None:
    drawn = [new_id().int & ((1 << 62) - 1) for _ in range(200)]
    assert len(set(drawn)) == 200
    assert all(any(bits >> place & 1 for bits in drawn) for place in range(62))
