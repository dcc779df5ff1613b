"""Rows are made ready a chunk at a time, in a thread, while PostgreSQL writes the chunk before: words, keys and evidence of one
person after the other are what an import spends its time on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis.attachments.store import in_thread
from services.chassis.clock import utc_now
from services.chassis.long_work.course import Course
from services.chassis.long_work.tables.files import Numbered
from services.chassis.long_work.tables.layout import Layout
from services.registry.imports.plain.rows import plain_rows
from services.registry.imports.prepared import Preparation, PreparedRow
from services.registry.imports.rows import Bringer, examine


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that are ready, and for whom and when they were made so."""

    desk: Bringer
    rows: Sequence[PreparedRow]


@dataclass(frozen=True, slots=True)
class Preparer:
    """Makes the chunks of one operation ready."""

    course: Course
    layout: Layout

    async def prepare(self, numbered: Sequence[Numbered]) -> Chunk:
        """The rows, ready, on the law's day of now."""
        return await in_thread(self.made, numbered)

    def again(self, chunk: Chunk) -> Chunk:
        """The same rows on the law's day of now, here and at once."""
        return self.made([(row.number, row.cells) for row in chunk.rows])

    def made(self, numbered: Sequence[Numbered]) -> Chunk:
        """The rows, ready."""
        runtime, operation = self.course.runtime, self.course.operation
        desk = Bringer(operation.principal, runtime.law_clock.today(), utc_now())
        preparation = Preparation(desk, runtime.keyring, runtime.name, operation.request_id)
        return Chunk(desk, made_ready(preparation, self.layout, numbered))


def made_ready(preparation: Preparation, layout: Layout, numbered: Sequence[Numbered]) -> list[PreparedRow]:
    """These rows: the plain ones as such, the others by the models."""
    desk, keyring = preparation.desk, preparation.keyring
    plain = plain_rows(keyring, preparation.service, preparation.request_id, desk.principal, desk.today)
    made = zip(numbered, plain.made(desk.now, layout, numbered), strict=True)
    return [preparation.prepare(examine(desk, layout, *each)) if row is None else row for each, row in made]
