"""Rows are made ready a chunk at a time: in a thread for a short file, in processes of their own for a long one, because words,
keys and evidence of one person after the other are what an import spends its time on. Until the processes have started – they
load as much as the importer did – a thread makes do for them.

The processes know the keys from where the service has them and nothing of the database but that; they end with the importer.
"""

import asyncio
import gc
import multiprocessing
import os
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.chassis.attachments.store import in_thread
from services.chassis.clock import utc_now
from services.chassis.data_keys import open_keyring
from services.chassis.db import close_pool, create_pool
from services.chassis.keyring import Keyring
from services.chassis.long_work.course import Course
from services.chassis.long_work.tables.files import Numbered
from services.chassis.long_work.tables.layout import Layout
from services.chassis.sealing import Suite
from services.chassis.settings import ServiceSettings
from services.registry.imports.plain.rows import plain_rows
from services.registry.imports.prepared import Preparation, PreparedRow
from services.registry.imports.rows import Bringer, examine

PROCESSES = 2
WORTH_PROCESSES = 5_000
"""Rows from which on it pays to start them: a second and 60 MB each."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that are ready, and for whom and when they were made so."""

    desk: Bringer
    rows: Sequence[PreparedRow]


@dataclass(frozen=True, slots=True)
class Job:
    """Rows to be made ready."""

    desk: Bringer
    layout: Layout
    service: str
    request_id: str
    numbered: Sequence[Numbered]

    def done(self, keyring: Keyring) -> Chunk:
        """Make them ready."""
        desk = self.desk
        plain = plain_rows(keyring, self.service, self.request_id, desk.principal, desk.today)
        made = zip(self.numbered, plain.made(desk.now, self.layout, self.numbered), strict=True)
        return Chunk(desk, [self._judged(keyring, *numbered) if row is None else row for numbered, row in made])

    def _judged(self, keyring: Keyring, number: int, cells: Sequence[str]) -> PreparedRow:
        """A row that is not plain."""
        preparation = Preparation(self.desk, keyring, self.service, self.request_id)
        return preparation.prepare(examine(self.desk, self.layout, number, cells))


class Preparer:
    """Makes chunks ready; `asynccontextmanager` `preparer` gives one."""

    def __init__(self, course: Course, layout: Layout, pool: ProcessPoolExecutor | None) -> None:
        self._course = course
        self._layout = layout
        self._pool = pool
        self._starting = [pool.submit(_is_there) for _ in range(PROCESSES)] if pool else []

    async def prepare(self, numbered: Sequence[Numbered]) -> Chunk:
        """The rows, ready, on the law's day of now."""
        job = self.job(numbered)
        if self._pool is None or not all(one.done() for one in self._starting):
            return await in_thread(job.done, self._course.runtime.keyring)
        return await asyncio.wrap_future(self._submitted(self._pool, job))

    def again(self, chunk: Chunk) -> Chunk:
        """The same rows on the law's day of now, here and at once."""
        return self.job([(row.number, row.cells) for row in chunk.rows]).done(self._course.runtime.keyring)

    def job(self, numbered: Sequence[Numbered]) -> Job:
        """What is to be done with them."""
        runtime, operation = self._course.runtime, self._course.operation
        desk = Bringer(operation.principal, runtime.law_clock.today(), utc_now())
        return Job(desk, self._layout, runtime.name, operation.request_id, numbered)

    def _submitted(self, pool: ProcessPoolExecutor, job: Job) -> "Future[Chunk]":
        return pool.submit(_in_process, job, self._course.runtime.keyring.current.key_id)


@asynccontextmanager
async def preparer(course: Course, layout: Layout, rows: int) -> AsyncIterator[Preparer]:
    """Enough processes for so many rows, for as long as the block."""
    if rows < WORTH_PROCESSES:
        yield Preparer(course, layout, None)
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_begin, initargs=(course.runtime.settings,))
    try:
        yield Preparer(course, layout, pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Process:
    """What one of the processes holds."""

    settings: ServiceSettings
    keyring: Keyring


def _begin(settings: ServiceSettings) -> None:
    """Begin life as one of the processes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _Process.settings = settings
    _learn_keys()
    gc.freeze()
    gc.disable()  # rows hold no cycles: looking for them among a chunk's objects again and again is a fifth of the work


def _is_there() -> None:
    """In one of the processes, which has begun then."""


def _in_process(job: Job, sealing_key: bytes) -> Chunk:
    """In one of the processes; when the importer seals with another key by now, the keys are read again first."""
    if _Process.keyring.current.key_id != sealing_key:
        _learn_keys()
    chunk = job.done(_Process.keyring)
    gc.collect(0)
    return chunk


def _learn_keys() -> None:
    async def read() -> Keyring:
        settings = _Process.settings
        dsn = settings.database_url.get_secret_value()
        pool = await create_pool(dsn, size=1, command_timeout=10, application="xinshimin-registry-import-keys")
        try:
            return await open_keyring(pool, settings.key_file, Suite.named(settings.cipher_suite))
        finally:
            await close_pool(pool)

    _Process.keyring = asyncio.run(read())


def _end_with_parent() -> None:
    """However the importer ends: a pool's processes would wait for it for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
