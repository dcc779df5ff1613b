"""One suite for all journeys of a session: starting it is part of what is tested."""

from collections.abc import Iterator

import pytest

from tests.journeys.suite import Office, Suite, running_suite


@pytest.fixture(scope="session")
def suite() -> Iterator[Suite]:
    """The running suite."""
    with running_suite() as running:
        yield running


@pytest.fixture
def city(suite: Suite) -> Iterator[Office]:
    """The demo client, for the whole city; the law clock is back at the system's when it is done."""
    office = suite.demo()
    office.set_clock(None)
    yield office
    office.set_clock(None)
