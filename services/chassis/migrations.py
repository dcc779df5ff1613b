"""Migrations: the body of every service's Alembic `env.py`, and the functions the command line calls.

A migration runs as the owning role, in the `service` row context, because row-level security binds the owner too; afterwards
the application role is granted what it needs and nothing more.
`lock_timeout` keeps a migration from queueing behind – and so blocking – the traffic of a live service
(reliability.md 18).
"""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import MetaData, pool
from sqlalchemy.ext.asyncio import create_async_engine

from services.chassis.db import Connection
from services.chassis.retention import APPEND_ONLY, PREFIX
from services.chassis.rows import SERVICE_SESSION

VERSION_TABLE = "alembic_version"
# The application role may not rewrite evidence, and may not touch what only migrations change.
_EVIDENCE = """
    SELECT CAST(CAST(oid AS regclass) AS text) AS name FROM pg_class
    WHERE relnamespace = CAST('public' AS regnamespace) AND obj_description(oid, 'pg_class') LIKE $1
"""
_APPEND_ONLY = ("audit_line", "audit_seal", "audit_checkpoint", "history")
# What it may fill in of a new row; when and by which transaction the row was written, only the database says.
_GIVEN_COLUMNS = {"audit_line": "audit_id, person_id, line, digest"}


def run(metadata: MetaData) -> None:
    """The body of `env.py`."""
    connection: SyncConnection | None = context.config.attributes.get("connection")
    if connection is None:
        raise RuntimeError("migrations run through `xinshimin migrate`")
    connection.exec_driver_sql("SET lock_timeout = '2s'")
    context.configure(
        connection=connection, target_metadata=metadata, version_table=VERSION_TABLE, compare_server_default=False
    )
    with context.begin_transaction():
        context.run_migrations()


def execute_script(op: Operations, sql: str) -> None:
    """Run SQL text of several statements inside the current migration (the asyncpg driver prepares only single ones)."""
    raw = op.get_bind().connection.dbapi_connection
    assert raw is not None
    raw.run_async(lambda driver: driver.execute(sql))


def head(folder: Path) -> str:
    """The newest revision in `folder`."""
    revision = ScriptDirectory.from_config(_config(folder)).get_current_head()
    assert revision is not None
    return revision


def is_behind(folder: Path, found: str | None) -> bool:
    """Whether a database at revision `found` lacks something the code beside `folder` needs.

    A revision this code does not know is a newer one. That is fine: migrations expand before they contract, so that the code of
    one release earlier runs on it (reliability.md 18); otherwise no old replica could start again once a deployment has begun.
    """
    directory = ScriptDirectory.from_config(_config(folder))
    return found is None or (found != head(folder) and any(script.revision == found for script in directory.walk_revisions()))


async def require_schema(folder: Path, database_url: str, process: str) -> None:
    """Raise `RuntimeError` when the database lacks what the code of `process` needs."""
    found = await current(database_url)
    if is_behind(folder, found):
        raise RuntimeError(f"database of {process} is at {found}, code needs {head(folder)}: xinshimin migrate")


async def current(database_url: str) -> str | None:
    """The revision a database is at, `None` when it has never been migrated."""
    connection = await asyncpg.connect(database_url, timeout=5)
    try:
        if await connection.fetchval("SELECT to_regclass($1)", VERSION_TABLE) is None:
            return None
        revision: str | None = await connection.fetchval(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
        return revision
    finally:
        await connection.close()


async def upgrade(folder: Path, owner_url: str, application_url: str) -> str:
    """Bring the database to the head of `folder` and grant the application role its rights. Returns the revision.

    Replicas may start this at the same time: an advisory lock makes the second wait and find nothing to do. A database that a
    newer release has migrated is left as it is.
    """
    guard = await asyncpg.connect(owner_url, timeout=5)
    try:
        await guard.execute("SELECT pg_advisory_lock(hashtextextended('xinshimin migrations', 0))")
        revision = await current(owner_url)
        if revision is None or is_behind(folder, revision):
            await _upgrade(folder, owner_url)
            revision = head(folder)
        async with guard.transaction():  # all rights at once: at no time may a running service rewrite evidence
            await _grant(guard, role_of(owner_url), role_of(application_url))
        return revision
    finally:
        await guard.close()


def role_of(database_url: str) -> str:
    """The role a database URL logs in as."""
    return unquote(urlsplit(database_url).username or "")


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


async def _upgrade(folder: Path, owner_url: str) -> None:
    async def connect() -> Connection:
        return await asyncpg.connect(owner_url, timeout=5, server_settings=SERVICE_SESSION)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=pool.NullPool)

    def work(connection: SyncConnection) -> None:
        config = _config(folder)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    try:
        async with engine.connect() as connection:
            await connection.run_sync(work)
            await connection.commit()
    finally:
        await engine.dispose()


async def _grant(connection: Connection, owner: str, application: str) -> None:
    if not application or owner == application:
        return
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", application):
        raise ValueError("the application role's name must be a plain lower-case identifier")
    await connection.execute(f"""
        GRANT USAGE ON SCHEMA public TO {application};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {application};
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {application};
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {application};
        REVOKE INSERT, UPDATE, DELETE ON {VERSION_TABLE} FROM {application};
    """)
    for row in await connection.fetch(_EVIDENCE, f"{PREFIX}%{APPEND_ONLY}%"):
        await connection.execute(f"REVOKE UPDATE, DELETE ON {row['name']} FROM {application}")
    for table in _APPEND_ONLY:
        if await connection.fetchval("SELECT to_regclass($1)", table) is not None:
            await connection.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {application}")
    for table, columns in _GIVEN_COLUMNS.items():
        if await _has_columns(connection, table, columns.split(", ")):
            await connection.execute(
                f"REVOKE INSERT ON {table} FROM {application}; GRANT INSERT ({columns}) ON {table} TO {application}"
            )


async def _has_columns(connection: Connection, table: str, columns: list[str]) -> bool:
    known = "SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0"
    return set(columns) <= set(await connection.fetchval(known, table) or ())


def differences(connection: SyncConnection, metadata: MetaData) -> list[object]:
    """What Alembic would still change to reach `metadata`; empty when migrations and tables agree."""
    chassis = (
        "outbox",
        "inbox_",
        "event_sequence",
        "relay_state",
        "history",
        "audit_",
        "idempotency_key",
        "rate_window",
        "person_key",
        "proposal",
        "data_key",
        "key_reader",
        "operation",
        "operation_part",
        "attachment",
    )
    own = (*chassis, "job_run", "sandbox_clock", VERSION_TABLE)

    def is_compared(name: str | None, kind: str) -> bool:
        return not (kind == "table" and name is not None and name.startswith(own))

    # By name as well, so that what is not compared is not read either: its types may be none that SQLAlchemy knows.
    options = {
        "include_name": lambda name, kind, _parents: is_compared(name, kind),
        "include_object": lambda _object, name, kind, *_others: is_compared(name, kind),
    }
    migration = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(migration, metadata))
