"""Importing a roster of residents: chunk by chunk, each a transaction; the next ones are made ready while one is written."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial

from services.chassis.long_work.course import Course, Part
from services.chassis.work import Work
from services.registry.imports.decisions import Decisions
from services.registry.imports.effects import Effects
from services.registry.imports.files import Numbered
from services.registry.imports.knowing import look_up
from services.registry.imports.layout import Layout
from services.registry.imports.preparing import PROCESSES, Chunk, Preparer, preparer
from services.registry.imports.running import opened, part_of
from services.registry.schemas.rosters.kinds import RosterKind

CHUNK = 1_000
"""Rows of one transaction. Each holds as many advisory locks, of which PostgreSQL has room for about six thousand."""


async def import_residents(course: Course) -> None:
    """Work the file off from the part the last worker stopped at. Raises `ActFailedError` for a file that is no roster."""
    roster, layout = await opened(course, RosterKind.RESIDENTS)
    async with preparer(course, layout, roster.rows) as making:
        importer = _Importer(course, layout, making)
        async with aclosing(_ready(making, roster.chunks(CHUNK, skip=course.parts_passed_over))) as chunks:
            async for chunk in chunks:
                await importer.take(chunk)


async def _ready(making: Preparer, chunks: AsyncIterator[list[Numbered]]) -> AsyncGenerator[Chunk, None]:
    """The chunks in order; as many as there are processes, and one more, are in the making."""
    waiting: deque[asyncio.Task[Chunk]] = deque()
    try:
        async for numbered in chunks:
            waiting.append(asyncio.create_task(making.prepare(numbered)))
            if len(waiting) > PROCESSES:
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()


class _Importer:
    """The chunks of one operation. `tried`: numbers that were resolved in vain, see `knowing`."""

    def __init__(self, course: Course, layout: Layout, making: Preparer) -> None:
        self._course = course
        self._layout = layout
        self._making = making
        self._tried: set[bytes] = set()

    async def take(self, chunk: Chunk) -> None:
        """One part. A day may have begun since the rows were made ready: then they are again."""
        await self._course.part(partial(self._part, chunk=chunk))

    async def _part(self, work: Work, *, chunk: Chunk) -> Part:
        if chunk.desk.today != work.today:
            chunk = self._making.again(chunk)
        documents = {row.number_index: row.name_index for row in reversed(chunk.rows) if row.number_index}
        known = await look_up(work, documents, self._tried)
        decisions = Decisions(work, self._layout, known, Effects(work, chunk.desk.now))
        outcomes = Counter([await decisions.decide(row) for row in chunk.rows])
        if not self._course.rehearsal:
            await decisions.effects.write()
        counts = {outcome.value: times for outcome, times in outcomes.items()}
        return part_of(self._course, self._layout, chunk.rows, counts, decisions.refused, known.attempts)
