"""The rows of operations: asked for, gone on with, ended. Who may see one is decided by the policies of the table."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

from services.chassis.db import Record, Transaction, prepare
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.principal import Principal
from services.chassis.sealed_columns import SealedColumn
from services.chassis.work import Work

_SEALED_PART = SealedColumn.of("operation_part", "part_id")
SEALED = (_SEALED_PART,)

_COLUMNS = """o.operation_id, o.kind, o.client_id, o.organisation, o.division_code, o.scopes, o.actor, o.purpose, o.request_id,
    o.parameters, o.state, o.is_cancel_requested, o.parts_done, o.done, o.total, o.counts, o.result, o.problem, o.created_at,
    o.started_at, o.finished_at, o.kept_until"""

_FIND = prepare(f"SELECT {_COLUMNS} FROM operation o WHERE o.operation_id = :operation_id")  # noqa: S608 - constants
_LOCK = prepare(f"SELECT {_COLUMNS} FROM operation o WHERE o.operation_id = :operation_id FOR UPDATE")  # noqa: S608
# The newest that was not given up: what failed or was cancelled may be asked for again.
_SAME = prepare(
    f"""
    SELECT {_COLUMNS} FROM operation o
    WHERE o.fingerprint = CAST(:fingerprint AS bytea) AND o.state IN ('accepted', 'running', 'succeeded')
    ORDER BY o.created_at DESC LIMIT 1
    """  # noqa: S608
)
_LOCK_FINGERPRINT = prepare("SELECT pg_advisory_xact_lock(hashtextextended(encode(CAST(:fingerprint AS bytea), 'hex'), 2))")
_INSERT = prepare(
    """
    INSERT INTO operation (operation_id, kind, client_id, organisation, division_code, scopes, actor, purpose, request_id,
        parameters, fingerprint, state, created_at, kept_until)
    VALUES (:operation_id, :kind, :client_id, :organisation, :division_code, CAST(:scopes AS text[]), :actor, :purpose,
        :request_id, CAST(:parameters AS jsonb), :fingerprint, 'accepted', :created_at, :kept_until)
    """
)
_REQUEST_CANCEL = prepare("UPDATE operation SET is_cancel_requested = true WHERE operation_id = :operation_id")
_NEXT = prepare(
    """
    SELECT operation_id, starts FROM operation WHERE state IN ('accepted', 'running') ORDER BY created_at, operation_id LIMIT 1
    """
)
_START = prepare(
    """
    UPDATE operation SET state = 'running', starts = starts + 1, started_at = coalesce(started_at, :now)
    WHERE operation_id = :operation_id AND state IN ('accepted', 'running')
    """
)
_TELL_TOTAL = prepare("UPDATE operation SET total = CAST(:total AS bigint) WHERE operation_id = :operation_id")
# One part after the other: a second worker, however it came to be, finds that its part is done already, or not yet.
_GO_ON = prepare(
    """
    UPDATE operation SET parts_done = CAST(:part AS integer), done = done + CAST(:done AS bigint), starts = 0,
        counts = CAST(:counts AS jsonb)
    WHERE operation_id = :operation_id AND state = 'running' AND parts_done = CAST(:part AS integer) - 1
    """
)
_LEAVE = prepare(
    "INSERT INTO operation_part (part_id, operation_id, part, sealed) VALUES (:part_id, :operation_id, :part, :sealed)"
)
_LEFT = prepare(
    "SELECT part_id, part, sealed FROM operation_part WHERE operation_id = :operation_id AND part > CAST(:after AS integer)"
    " ORDER BY part LIMIT 1"
)
_END = prepare(
    """
    UPDATE operation SET state = :state, problem = CAST(:problem AS text), result = CAST(:result AS jsonb), finished_at = :now
    WHERE operation_id = :operation_id AND state IN ('accepted', 'running')
    """
)
_FORGET_PARTS = prepare("DELETE FROM operation_part WHERE operation_id = :operation_id")
_DELETE_EXPIRED = prepare(
    """
    DELETE FROM operation WHERE operation_id IN (
        SELECT operation_id FROM operation WHERE kept_until < CAST(:today AS date) AND finished_at IS NOT NULL
        LIMIT CAST(:limit AS integer))
    """
)


class OperationState(StrEnum):
    """How far an operation has come."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Leaving(StrEnum):
    """What parts leave for the end."""

    LEFT = "left"
    """what was not right"""
    NOTED = "noted"
    """what is to be told of what was"""


_FRAME = b"\x00"
"""First byte of leavings with notes. What was left alone is text and never begins with it."""
_LENGTH_BYTES = 4


class Leavings(NamedTuple):
    """What one part leaves for the end."""

    left: bytes
    noted: bytes

    def packed(self) -> bytes:
        """As one value to be sealed."""
        return _FRAME + len(self.left).to_bytes(_LENGTH_BYTES) + self.left + self.noted if self.noted else self.left

    @classmethod
    def unpacked(cls, value: bytes) -> Self:
        """What was packed."""
        if not value.startswith(_FRAME):
            return cls(value, b"")
        begins = len(_FRAME) + _LENGTH_BYTES
        ends = begins + int.from_bytes(value[len(_FRAME) : begins])
        return cls(value[begins:ends], value[ends:])


