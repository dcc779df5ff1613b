"""One operation being worked off: parts, each a transaction in the client's row context that also says that it is done."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from services.chassis.attachments import rows as attachment_rows
from services.chassis.attachments.intake import Intake, TakenFile
from services.chassis.attachments.kinds import MediaType
from services.chassis.attachments.retention import AttachmentPurpose, RetentionClass
from services.chassis.attachments.store import in_thread
from services.chassis.crash_points import crash_point
from services.chassis.db import Transaction, in_transaction, without_transaction
from services.chassis.errors import FieldError
from services.chassis.long_work import rows
from services.chassis.long_work.rows import OperationRecord, OperationState
from services.chassis.rows import SERVICE
from services.chassis.runtime import Runtime
from services.chassis.work import AuditLine, Work

logger = logging.getLogger(__name__)

_ACQUIRE_TIMEOUT_S = 30.0


class CancelledByClientError(Exception):
    """The client asked to stop."""


class ActFailedError(Exception):
    """The operation cannot be done, whoever tries; `problem` is a code of the catalogue, `errors` say where it lies."""

    def __init__(self, problem: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.errors = errors


class _RolledBackError(Exception):
    """A rehearsed part was not meant to stay."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a part did: how many units, what came of them, and what it leaves for the end: `left`, what was not right, and
    `noted`, what is to be told of what was. `attempts` are evidence of what was asked and answered: it stays, even when the
    part's effects do not.
    """

    done: int
    counts: Mapping[str, int]
    left: bytes = b""
    attempts: Sequence[AuditLine] = ()
    noted: bytes = b""


@dataclass(slots=True)
class Course:
    """See the module's docstring. `rehearsal`: the parts' effects are rolled back, what they tell is kept. What they would have
    changed only the rehearsing process remembers, so that one that goes on after a crash looks at every part again.

    `head` and `notes_head` are the first lines of the files that what the parts leave and note becomes.
    """

    runtime: Runtime
    operation: OperationRecord
    rehearsal: bool = False
    head: bytes = b""
    notes_head: bytes = b""
    counts: dict[str, int] = field(init=False)
    parts_done: int = field(init=False)
    _parts_looked_at: int = 0

    def __post_init__(self) -> None:
        """Go on where the last worker stopped."""
        self.counts = dict(self.operation.counts)
        self.parts_done = self.operation.parts_done

    async def tell_total(self, total: int) -> None:
        """How much there is to do."""
        tell = partial(rows.tell_total, operation_id=self.operation.operation_id, total=total)
        await in_transaction(self.runtime.pool, tell, rows=SERVICE, acquire_timeout=_ACQUIRE_TIMEOUT_S)

    @property
    def parts_passed_over(self) -> int:
        """How many parts at the beginning nobody has to look at again."""
        return 0 if self.rehearsal else self.parts_done

    async def part(self, act: Callable[[Work], Awaitable[Part]]) -> None:
        """Do the next part.

        Raises `CancelledByClientError` instead when the client has asked to stop, `rows.PartLostError` when somebody else goes
        on with the operation, and `DomainError('busy')` and `('database-unavailable')` as `in_transaction` does.
        """
        if await self._is_cancel_requested():
            raise CancelledByClientError
        if self.rehearsal:
            await self._rehearse(act)
            return

        async def whole(tx: Transaction) -> dict[str, int]:
            work = self._work(tx)
            return await self._end_part(work, await act(work))

        self._go_on(await self._in_transaction(whole))

    async def _rehearse(self, act: Callable[[Work], Awaitable[Part]]) -> None:
        told: list[Part] = []

        async def whole(tx: Transaction) -> dict[str, int]:
            told[:] = [await act(self._work(tx))]
            raise _RolledBackError

        async def telling(tx: Transaction) -> dict[str, int]:
            work, done = self._work(tx), told[0]
            work.leave_evidence(done.attempts)
            return await self._end_part(work, done)

        with suppress(_RolledBackError):
            await self._in_transaction(whole)
        self._parts_looked_at += 1
        if self._parts_looked_at > self.parts_done:
            self._go_on(await self._in_transaction(telling))

    def _go_on(self, counts: dict[str, int]) -> None:
        crash_point("operation.committed")
        self.counts, self.parts_done = counts, self.parts_done + 1

    async def finish(self, state: OperationState, failure: ActFailedError | None = None) -> None:
        """End the operation; what the parts left and noted becomes a CSV each, a file of the client's division."""
        heads = {
            "errors_attachment_id": (self.head, rows.Leaving.LEFT),
            "notes_attachment_id": (self.notes_head, rows.Leaving.NOTED),
        }
        files = {name: await self._gathered(*which) for name, which in heads.items()}
        crash_point("operation.gathered")

        async def ending(tx: Transaction) -> None:
            work = self._work(tx)
            result: dict[str, Any] = {"errors": [asdict(error) for error in failure.errors]} if failure else {}
            for name, taken in files.items():
                if taken is not None:
                    result[name] = str(await _kept(work, taken))
            operation_id = self.operation.operation_id
            problem = failure.problem if failure else None
            if not await rows.end(tx, operation_id, state, work.now, problem=problem, result=result):
                raise rows.PartLostError
            work.audit("end", "operation", operation_id, outcome=state)
            await work.flush()

        await in_transaction(self.runtime.pool, ending, rows=SERVICE, acquire_timeout=_ACQUIRE_TIMEOUT_S)

    async def _gathered(self, head: bytes, what: rows.Leaving) -> TakenFile | None:
        """The file of what the parts left, or noted, stored and announced; `None` when that was nothing."""
        keeper = self.runtime.attachments
        assert keeper is not None, "a service with long work keeps files"
        async with without_transaction(self.runtime.pool, rows=SERVICE, acquire_timeout=_ACQUIRE_TIMEOUT_S) as tx:
            parts = rows.left_over(tx, self.runtime.keyring, self.operation.operation_id, what)
            async with aclosing(parts) as left:  # type: ignore[type-var]
                first = await anext(left, None)
                if first is None:
                    return None
                intake = await in_thread(Intake, keeper.spool, self.runtime.keyring.current.suite, MediaType.CSV.value)
                await _write(intake, (head, first), left)
        taken = await in_thread(intake.finish)
        announce = partial(attachment_rows.announce, address=taken.sealed.address)
        await in_transaction(self.runtime.pool, announce, rows=SERVICE, acquire_timeout=_ACQUIRE_TIMEOUT_S)
        await keeper.store.put(taken.sealed)
        return taken

    async def _end_part(self, work: Work, done: Part) -> dict[str, int]:
        counts = dict(self.counts)
        for outcome, times in done.counts.items():
            counts[outcome] = counts.get(outcome, 0) + times
        number = self.parts_done + 1
        leavings = rows.Leavings(done.left, done.noted)
        await rows.go_on(work, self.operation.operation_id, number, done=done.done, counts=counts, leavings=leavings)
        crash_point("operation.acted")
        await work.flush()
        crash_point("operation.flushed")
        return counts

    async def _in_transaction(self, body: Callable[[Transaction], Awaitable[dict[str, int]]]) -> dict[str, int]:
        """In the client's rows, on the law's day of now."""
        context = self.runtime.rows_of(self.operation.principal)
        return await in_transaction(self.runtime.pool, body, rows=context, acquire_timeout=_ACQUIRE_TIMEOUT_S)

    async def _is_cancel_requested(self) -> bool:
        async with without_transaction(self.runtime.pool, rows=SERVICE, acquire_timeout=_ACQUIRE_TIMEOUT_S) as tx:
            found = await rows.find(tx, self.operation.operation_id)
        return found is not None and found.is_cancel_requested

    def _work(self, tx: Transaction) -> Work:
        return self.runtime.work(tx, self.operation.principal, request_id=self.operation.request_id)


async def _kept(work: Work, taken: TakenFile) -> UUID:
    """A file that was gathered, kept for the client's division; its id."""
    record = await attachment_rows.insert(
        work, taken, purpose=AttachmentPurpose.IMPORT, retention_class=RetentionClass.CASE_FILE, person_id=None
    )
    return record.attachment_id


async def _write(intake: Intake, first: Iterable[bytes], rest: AsyncIterator[bytes]) -> None:
    try:
        for piece in first:
            await in_thread(intake.write, piece)
        async for piece in rest:
            await in_thread(intake.write, piece)
    except BaseException:
        await in_thread(intake.discard)
        raise


Act = Callable[[Course], Awaitable[None]]
"""What a kind of operation does with its course. It says `course.head` before its first part."""
