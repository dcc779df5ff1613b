"""Identifiers: UUID version 7 (RFC 9562), so that keys grow with time and indexes stay compact."""

import time
from uuid import UUID

from services.chassis.entropy import random_bytes

_RANDOM_BITS_MASK = (1 << 74) - 1


def new_id() -> UUID:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(random_bytes(10)) & _RANDOM_BITS_MASK
    high = (milliseconds << 16) | 0x7000 | (tail >> 62)
    low = (0b10 << 62) | (tail & ((1 << 62) - 1))
    return UUID(int=(high << 64) | low)
