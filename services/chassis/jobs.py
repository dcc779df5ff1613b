"""Time-driven work: each job is due once per law date, runs once across replicas, and catches up after a stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from services.chassis import idempotency, rate_limits
from services.chassis.crash_points import crash_point
from services.chassis.db import Transaction, in_transaction, prepare
from services.chassis.errors import DomainError
from services.chassis.rows import SERVICE
from services.chassis.runtime import Runtime
from services.chassis.work import Work

logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 20.0
_CHUNKS_MAX = 100_000

# The lock makes a second replica wait for the chunk and then see what is left; the row makes the job done for the day.
_LOCK = prepare("SELECT pg_advisory_xact_lock(hashtextextended('job ' || CAST(:job AS text), 0))")
_DONE = prepare("SELECT EXISTS (SELECT FROM job_run WHERE job = :job AND law_date = :law_date)")
_FINISH = prepare("INSERT INTO job_run (job, law_date) VALUES (:job, :law_date) ON CONFLICT DO NOTHING")
_DELETE_OLD_RUNS = prepare("DELETE FROM job_run WHERE finished_at < now() - interval '1 year'")


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of time-driven work.

    `run` does one bounded chunk inside a transaction and returns whether more is left; it must find its work by state
    and date, so that running it again changes nothing.
    """

    name: str
    run: Callable[[Work], Awaitable[bool]]


class Scheduler:
    """Runs a service's jobs after midnight of the law clock, and when a sandbox has moved the clock."""

    def __init__(self, runtime: Runtime, jobs: Sequence[Job]) -> None:
        self._runtime = runtime
        self._jobs = jobs

    async def run(self) -> None:
        """Look for due jobs until cancelled."""
        while True:
            await self.run_due()
            try:
                await in_transaction(self._runtime.pool, _delete_expired, rows=SERVICE)
            except Exception:
                logger.exception("expired rows were not deleted; it is tried again")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def run_due(self, *, again: bool = False) -> list[str]:
        """Run every job not yet done on the law's today; `again` runs them even so (a sandbox clock may move back).

        Returns the names of those that failed: they are tried again later and keep no other job from running.
        """
        failed = []
        for job in self._jobs:
            try:
                await self._run_job(job, again=again)
            except DomainError as error:  # another replica is at it for longer, or the database is gone
                logger.warning("job did not run", extra={"fields": {"job": job.name, "problem": error.code}})
                failed.append(job.name)
            except Exception:
                logger.exception("job failed; it is tried again", extra={"fields": {"job": job.name}})
                failed.append(job.name)
        return failed

    async def _run_job(self, job: Job, *, again: bool) -> None:
        for _ in range(_CHUNKS_MAX):
            more = await in_transaction(self._runtime.pool, partial(self._chunk, job=job, again=again), rows=SERVICE)
            crash_point("job.committed")
            self._runtime.wake_relay()
            if not more:
                return

    async def _chunk(self, tx: Transaction, *, job: Job, again: bool) -> bool:
        await tx.execute(_LOCK, job=job.name)
        work = self._runtime.own_work(tx)
        if not again and await tx.fetch_value(_DONE, job=job.name, law_date=work.today):
            return False
        more = await job.run(work)
        await work.flush()
        if not more:
            await tx.execute(_FINISH, job=job.name, law_date=work.today)
        crash_point("job.acted")
        return more


async def _delete_expired(tx: Transaction) -> None:
    """What the chassis itself keeps for a time (retention classes in `ground/0001.sql`)."""
    await tx.execute(idempotency.DELETE_EXPIRED, hours=idempotency.RETENTION_HOURS)
    await tx.execute(_DELETE_OLD_RUNS)
    await tx.execute(rate_limits.DELETE_EXPIRED)
