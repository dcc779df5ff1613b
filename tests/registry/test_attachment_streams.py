"""Uploads and downloads over a real socket: callers that leave, disks that fill, races, large files."""

import asyncio
import contextlib
import hashlib
import os
import random
import resource
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.chassis.attachments.folder import FolderStore
from services.registry.app import DEFINITION, create_app
from services.registry.settings import RegistrySettings
from tests.chassis.attachments import files
from tests.chassis.test_routing import problem
from tests.conftest import MakeDatabase
from tests.gateway.serving import serving
from tests.looking import as_service
from tests.registry.factories import EVERY_SCOPE
from tests.registry.uploads import PATH, download, upload, uploaded
from tests.running import Caller, InsideKeys, audit_key_file
from tests.servers import Servers

MIB = 1 << 20


@dataclass(slots=True)
class Counter:
    """A registry on a socket, its folder and its database."""

    url: str
    folder: Path
    caller: Caller
    database_url: str

    def files(self) -> set[str]:
        """What lies in store and spool."""
        return {path.name for path in self.folder.rglob("*") if path.is_file()}

    async def count(self, table: str) -> int:
        """Rows of a table."""
        return int(await self.value(f"SELECT count(*) FROM {table}"))

    async def value(self, sql: str, *arguments: Any) -> Any:
        """One value from the database."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
async def counter(
    make_database: MakeDatabase,
    servers: Servers,
    key_file: Path,
    inside_keys: InsideKeys,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Counter]:
    database = await asyncio.to_thread(make_database, "registry", DEFINITION.migrations)
    folder = tmp_path_factory.mktemp("counter") / "attachments"
    settings = RegistrySettings(
        database_url=database.application_url,
        nats_url=servers.nats_url_of("registry"),
        key_file=key_file,
        inside_jwks_file=inside_keys.jwks_file,
        sandbox=True,
        attachments_folder=folder,
        audit_key_file=audit_key_file("registry", folder.parent),
        audit_copy_dir=folder.parent,
        log_level="CRITICAL",
    )
    token = inside_keys.token(
        "registry", sub="c", org="test", div="330282", scp=sorted(EVERY_SCOPE), act="officer-1", pur="residence_registration"
    )
    with serving(create_app(settings)) as port:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            yield Counter(url, folder, Caller(http, token), as_service(database.owner_url))


def large_csv(size: int) -> Iterator[bytes]:
    """About `size` bytes of a table, in pieces."""
    yield "姓名,证件号码,备注\r\n".encode()
    line = "张三,330282199001011234,无\r\n".encode()
    piece = line * 2000
    for _ in range(size // len(piece)):
        yield piece


async def in_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def until(condition: Any, within_s: float = 10) -> None:
    """Wait until `condition()` is true, or fail."""
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def _head(counter: Counter, *more: str) -> bytes:
    lines = [
        f"POST {PATH}?purpose=evidence HTTP/1.1",
        "Host: registry",
        f"Authorization: Bearer {counter.caller.token}",
        f"Idempotency-Key: raw-{uuid4()}",
        "Content-Type: application/pdf",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _begin(counter: Counter, *more: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(counter.url.rpartition(":")[2]))
    writer.write(_head(counter, *more))
    writer.write(files.pdf()[:20] + bytes(500_000))
    await writer.drain()
    return reader, writer


async def test_a_caller_who_leaves_in_the_middle_leaves_nothing(counter: Counter) -> None:
    before, rows = counter.files(), await counter.count("attachment")
    for how in ("Content-Length: 5000000", "Transfer-Encoding: chunked"):
        _, writer = await _begin(counter, how)

        async def arriving() -> bool:
            return len(counter.files()) == len(before) + 1

        if "Content-Length" in how:
            await until(arriving)
        writer.transport.abort()

        async def swept() -> bool:
            return counter.files() <= before  # of an earlier test something may still be going

        await until(swept)
    assert await counter.count("attachment") == rows
    assert await counter.count("attachment_unowned") == 0
    assert (await upload(counter.caller, files.pdf())).status_code == 201


async def test_a_slow_sender_holds_no_connection_of_the_database(counter: Counter) -> None:
    writers = [(await _begin(counter, "Content-Length: 5000000"))[1] for _ in range(12)]
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    assert await counter.value(busy) == 0
    assert (await upload(counter.caller, files.pdf(b"meanwhile"))).status_code == 201
    for writer in writers:
        writer.transport.abort()


async def test_an_upload_that_takes_too_long_ends_and_leaves_nothing(counter: Counter) -> None:
    before = counter.files()
    reader, writer = await _begin(counter, "Content-Length: 5000000", "X-Request-Deadline-Ms: 400")
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
    assert b" 504 " in answer
    writer.transport.abort()

    async def swept() -> bool:
        return counter.files() <= before  # of an earlier test something may still be going

    await until(swept)


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes: what a full disk or an exhausted quota is to a writer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_told_and_leaves_nothing(counter: Counter) -> None:
    before, rows = counter.files(), await counter.count("attachment")
    content = files.pdf(random.Random(1).randbytes(2 * MIB))
    given = {"idempotency-key": f"full-{uuid4()}"}
    with room_for(600_000):
        answer = await upload(counter.caller, content, headers=given)
    problem(answer, 507, "attachment-store-full")
    assert int(answer.headers["retry-after"]) > 0
    assert counter.files() == before
    assert await counter.count("attachment") == rows
    assert await counter.count("attachment_unowned") == 0
    assert (await upload(counter.caller, content, headers=given)).status_code == 201


async def test_racing_uploads_under_one_key_make_one_attachment(counter: Counter) -> None:
    for _ in range(5):
        before, rows = counter.files(), await counter.count("attachment")
        content = files.pdf(os.urandom(8).hex().encode() * 30_000)
        given = {"idempotency-key": f"race-{uuid4()}"}
        answers = await asyncio.gather(*(upload(counter.caller, content, headers=given) for _ in range(8)))
        done = {answer.content for answer in answers if answer.status_code == 201}
        assert len(done) == 1
        assert {answer.status_code for answer in answers} <= {201, 409, 503}
        assert await counter.count("attachment") == rows + 1
        assert len(counter.files()) == len(before) + 1
        assert await counter.count("attachment_unowned") == 0


async def test_racing_uploads_of_different_files_under_one_key_make_one_attachment(counter: Counter) -> None:
    before, rows = counter.files(), await counter.count("attachment")
    given = {"idempotency-key": f"race-{uuid4()}"}
    contents = [files.pdf(f"number {number}".encode() * 20_000) for number in range(8)]
    answers = await asyncio.gather(*(upload(counter.caller, content, headers=given) for content in contents))
    assert sorted(answer.status_code for answer in answers)[0] == 201
    assert [answer.status_code for answer in answers].count(201) == 1
    assert {answer.status_code for answer in answers} <= {201, 409, 422}
    assert (await counter.count("attachment"), len(counter.files())) == (rows + 1, len(before) + 1)


class Resident:
    """Watches this process's resident memory."""

    def __init__(self) -> None:
        self.start = self.peak = self._now()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _now(self) -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self.peak = max(self.peak, self._now())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        """Bytes above the beginning."""
        return self.peak - self.start


