"""Random bytes from the operating system, fetched some thousand at a time: a system call per nonce costs more than the sealing.

Each thread has its own store, so no byte is given twice; a child of a fork begins with an empty one, or it would give what its
parent gives.
"""

import os
import threading

_FETCH = 4096


class _Store(threading.local):
    """What one thread has fetched and not given yet."""

    def __init__(self) -> None:
        self.fetched = b""
        self.place = 0


class _Process:
    """The stores of this process."""

    stores = _Store()


def _begin_anew() -> None:
    _Process.stores = _Store()


os.register_at_fork(after_in_child=_begin_anew)


def random_bytes(count: int) -> bytes:
    """Unpredictable bytes, for keys, nonces and ids."""
    store = _Process.stores
    start = store.place
    end = start + count
    if end > len(store.fetched):
        if count > _FETCH:
            return os.urandom(count)
        store.fetched, start, end = os.urandom(_FETCH), 0, count
    store.place = end
    return store.fetched[start:end]
