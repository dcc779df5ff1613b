"""What the application role, and with it whoever takes over a service, cannot do to evidence: plain SQL as that role."""

from uuid import uuid4

import asyncpg
import pytest

from services.chassis.rows import SERVICE_SESSION
from tests.chassis.evidence.stage import Log

TABLES = ("audit_line", "audit_seal", "audit_checkpoint")
FORBIDDEN = [
    *(f"DELETE FROM {table}" for table in TABLES),
    *(f"TRUNCATE {table}" for table in TABLES),
    *(f"DROP TABLE {table}" for table in TABLES),
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in TABLES),
    *(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE" for table in TABLES),
    "UPDATE audit_line SET line = ''",
    "UPDATE audit_line SET recorded_at = now()",
    "UPDATE audit_line SET xid = '0'",
    "UPDATE audit_seal SET position = position + 1",
    "UPDATE audit_checkpoint SET signed = ''",
    "MERGE INTO audit_line l USING audit_line m ON false WHEN MATCHED THEN DELETE",
    "SELECT * FROM audit_line FOR UPDATE",
    "CREATE OR REPLACE FUNCTION prune_audit(days_kept int, checkpoints_max int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DROP FUNCTION prune_audit",
]
FORGED = "decode(repeat('ab', 32), 'hex')"


async def test_evidence_is_not_rewritten(log: Log) -> None:
    connection = await asyncpg.connect(log.dsn, server_settings=SERVICE_SESSION)
    allowed = []
    for statement in FORBIDDEN:
        try:
            await connection.execute(statement)
            allowed.append(statement)
        except asyncpg.InsufficientPrivilegeError:
            await connection.execute("ROLLBACK")
    await connection.close()
    assert allowed == []


@pytest.mark.parametrize("column", ["recorded_at", "xid"])
async def test_when_a_line_was_written_only_the_database_says(log: Log, column: str) -> None:
    value = {"recorded_at": "now() - interval '4 years'", "xid": "'1'::xid8"}[column]
    connection = await asyncpg.connect(log.dsn, server_settings=SERVICE_SESSION)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                f"INSERT INTO audit_line (audit_id, line, digest, {column}) VALUES (gen_random_uuid(), '', {FORGED}, {value})"
            )
    finally:
        await connection.close()


@pytest.mark.parametrize("days", ["182", "0", "-1", "NULL"])
async def test_retention_is_never_shorter_than_the_law(log: Log, days: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="183 days"):
        await log.pool.execute(f"SELECT prune_audit({days}, 10)")


async def test_a_forged_old_checkpoint_removes_no_young_line(log: Log) -> None:
    """The application role may add rows; none that it adds makes the function delete what the database says is young."""
    await log.write(5)
    await log.seal()
    await log.pool.execute(
        f"""
        INSERT INTO audit_checkpoint VALUES (6, 1, '2000-01-01', 'forged', {FORGED}, '0', $1)
        """,
        uuid4(),
    )
    await log.pool.execute(f"INSERT INTO audit_seal VALUES (6, gen_random_uuid(), {FORGED})")
    await log.pool.execute("UPDATE audit_copy SET tree_size = 1000")
    with pytest.raises(asyncpg.RaiseError, match="younger than its retention"):
        await log.pool.execute("SELECT prune_audit(183, 1000)")
    assert await log.pool.fetchval("SELECT count(*) FROM audit_line") == 5


async def test_what_was_not_copied_to_two_places_is_not_removed(log: Log) -> None:
    await log.write(5)
    await log.seal()
    await log.owner.execute(
        """
        UPDATE audit_line SET recorded_at = recorded_at - interval '1200 days';
        UPDATE audit_checkpoint SET signed_at = signed_at - interval '1200 days';
        DELETE FROM audit_copy WHERE place = 'stream';
        """
    )
    assert await log.pool.fetchval("SELECT prune_audit(1096, 10)") == 0
