"""Forwarding one request to its service: allow-listed headers both ways, a counted body, a deadline, a watch on the caller.

What a service may believe is in the inside token; of the caller's own headers only those below pass (decision 0001). Nothing is
asked twice except an idempotent call whose idle connection was just closed.
"""

import logging
from collections.abc import AsyncIterator, Mapping

from gateway.exchange import NO_STORE, ClientGoneError, Exchange, Header, body_too_large
from gateway.guard import RequestGuard
from gateway.http_connection import UpstreamError
from gateway.routes import Route
from gateway.upstream import Body, Upstream, UpstreamAnswer
from services.chassis.errors import DomainError

logger = logging.getLogger(__name__)

_PASSED_ON = (
    (b"idempotency-key", "Idempotency-Key"),
    (b"if-match", "If-Match"),
    (b"if-none-match", "If-None-Match"),
    (b"accept", "Accept"),
    (b"accept-language", "Accept-Language"),
    (b"content-type", "Content-Type"),
)
_PASSED_BACK = frozenset(
    {
        b"cache-control",
        b"content-digest",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-security-policy",
        b"content-type",
        b"deprecation",
        b"etag",
        b"link",
        b"location",
        b"retry-after",
        b"sunset",
    }
)
_PASSED_BACK_FAMILIES = (b"ratelimit", b"idempotency-")

# An answer up to this size is collected and sent in one piece; a longer one is passed on as it comes.
_WHOLE_ANSWER_BYTES = 64 << 10
_RETRY_AFTER_S = 2


class Forwarder:
    """Forwards requests to the services."""

    def __init__(self, upstreams: Mapping[str, Upstream], *, body_limit: int, deadline_s: float, max_in_flight: int) -> None:
        self._upstreams = upstreams
        self._body_limit = body_limit
        self._deadline_s = deadline_s
        self._max_in_flight = max_in_flight
        self._in_flight = 0

    async def forward(self, exchange: Exchange, route: Route, bearer: str) -> None:
        """Ask the route's service and pass its answer on. Raises `DomainError` before it began, and `ClientGoneError`."""
        if self._in_flight >= self._max_in_flight:
            raise DomainError("busy", retry_after=1)
        deadline_s = self._seconds_left(exchange, route)
        headers = _request_headers(exchange, bearer, deadline_s)
        self._in_flight += 1
        try:
            with RequestGuard(exchange, deadline_s) as guard:
                upload = _Upload(exchange, route.body_limit_bytes or self._body_limit)
                body = await upload.body()
                if not upload.is_streaming:
                    guard.body_read()
                answer = await self._ask(route, exchange, headers, body, upload)
                await self._pass_back(exchange, route, answer)
        except TimeoutError as error:
            if exchange.started:
                # Half an answer cannot be taken back; ending without the rest closes the connection.
                logger.warning("answer cut off at the deadline", extra={"fields": {"operation": route.name}})
                return
            raise DomainError("deadline-exceeded", retry_after=_RETRY_AFTER_S) from error
        finally:
            self._in_flight -= 1

    def _seconds_left(self, exchange: Exchange, route: Route) -> float:
        """The route's deadline or ours, or the caller's when it is nearer."""
        deadline_s = route.deadline_s or self._deadline_s
        given = exchange.headers.get(b"x-request-deadline-ms")
        if given is not None and given.isdigit() and len(given) < 10:
            return min(deadline_s, max(int(given), 1) / 1000)
        return deadline_s

    async def _ask(
        self, route: Route, exchange: Exchange, headers: Mapping[str, str], body: Body, upload: "_Upload"
    ) -> UpstreamAnswer:
        path = exchange.path.decode("ascii")
        target = f"{path}?{exchange.query.decode('ascii')}" if exchange.query else path
        try:
            return await self._upstreams[route.service].send(route.method, target, headers, body)
        except UpstreamError as error:
            # A body that broke off looks like a broken service to the client library.
            if upload.failure is not None:
                raise upload.failure from error
            logger.warning("service unavailable", extra={"fields": {"operation": route.name, "reason": str(error)}})
            raise _unavailable(route) from error

    async def _pass_back(self, exchange: Exchange, route: Route, answer: UpstreamAnswer) -> None:
        done = False
        try:
            if answer.status == 401:
                # The service did not accept *our* token. The caller's own was good, so this is not the caller's 401.
                logger.error("service refused the inside token", extra={"fields": {"operation": route.name}})
                raise _unavailable(route)
            headers, length = _response_headers(answer)
            if answer.status >= 500 and not _is_problem(headers):
                # Of the service's HTTP server, not of the service: it says nothing a caller could use.
                logger.error("service failed", extra={"fields": {"operation": route.name, "status": answer.status}})
                raise DomainError("internal-error")
            if length is not None and length <= _WHOLE_ANSWER_BYTES:
                body = await answer.whole()
                await exchange.start(answer.status, headers)
                await exchange.send_body(body)
            else:
                await exchange.start(answer.status, headers)
                async for part in answer.parts():
                    await exchange.send_body(part, more=True)
                await exchange.send_body(b"")
            done = True
        except UpstreamError as error:
            logger.warning("service broke off", extra={"fields": {"operation": route.name, "reason": str(error)}})
            if not exchange.started:
                raise _unavailable(route) from error
        finally:
            if not done:
                answer.abort()


