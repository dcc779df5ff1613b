"""A service as the gateway sees one: it echoes what it received, checks the inside token as services do, and misbehaves.

`?behave=…` chooses: `slow` (answers after 30 s), `stream` (256 chunks, no length), `large` (1 MiB with a length), `break`
(closes in the middle), `crash` (no answer), `refuse` (401), `headers` (answers with fields that must not pass).
"""

import asyncio
import contextlib
import hashlib
import json
from typing import Any

from services.chassis.auth import InsideTokens
from services.chassis.errors import DomainError

CHUNK = b"0123456789abcdef" * 64
CHUNKS = 256
LARGE = b"x" * (1 << 20)


class EchoService:
    """One pretended service; the attributes steer and observe it."""

    def __init__(self, name: str, tokens: InsideTokens, openapi: dict[str, Any]) -> None:
        self.name = name
        self.tokens = tokens
        self.openapi = openapi
        self.openapi_fetches = 0
        self.ready = True
        self.calls = 0
        self.given_up = 0
        self.clock: str | None = None
        self.jobs_run = 0
        self.settled_after = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        path = scope["path"]
        if path == "/readyz":
            body = {"ready": self.ready, "not_ready": {} if self.ready else {"nats": "no answer in time"}}
            await _answer(send, 200 if self.ready else 503, json.dumps(body).encode())
        elif path == "/openapi.json":
            self.openapi_fetches += 1
            await _answer(send, 200, json.dumps(self.openapi).encode())
        elif path.startswith("/internal/sandbox/"):
            await self._sandbox(scope, receive, send, path)
        else:
            self.calls += 1
            await self._echo(scope, receive, send)

    def _principal(self, scope: Any) -> Any:
        return self.tokens.principal(dict(scope["headers"]).get(b"authorization", b"").decode())

    async def _sandbox(self, scope: Any, receive: Any, send: Any, path: str) -> None:
        assert "sandbox.clock" in self._principal(scope).scopes
        if path.endswith("/clock"):
            if scope["method"] == "PUT":
                self.clock = json.loads((await _read(receive))[0])["now"]
            answer: dict[str, Any] = {"now": self.clock}
        elif path.endswith("/jobs"):
            self.jobs_run += 1
            answer = {"done": True}
        else:
            self.settled_after -= 1
            answer = {"settled": self.settled_after < 0}
        await _answer(send, 200, json.dumps(answer).encode())

    async def _echo(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            principal = self._principal(scope)
        except DomainError:
            await _answer(send, 401, b"{}")
            return
        behave = dict(item.split("=", 1) for item in scope["query_string"].decode().split("&") if "=" in item).get("behave")
        if behave in _BEHAVIOUR:
            await _BEHAVIOUR[behave](self, receive, send)
            return
        body, parts = await _read(receive)
        answer = {
            "method": scope["method"],
            "raw_path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
            "body_bytes": len(body),
            "body_parts": parts,
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "principal": {
                "client_id": principal.client_id,
                "organisation": principal.organisation,
                "division_code": principal.division_code,
                "scopes": sorted(principal.scopes),
                "actor": principal.actor,
                "purpose": principal.purpose,
            },
        }
        await _answer(send, 200, json.dumps(answer).encode())

    async def _slow(self, receive: Any, send: Any) -> None:
        await _read(receive)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                while (await receive())["type"] != "http.disconnect":
                    pass
            self.given_up += 1
            return
        await _answer(send, 200, b"{}")

    async def _stream(self, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/x-ndjson")]})
        for _ in range(CHUNKS):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})

    async def _large(self, receive: Any, send: Any) -> None:
        await _answer(send, 200, LARGE)

    async def _break(self, receive: Any, send: Any) -> None:
        head = [(b"content-type", b"text/plain"), (b"content-length", str(len(LARGE)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})

    async def _crash(self, receive: Any, send: Any) -> None:
        await _read(receive)

    async def _refuse(self, receive: Any, send: Any) -> None:
        await _answer(send, 401, b'{"type": "urn:xinshimin:problem:unauthenticated"}')

    async def _headers(self, receive: Any, send: Any) -> None:
        extra = [
            (b"etag", b'"3"'),
            (b"location", b"/v1/persons/42"),
            (b"retry-after", b"7"),
            (b"cache-control", b"private, max-age=5"),
            (b"link", b'</v1/persons?cursor=x>; rel="next"'),
            (b"deprecation", b"@1767225600"),
            (b"ratelimit-policy", b'"default";q=100;w=60'),
            (b"ratelimit", b'"default";r=50;t=30'),
            (b"idempotency-replayed", b"true"),
            (b"set-cookie", b"session=1"),
            (b"server", b"inside/1.0"),
            (b"x-powered-by", b"inside"),
            (b"x-internal-host", b"10.0.0.7"),
            (b"access-control-allow-origin", b"*"),
        ]
        await _answer(send, 201, b"{}", extra)


_BEHAVIOUR = {
    "slow": EchoService._slow,
    "stream": EchoService._stream,
    "large": EchoService._large,
    "break": EchoService._break,
    "crash": EchoService._crash,
    "refuse": EchoService._refuse,
    "headers": EchoService._headers,
}


async def _read(receive: Any) -> tuple[bytes, int]:
    body, parts = b"", 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body, parts
        body += message.get("body", b"")
        parts += 1
        if not message.get("more_body", False):
            return body, parts


async def _answer(send: Any, status: int, body: bytes, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
