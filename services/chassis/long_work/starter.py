"""Starts a worker for the operation that waits longest: on the replica that leads, one at a time, each its own process."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from functools import partial
from uuid import UUID

from pydantic import SecretStr

from services.chassis.clock import utc_now
from services.chassis.db import Pool, in_transaction
from services.chassis.errors import DomainError
from services.chassis.leadership import Leader, lead_forever
from services.chassis.long_work import rows
from services.chassis.long_work.rows import OperationState
from services.chassis.rows import SERVICE
from services.chassis.settings import PREFIX, ServiceSettings

logger = logging.getLogger(__name__)

STARTS_MAX = 5
"""Workers that may die one after the other before one of them finishes a part."""

_LOOK_EVERY_S = 1.0
_PATIENCE_S = 10.0
_PAUSE_AFTER_DEATH_S = 2.0


class Starter:
    """See the module's docstring."""

    def __init__(self, pool: Pool, settings: ServiceSettings, module: str, *, service: str) -> None:
        self._pool = pool
        self._settings = settings
        self._module = module
        self._service = service

    async def run(self) -> None:
        """Lead or stand by until cancelled."""
        await lead_forever(
            self._settings.database_url.get_secret_value(),
            "long work",
            application=f"{self._service}:long work",
            lead=self._lead,
            on_change=lambda _: None,
        )

    async def _lead(self, leader: Leader) -> None:
        while True:
            await leader.check()
            with suppress(DomainError):  # the database does not answer, or another transaction has the row: look again
                if (found := await in_transaction(self._pool, rows.waiting, rows=SERVICE)) is not None:
                    await self._serve(leader, *found)
                    continue
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _serve(self, leader: Leader, operation_id: UUID, starts: int) -> None:
        if starts >= STARTS_MAX:
            give_up = partial(
                rows.end, operation_id=operation_id, state=OperationState.FAILED, now=utc_now(), problem="operation-given-up"
            )
            await in_transaction(self._pool, give_up, rows=SERVICE)
            return
        code = await self._worker(leader, operation_id)
        if code != 0:
            logger.error("a worker died", extra={"fields": {"operation_id": str(operation_id), "code": code}})
            await asyncio.sleep(_PAUSE_AFTER_DEATH_S)

    async def _worker(self, leader: Leader, operation_id: UUID) -> int:
        """Its exit code. It does not outlive the leadership: its standard input ends with us, and it with that."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, str(operation_id), stdin=PIPE, stdout=DEVNULL, env=environment(self._settings)
        )
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY_S):
                        return await process.wait()
                await leader.check()
        finally:
            if process.returncode is None:
                await _stop(process)


async def _stop(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def environment(settings: ServiceSettings) -> dict[str, str]:
    """This process's environment with its settings spelled out, whoever gave them."""
    given = {name: value for name, value in settings if value is not None}
    spelled = {name: value.get_secret_value() if isinstance(value, SecretStr) else str(value) for name, value in given.items()}
    own = {f"{PREFIX}{settings.process.upper()}__{name.upper()}": value for name, value in spelled.items()}
    return {**os.environ, **own}  # noqa: TID251 - handed on, not read