async def test_a_large_file_passes_through_little_memory(counter: Counter) -> None:
    size = 48 * MIB
    expected = hashlib.sha256(b"".join(large_csv(size))).hexdigest()
    small = await uploaded(counter.caller, in_pieces(large_csv(2 * MIB)), "text/csv")  # what is needed once is there
    await download(counter.caller, small["attachment_id"])
    with Resident() as memory:
        made = await uploaded(counter.caller, in_pieces(large_csv(size)), "text/csv")
    assert made["sha256"] == expected
    assert memory.grown < 16 * MIB
    received = hashlib.sha256()
    with Resident() as memory:
        headers = {"authorization": f"Bearer {counter.caller.token}"}
        async with counter.caller.http.stream("GET", f"{PATH}/{made['attachment_id']}/content", headers=headers) as answer:
            async for part in answer.aiter_bytes():
                received.update(part)
    assert received.hexdigest() == expected
    assert memory.grown < 16 * MIB


async def test_a_reader_that_does_not_read_is_not_read_for(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await uploaded(counter.caller, in_pieces(large_csv(32 * MIB)), "text/csv")
    given = 0
    get = FolderStore.get

    async def counted(store: FolderStore, address: bytes) -> AsyncIterator[bytes]:
        nonlocal given
        async with contextlib.aclosing(get(store, address)) as parts:
            async for part in parts:
                given += len(part)
                yield part

    monkeypatch.setattr(FolderStore, "get", counted)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(counter.url.rpartition(":")[2]), limit=1024)
    target = f"{PATH}/{made['attachment_id']}/content"
    head = f"GET {target} HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer {counter.caller.token}\r\n\r\n"
    writer.write(head.encode())
    assert b"200" in await reader.readline()
    await asyncio.sleep(1)
    assert 0 < given < 12 * MIB
    writer.transport.abort()


async def test_a_file_damaged_in_the_middle_is_never_delivered_as_whole(counter: Counter) -> None:
    content = b"".join(large_csv(3 * MIB))
    made = await uploaded(counter.caller, content, "text/csv")
    name = await counter.value("SELECT encode(address, 'hex') FROM attachment WHERE attachment_id = $1", made["attachment_id"])
    path = counter.folder / "objects" / name[:2] / name[2:4] / name
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[: 1 + 65552 * 20], whole[:2_000_000] + b"?" + whole[2_000_001:], whole + b"x"):
        path.write_bytes(damaged)
        received, is_whole = await _received(counter, made["attachment_id"])
        assert not is_whole
        assert len(received) < len(content)
        assert content.startswith(received)
    path.write_bytes(whole)
    assert await _received(counter, made["attachment_id"]) == (content, True)


async def _received(counter: Counter, attachment_id: str) -> tuple[bytes, bool]:
    """What a download brings, and whether the caller's HTTP library takes it for whole."""
    received = b""
    headers = {"authorization": f"Bearer {counter.caller.token}"}
    try:
        async with counter.caller.http.stream("GET", f"{PATH}/{attachment_id}/content", headers=headers) as answer:
            async for part in answer.aiter_bytes():
                received += part
    except httpx.RemoteProtocolError:
        return received, False
    return received, True
