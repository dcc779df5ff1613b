"""The chassis's consumer with a handler per message, as a process of its own: the mirrors of points_hukou, one event at a time.

Runs for some seconds on a database with the tables of points_hukou, and prints the events per second that were committed.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import asyncpg
import uvloop

from services.chassis import bus as message_bus
from services.chassis.clock import LawClock
from services.chassis.consumer import Consumer
from services.chassis.db import Transaction, create_pool
from services.chassis.events import Received
from services.chassis.keyring import Keyring, make_key_file
from services.chassis.principal import service_principal
from services.chassis.rows import SERVICE_SESSION
from services.chassis.subscriptions import Subscriptions, each
from services.chassis.work import Work
from services.contracts import registry
from services.points_hukou.store import mirrors

_SERVICE = "bench_each"
_APPLIED = "SELECT coalesce(sum(sequence), 0)::bigint FROM inbox_position WHERE producer = 'registry'"


def _one(keep: Callable[[Work, Sequence[Received[Any]]], Awaitable[None]]) -> Callable[[Work, Received[Any]], Awaitable[None]]:
    async def handler(work: Work, event: Received[Any]) -> None:
        await keep(work, [event])

    return handler


SUBSCRIPTIONS: Subscriptions = {
    registry.PersonRegistered: each(_one(mirrors.keep_persons)),
    registry.ResidenceRegistrationRegistered: each(_one(mirrors.REGISTRATIONS.keep)),
}


async def _run(given: dict[str, Any]) -> float:
    keyring, clock = Keyring(make_key_file()), LawClock()

    def make_work(tx: Transaction, traceparent: str | None) -> Work:
        now = clock.now()
        principal = service_principal(_SERVICE)
        return Work(tx, _SERVICE, principal, keyring, now.date(), now, request_id="bench", traceparent=traceparent)

    dsn = given["database_url"]
    pool = await create_pool(dsn, size=4, command_timeout=30, application="bench-each")
    watcher = await asyncpg.connect(dsn, server_settings=SERVICE_SESSION)
    bus = await message_bus.connect(given["nats_url"], name=_SERVICE, on_closed=lambda: None)
    consumer = Consumer(pool, dsn, bus, service=_SERVICE, subscriptions=SUBSCRIPTIONS, make_work=make_work)
    before = await watcher.fetchval(_APPLIED)
    task = asyncio.create_task(consumer.run())
    while (started_at := await watcher.fetchval(_APPLIED)) == before:  # noqa: ASYNC110 - another session's commit
        await asyncio.sleep(0.01)
    started = time.monotonic()
    await asyncio.sleep(given["seconds"])
    applied = await watcher.fetchval(_APPLIED) - started_at
    taken = time.monotonic() - started
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await bus.close()
    await watcher.close()
    await pool.close()
    return float(applied / taken)


if __name__ == "__main__":
    print(uvloop.run(_run(json.load(sys.stdin))))
