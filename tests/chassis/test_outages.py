"""When the ground gives way: a lost database is 503 and not 500, a bug is not called an outage, evidence is not lost."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.chassis import audit
from services.chassis.audit import ReadAuditor
from services.chassis.db import Pool, Transaction, create_pool, in_transaction, prepare, without_transaction
from services.chassis.errors import DomainError
from services.chassis.ids import new_id
from services.chassis.keyring import KeyFileError, Keyring, KeySet, make_key
from services.chassis.logs import JsonFormatter
from services.chassis.problems import Catalogue
from services.chassis.rows import SERVICE
from services.chassis.work import AuditLine
from tests.chassis.office.app import NoteChanged
from tests.chassis.test_routing import NOTES, problem, written
from tests.conftest import Database
from tests.looking import Looking, as_service
from tests.running import Caller, RunningService
from tests.servers import Servers

_ONE = prepare("SELECT 1")


@pytest.fixture
async def pool(office_database: Database) -> AsyncIterator[Pool]:
    made = await create_pool(office_database.application_url, size=2, command_timeout=5, application="test")
    yield made
    await made.close()


@pytest.mark.parametrize(("blow", "code"), [("pg_terminate_backend", "database-unavailable"), ("pg_cancel_backend", "busy")])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_call_that_loses_its_statement_may_be_repeated(
    clerk: Caller, office: RunningService, office_database: Database, servers: Servers, blow: str, code: str, method: str
) -> None:
    note = await written(clerk)
    database = await Looking(office.runtime.pool).fetchval("SELECT current_database()")
    superuser = await asyncpg.connect(servers.postgres_url(database))
    holder = await asyncpg.connect(as_service(office_database.owner_url))
    await holder.execute("BEGIN; LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
    path, content = (f"{NOTES}/{note['note_id']}", None) if method == "GET" else (NOTES, {"content": f"x {uuid4()}"})
    call = asyncio.create_task(clerk.call(method, path, json=content))
    struck = 0
    for _ in range(100):
        struck = await superuser.fetchval(
            f"SELECT count({blow}(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        if struck:
            break
        await asyncio.sleep(0.02)
    answer = await call
    await holder.execute("ROLLBACK")
    await holder.close()
    await superuser.close()
    assert struck == 1
    problem(answer, 503, code)
    assert answer.headers["retry-after"]
    assert (await clerk.call(method, path, json=content)).is_success


async def test_a_bug_is_not_taken_for_an_outage(pool: Pool) -> None:
    async def two_at_once(tx: Transaction) -> None:
        for answer in await asyncio.gather(tx.fetch_value(_ONE), tx.fetch_value(_ONE), return_exceptions=True):
            if isinstance(answer, Exception):
                raise answer

    async def a_missing_file(_: Transaction) -> None:
        raise FileNotFoundError("parameters.toml")

    with pytest.raises(asyncpg.InterfaceError):
        await in_transaction(pool, two_at_once, rows=SERVICE)
    with pytest.raises(FileNotFoundError):
        await in_transaction(pool, a_missing_file, rows=SERVICE)
    with pytest.raises(asyncpg.InterfaceError):
        async with without_transaction(pool, rows=SERVICE, acquire_timeout=1) as tx:
            await two_at_once(tx)
    assert await pool.fetchval("SELECT 1") == 1


class CutOff:
    """A pool that is slow to give a connection the first time."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.asked = asyncio.Event()
        self.slow = True

    async def acquire(self, **options: Any) -> Any:
        self.asked.set()
        if self.slow:
            self.slow = False
            await asyncio.sleep(60)
        return await self.pool.acquire(**options)

    async def release(self, connection: Any, **options: Any) -> None:
        await self.pool.release(connection, **options)


def line() -> AuditLine:
    return AuditLine(new_id(), None, "{}", bytes(32))


