"""Importing a roster of residents: chunk by chunk, each a transaction; the next ones are made ready while one is written."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial

from services.chassis.long_work.course import Course, Part
from services.chassis.long_work.tables.files import Numbered, Roster
from services.chassis.long_work.tables.layout import Layout
from services.chassis.long_work.tables.running import opened, part_of
from services.chassis.work import Work
from services.registry.imports.decisions import Decisions
from services.registry.imports.effects import Effects
from services.registry.imports.knowing import KnownPerson, look_up
from services.registry.imports.preparing import Chunk, Preparer
from services.registry.rules.identity_number import DocumentType, normalised_number
from services.registry.schemas.rosters.kinds import COLUMNS, RosterKind

CHUNK = 1_000
"""Rows of one transaction. Each holds as many advisory locks, of which PostgreSQL has room for about six thousand."""


async def import_residents(course: Course) -> None:
    """Work the file off from the part the last worker stopped at. Raises `ActFailedError` for a file that is no roster."""
    roster, layout = await opened(course, COLUMNS[RosterKind.RESIDENTS])
    making = Preparer(course, layout)
    coming_again = await _coming_again(roster, layout) if course.rehearsal else frozenset()
    importer = _Importer(course, layout, making, coming_again)
    async with aclosing(_ready(making, roster.chunks(CHUNK, skip=course.parts_passed_over))) as chunks:
        async for chunk in chunks:
            await importer.take(chunk)


async def _coming_again(roster: Roster, layout: Layout) -> frozenset[int]:
    """Hashes of the numbers that more than one row names: a rehearsal, which writes nothing, has to remember these people."""
    seen: set[int] = set()
    again: set[int] = set()
    async with aclosing(roster.chunks(CHUNK, skip=0)) as chunks:
        async for numbered in chunks:
            for _, cells in numbered:
                key = _key_of(layout, cells)
                (again if key in seen else seen).add(key)
    return frozenset(again)


def _key_of(layout: Layout, cells: Sequence[str]) -> int:
    return hash(normalised_number(DocumentType.CITIZEN_ID, layout.fields(cells)["document_number"]))


async def _ready(making: Preparer, chunks: AsyncIterator[list[Numbered]]) -> AsyncGenerator[Chunk, None]:
    """The chunks in order; the next is made ready while one is written."""
    coming: asyncio.Task[Chunk] | None = None
    try:
        async for numbered in chunks:
            ready = None if coming is None else await coming
            coming = asyncio.create_task(making.prepare(numbered))
            if ready is not None:
                yield ready
        if coming is not None:
            yield await coming
    finally:
        if coming is not None:
            coming.cancel()


class _Importer:
    """The chunks of one operation. `tried`: numbers that were resolved in vain, see `knowing`; `rehearsed`: what earlier parts
    of a rehearsal would have made of people who come again, by their documents.
    """

    def __init__(self, course: Course, layout: Layout, making: Preparer, coming_again: frozenset[int]) -> None:
        self._course = course
        self._layout = layout
        self._making = making
        self._coming_again = coming_again
        self._tried: set[bytes] = set()
        self._rehearsed: dict[bytes, KnownPerson] = {}
        self._left: dict[bytes, KnownPerson] = {}

    async def take(self, chunk: Chunk) -> None:
        """One part. A day may have begun since the rows were made ready: then they are again."""
        await self._course.part(partial(self._part, chunk=chunk))
        self._rehearsed |= self._left

    async def _part(self, work: Work, *, chunk: Chunk) -> Part:
        if chunk.desk.today != work.today:
            chunk = self._making.again(chunk)
        documents = {row.number_index: row.name_index for row in reversed(chunk.rows) if row.number_index}
        known = await look_up(work, documents, self._tried)
        known.bring({number: self._rehearsed[number].again() for number in documents if number in self._rehearsed})
        decisions = Decisions(work, self._layout, known, Effects(work, chunk.desk.now), self._course.rehearsal)
        outcomes = Counter([await decisions.decide(row) for row in chunk.rows])
        if self._course.rehearsal:
            self._left = self._people_coming_again(decisions, chunk)
        else:
            await decisions.effects.write()
        counts = {outcome.value: times for outcome, times in outcomes.items()}
        return part_of(self._course, self._layout, chunk.rows, counts, decisions.refused, known.attempts, decisions.noted)

    def _people_coming_again(self, decisions: Decisions, chunk: Chunk) -> dict[bytes, KnownPerson]:
        numbers = {
            row.number_index
            for row in chunk.rows
            if row.number_index and _key_of(self._layout, row.cells) in self._coming_again
        }
        people = {number: decisions.person_of(number) for number in numbers}
        return {number: person for number, person in people.items() if person is not None}
