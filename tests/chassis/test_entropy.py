"""Random bytes from a store: none is given twice, not to a thread and not to the child of a fork."""

import os
from concurrent.futures import ThreadPoolExecutor

from services.chassis.entropy import random_bytes


def test_nothing_is_given_twice() -> None:
    with ThreadPoolExecutor(4) as threads:
        given = [one for some in threads.map(lambda _: [random_bytes(12) for _ in range(2000)], range(8)) for one in some]
    assert len(set(given)) == len(given) == 16_000
    assert {len(one) for one in given} == {12}
    assert len(random_bytes(10_000)) == 10_000


def test_a_forked_child_begins_anew() -> None:
    random_bytes(1)  # the store is not empty
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, random_bytes(32))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        other = told.read()
    os.waitpid(child, 0)
    assert other != random_bytes(32)
    assert len(other) == 32
