"""PostgreSQL through asyncpg: statements compiled once at import, a pool that adds no round trip, one retry function."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import Boolean, text
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql import ClauseElement, Executable
from sqlalchemy.types import UserDefinedType

from services.chassis.errors import DomainError
from services.chassis.metrics import REPEATED_TRANSACTIONS
from services.chassis.pool import RestingPool, is_lost
from services.chassis.rows import RowContext, protected

Record = asyncpg.Record
if TYPE_CHECKING:
    # The runtime classes are not subscriptable.
    PooledConnection = PoolConnectionProxy[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | PooledConnection
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    PooledConnection = PoolConnectionProxy
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

Result = TypeVar("Result")

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

MAX_ATTEMPTS = 5
# 40001, 40P01, and a plan that a concurrent migration made stale. Unique violations are not here: an action that can race
# takes a lock, and a constraint that still fires is a bug worth seeing.
RETRIABLE = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
)
_BUSY = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)
# `TimeoutError` is a statement that took longer than `command_timeout`.
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    ConnectionError,
    TimeoutError,
)
_CANNOT_CONNECT = (*_LOST, asyncpg.InterfaceError, OSError)
# What asyncpg may raise on a connection whose server end is gone; InternalClientError is its state machine, surprised by a
# farewell that arrives while it begins a statement.
DEAD_CONNECTION = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

_DIALECT: Any = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
_MORE_THAN_A_QUERY = re.compile(r"\b(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_UNBOUND_NAME = re.compile(r"(?<![:\w]):[A-Za-z_]\w*")


class Jsonb(UserDefinedType[Any]):
    """`jsonb` without SQLAlchemy processors; the pool's codec turns it into Python values and back."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """DDL name."""
        return "JSONB"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement compiled for asyncpg: SQL with `$n` placeholders and the order of its named arguments.

    `protected` is the same query as one statement that first sets the row context; `None` for what is more than a query.
    """

    sql: str
    names: tuple[str, ...]
    constants: dict[str, Any]
    protected: str | None

    def arguments(self, given: dict[str, Any]) -> list[Any]:
        """Positional arguments; a missing or an unknown name is a programming error and raises `TypeError`."""
        known = {**self.constants, **given} if self.constants else given
        if len(given) + len(self.constants) == len(self.names) == len(known):
            with suppress(KeyError):
                return [known[name] for name in self.names]
        expected = set(self.names) - set(self.constants)
        raise TypeError(f"statement takes {sorted(expected)}, got {sorted(given)}")


def prepare(statement: str | Executable) -> Prepared:
    """Compile a SQLAlchemy expression, or SQL text with `:name` binds, once.

    Refuses what would silently differ from what SQLAlchemy's own execution does: IN-lists expanded at execution (write
    `= ANY(CAST(:ids AS uuid[]))`), Python-side defaults, and types that convert values on the way in or out. In text write
    `CAST(:x AS uuid)`, never `:x::uuid`, which SQLAlchemy does not see as a bind.
    """
    clause: ClauseElement = text(statement) if isinstance(statement, str) else statement  # type: ignore[assignment]
    compiled: Any = clause.compile(dialect=_DIALECT)
    if "POSTCOMPILE" in compiled.string:
        raise ValueError("an IN list is expanded at execution: use = ANY(CAST(:names AS type[]))")
    if stray := _UNBOUND_NAME.search(re.sub(r"'(?:[^']|'')*'", "''", compiled.string)):
        raise ValueError(f"{stray.group()} was not recognised as a bind: write CAST({stray.group()} AS type)")
    constants: dict[str, Any] = {}
    for name, bind in compiled.binds.items():
        converts = bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT) is not None
        if converts and not isinstance(bind.type, Boolean):  # Boolean's processor only checks
            raise ValueError(f"bind {name} has type {bind.type!r}, which converts values")
        if bind.callable is not None:
            raise ValueError(f"bind {name} is computed at execution")
        if not bind.required:
            constants[name] = bind.value
    for column in compiled._result_columns or ():  # noqa: SLF001 - no public way to see the types
        if column[3].dialect_impl(_DIALECT).result_processor(_DIALECT, None) is not None:
            raise ValueError(f"column {column[0]} has type {column[3]!r}, which converts values")
    if compiled.insert_prefetch or compiled.update_prefetch:
        raise ValueError("Python-side defaults and onupdate do not run here: give the value or a server default")
    names = tuple(compiled.positiontup or ())
    is_query = _MORE_THAN_A_QUERY.search(compiled.string) is None
    return Prepared(compiled.string, names, constants, protected(compiled.string, len(names)) if is_query else None)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One connection, inside a transaction for writes; statements are `Prepared`, arguments go by name."""

    connection: Connection

    def end(self) -> None:
        """Whoever kept this longer than its connection was lent cannot meddle with what the next one does on it."""
        object.__setattr__(self, "connection", _ENDED)

    async def fetch(self, statement: Prepared, /, **arguments: Any) -> Sequence[Record]:
        """All rows."""
        return await self._run(self.connection.fetch, statement, arguments)

    async def fetch_row(self, statement: Prepared, /, **arguments: Any) -> Record | None:
        """The first row or `None`."""
        return await self._run(self.connection.fetchrow, statement, arguments)

    async def fetch_value(self, statement: Prepared, /, **arguments: Any) -> Any:
        """The first column of the first row or `None`."""
        return await self._run(self.connection.fetchval, statement, arguments)

    async def execute(self, statement: Prepared, /, **arguments: Any) -> str:
        """Run it and return PostgreSQL's command tag (`UPDATE 1`)."""
        return await self._run(self.connection.execute, statement, arguments)

    async def _run(self, method: Callable[..., Awaitable[Result]], statement: Prepared, arguments: dict[str, Any]) -> Result:
        return await method(statement.sql, *statement.arguments(arguments))


