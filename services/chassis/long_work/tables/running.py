"""What every kind of roster has in common: its file is looked through, and what became of a part's rows is told."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from services.chassis.attachments import rows as attachment_rows
from services.chassis.db import without_transaction
from services.chassis.errors import FieldError
from services.chassis.long_work.course import ActFailedError, Course, Part
from services.chassis.long_work.tables import refused
from services.chassis.long_work.tables.columns import Column
from services.chassis.long_work.tables.files import Roster, survey
from services.chassis.long_work.tables.layout import Layout
from services.chassis.rows import SERVICE
from services.chassis.work import AuditLine

WITH_NOTE = "with_note"
"""Count of rows that were taken and have a note; they are counted by their outcome, too."""


class Row(Protocol):
    """A row of the file."""

    @property
    def number(self) -> int:
        """As a spreadsheet shows it."""

    @property
    def cells(self) -> Sequence[str]:
        """As they stand in the file."""


async def opened(course: Course, columns: Sequence[Column]) -> tuple[Roster, Layout]:
    """The operation's file and its columns. Raises `ActFailedError` for a file that is no such roster."""
    given = course.operation.parameters
    async with without_transaction(course.runtime.pool, rows=SERVICE) as tx:
        attachment = await attachment_rows.find(course.runtime.own_work(tx), UUID(given["attachment_id"]))
    if attachment is None:
        raise ActFailedError("attachment-not-found")
    roster = await survey(course.runtime, attachment)
    layout = Layout.of(columns, roster.headers, given["mapping"])
    course.head = refused.head(refused.kept_headers(layout))
    course.notes_head = refused.notes_head(refused.kept_headers(layout))
    await course.tell_total(roster.rows)
    return roster, layout


def part_of(
    course: Course,
    layout: Layout,
    rows: Sequence[Row],
    counts: dict[str, int],
    not_taken: Iterable[tuple[Row, Sequence[FieldError]]],
    attempts: Sequence[AuditLine],
    noted: Sequence[tuple[Row, Sequence[FieldError]]] = (),
) -> Part:
    """What the rows of a transaction did, the lines of those that were not taken, and of those that were taken with a note."""

    def in_words(error: FieldError) -> FieldError:
        """Of a problem that names no field the catalogue has the words."""
        if error.message_zh:
            return error
        problem = course.runtime.catalogue.definitions[error.code]
        return replace(error, message_zh=problem.title_zh, message_en=problem.title_en)

    def lines(told: Iterable[tuple[Row, Sequence[FieldError]]]) -> bytes:
        return b"".join(refused.line(row.number, row.cells, map(in_words, errors), layout) for row, errors in told)

    with_notes = {WITH_NOTE: len(noted)} if noted else {}
    return Part(len(rows), counts | with_notes, lines(not_taken), attempts, lines(noted))
