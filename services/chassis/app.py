"""A service as an application: definition in, ASGI out. Relay, consumers, jobs and probes live under one lifespan."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import MetaData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from services.chassis import bus as message_bus
from services.chassis import crash_points, logs, migrations, sandbox
from services.chassis.application import Application
from services.chassis.attachments import housekeeping
from services.chassis.attachments.keeping import Attachments, SeesAnyOf
from services.chassis.audit import ReadAuditor
from services.chassis.auth import InsideTokens
from services.chassis.changes import changes_router
from services.chassis.clock_offset import load_offset
from services.chassis.consumer import Consumer
from services.chassis.data_keys import KeyKeeper
from services.chassis.db import Pool, Transaction, close_pool, create_pool, in_transaction
from services.chassis.errors import DomainError
from services.chassis.events import EventData
from services.chassis.evidence.copies import COPY_PLACES
from services.chassis.evidence.route import checkpoints_router
from services.chassis.evidence.sealer import Sealer
from services.chassis.evidence.watch import Watch
from services.chassis.fields import FieldTable
from services.chassis.jobs import Job, Scheduler
from services.chassis.keyring import Keyring
from services.chassis.long_work import housekeeping as operations_kept
from services.chassis.long_work.starter import Starter
from services.chassis.metrics import METRICS_MEDIA_TYPE, exposition
from services.chassis.openapi import describe_problems
from services.chassis.outbox import Relay
from services.chassis.probes import Check, Readiness
from services.chassis.problems import Catalogue, preferred_language
from services.chassis.reconciler import Reconciler
from services.chassis.routing import ServiceRouter
from services.chassis.rows import SERVICE
from services.chassis.runtime import Runtime
from services.chassis.sealed_columns import SealedColumn
from services.chassis.sealing import Suite
from services.chassis.settings import ServiceSettings
from services.chassis.subscriptions import Subscriptions
from services.chassis.tasks import cancel
from services.chassis.tracing import request_id
from services.chassis.work import Work

logger = logging.getLogger(__name__)

Snapshot = Callable[[Transaction, Keyring], AsyncIterator[tuple[UUID, list[EventData]]]]


class RenewTokens(Protocol):
    """An act of who owns persons."""

    async def __call__(self, work: Work, *, after: UUID | None, limit: int) -> tuple[int, UUID | None]:
        """Tell the document tokens of the next `limit` persons again: how many, and after whom to go on, `None` at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition:
    """All a service brings; decision 0001 explains each field.

    `changes_path` is where its events are followed, `follower_scopes` the scope a follower needs per aggregate in event types,
    `checkpoints_path` where the signed heads of its evidence are read, `sealed` the columns its own code seals.
    `fields` decides what answers and followed events show of a person; a service without it shows no person.
    A service that keeps files says in `attachments` whom a caller sees, and has an `attachments_router` among its routers and
    `attachments.rows.SEALED` among its columns. `renew_tokens` tells the tokens of its persons' documents again.
    `long_work` names the module that is run to work off an operation.
    """

    name: str
    title_zh: str
    title_en: str
    settings: type[ServiceSettings]
    metadata: MetaData
    migrations: Path
    problems: Path
    routers: Sequence[ServiceRouter]
    changes_path: str
    changes_scope: str
    checkpoints_path: str
    checkpoints_scope: str
    follower_scopes: Mapping[str, str] = field(default_factory=dict)
    fields: FieldTable | None = None
    publishes: Sequence[type[EventData]] = ()
    subscriptions: Subscriptions = field(default_factory=dict)
    jobs: Sequence[Job] = ()
    snapshot: Snapshot | None = None
    renew_tokens: RenewTokens | None = None
    sealed: Sequence[SealedColumn] = ()
    attachments: SeesAnyOf | None = None
    long_work: str | None = None


