"""One HTTP exchange with the outside: what we read of the request, how we answer. Nothing here knows what is asked."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from services.chassis.errors import DomainError
from services.chassis.problems import preferred_language
from services.chassis.tracing import child, request_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

# The only request headers anybody here reads or forwards; identity and forwarding headers of the outside are not among them.
_SINGLE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"idempotency-key",
        b"if-match",
        b"traceparent",
        b"transfer-encoding",
        b"x-actor",
        b"x-actor-assertion",
        b"x-purpose",
        b"x-request-deadline-ms",
        b"x-request-id",
    }
)
_LISTS = frozenset({b"accept", b"accept-language", b"if-none-match"})

SECURITY_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
NO_STORE: Header = (b"cache-control", b"no-store")


class ClientGoneError(Exception):
    """The other side closed the connection; there is nobody to answer."""


class Exchange:
    """One request and its one answer."""

    __slots__ = (
        "_repeated",
        "_send",
        "client_id",
        "headers",
        "method",
        "operation",
        "path",
        "query",
        "receive",
        "request_id",
        "scope",
        "started",
        "status",
        "traceparent",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.started = False
        self.status = 0
        self.operation = "unmatched"
        self.client_id = ""
        self.headers: dict[bytes, bytes] = {}
        self._repeated = False
        self._read_headers()
        self.request_id = request_id(self._latin(b"x-request-id"))
        self.traceparent = child(self._latin(b"traceparent"))

    def _read_headers(self) -> None:
        headers = self.headers
        for name, value in self.scope["headers"]:
            if name in _SINGLE:
                if name in headers:
                    self._repeated = True
                headers[name] = value
            elif name in _LISTS:
                headers[name] = headers[name] + b", " + value if name in headers else value

    def check_head(self, *, url_limit: int, header_limit: int) -> None:
        """Raise a `DomainError` for a target that is too long or holds raw bytes, and for repeated or too many headers."""
        if len(self.path) + len(self.query) > url_limit:
            raise DomainError("uri-too-long", extra={"limit": url_limit})
        if self._repeated or len(self.scope["headers"]) > header_limit:
            raise DomainError("header-malformed")
        if self.query and not (self.query.isascii() and self.query.decode("ascii").isprintable()):
            raise DomainError("path-malformed")

    def text(self, name: bytes) -> str | None:
        """A header's value; raises `DomainError('header-malformed')` when it is not ASCII."""
        value = self.headers.get(name)
        if value is None:
            return None
        try:
            return value.decode("ascii")
        except UnicodeDecodeError:
            raise DomainError("header-malformed") from None

    @property
    def address(self) -> str:
        """Where the connection comes from: the caller's address, or the load balancer's in front of us; empty when unknown."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    @property
    def language(self) -> str:
        """`zh` or `en`."""
        return preferred_language(self._latin(b"accept-language"))

    def _latin(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def declared_length(self) -> int | None:
        """`Content-Length` in bytes; the HTTP parser has refused what is no number."""
        value = self.headers.get(b"content-length")
        if value is None:
            return None
        return int(value) if len(value) < 16 and value.isdigit() else 1 << 60

    @property
    def has_body(self) -> bool:
        """Whether the request announces a body, of known length or chunked."""
        return b"transfer-encoding" in self.headers or bool(self.declared_length())

    def body_may_exceed(self, limit: int) -> bool:
        """Whether the request announces a body of more than `limit` bytes, or of a length it does not tell."""
        return b"transfer-encoding" in self.headers or (self.declared_length() or 0) > limit

    async def body(self, limit: int) -> bytes:
        """The whole body; raises `DomainError('body-too-large')` as soon as it passes `limit` bytes, and `ClientGoneError`."""
        if (self.declared_length() or 0) > limit:
            raise body_too_large(limit)
        parts: list[bytes] = []
        size = 0
        while True:
            part, more = await self.next_part()
            size += len(part)
            if size > limit:
                raise body_too_large(limit)
            parts.append(part)
            if not more:
                return b"".join(parts)

    async def next_part(self) -> tuple[bytes, bool]:
        """The next bytes of the body and whether more follow; raises `ClientGoneError`."""
        message = await self.receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        return message.get("body", b""), message.get("more_body", False)

    async def start(self, status: int, headers: Iterable[Header]) -> None:
        """Send the head of the answer, with the headers that every answer has."""
        self.started = True
        self.status = status
        head = [*headers, *SECURITY_HEADERS, (b"x-request-id", self.request_id.encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": head})

    async def send_body(self, body: bytes, *, more: bool = False) -> None:
        """Send bytes of the body; the last call has `more=False`."""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def answer(self, status: int, headers: Iterable[Header], body: bytes) -> None:
        """Send a whole answer; a HEAD gets the head only."""
        await self.start(status, [*headers, (b"content-length", str(len(body)).encode())])
        await self.send_body(b"" if self.method == "HEAD" else body)


def body_too_large(limit: int) -> DomainError:
    """The error of a body over `limit` bytes."""
    return DomainError("body-too-large", extra={"limit": limit})
