"""Fixtures every part shares: the embedded servers, a migrated database to clone, keys of a pretended gateway."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from joserfc.jwk import ECKey

from services.chassis import migrations
from services.chassis.keyring import KeySet, make_key, make_key_file
from tests.running import InsideKeys
from tests.servers import Servers, embedded_servers

pytest_plugins = ["tests.budget"]

# `make test` says the same of the same code every time, on however busy a machine: a red run means a change and not a lucky
# draw. New examples are looked for by `make test-long` and by a plain `pytest`.
settings.register_profile("repeatable", derandomize=True, deadline=None)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and NATS of this session."""
    with embedded_servers() as running:
        yield running


@dataclass(frozen=True, slots=True)
class Database:
    """One database with its two roles."""

    application_url: str
    owner_url: str


MakeDatabase = Callable[[str, Path], Database]


@pytest.fixture(scope="session")
def make_database(servers: Servers) -> MakeDatabase:
    """`make_database(process, migrations_folder)`: a fresh clone of the migrated template of that process.

    None is dropped: they go with their server, and dropping a hundred would take 40 s.
    """
    templates: dict[Path, str] = {}
    numbers = itertools.count(1)

    def make(process: str, folder: Path) -> Database:
        if folder not in templates:
            template = f"template_{len(templates)}_{process}"
            servers.create_database(template, process=process)
            urls = _urls(servers, template, process)
            asyncio.run(migrations.upgrade(folder, urls.owner_url, urls.application_url))
            templates[folder] = template
        name = f"{process}_{next(numbers)}"
        servers.create_database(name, process=process, template=templates[folder])
        return _urls(servers, name, process)

    return make


def _urls(servers: Servers, name: str, process: str) -> Database:
    return Database(servers.postgres_url(name, f"{process}_app"), servers.postgres_url(name, f"{process}_owner"))


@pytest.fixture(scope="session")
def inside_keys(tmp_path_factory: pytest.TempPathFactory) -> InsideKeys:
    """The key with which a test mints inside tokens, and the public half as services read it."""
    key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)
    path = tmp_path_factory.mktemp("inside") / "inside.jwks.json"
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return InsideKeys(key, path)


@pytest.fixture(scope="session")
def document_token_keys() -> KeySet:
    """The suite-wide key of identity document tokens."""
    return KeySet(current="d1", keys={"d1": make_key()})


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory, document_token_keys: KeySet) -> Path:
    """A service's key file."""
    path = tmp_path_factory.mktemp("keys") / "service.json"
    path.touch(mode=0o600)
    path.write_text(make_key_file(document_token_keys))
    return path