def service_app(definition: ServiceDefinition, settings: ServiceSettings | None = None) -> FastAPI:
    """The application of one service; settings come from the environment unless given."""
    chosen = settings or definition.settings()
    catalogue = Catalogue.load(definition.problems)
    process = _Process(definition, chosen, catalogue)
    changes = changes_router(
        definition.name,
        definition.changes_path,
        definition.changes_scope,
        definition.follower_scopes,
        definition.publishes,
        definition.fields,
    )
    app = Application(
        [*definition.routers, changes, checkpoints_router(definition.checkpoints_path, definition.checkpoints_scope)],
        title=f"{definition.title_zh} · {definition.title_en}",
        version="1",
        lifespan=process.lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    process.app = app
    if chosen.sandbox:
        app.router.routes.extend(process.sandbox().routes())
    app.add_route("/livez", process.livez, methods=["GET"], include_in_schema=False)
    app.add_route("/readyz", process.readyz, methods=["GET"], include_in_schema=False)
    app.add_route("/metrics", process.metrics, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(HTTPException, process.refuse)
    describe_problems(app, catalogue, definition.fields)
    return app


class _Process:
    """The parts of a running service, put together in the lifespan."""

    app: FastAPI
    runtime: Runtime
    relay: Relay
    keeper: KeyKeeper
    reconciler: Reconciler
    consumer: Consumer | None
    scheduler: Scheduler
    sealer: Sealer
    readiness: Readiness

    def __init__(self, definition: ServiceDefinition, settings: ServiceSettings, catalogue: Catalogue) -> None:
        self.definition = definition
        self.settings = settings
        self.catalogue = catalogue
        self._stopping = False

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Start in the order of need, stop in reverse; a part that dies ends the process."""
        settings, name = self.settings, self.definition.name
        logs.configure(name, settings.log_level)
        crash_points.arm(settings.crash_at)
        async with AsyncExitStack() as stack:
            pool = await create_pool(
                settings.database_url.get_secret_value(),
                size=settings.pool_size,
                command_timeout=settings.command_timeout_s,
                application=f"xinshimin-{name}",
            )
            stack.push_async_callback(close_pool, pool)
            await migrations.require_schema(self.definition.migrations, settings.database_url.get_secret_value(), name)
            keyring = Keyring.load(settings.key_file, Suite.named(settings.cipher_suite))
            self.keeper = KeyKeeper(pool, keyring, refresh_s=settings.key_refresh_s)
            await self.keeper.start()
            stack.push_async_callback(self.keeper.stop)
            auditor = ReadAuditor(pool)
            watch = Watch(pool, service=name, places=COPY_PLACES, age_max_s=settings.audit_overdue_s)
            await watch.look()
            self.runtime = app.state.runtime = Runtime(
                name=name,
                settings=settings,
                pool=pool,
                keyring=keyring,
                tokens=InsideTokens.load(settings.inside_jwks_file, name),
                catalogue=self.catalogue,
                read_auditor=auditor,
                evidence=watch,
                wake_relay=self._wake_relay,
                learn_keys=self.keeper.refresh,
            )
            if self.definition.attachments is not None:
                self.runtime.attachments = Attachments.open(settings, self.definition.attachments)
                stack.push_async_callback(self.runtime.attachments.store.close)
            if settings.sandbox:
                self.runtime.law_clock.offset = await in_transaction(pool, load_offset, rows=SERVICE)
            bus = await message_bus.connect(settings.nats_url.get_secret_value(), name=name, on_closed=self._die)
            stack.push_async_callback(bus.close)
            self._assemble(pool, bus)
            for label, run in self._background(auditor):
                stack.push_async_callback(cancel, self._start(label, run))
            stack.callback(self._mark_stopping)
            logger.info("started")
            yield
            logger.info("stopping")

    def _assemble(self, pool: Pool, bus: message_bus.Bus) -> None:
        definition, settings = self.definition, self.settings
        dsn = settings.database_url.get_secret_value()
        self.relay = Relay(
            dsn, bus, service=definition.name, poll_s=settings.relay_poll_s, days_kept=settings.changes_retention_days
        )
        self.reconciler = Reconciler(dsn, bus, service=definition.name)
        self.consumer = None
        if definition.subscriptions:
            self.consumer = Consumer(
                pool,
                dsn,
                bus,
                service=definition.name,
                subscriptions=definition.subscriptions,
                make_work=self.runtime.own_work,
                wake_relay=self.relay.wake,
            )
        own: tuple[Job, ...] = () if definition.attachments is None else housekeeping.JOBS
        own += () if definition.long_work is None else operations_kept.JOBS
        self.scheduler = Scheduler(self.runtime, (*definition.jobs, *own))
        self.sealer = Sealer.of(definition.name, settings, bus)

        async def database() -> str | None:
            # Every connection at work is load, not an outage: a replica that called itself unready for it would only send its
            # load to the others. One that hangs is closed at `command_timeout`, and then this asks again.
            if pool.get_idle_size() > 0 or pool.get_size() < pool.get_max_size():
                await pool.fetchval("SELECT 1")
            return None

        checks: dict[str, Check] = {
            "database": database,
            "nats": bus.healthy,
            "relay": self.relay.healthy,
            "keys": self.keeper.healthy,
        }
        if self.consumer is not None:
            checks["consumer"] = self.consumer.healthy
        self.readiness = Readiness(definition.name, checks)

    def _background(self, auditor: ReadAuditor) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        parts = [("read auditor", auditor.run()), ("relay", self.relay.run()), ("jobs", self.scheduler.run())]
        parts += [("keys", self.keeper.run()), ("reconciler", self.reconciler.run())]
        parts += [("audit sealer", self.sealer.run()), ("audit watch", self.runtime.evidence.run())]
        if self.consumer is not None:
            parts.append(("consumer", self.consumer.run()))
        if (module := self.definition.long_work) is not None:
            starter = Starter(self.runtime.pool, self.settings, module, service=self.definition.name)
            parts.append(("long work", starter.run()))
        return parts

    def _start(self, label: str, run: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(run, name=label)

        def ended(done: asyncio.Task[None]) -> None:
            if not done.cancelled() and (error := done.exception()) is not None:
                logger.critical("background part died", extra={"fields": {"part": label, "error": logs.describe(error)}})
                self._die()

        task.add_done_callback(ended)
        return task

    def _wake_relay(self) -> None:
        self.relay.wake()

    def _die(self) -> None:
        """End the process in order; whoever supervises it starts it again."""
        if not self._stopping:
            os.kill(os.getpid(), signal.SIGTERM)

    def _mark_stopping(self) -> None:
        self._stopping = True

    def sandbox(self) -> sandbox.Sandbox:
        """The sandbox routes, bound to the parts that will exist once the process runs."""
        return sandbox.Sandbox(lambda: self.runtime, lambda: self.scheduler, self._settled)

    async def _settled(self) -> bool:
        if not await self.relay.flushed():
            return False
        return self.consumer is None or await self.consumer.settled()

    async def livez(self, _: Request) -> Response:
        """Alive: the event loop answers."""
        return JSONResponse({"alive": True})

    async def readyz(self, _: Request) -> Response:
        """Ready: every part answers; otherwise 503 naming the ones that do not.

        Late evidence is a warning, and in the end a refusal that says so: a replica that called itself unready would only hide
        that refusal behind another one.
        """
        reasons = await self.readiness.reasons()
        failing = {part: reason for part, reason in reasons.items() if reason is not None}
        if self._stopping:
            failing["process"] = "stopping"
        known = {"audit": self.runtime.evidence.warning(), "audit sealer": await self.sealer.healthy()}
        warnings = {part: text for part, text in known.items() if text is not None}
        return JSONResponse({"ready": not failing, "not_ready": failing, "warnings": warnings}, 503 if failing else 200)

    async def metrics(self, _: Request) -> Response:
        """Prometheus text."""
        return Response(exposition(), media_type=METRICS_MEDIA_TYPE)

    async def refuse(self, request: Request, error: Exception) -> Response:
        """What Starlette itself refuses – unknown paths and methods – as a problem document."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        code = {404: "not-found", 405: "method-not-allowed"}.get(status, "malformed-body" if status < 500 else "internal-error")
        language = preferred_language(request.headers.get("accept-language"))
        given = request_id(request.headers.get("x-request-id"))
        problem = self.catalogue.document(DomainError(code), language=language, request_id=given)
        own = getattr(error, "headers", None) or {}
        if others := self._methods_at(request):
            own = {"Allow": ", ".join(others)}
        return Response(problem.body, problem.status, {**problem.headers, **own, "x-request-id": given})

    def _methods_at(self, request: Request) -> list[str]:
        """Every method of an address of ours; Starlette's own `Allow` names those of the first route only."""
        routes = (route for router in self.definition.routers for route in router.routes if isinstance(route, APIRoute))
        found = (route.methods for route in routes if route.matches(request.scope)[0] is Match.PARTIAL)
        return sorted({method for methods in found for method in methods or ()})
