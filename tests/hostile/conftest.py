"""One suite for all hostile tests of a session, with people in it, and a forge for tokens."""

from collections.abc import Iterator

import pytest

from tests.hostile.forging import Forge
from tests.hostile.people import City, settle
from tests.journeys.suite import running_suite


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    """A real suite, started as `make run` does, with a resident behind every object route."""
    with running_suite() as suite:
        yield settle(suite)


@pytest.fixture(scope="session")
def forge(city: City) -> Forge:
    """The suite's own keys, and the town's office to speak for."""
    return Forge.of(city, city.owner)
