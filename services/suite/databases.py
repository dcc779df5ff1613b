"""Roles and databases: one database per process of the suite, owned by a role that only migrations use."""

import re

import asyncpg

from services.chassis.db import Connection

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


def owner_role(process: str) -> str:
    """The role that owns a process's database and runs its migrations."""
    return f"{process}_owner"


def application_role(process: str) -> str:
    """The role a process logs in as: owns nothing, bypasses nothing (reliability.md 15)."""
    return f"{process}_app"


async def ensure_roles(admin_url: str, passwords: dict[str, str]) -> None:
    """Create each role of `passwords` (role → password), or bring it back to the rights and password it shall have."""
    connection = await asyncpg.connect(admin_url, timeout=10)
    try:
        known = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        for role, password in passwords.items():
            verb = "ALTER" if _checked(role) in known else "CREATE"
            await connection.execute(
                f"{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION "
                f"PASSWORD {await _literal(connection, password)}"
            )
    finally:
        await connection.close()


async def ensure_database(admin_url: str, database: str, process: str, *, template: str | None = None) -> None:
    """Create `database` for `process` unless it is there; only the process's two roles may connect.

    `template` names a database to clone, which nobody may be connected to meanwhile.
    """
    connection = await asyncpg.connect(admin_url, timeout=10)
    owner, application = owner_role(_checked(process)), application_role(process)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _checked(database)):
            clone = f" TEMPLATE {_checked(template)}" if template else " TEMPLATE template0"
            await connection.execute(f"CREATE DATABASE {database} OWNER {owner}{clone}")
        await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
        await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {application}")
    finally:
        await connection.close()


def _checked(name: str) -> str:
    """Names stand unquoted in the statements above; none comes from outside, and a slip shall not become SQL."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no plain lower-case name")
    return name


async def _literal(connection: Connection, value: str) -> str:
    quoted: str = await connection.fetchval("SELECT quote_literal($1::text)", value)
    return quoted
