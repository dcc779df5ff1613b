"""Rosters whose rows are read where they are decided: chunk by chunk, each a transaction. What a kind of roster is, it says as
a `Book`; making persons ready ahead of that (`preparing`) is worth it for residents alone.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from services.chassis.errors import FieldError
from services.chassis.long_work.course import Act, Course, Part
from services.chassis.long_work.tables.columns import Column
from services.chassis.long_work.tables.files import Numbered
from services.chassis.long_work.tables.layout import Layout
from services.chassis.long_work.tables.refusals import NOT_TAKEN, reasons
from services.chassis.long_work.tables.running import opened, part_of
from services.chassis.work import AuditLine, Work

SaidT = TypeVar("SaidT")
KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")

REFUSED = "refused"

Verdict = str | Sequence[FieldError]
"""What became of a row, or why it was not taken."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of each row; `attempts` as in `Part`."""

    verdicts: Sequence[Verdict]
    attempts: Sequence[AuditLine] = ()


class Book(Protocol[SaidT]):
    """A kind of roster during one operation."""

    columns: Sequence[Column]
    chunk: int

    def read(self, work: Work, row: Mapping[str, str]) -> SaidT:
        """What a row says, as far as it alone tells. Raises one of `NOT_TAKEN`."""

    async def take(self, work: Work, said: Sequence[SaidT]) -> Taken:
        """Decide rows in the order of the file, each seeing what those before it did, and write what comes of them."""

    def keep(self) -> None:
        """The part is done."""


@dataclass(slots=True)
class Memory(Generic[KeyT, ValueT]):
    """What things have become by the rows before, in place of what was read of them at the part's beginning. A part that is
    tried again begins anew; a rehearsal, which writes nothing, goes on remembering from part to part.
    """

    is_rehearsal: bool
    _before: dict[KeyT, ValueT] = field(default_factory=dict)
    _now: dict[KeyT, ValueT] = field(default_factory=dict)

    def begin(self) -> None:
        """A part begins."""
        self._now = {}

    def keep(self) -> None:
        """The part is done."""
        if self.is_rehearsal:
            self._before |= self._now

    def get(self, key: KeyT, read: ValueT) -> ValueT:
        """What a thing has become; `read`, when no row has said anything about it."""
        return self._now.get(key, self._before.get(key, read))

    @property
    def all(self) -> Mapping[KeyT, ValueT]:
        """Everything that rows of earlier parts said; nothing, unless it is a rehearsal."""
        return self._before

    def __setitem__(self, key: KeyT, value: ValueT) -> None:
        """A row makes something of it."""
        self._now[key] = value


def act_of(make: Callable[[Course], Book[Any]]) -> Act:
    """What an import of that kind does."""

    async def work_through(course: Course) -> None:
        book = make(course)
        roster, layout = await opened(course, book.columns)
        async with aclosing(roster.chunks(book.chunk, skip=course.parts_passed_over)) as chunks:
            async for numbered in chunks:
                await course.part(partial(_part, course=course, book=book, layout=layout, numbered=numbered))
                book.keep()

    return work_through


class _Row(NamedTuple):
    number: int
    cells: Sequence[str]


async def _part(work: Work, *, course: Course, book: Book[Any], layout: Layout, numbered: Sequence[Numbered]) -> Part:
    rows = [_Row(*one) for one in numbered]
    refused: dict[int, Sequence[FieldError]] = {}
    said = {}
    for place, row in enumerate(rows):
        try:
            said[place] = book.read(work, layout.fields(row.cells))
        except NOT_TAKEN as error:
            refused[place] = reasons(error)
    taken = await book.take(work, list(said.values()))
    counts: Counter[str] = Counter()
    for place, verdict in zip(said, taken.verdicts, strict=True):
        if isinstance(verdict, str):
            counts[verdict] += 1
        else:
            refused[place] = verdict
    if refused:
        counts[REFUSED] = len(refused)
    not_taken = [(rows[place], refused[place]) for place in sorted(refused)]
    return part_of(course, layout, rows, dict(counts), not_taken, taken.attempts)
