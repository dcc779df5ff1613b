"""What a change leaves behind: events in order, history, audit lines; and what a read leaves behind."""

import asyncio
import hashlib
import json
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.chassis.audit import ReadAuditor
from services.chassis.db import create_pool, in_transaction
from services.chassis.errors import DomainError
from services.chassis.rows import SERVICE
from services.chassis.work import history_context
from tests.chassis.test_routing import NOTES, problem, written
from tests.conftest import Database
from tests.looking import Looking, as_service
from tests.running import Caller, InsideKeys, RunningService


async def test_a_change_leaves_event_history_and_audit_line(
    clerk: Caller, office: RunningService, office_database: Database
) -> None:
    note = await written(clerk, f"private {uuid4()}")
    note_id = UUID(note["note_id"])
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    event = await connection.fetchrow("SELECT * FROM outbox WHERE partition_key = $1", note_id)
    assert event is not None
    assert (event["event_type"], event["sequence"], event["division_codes"]) == ("office.note.changed.v1", 1, ["330282"])
    remembered = await connection.fetchrow("SELECT * FROM history WHERE resource_id = $1", note_id)
    assert remembered is not None
    assert (remembered["version"], remembered["changed"], remembered["actor"]) == (1, ["content"], "officer-1")
    keyring = office.runtime.keyring
    snapshot = keyring.open(remembered["snapshot"], history_context("note", note_id, 1))
    assert json.loads(snapshot)["content"] == note["content"]
    with pytest.raises(ValueError, match="does not open"):
        keyring.open(remembered["snapshot"], history_context("note", note_id, 2))
    line = await connection.fetchrow("SELECT line, digest FROM audit_line WHERE line LIKE $1", f"%{note_id}%")
    assert line is not None
    assert hashlib.sha256(line["line"].encode()).digest() == line["digest"]
    content = json.loads(line["line"])
    assert (content["operation"], content["purpose"], content["client"]) == (
        "note.change",
        "residence_registration",
        "test-client",
    )
    assert note["content"] not in line["line"]
    await connection.close()


async def test_a_read_is_audited_before_the_answer_leaves(clerk: Caller, office_database: Database) -> None:
    note = await written(clerk)
    await asyncio.gather(*(clerk.get(f"{NOTES}/{note['note_id']}") for _ in range(20)))
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    count = await connection.fetchval(
        "SELECT count(*) FROM audit_line WHERE line::json->>'operation' = 'read' AND line LIKE $1", f"%{note['note_id']}%"
    )
    assert count == 20
    await connection.close()


async def test_reads_that_cannot_be_audited_are_not_answered(clerk: Caller, office_database: Database) -> None:
    note = await written(clerk)
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    await connection.execute("ALTER TABLE audit_line ADD CONSTRAINT broken CHECK (false) NOT VALID")
    try:
        response = await clerk.get(f"{NOTES}/{note['note_id']}")
    finally:
        await connection.execute("ALTER TABLE audit_line DROP CONSTRAINT broken")
        await connection.close()
    problem(response, 503, "audit-unavailable")
    assert note["content"] not in response.text
    assert (await clerk.get(f"{NOTES}/{note['note_id']}")).status_code == 200


async def test_the_last_group_is_written_when_the_process_stops(office_database: Database) -> None:
    pool = await create_pool(office_database.application_url, size=2, command_timeout=5, application="test")
    auditor = ReadAuditor(pool)
    running = asyncio.create_task(auditor.run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(DomainError, match="audit-unavailable"):
        await auditor.write([])
    await pool.close()


async def test_the_application_role_cannot_rewrite_evidence(office_database: Database) -> None:
    connection = await asyncpg.connect(office_database.application_url)
    for table in ("audit_line", "history"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET recorded_at = now()", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("CREATE TABLE mine (x int)")
    await connection.close()


async def test_sequences_are_dense_per_key_under_racing_writers(office: RunningService, clerk: Caller) -> None:
    note = await written(clerk)
    path = f"{NOTES}/{note['note_id']}"

    async def change() -> bool:
        for _ in range(40):
            version = (await clerk.get(path)).json()["version"]
            if (await clerk.patch(path, {"content": f"c {uuid4()}"}, version)).status_code == 200:
                return True
        return False

    assert all(await asyncio.gather(*(change() for _ in range(6))))
    rows = await Looking(office.runtime.pool).fetch(
        "SELECT sequence FROM outbox WHERE partition_key = $1 ORDER BY outbox_id", UUID(note["note_id"])
    )
    assert [row["sequence"] for row in rows] == list(range(1, 8))


async def test_a_conflict_is_repeated_as_a_whole(office_database: Database) -> None:
    pool = await create_pool(office_database.application_url, size=2, command_timeout=5, application="test")
    runs = 0

    async def body(tx: object) -> int:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise asyncpg.SerializationError("made up")
        return runs

    assert await in_transaction(pool, body, rows=SERVICE) == 3

    async def never(tx: object) -> None:
        raise asyncpg.DeadlockDetectedError("made up")

    with pytest.raises(DomainError, match="busy"):
        await in_transaction(pool, never, rows=SERVICE, attempts=2)
    await pool.close()


async def test_calls_without_the_inside_token_are_refused(office: RunningService, inside_keys: InsideKeys) -> None:
    good = {"sub": "c", "org": "o", "div": "330282", "scp": ["office.note.read"], "act": None, "pur": "residence_registration"}
    name = "office"
    assert (await _get(office, inside_keys.token(name, **good))).status_code == 200
    bad = [
        inside_keys.token("registry", **good),
        inside_keys.token(name, **{**good, "iss": "somebody"}),
        inside_keys.token(name, **{**good, "exp": 1}),
        inside_keys.token(name, **{**good, "exp": None}),
        inside_keys.token(name, **{**good, "exp": 4102444800}),
        inside_keys.token(name, **{**good, "scp": "office.note.read office.note.write", "div": 5}),
        inside_keys.token(name, **{**good, "sub": None}),
        inside_keys.token(name, **good)[:-4] + "AAAA",
        "x.y.z",
        "",
    ]
    for token in bad:
        problem(await _get(office, token), 401, "unauthenticated")
    response = await office.http.get(NOTES)
    problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def _get(office: RunningService, token: str) -> httpx.Response:
    return await office.http.get(NOTES, headers={"authorization": f"Bearer {token}"})
