"""The gateway as an application: raw ASGI, every request's way on one screen (`_Gateway._dispatch`)."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from gateway import store
from gateway.auth import AccessTokens, Doorkeeper, InsideMint
from gateway.directory import ClientDirectory
from gateway.documentation import Documentation
from gateway.exchange import NO_STORE, ClientGoneError, Exchange, Receive, Scope, Send
from gateway.journal import Journal
from gateway.keys import SigningKeys
from gateway.probes import Probes
from gateway.proxy import Forwarder
from gateway.routes import RouteTable, check_path, known_scopes, load_routes, method_not_allowed
from gateway.sandbox import CLOCK_PATH, SandboxClock
from gateway.settings import GatewaySettings
from gateway.tokens import JWKS_PATH, METADATA_PATH, TOKEN_PATH, TokenEndpoint
from gateway.upstream import Upstreams
from services.chassis import bus as message_bus
from services.chassis import logs, migrations
from services.chassis.db import Pool, close_pool, create_pool, in_transaction
from services.chassis.errors import DomainError
from services.chassis.evidence.copies import COPY_PLACES
from services.chassis.evidence.sealer import Sealer
from services.chassis.evidence.watch import Watch
from services.chassis.problems import Catalogue
from services.chassis.rows import SERVICE
from services.chassis.tasks import cancel

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")
_PROBLEMS = Path(__file__).with_name("problems.toml")
_HOUSEKEEPING_S = 60.0
INBOX = "_INBOX.gateway"
"""All that the gateway may hear on NATS: answers to what it asked itself."""

Handler = Callable[[Exchange], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def create_app(settings: GatewaySettings | None = None) -> Application:
    """The gateway; settings come from the environment unless given. Nothing is opened before the lifespan starts."""
    return _Gateway(settings or GatewaySettings())


class _Gateway:
    """The parts of a running gateway, put together in the lifespan."""

    _door: Doorkeeper
    _mint: InsideMint
    _forwarder: Forwarder
    _own: Mapping[bytes, Mapping[str, Handler]]

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._catalogue = Catalogue.load(_PROBLEMS)
        self._journal = Journal(settings.process)
        self._table = RouteTable(load_routes())
        unknown = {route.service for route in self._table.routes} - set(settings.upstreams)
        if unknown:
            raise ValueError(f"XINSHIMIN_GATEWAY__UPSTREAMS lacks {', '.join(sorted(unknown))}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry. A WebSocket is refused by closing it: nothing here speaks it."""
        if scope["type"] == "http":
            await self._http(Exchange(scope, receive, send))
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1002})

    async def _http(self, exchange: Exchange) -> None:
        started = time.perf_counter()
        try:
            await self._dispatch(exchange)
        except DomainError as error:
            await self._refuse(exchange, error)
        except ClientGoneError:
            pass
        except Exception:
            logger.exception("request failed", extra={"fields": {"request_id": exchange.request_id}})
            await self._refuse(exchange, DomainError("internal-error"))
        finally:
            self._journal.write(exchange, started)

    async def _dispatch(self, exchange: Exchange) -> None:
        settings = self._settings
        exchange.check_head(url_limit=settings.url_limit_bytes, header_limit=settings.header_limit)
        own = self._own.get(exchange.path)
        if own is not None:
            return await self._serve_own(exchange, own)
        route = self._table.match(exchange.method, exchange.path)
        exchange.operation = route.name
        session, client = await self._door.authenticate(exchange)
        self._door.require_scope(session, client, route.scope)
        purpose = self._door.purpose(exchange, client, needed=route.purpose)
        actor = await self._door.actor(exchange, client, route)
        bearer = self._mint.bearer(route.service, client, session.scopes, purpose=purpose, actor=actor)
        return await self._forwarder.forward(exchange, route, bearer)

    @staticmethod
    async def _serve_own(exchange: Exchange, handlers: Mapping[str, Handler]) -> None:
        handler = handlers.get("GET" if exchange.method == "HEAD" else exchange.method)
        if handler is None:
            raise method_not_allowed(handlers)
        exchange.operation = f"{exchange.method} {exchange.path.decode('ascii')}"
        await handler(exchange)

    async def _refuse(self, exchange: Exchange, error: DomainError) -> None:
        """Answer with a problem document; an answer already on its way ends unfinished instead, which closes the connection."""
        if exchange.started:
            return
        problem = self._catalogue.document(error, language=exchange.language, request_id=exchange.request_id)
        headers = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
        headers.append(NO_STORE)
        if error.code == "method-not-allowed":
            headers.append((b"allow", ", ".join(error.extra["allow"]).encode()))
        if exchange.body_may_exceed(self._settings.body_limit_bytes):
            # Nobody will read the rest, and it may be long.
            headers.append((b"connection", b"close"))
        await exchange.answer(problem.status, headers, problem.body)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        phase = "startup"
        try:
            async with self._running():
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except Exception as error:
            logger.critical("%s failed", phase, extra={"fields": {"error": logs.describe(error), "reason": str(error)}})
            await send({"type": f"lifespan.{phase}.failed", "message": type(error).__name__})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        settings = self._settings
        logs.configure(settings.process, settings.log_level)
        access_keys, inside_keys = SigningKeys.load(settings.access_key_file), SigningKeys.load(settings.inside_key_file)
        async with AsyncExitStack() as stack:
            pool = await create_pool(
                settings.database_url.get_secret_value(),
                size=settings.pool_size,
                command_timeout=settings.command_timeout_s,
                application="xinshimin-gateway",
            )
            stack.push_async_callback(close_pool, pool)
            await migrations.require_schema(MIGRATIONS, settings.database_url.get_secret_value(), "gateway")
            upstreams = Upstreams(
                settings.upstreams,
                connect_timeout_s=settings.connect_timeout_s,
                max_connections=settings.max_connections,
            )
            stack.callback(upstreams.close)
            bus = await message_bus.connect(
                settings.nats_url.get_secret_value(), name=settings.process, on_closed=_nothing_to_end, inbox=INBOX
            )
            stack.push_async_callback(bus.close)
            sealer = Sealer.of(settings.process, settings, bus)
            watch = Watch(pool, service=settings.process, places=COPY_PLACES, age_max_s=settings.audit_overdue_s)
            probes = Probes(pool, upstreams.by_name, sealer, watch)
            self._assemble(pool, upstreams, access_keys, inside_keys, probes)
            parts = (("housekeeping", _forget_what_is_over(pool)), ("audit sealer", sealer.run()), ("audit watch", watch.run()))
            for label, run in parts:
                stack.push_async_callback(cancel, asyncio.create_task(run, name=label))
            logger.info("started")
            yield
            logger.info("stopping")

    def _assemble(
        self, pool: Pool, upstreams: Upstreams, access_keys: SigningKeys, inside_keys: SigningKeys, probes: Probes
    ) -> None:
        settings, routes = self._settings, self._table.routes
        directory = ClientDirectory(
            pool,
            believed_s=settings.client_cache_s,
            sandbox=settings.sandbox,
            acquire_timeout_s=settings.acquire_timeout_s,
        )
        self._mint = InsideMint(inside_keys, life_s=settings.inside_token_s)
        self._door = Doorkeeper(
            AccessTokens(access_keys.public, settings.issuer),
            directory,
            pool,
            issuer=settings.issuer,
            sandbox=settings.sandbox,
            acquire_timeout_s=settings.acquire_timeout_s,
        )
        self._forwarder = Forwarder(
            upstreams.by_name,
            body_limit=settings.body_limit_bytes,
            deadline_s=settings.request_deadline_s,
            max_in_flight=settings.max_in_flight,
        )
        tokens = TokenEndpoint(settings, access_keys, directory, pool, known_scopes(routes))
        documentation = Documentation(routes, upstreams.by_name, sandbox=settings.sandbox)
        own: dict[str, Mapping[str, Handler]] = {
            TOKEN_PATH: {"POST": tokens.token},
            JWKS_PATH: {"GET": tokens.jwks},
            METADATA_PATH: {"GET": tokens.metadata},
            "/livez": {"GET": probes.livez},
            "/readyz": {"GET": probes.readyz},
            "/metrics": {"GET": probes.metrics},
            "/openapi.json": {"GET": documentation.openapi},
            **{path: {"GET": documentation.asset} for path in documentation.paths},
        }
        if settings.sandbox:
            clock = SandboxClock(self._door, self._mint, upstreams.by_name, settle_s=settings.clock_settle_s)
            own[CLOCK_PATH] = {"GET": clock.show, "PUT": clock.set}
        for path in own:
            check_path(path.encode())
        self._own = {path.encode(): handlers for path, handlers in own.items()}


def _nothing_to_end() -> None:
    """NATS refused us for good: the door stays open, the evidence is late, and `/readyz` tells."""


async def _forget_what_is_over(pool: Pool) -> None:
    """Delete expired assertions and ended rate windows now and then; a failure is tried again a minute later."""
    while True:
        with suppress(DomainError):
            await in_transaction(pool, store.forget_expired_assertions, rows=SERVICE)
            await in_transaction(pool, store.forget_uses, rows=SERVICE)
        await asyncio.sleep(_HOUSEKEEPING_S)
