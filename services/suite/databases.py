"""Roles and databases: one database per process of the suite, owned by a role that only migrations use."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from services.chassis.db import Connection  # SQLAlchemy comes with it, which the launcher has no other use for


_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


def owner_role(process: str) -> str:
    """The role that owns a process's database and runs its migrations."""
    return f"{process}_owner"


def application_role(process: str) -> str:
    """The role a process logs in as: owns nothing, bypasses nothing (reliability.md 15)."""
    return f"{process}_app"


def roles_of(processes: Iterable[str]) -> list[str]:
    """Every role of `processes`."""
    return [role(process) for process in processes for role in (owner_role, application_role)]


async def ensure(
    admin_url: str, passwords: Mapping[str, str], databases: Mapping[str, str], *, template: str | None = None
) -> None:
    """Create the roles of `passwords` (role → password) and the `databases` (name → process) that are missing.

    A role that exists gets back the password and rights it shall have. `template` names a database to clone, which nobody may
    be connected to meanwhile; without it a new database is empty.
    """
    connection = await asyncpg.connect(admin_url, timeout=10)
    try:
        known = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        for role, password in passwords.items():
            await _ensure_role(connection, role, password, exists=role in known)
        there = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for database, process in databases.items():
            await _ensure_database(connection, database, process, None if database in there else template or "template0")
    finally:
        await connection.close()


async def _ensure_role(connection: "Connection", role: str, password: str, *, exists: bool) -> None:
    literal: str = await connection.fetchval("SELECT quote_literal($1::text)", password)
    await connection.execute(
        f"{'ALTER' if exists else 'CREATE'} ROLE {_checked(role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS "
        f"NOREPLICATION PASSWORD {literal}"
    )


async def _ensure_database(connection: "Connection", database: str, process: str, template: str | None) -> None:
    """Only the process's two roles may connect. Without `template` the database is there already."""
    owner, application = owner_role(_checked(process)), application_role(process)
    if template is not None:
        await connection.execute(f"CREATE DATABASE {_checked(database)} OWNER {owner} TEMPLATE {_checked(template)}")
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {application}")


def _checked(name: str) -> str:
    """Names stand unquoted in the statements above; none comes from outside, and a slip shall not become SQL."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no plain lower-case name")
    return name
