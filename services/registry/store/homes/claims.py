"""Keeping others from registering the same thing until the commit."""

import unicodedata

from services.chassis.db import prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.registry.rules.division import significant

_TOWNSHIP_DIGITS = 9
_CLAIM = prepare("SELECT pg_advisory_xact_lock(hashtextextended(encode(CAST(:index AS bytea), 'hex'), 1))")


async def claim(work: Work, index: bytes) -> None:
    """Wait for whoever registers under the same digest, and keep the others waiting."""
    await work.tx.execute(_CLAIM, index=index)


def address_index(keyring: Keyring, division_code: str, address: str) -> bytes:
    """The digest under which an address of a town is found again, however it is spaced and in whatever width it was typed."""
    typed = "".join(unicodedata.normalize("NFKC", address).casefold().split())
    return keyring.blind_index("premises.address", f"{significant(division_code)[:_TOWNSHIP_DIGITS]}|{typed}")