@dataclass(frozen=True, slots=True)
class Reader(Transaction):
    """A connection for reads without a transaction: each statement sees what was committed when it began.

    A query is one round trip, its row context in it. What writes beside reading, such as a count, is a short transaction.
    """

    rows: RowContext

    async def _run(self, method: Callable[..., Awaitable[Result]], statement: Prepared, arguments: dict[str, Any]) -> Result:
        if statement.protected is not None:
            return await method(statement.protected, *statement.arguments(arguments), *self.rows.values)
        async with _transaction(self.connection, self.rows):
            return await method(statement.sql, *statement.arguments(arguments))


class _Ended:
    """Stands for the connection of a transaction that is over."""

    def __getattr__(self, name: str) -> Any:
        raise asyncpg.InterfaceError(f"{name}: this transaction has ended")


_ENDED = _Ended()


async def set_codecs(connection: Connection) -> None:
    """Per-connection set-up: `jsonb` and `json` as Python values."""
    for name in ("jsonb", "json"):
        await connection.set_type_codec(
            name,
            encoder=lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
            decoder=json.loads,
            schema="pg_catalog",
        )


async def _keep_state(_: Connection) -> None:
    """Replaces asyncpg's reset query, one round trip per use: no code here leaves session state on a pooled connection."""


async def create_pool(
    database_url: str, *, size: int, command_timeout: float, application: str, connect_timeout: float = 5.0
) -> Pool:
    """A pool of at most `size` connections; times in seconds."""
    return await RestingPool(
        database_url,
        min_size=1,
        max_size=size,
        timeout=connect_timeout,
        command_timeout=command_timeout,
        init=set_codecs,
        reset=_keep_state,
        server_settings={
            "application_name": application,
            "timezone": "UTC",
            "standard_conforming_strings": "on",
            "lock_timeout": "5s",
            "statement_timeout": f"{int(command_timeout * 1000)}",
            "idle_in_transaction_session_timeout": "30s",
        },
    )


async def close_pool(pool: Pool) -> None:
    """Let running statements end, within reason."""
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def acquire(pool: Pool, *, timeout: float) -> PooledConnection:  # noqa: ASYNC109 - asyncpg's own
    """A pooled connection, or `DomainError('busy')` when none is free in `timeout` seconds."""
    try:
        return await pool.acquire(timeout=timeout)
    except TimeoutError as error:
        raise DomainError("busy", retry_after=1) from error
    except _CANNOT_CONNECT as error:
        raise DomainError("database-unavailable", retry_after=2) from error


