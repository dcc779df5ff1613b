"""The embedded PostgreSQL and NATS of a suite: started for the processes whose servers the environment does not name."""

import asyncio
from contextlib import ExitStack

from services.suite import databases
from services.suite.catalogue import PROCESSES
from services.suite.data_folder import Layout
from services.suite.environment import SuiteSettings, is_given
from services.suite.nats_server import ADMIN, EmbeddedNats
from services.suite.postgres import SUPERUSER, EmbeddedPostgres
from services.suite.processes import Child, Pause
from services.suite.secrets_file import Passwords
from services.suite.wiring import Wiring


def wanting_postgres() -> list[str]:
    """The processes that need a database here."""
    return [process.name for process in PROCESSES if not is_given(process.name, "DATABASE_URL")]


def wanting_nats() -> list[str]:
    """The processes that need NATS here."""
    return [process.name for process in PROCESSES if not is_given(process.name, "NATS_URL")]


def start_postgres(settings: SuiteSettings, layout: Layout, wiring: Wiring, stack: ExitStack, pause: Pause) -> Child:
    """Start it, make roles and databases, and tell the processes where they are."""
    wanting = wanting_postgres()
    passwords = Passwords(layout.secrets, server_exists=layout.postgres.exists())
    log = layout.log("postgres")
    server = EmbeddedPostgres(
        layout.postgres, password=passwords.of(SUPERUSER), log=log, binaries=settings.postgres_bin, pause=pause
    )
    stack.callback(server.stop)
    process = server.start()
    of_roles = {role: passwords.of(role) for role in databases.roles_of(wanting)}
    asyncio.run(databases.ensure(server.url("postgres"), of_roles, {name: name for name in wanting}))
    for name in wanting:
        owner, application = databases.owner_role(name), databases.application_role(name)
        wiring.set(name, "DATABASE_URL", server.url(name, application, of_roles[application]))
        wiring.set(name, "MIGRATION_URL", server.url(name, owner, of_roles[owner]))
    return Child("postgres", process, log)


def start_nats(settings: SuiteSettings, layout: Layout, wiring: Wiring, stack: ExitStack, pause: Pause) -> tuple[Child, str]:
    """Start it with a user per process, tell them; returns the child and the administrator's URL."""
    wanting = wanting_nats()
    passwords = Passwords(layout.secrets, server_exists=False)
    users = {name: passwords.of(f"nats_{name}") for name in (ADMIN, *wanting)}
    log = layout.log("nats")
    server = EmbeddedNats(layout.nats, passwords=users, log=log, program=settings.nats_server, pause=pause)
    stack.callback(server.stop)
    process = server.start()
    for name in wanting:
        wiring.set(name, "NATS_URL", server.url(name))
    return Child("nats", process, log), server.url(ADMIN)
