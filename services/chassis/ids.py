"""Identifiers: UUID version 7 (RFC 9562), so that keys grow with time and indexes stay compact."""

import time
from collections.abc import Iterator
from uuid import UUID

from asyncpg.pgproto import pgproto

from services.chassis.entropy import random_bytes

_RANDOM_BYTES = 10
_VERSION_AND_VARIANT = 0x7000_8000_0000_0000_0000
_RANDOM_BITS = 0x0FFF_3FFF_FFFF_FFFF_FFFF
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def new_id() -> UUID:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits around version and variant.

    Of the kind that rows from the database bring: a `uuid.UUID` in C, made and spelled in a tenth of the time.
    """
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(random_bytes(_RANDOM_BYTES)) & _RANDOM_BITS | _VERSION_AND_VARIANT
    return pgproto.UUID((milliseconds << 80 | tail).to_bytes(16))


def quick_id(text: str) -> UUID:
    """The id a text spells, of the same kind."""
    return pgproto.UUID(text)


def new_ids(count: int) -> Iterator[str]:
    """So many fresh UUIDv7 as texts, all of this millisecond: in the order they come, a third of the time of `new_id` each."""
    milliseconds = f"{time.time_ns() // 1_000_000:012x}"
    head, drawn = f"{milliseconds[:8]}-{milliseconds[8:]}-7", random_bytes(_RANDOM_BYTES * count).hex()
    for start in range(0, len(drawn), 2 * _RANDOM_BYTES):
        digits = drawn[start : start + 2 * _RANDOM_BYTES]
        yield f"{head}{digits[:3]}-{_VARIANT[digits[3]]}{digits[4:7]}-{digits[7:19]}"