def _told(error: BaseException, connection: PooledConnection) -> DomainError | None:
    """What the caller may be told of a lock that did not come, a conflict, a lost database; a bug of ours stays what it is."""
    if isinstance(error, (*_BUSY, *RETRIABLE)):
        return DomainError("busy", retry_after=1)
    if isinstance(error, _LOST):
        return DomainError("database-unavailable", retry_after=2)
    # Of asyncpg's own errors some are misuse, such as two statements at once on one connection.
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)) and is_lost(connection):
        return DomainError("database-unavailable", retry_after=2)
    return None


class without_transaction:  # noqa: N801 - reads as the function it might be; a generator costs more than what it wraps
    """A connection for reads on behalf of whom `rows` says.

    Raises `DomainError('busy')` and `('database-unavailable')` like `in_transaction`.
    """

    __slots__ = ("_acquire_timeout", "_connection", "_pool", "_reader", "_rows")

    def __init__(self, pool: Pool, *, rows: RowContext, acquire_timeout: float = 2.0) -> None:
        self._pool = pool
        self._rows = rows
        self._acquire_timeout = acquire_timeout

    async def __aenter__(self) -> Reader:
        self._connection = await acquire(self._pool, timeout=self._acquire_timeout)
        self._reader = Reader(self._connection, self._rows)
        return self._reader

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._reader.end()
        if error is None:
            await release(self._pool, self._connection, in_order=True)
            return
        told = _told(error, self._connection)
        await release(self._pool, self._connection)
        if told is not None:
            raise told from error


async def in_transaction(
    pool: Pool,
    body: Callable[[Transaction], Awaitable[Result]],
    *,
    rows: RowContext,
    acquire_timeout: float = 2.0,
    attempts: int = MAX_ATTEMPTS,
) -> Result:
    """Run `body` in one transaction on behalf of whom `rows` says; on a serialisation failure, deadlock or stale plan – also at
    COMMIT – run it all again.

    Raises `DomainError('busy')` when the pool is exhausted, a lock does not come or the conflict persists, and
    `DomainError('database-unavailable')` when the database is lost. After a lost COMMIT nobody knows the outcome; the caller's
    idempotency key tells on retry.
    """
    for attempt in range(attempts):
        connection = await acquire(pool, timeout=acquire_timeout)
        tx = Transaction(connection)
        in_order = False
        try:
            async with _transaction(connection, rows):
                result = await body(tx)
            in_order = True
            return result
        except RETRIABLE as error:
            REPEATED_TRANSACTIONS.labels(error.sqlstate).inc()
            if attempt == attempts - 1:
                raise DomainError("busy", retry_after=1) from error
        except Exception as error:
            if (told := _told(error, connection)) is not None:
                raise told from error
            raise
        finally:
            tx.end()
            await release(pool, connection, in_order=in_order)
        await asyncio.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 - jitter, not a secret
    raise AssertionError("unreachable")


@asynccontextmanager
async def _transaction(connection: Connection, rows: RowContext) -> AsyncIterator[None]:
    """BEGIN in its row context, one round trip; COMMIT, or ROLLBACK when the block raises.

    asyncpg's own `transaction()` would need another round trip for the context, and takes the answer to COMMIT for granted:
    after an error that the block swallowed it is a rollback.
    """
    try:
        await connection.execute(rows.begin)  # a task that is cancelled while it waits here has begun all the same
        yield
    except BaseException:
        if not is_lost(connection):
            await connection.execute("ROLLBACK")
        raise
    if await connection.execute("COMMIT") != "COMMIT":
        raise asyncpg.InFailedSQLTransactionError("the transaction had failed before its COMMIT")


async def release(pool: Pool, connection: PooledConnection, *, in_order: bool = False) -> None:
    """Give the connection back even when the task is being cancelled; `in_order` when its last statement ended as it should."""
    if in_order and isinstance(pool, RestingPool) and pool.rest(connection):
        return
    with suppress(asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError):
        await pool.release(connection, timeout=5)