class _Upload:
    """The request body on its way: in one piece when it is, otherwise counted piece by piece."""

    __slots__ = ("_exchange", "_first", "_limit", "failure", "is_streaming")

    def __init__(self, exchange: Exchange, limit: int) -> None:
        self._exchange = exchange
        self._limit = limit
        self._first = b""
        self.is_streaming = False
        self.failure: DomainError | ClientGoneError | None = None

    async def body(self) -> Body:
        """What to send. Raises `DomainError('body-too-large')` when that is known before anything was sent."""
        if not self._exchange.has_body:
            return None
        if (self._exchange.declared_length() or 0) > self._limit:
            raise body_too_large(self._limit)
        self._first, more = await self._exchange.next_part()
        if len(self._first) > self._limit:
            raise body_too_large(self._limit)
        if not more:
            return self._first
        self.is_streaming = True
        return self._parts()

    async def _parts(self) -> AsyncIterator[bytes]:
        size, part, more = len(self._first), self._first, True
        self._first = b""
        while True:
            if part:
                yield part
            if not more:
                return
            try:
                part, more = await self._exchange.next_part()
                size += len(part)
                if size > self._limit:
                    raise body_too_large(self._limit)
            except (DomainError, ClientGoneError) as error:
                self.failure = error
                raise


def _request_headers(exchange: Exchange, bearer: str, deadline_s: float) -> dict[str, str]:
    headers = {
        "Authorization": bearer,
        "X-Request-Id": exchange.request_id,
        "traceparent": exchange.traceparent,
        "X-Request-Deadline-Ms": str(int(deadline_s * 1000)),
    }
    for name, title in _PASSED_ON:
        value = exchange.text(name)
        if value is not None:
            headers[title] = value
    return headers


def _response_headers(answer: UpstreamAnswer) -> tuple[list[Header], int | None]:
    """What passes back, and the body's length when it is known. Answers are not to be stored unless the service says so."""
    headers: list[Header] = []
    length: int | None = 0 if answer.status in (204, 304) else None
    cache_control = False
    for name, value in answer.headers:
        if name not in _PASSED_BACK and not name.startswith(_PASSED_BACK_FAMILIES):
            continue
        if name == b"content-length":
            length = int(value)
        elif name == b"location" and (not value.startswith(b"/") or value.startswith(b"//")):
            continue  # the inside address of a service is nobody's business
        elif name == b"cache-control":
            cache_control = True
        headers.append((name, value))
    if not cache_control:
        headers.append(NO_STORE)
    return headers, length


def _is_problem(headers: list[Header]) -> bool:
    return any(name == b"content-type" and value.startswith(b"application/problem+json") for name, value in headers)


def _unavailable(route: Route) -> DomainError:
    return DomainError("service-unavailable", extra={"service": route.service}, retry_after=_RETRY_AFTER_S)