async def test_a_group_cut_off_by_the_stop_is_still_written(pool: Pool) -> None:
    cut = CutOff(pool)
    auditor = ReadAuditor(cut)  # type: ignore[arg-type]
    running = asyncio.create_task(auditor.run())
    lines = [line(), line()]
    waiting = [asyncio.create_task(auditor.write([one])) for one in lines]
    await cut.asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with asyncio.timeout(2):
        await asyncio.gather(*waiting)
    kept = await Looking(pool).fetchval(
        "SELECT count(*) FROM audit_line WHERE audit_id = ANY($1)", [one.audit_id for one in lines]
    )
    assert kept == 2


async def test_nobody_waits_for_an_auditor_that_gave_up(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_LAST_GROUPS_S", 0.05)
    cut = CutOff(pool)
    auditor = ReadAuditor(cut)  # type: ignore[arg-type]
    running = asyncio.create_task(auditor.run())
    waiting = asyncio.create_task(auditor.write([line()]))
    await cut.asked.wait()
    cut.slow = True
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with asyncio.timeout(2):
        with pytest.raises(DomainError, match="audit-unavailable"):
            await waiting


async def test_lines_that_were_committed_before_the_cut_are_not_written_twice(pool: Pool) -> None:
    one = line()
    for _ in range(2):
        await audit.commit_lines(pool, [one])
    assert await Looking(pool).fetchval("SELECT count(*) FROM audit_line WHERE audit_id = $1", one.audit_id) == 1


async def test_a_version_nobody_looks_at_is_not_ignored(clerk: Caller) -> None:
    content = f"x {uuid4()}"
    problem(await clerk.post(NOTES, {"content": content}, headers={"if-match": '"1"'}), 412, "stale-version")
    assert (await clerk.post(NOTES, {"content": content})).status_code == 201


async def test_a_read_cannot_lose_an_event(office: RunningService) -> None:
    async with without_transaction(office.runtime.pool, rows=SERVICE, acquire_timeout=1) as tx:
        work = office.runtime.own_work(tx)
        work.emit(NoteChanged(note_id=new_id(), version=1))
        with pytest.raises(RuntimeError, match="a read has no transaction"):
            work.take_audit_lines()


def test_a_problem_may_name_an_id() -> None:
    person_id = UUID(int=7)
    error = DomainError("not-found", extra={"person_id": person_id})
    assert str(person_id).encode() in Catalogue.load().document(error, language="en", request_id="r").body


def test_what_asyncio_says_of_a_lost_exception_holds_no_value() -> None:
    message = "Task exception was never retrieved\nfuture: <Task exception=UniqueViolationError('Key (name)=(张三)')>"
    record = logging.LogRecord("asyncio", logging.ERROR, "", 0, message, None, None)
    assert "张三" not in JsonFormatter("office").format(record)
    record = logging.LogRecord("x", logging.ERROR, "", 0, "a\u200fb\u061c\ud800", None, None)
    assert JsonFormatter("office").format(record).isascii()


def test_keys_are_not_shown() -> None:
    key = make_key()
    assert key not in repr(KeySet(current="k1", keys={"k1": key}))


def test_key_files_that_cannot_work_are_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.touch(mode=0o600)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(KeyFileError, match="not text"):
        Keyring.load(path)
    name = "n" * 256
    content = {"data": {"current": name, "keys": {name: make_key()}}, "index": make_key(), "cursor": make_key()}
    with pytest.raises(KeyFileError, match="malformed"):
        Keyring(json.dumps(content))


async def test_a_process_at_work_with_every_connection_is_ready(office: RunningService) -> None:
    pool = office.runtime.pool
    held = [await pool.acquire() for _ in range(pool.get_max_size())]
    try:
        await asyncio.sleep(1.1)  # the answer before is remembered for a second
        assert (await office.http.get("/readyz")).json() == {"ready": True, "not_ready": {}, "warnings": {}}
    finally:
        for connection in held:
            await pool.release(connection)
