"""Entries and their chain: one exact spelling of an entry, so that it has one hash.

The spelling is JSON with keys in order of their code points, no spaces, UTF-8 unescaped, whole numbers, `null` for what is
absent and the instant in UTC with six decimals and `Z`. The hash is SHA-256 over the domain below, the 32 bytes of the hash
before (32 zero bytes for the first entry) and the spelling without `hash`, in lower-case hexadecimal.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256

from services.welfare_fund.rules.ledger.accounts import Transfer

FIRST = "0" * 64
_DOMAIN = b"xinshimin/welfare-fund/ledger/1\x00"


@dataclass(frozen=True, slots=True)
class Entry:
    """A booked transfer: its number from 1 without gaps, the number of the first of its linked group, when, and its hash."""

    number: int
    group: int
    booked_at: datetime
    transfer: Transfer
    hash: str


def linked(previous: str, number: int, group: int, booked_at: datetime, transfer: Transfer) -> Entry:
    """The entry that follows the one with the hash `previous`."""
    unhashed = Entry(number, group, booked_at, transfer, "")
    return Entry(
        number, group, booked_at, transfer, sha256(_DOMAIN + bytes.fromhex(previous) + canonical(_plain(unhashed))).hexdigest()
    )


def canonical(document: object) -> bytes:
    """The one spelling of a document."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def spelt(entry: Entry) -> bytes:
    """An entry as its line of an export."""
    return canonical(_plain(entry) | {"hash": entry.hash})


def spelt_instant(instant: datetime) -> str:
    """An instant in UTC, always with six decimals."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _plain(entry: Entry) -> dict[str, object]:
    told: dict[str, object] = asdict(entry.transfer)
    return told | {"number": entry.number, "group": entry.group, "booked_at": spelt_instant(entry.booked_at)}
