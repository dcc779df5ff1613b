"""The checker of row security: walks a database's catalogue and says what is missing, and what to write (decision 0013)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.chassis.retention import APPEND_ONLY, Retention, retention_of

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

_TABLES = """
    SELECT c.oid::regclass::text AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
        c.relpersistence = 'u' AS unlogged, obj_description(c.oid, 'pg_class') AS comment,
        ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid) AS policies
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1
"""
_POLICIES = """
    SELECT polrelid::regclass::text AS table_name, polname::text AS name, polcmd::text AS command,
        pg_get_expr(polqual, polrelid) AS using, pg_get_expr(polwithcheck, polrelid) AS checking
    FROM pg_policy ORDER BY 1, 2
"""
_FUNCTIONS = """
    SELECT proname::text AS name, prosecdef AS definer, prosrc LIKE '%widen_row_context()%' AS is_door,
        EXISTS (SELECT FROM unnest(proconfig) AS s WHERE s LIKE 'search_path=%') AS has_path
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1
"""
_VIEWS = """
    SELECT oid::regclass::text AS name,
        coalesce(reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false) AS invoker
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' ORDER BY 1
"""
_ROLE = """
    SELECT rolsuper AS superuser, rolbypassrls AS bypasses, rolcreaterole OR rolcreatedb AS creates,
        EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) OR EXISTS (SELECT FROM pg_proc WHERE proowner = r.oid)
            OR EXISTS (SELECT FROM pg_namespace WHERE nspowner = r.oid) OR EXISTS (SELECT FROM pg_database WHERE datdba = r.oid)
            AS owns,
        EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS is_member,
        has_schema_privilege(r.oid, 'public', 'CREATE') AS makes_tables
    FROM pg_roles r WHERE rolname = $1
"""
_RIGHTS = """
    SELECT c.oid::regclass::text AS table_name, p AS privilege
    FROM pg_class c, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS p
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND (
        has_table_privilege($1, c.oid, p) OR p = 'UPDATE' AND has_any_column_privilege($1, c.oid, p))
"""
_SERVICE = "row_is_service()"
_ANY = "row_has_context()"
_NOBODY = "false"
_ASKS_THE_CONTEXT = re.compile(
    r"\b(row_client|row_division|row_unit|is_in_row_division|is_file_visible|is_person_new)\(|\bEXISTS\b"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """What is as it is on purpose, each by name with its reason."""

    unprotected: Mapping[str, str] = field(default_factory=dict)
    any_context: Mapping[str, str] = field(default_factory=dict)
    """`table.policy` → why whoever has a context at all may."""
    definers: Mapping[str, str] = field(default_factory=dict)
    doors: Mapping[str, str] = field(default_factory=dict)
    staging: Mapping[str, str] = field(default_factory=dict)
    """Tables COPY writes to."""
    evidence: frozenset[str] = frozenset()


async def findings(connection: "Connection", application: str, listed: Listed) -> list[str]:
    """What is wrong in this database, one line each."""
    found = await _of_tables(connection, listed)
    found += await _of_policies(connection, listed)
    found += await _of_functions(connection, listed)
    found += [
        f"view {row['name']} runs as its owner: CREATE VIEW … WITH (security_invoker = true)"
        for row in await connection.fetch(_VIEWS)
        if not row["invoker"]
    ]
    return found + await _of_the_role(connection, application)


async def _of_tables(connection: "Connection", listed: Listed) -> list[str]:
    found = []
    rows = await connection.fetch(_TABLES)
    for row in rows:
        name, comment = row["name"], row["comment"]
        recipe = f"add to its migration: SELECT protect_rows('{name}'); and policies for clients, decision 0013"
        if name not in listed.unprotected:
            if not row["enabled"]:
                found.append(f"{name}: row security is not enabled; {recipe}")
            if not row["forced"]:
                found.append(f"{name}: row security is not forced, so its owner passes by; {recipe}")
            if not row["policies"]:
                found.append(f"{name}: no policy; {recipe}")
        if retention_of(comment) is None and name != "alembic_version":
            classes = ", ".join(Retention)
            found.append(f"{name}: {comment!r} names no retention class; COMMENT ON TABLE {name} IS 'retention: <{classes}>'")
        if row["unlogged"] and name not in listed.staging:
            found.append(f"{name}: unlogged, and not among the staging tables listed in tests/test_row_catalogue.py")
        if name in listed.evidence and APPEND_ONLY not in (comment or ""):
            found.append(f"{name}: evidence; its comment must say `{APPEND_ONLY}`, so that the application role only adds")
    gone = {*listed.unprotected, *listed.evidence, *listed.staging} - {row["name"] for row in rows}
    return [*found, *(f"{name}: listed, but there is no such table" for name in sorted(gone))]


async def _of_policies(connection: "Connection", listed: Listed) -> list[str]:
    found = []
    for row in await connection.fetch(_POLICIES):
        expressions = [text for text in (row["using"], row["checking"]) if text is not None]
        label = f"{row['table_name']}.{row['name']}"
        if row["name"] == "of_the_service":
            if expressions != [_SERVICE, _SERVICE]:
                found.append(f"policy {label} is for the service and must say {_SERVICE}, as protect_rows() writes it")
        elif any(_ANY in text for text in expressions):
            if label not in listed.any_context:
                found.append(f"policy {label} lets every client through; narrow it, or list it with the reason")
        elif not all(text == _NOBODY or _ASKS_THE_CONTEXT.search(text) for text in expressions):
            found.append(f"policy {label} asks nothing of the row context: {expressions}")
    return found


async def _of_functions(connection: "Connection", listed: Listed) -> list[str]:
    found = []
    for row in await connection.fetch(_FUNCTIONS):
        name = row["name"]
        if row["definer"] and name not in listed.definers:
            found.append(f"function {name} is SECURITY DEFINER and not listed in tests/test_row_catalogue.py")
        if row["definer"] and not row["has_path"]:
            found.append(f"function {name} is SECURITY DEFINER without SET search_path = public, pg_temp")
        if row["is_door"] and name not in listed.doors:
            found.append(f"function {name} reaches beyond the caller's rows (widen_row_context) and is not listed")
    return found


async def _of_the_role(connection: "Connection", application: str) -> list[str]:
    row = await connection.fetchrow(_ROLE, application)
    if row is None:
        return [f"there is no role {application}"]
    wrong = {
        "superuser": "is superuser",
        "bypasses": "has BYPASSRLS",
        "creates": "creates roles or databases",
        "owns": "owns something here",
        "is_member": "is a member of another role",
        "makes_tables": "may create tables",
    }
    found = [f"role {application} {what}" for name, what in wrong.items() if row[name]]
    comments = {each["name"]: each["comment"] or "" for each in await connection.fetch(_TABLES)}
    for right in await connection.fetch(_RIGHTS, application):
        table, privilege = right["table_name"], right["privilege"]
        if privilege not in {"UPDATE", "DELETE"} or APPEND_ONLY in comments[table]:
            found.append(f"role {application} has {privilege} on {table}")
    return found
