"""Importing a roster of residents: chunk by chunk, each a transaction; the next one is examined while one is written."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from services.chassis.attachments import rows as attachment_rows
from services.chassis.attachments.store import in_thread
from services.chassis.clock import utc_now
from services.chassis.db import without_transaction
from services.chassis.errors import FieldError
from services.chassis.long_work.course import ActFailedError, Course, Part
from services.chassis.rows import SERVICE
from services.chassis.work import Work
from services.registry.imports import refused
from services.registry.imports.decisions import Decisions
from services.registry.imports.effects import Effects
from services.registry.imports.files import Numbered, Roster, survey
from services.registry.imports.knowing import look_up
from services.registry.imports.layout import Layout
from services.registry.imports.prepared import prepare
from services.registry.imports.rows import Bringer, RosterRow, examine
from services.registry.schemas.roster_columns import RosterKind

CHUNK = 1_000
"""Rows of one transaction. Each holds as many advisory locks, of which PostgreSQL has room for about six thousand."""


async def import_residents(course: Course) -> None:
    """Work the file off from the part the last worker stopped at. Raises `ActFailedError` for a file that is no roster."""
    given = course.operation.parameters
    roster = await _opened(course, UUID(given["attachment_id"]))
    layout = Layout.of(RosterKind.RESIDENTS, roster.headers, given["mapping"])
    course.head = refused.head(refused.kept_headers(layout))
    await course.tell_total(roster.rows)
    importer = _Importer(course, layout)
    chunks = roster.chunks(CHUNK, skip=course.parts_done)
    ready = await importer.examined(await anext(chunks, []))
    while ready:
        following = asyncio.create_task(importer.examined(await anext(chunks, [])))
        try:
            await importer.take(ready)
        except BaseException:
            following.cancel()
            raise
        ready = await following


async def _opened(course: Course, attachment_id: UUID) -> Roster:
    async with without_transaction(course.runtime.pool, rows=SERVICE) as tx:
        work = course.runtime.own_work(tx)
        attachment = await attachment_rows.find(work, attachment_id)
    if attachment is None:
        raise ActFailedError("attachment-not-found")
    return await survey(course.runtime, attachment)


class _Importer:
    """The chunks of one operation. `tried`: numbers that were resolved in vain, see `knowing`."""

    def __init__(self, course: Course, layout: Layout) -> None:
        self._course = course
        self._layout = layout
        self._tried: set[bytes] = set()

    async def examined(self, chunk: Sequence[Numbered]) -> list[RosterRow]:
        """What the rows say, in a thread; the database works meanwhile."""
        return await in_thread(self._examine, chunk, self._bringer()) if chunk else []

    async def take(self, rows: Sequence[RosterRow]) -> None:
        """One part. A day may have begun since the rows were examined: then they are again."""
        await self._course.part(partial(self._part, rows=rows))

    async def _part(self, work: Work, *, rows: Sequence[RosterRow]) -> Part:
        if any(row.examined_on != work.today for row in rows):
            chunk = [(row.number, row.cells) for row in rows]
            rows = self._examine(chunk, Bringer(work.principal, work.today, work.now))
        documents = {row.number_index: row.name_index for row in reversed(rows) if row.number_index}
        known = await look_up(work, documents, self._tried)
        decisions = Decisions(work, known, Effects(work))
        outcomes = Counter([await decisions.decide(row) for row in rows])
        if not self._course.rehearsal:
            await decisions.effects.write()
        left = b"".join(
            refused.line(row.number, row.cells, map(self._told, errors), self._layout) for row, errors in decisions.refused
        )
        return Part(len(rows), {outcome.value: times for outcome, times in outcomes.items()}, left)

    def _examine(self, chunk: Sequence[Numbered], desk: Bringer) -> list[RosterRow]:
        keyring = self._course.runtime.keyring
        return [prepare(desk, keyring, examine(desk, self._layout, number, cells)) for number, cells in chunk]

    def _bringer(self) -> Bringer:
        runtime = self._course.runtime
        return Bringer(self._course.operation.principal, runtime.law_clock.today(), utc_now())

    def _told(self, error: FieldError) -> FieldError:
        """The error with words: of a problem that names no field the catalogue has them."""
        if error.message_zh:
            return error
        problem = self._course.runtime.catalogue.definitions[error.code]
        return replace(error, message_zh=problem.title_zh, message_en=problem.title_en)
