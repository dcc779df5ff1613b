"""Which of very many cases `make test` tries, and which wait for `make test-long`."""

from zlib import crc32

import pytest

ONE_IN = 4
# What `make test` tries is always the same and takes part in what `make test-long` tries.
SHARES = [pytest.param(ONE_IN, id="a share"), pytest.param(1, id="all", marks=[pytest.mark.long, pytest.mark.timeout(900)])]


def is_tried(name: str, one_in: int) -> bool:
    """Whether a case of this name is among the one in so many; it depends on the name alone, never on how many there are."""
    return crc32(name.encode()) % one_in == 0
