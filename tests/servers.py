"""The real PostgreSQL and NATS servers of a test session: embedded, temporary, private to the session."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from services.suite import databases
from services.suite.nats_server import ADMIN, EmbeddedNats
from services.suite.postgres import SUPERUSER, EmbeddedPostgres

PASSWORD = "only-for-this-test-session"
PROCESSES = ("registry", "points_hukou", "health", "education", "gateway", "office")


class Servers:
    """Handles of the running servers. All methods are synchronous: call them outside a running loop or in a thread."""

    def __init__(self, postgres: EmbeddedPostgres, nats: EmbeddedNats) -> None:
        self._postgres = postgres
        self._nats = nats

    @property
    def nats_url(self) -> str:
        """NATS as administrator, who may do everything."""
        return self._nats.url(ADMIN)

    def nats_url_of(self, process: str) -> str:
        """NATS as one process of the suite, with that process's permissions."""
        return self._nats.url(process)

    def postgres_url(self, database: str = "postgres", role: str = SUPERUSER) -> str:
        """URL of a database as `role`: the superuser, `<process>_owner` or `<process>_app`."""
        return self._postgres.url(database, role, PASSWORD)

    def create_database(self, name: str, *, process: str, template: str | None = None) -> None:
        """Create a database for `process`, owned by `<process>_owner` and open to `<process>_app`, like the suite's own.

        `template` is cloned; nobody may be connected to it meanwhile.
        """
        asyncio.run(databases.ensure(self.postgres_url(), {}, {name: process}, template=template))

    def drop_database(self, name: str) -> None:
        """Drop a database and whoever is still connected to it."""
        asyncio.run(self._drop(name))

    async def _drop(self, name: str) -> None:
        connection = await asyncpg.connect(self.postgres_url())
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await connection.close()


@contextmanager
def embedded_servers(*, durable: bool = False) -> Iterator[Servers]:
    """Start both servers in a temporary folder, with the roles of every process; stop and remove all at the end.

    `durable=True` keeps fsync on, for tests that pull the plug. Must be entered in the main thread.
    """
    folder = Path(tempfile.mkdtemp(prefix="xst-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)  # the servers run as another account and must pass
    nats_passwords = {ADMIN: PASSWORD} | dict.fromkeys(PROCESSES, PASSWORD)
    postgres = EmbeddedPostgres(folder / "postgres", password=PASSWORD, log=folder / "postgres.log", durable=durable)
    nats = EmbeddedNats(folder / "nats", passwords=nats_passwords, log=folder / "nats.log", durable=durable)
    try:
        postgres.start()
        nats.start()
        servers = Servers(postgres, nats)
        asyncio.run(databases.ensure(servers.postgres_url(), dict.fromkeys(databases.roles_of(PROCESSES), PASSWORD), {}))
        yield servers
    finally:
        nats.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
