"""The process that works off one operation: `python -m <module> <operation id>`, started by `starter.py`, the service's
settings in its environment. It ends when its parent does: its standard input closes then.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from services.chassis import crash_points, logs
from services.chassis.attachments.keeping import Attachments, SeesAnyOf
from services.chassis.audit import ReadAuditor
from services.chassis.auth import InsideTokens
from services.chassis.clock import utc_now
from services.chassis.clock_offset import load_offset
from services.chassis.data_keys import KeyKeeper
from services.chassis.db import Transaction, close_pool, create_pool, in_transaction
from services.chassis.evidence.copies import COPY_PLACES
from services.chassis.evidence.watch import Watch
from services.chassis.keyring import Keyring
from services.chassis.leadership import leadership
from services.chassis.long_work import rows
from services.chassis.long_work.course import Act, ActFailedError, CancelledByClientError, Course
from services.chassis.long_work.rows import OperationState, PartLostError
from services.chassis.problems import Catalogue
from services.chassis.rows import SERVICE
from services.chassis.runtime import Runtime
from services.chassis.sealing import Suite
from services.chassis.settings import ServiceSettings
from services.chassis.tasks import cancel

logger = logging.getLogger(__name__)

TASK = "long work: worker"
_POOL_SIZE = 3
_STATEMENT_S = 60.0
_GARBAGE_AFTER = 50_000  # objects more than there were


@dataclass(frozen=True, slots=True)
class WorkerDefinition:
    """What of a service its worker is: no routes, no tables, no bus, since loading those takes longer than a short roster."""

    name: str
    settings: type[ServiceSettings]
    problems: Path
    attachments: SeesAnyOf | None = None


def main(definition: WorkerDefinition, acts: Mapping[str, Act]) -> None:
    """Work off the operation named on the command line; the exit code is 0 when it has ended, one way or another."""
    settings = definition.settings()
    logs.configure(f"{definition.name}-worker", settings.log_level)
    crash_points.arm(settings.crash_at)
    try:
        asyncio.run(_until_parent_ends(definition, settings, acts, UUID(sys.argv[1])))
    except PartLostError:
        logger.info("somebody else goes on with the operation")
    except Exception:
        logger.exception("the operation was not finished")
        sys.exit(1)


async def _until_parent_ends(
    definition: WorkerDefinition, settings: ServiceSettings, acts: Mapping[str, Act], operation_id: UUID
) -> None:
    dsn = settings.database_url.get_secret_value()
    async with (
        _parent_watched(),
        leadership(dsn, TASK, application=f"xinshimin-{definition.name}-worker"),
        worker_runtime(definition, settings) as runtime,
    ):
        seldom_look_for_garbage()
        await work_off(runtime, acts, operation_id)


def seldom_look_for_garbage() -> None:
    """What was loaded stays until the process ends, and a part is tens of thousands of objects without a cycle: looking
    through all of them again and again was a third of an import's work in this process.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE_AFTER, 10, 100)


@asynccontextmanager
async def _parent_watched() -> AsyncIterator[None]:
    """Cancels what runs inside when the other end of standard input is closed."""
    here = asyncio.current_task()
    assert here is not None
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def watch() -> None:
        await reader.read()
        here.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        await cancel(watching)
        transport.close()


@asynccontextmanager
async def worker_runtime(definition: WorkerDefinition, settings: ServiceSettings) -> AsyncIterator[Runtime]:
    """What a worker holds: the service's runtime without relay, bus and routes. The service's relay looks for itself."""
    async with AsyncExitStack() as stack:
        pool = await create_pool(
            settings.database_url.get_secret_value(),
            size=_POOL_SIZE,
            command_timeout=_STATEMENT_S,
            application=f"xinshimin-{definition.name}-worker",
        )
        stack.push_async_callback(close_pool, pool)
        keyring = Keyring.load(settings.key_file, Suite.named(settings.cipher_suite))
        keeper = KeyKeeper(pool, keyring, refresh_s=settings.key_refresh_s)
        await keeper.start()
        stack.push_async_callback(keeper.stop)
        watch = Watch(pool, service=definition.name, places=COPY_PLACES, age_max_s=settings.audit_overdue_s)
        await watch.look()
        runtime = Runtime(
            name=definition.name,
            settings=settings,
            pool=pool,
            keyring=keyring,
            tokens=InsideTokens.load(settings.inside_jwks_file, definition.name),
            catalogue=Catalogue.load(definition.problems),
            read_auditor=ReadAuditor(pool),
            evidence=watch,
            wake_relay=lambda: None,
            learn_keys=keeper.refresh,
        )
        if definition.attachments is not None:
            runtime.attachments = Attachments.open(settings, definition.attachments)
            stack.push_async_callback(runtime.attachments.store.close)
        if settings.sandbox:
            runtime.law_clock.offset = await in_transaction(pool, load_offset, rows=SERVICE)
        for part in (keeper.run(), watch.run()):
            stack.push_async_callback(cancel, asyncio.create_task(part))
        yield runtime


async def work_off(runtime: Runtime, acts: Mapping[str, Act], operation_id: UUID) -> None:
    """Do what is left of an operation. Raises what only another try may cure."""

    async def begin(tx: Transaction) -> rows.OperationRecord | None:
        return await rows.find(tx, operation_id) if await rows.start(tx, operation_id, utc_now()) else None

    operation = await in_transaction(runtime.pool, begin, rows=SERVICE)
    if operation is None:
        return
    runtime.evidence.refuse_if_overdue()
    course = Course(runtime, operation, rehearsal=bool(operation.parameters.get("dry_run")))
    state, failure = OperationState.SUCCEEDED, None
    try:
        await acts[operation.kind](course)
    except CancelledByClientError:
        state = OperationState.CANCELLED
    except ActFailedError as error:
        state, failure = OperationState.FAILED, error
    await course.finish(state, failure)
    logger.info("operation ended", extra={"fields": {"operation_id": str(operation_id), "state": state, **course.counts}})