class PartLostError(Exception):
    """Somebody else goes on with the operation, or it has ended."""


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """An operation, as its row tells of it."""

    operation_id: UUID
    kind: str
    principal: Principal
    request_id: str
    parameters: Mapping[str, Any]
    state: OperationState
    is_cancel_requested: bool
    parts_done: int
    done: int
    total: int | None
    counts: Mapping[str, int]
    result: Mapping[str, Any]
    problem: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    kept_until: date

    @classmethod
    def of(cls, row: Record) -> Self:
        """The record in a row of the columns."""
        columns = dict(row.items())
        who = ("client_id", "organisation", "division_code", "actor", "purpose")
        given = {name: columns.pop(name) for name in who}
        principal = Principal(scopes=frozenset(columns.pop("scopes")), **given)
        return cls(principal=principal, **columns | {"state": OperationState(columns["state"])})


async def find(tx: Transaction, operation_id: UUID) -> OperationRecord | None:
    """The operation, if the caller may see it."""
    row = await tx.fetch_row(_FIND, operation_id=operation_id)
    return None if row is None else OperationRecord.of(row)


async def lock(tx: Transaction, operation_id: UUID) -> OperationRecord | None:
    """The operation, which nobody else changes before this transaction ends."""
    row = await tx.fetch_row(_LOCK, operation_id=operation_id)
    return None if row is None else OperationRecord.of(row)


async def same(work: Work, fingerprint: bytes) -> OperationRecord | None:
    """An operation that does, or has done, the very same; nobody else asks for it before this transaction ends."""
    await work.tx.execute(_LOCK_FINGERPRINT, fingerprint=fingerprint)
    row = await work.tx.fetch_row(_SAME, fingerprint=fingerprint)
    return None if row is None else OperationRecord.of(row)


async def insert(work: Work, kind: str, parameters: Mapping[str, Any], *, fingerprint: bytes | None, kept_until: date) -> UUID:
    """Store a new operation of the request's principal; its id."""
    who, operation_id = work.principal, new_id()
    await work.tx.execute(
        _INSERT,
        operation_id=operation_id,
        kind=kind,
        client_id=who.client_id,
        organisation=who.organisation,
        division_code=who.holder,
        scopes=sorted(who.scopes),
        actor=who.actor,
        purpose=who.purpose,
        request_id=work.request_id,
        parameters=dict(parameters),
        fingerprint=fingerprint,
        created_at=work.now,
        kept_until=kept_until,
    )
    return operation_id


async def request_cancel(tx: Transaction, operation_id: UUID) -> None:
    """Ask the worker to stop after the part it is at."""
    await tx.execute(_REQUEST_CANCEL, operation_id=operation_id)


async def waiting(tx: Transaction) -> tuple[UUID, int] | None:
    """The operation to work off next, and how many workers began with it since its last part."""
    row = await tx.fetch_row(_NEXT)
    return None if row is None else (row["operation_id"], row["starts"])


async def start(tx: Transaction, operation_id: UUID, now: datetime) -> bool:
    """A worker begins; false when there is nothing to do."""
    return await tx.execute(_START, operation_id=operation_id, now=now) == "UPDATE 1"


async def tell_total(tx: Transaction, operation_id: UUID, total: int) -> None:
    """How much there is to do, in the units of `done`."""
    await tx.execute(_TELL_TOTAL, operation_id=operation_id, total=total)


async def go_on(work: Work, operation_id: UUID, part: int, *, done: int, counts: Mapping[str, int], leavings: Leavings) -> None:
    """This transaction's effects are part number `part` (from 1); raises `PartLostError` unless it is the next one."""
    tag = await work.tx.execute(_GO_ON, operation_id=operation_id, part=part, done=done, counts=dict(counts))
    if tag != "UPDATE 1":
        raise PartLostError
    if packed := leavings.packed():
        part_id = new_id()
        sealed = work.keyring.seal(packed, _SEALED_PART.context_of({"part_id": part_id}))
        await work.tx.execute(_LEAVE, part_id=part_id, operation_id=operation_id, part=part, sealed=sealed)


async def left_over(tx: Transaction, keyring: Keyring, operation_id: UUID, what: Leaving) -> AsyncIterator[bytes]:
    """What the parts left or noted for the end, in order, one at a time; those with nothing of it are passed over."""
    after = 0
    while (row := await tx.fetch_row(_LEFT, operation_id=operation_id, after=after)) is not None:
        leavings = Leavings.unpacked(keyring.open(row["sealed"], _SEALED_PART.context_of({"part_id": row["part_id"]})))
        if piece := leavings.left if what is Leaving.LEFT else leavings.noted:
            yield piece
        after = row["part"]


async def end(
    tx: Transaction,
    operation_id: UUID,
    state: OperationState,
    now: datetime,
    *,
    problem: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> bool:
    """The operation is over; false when it was already."""
    tag = await tx.execute(_END, operation_id=operation_id, state=state, problem=problem, result=dict(result or {}), now=now)
    await tx.execute(_FORGET_PARTS, operation_id=operation_id)
    return tag == "UPDATE 1"


async def delete_expired(tx: Transaction, today: date, *, limit: int) -> int:
    """Forget operations past their retention; how many there were."""
    tag = await tx.execute(_DELETE_EXPIRED, today=today, limit=limit)
    return int(tag.rpartition(" ")[2])
