"""What one audit line contributes to the evidence: a leaf of the tree and a link of the chain.

A leaf covers which line it is, when the database recorded it, and the digest of its text. The chain binds each position to all
before it, so that a break can be named by its position; the tree lets a small signed head stand for the whole.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from services.chassis.evidence.merkle import leaf_hash

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def leaf(audit_id: UUID, recorded_at: datetime, digest: bytes) -> bytes:
    """The leaf hash: id (16 bytes), microseconds since 1970 (8 bytes, signed, big-endian), SHA-256 of the line (32 bytes)."""
    instant = (recorded_at - _EPOCH) // _MICROSECOND
    return leaf_hash(audit_id.bytes + instant.to_bytes(8, signed=True) + digest)


def chain_start(service: str) -> bytes:
    """The link before the first: no chain of one service is one of another."""
    return sha256(b"xinshimin audit chain\x00" + service.encode()).digest()


def chain_link(previous: bytes, leaf_of_line: bytes) -> bytes:
    """The link of a position, from the one before it."""
    return sha256(previous + leaf_of_line).digest()
