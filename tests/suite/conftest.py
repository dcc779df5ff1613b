"""One running suite for the tests that only look at it."""

from collections.abc import Iterator

import pytest

from tests.suite.launching import RunningUp, up


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """A suite on a fresh folder."""
    with up(tmp_path_factory.mktemp("running") / "data") as suite:
        yield suite
