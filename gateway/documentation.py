"""`/openapi.json` and `/docs`: the suite's one description, fetched from the services over HTTP, and a page to read it with.

The page needs no network beyond this gateway: its script and style are vendored (`static/swagger-ui/README.md`).
"""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.exchange import Exchange, Header
from gateway.http_connection import UpstreamError
from gateway.openapi import Document, merge
from gateway.routes import Route
from gateway.upstream import Upstream

logger = logging.getLogger(__name__)

_STATIC = Path(__file__).with_name("static")
_ASSETS: Mapping[str, tuple[str, bytes]] = {
    "/docs": ("documentation.html", b"text/html; charset=utf-8"),
    "/docs/documentation.css": ("documentation.css", b"text/css; charset=utf-8"),
    "/docs/documentation.js": ("documentation.js", b"text/javascript; charset=utf-8"),
    "/docs/swagger-ui.css": ("swagger-ui/swagger-ui.css", b"text/css; charset=utf-8"),
    "/docs/swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", b"text/javascript; charset=utf-8"),
}
# Swagger UI sets style attributes and draws its icons from data: URLs; scripts come from here alone.
_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
)
_REFRESH_S = 30.0
_REFRESH_MISSING_S = 2.0
_FETCH_WITHIN_S = 3.0
_LARGEST_DOCUMENT = 8 << 20


@dataclass(frozen=True, slots=True)
class _Content:
    body: bytes
    media_type: bytes
    etag: bytes

    @classmethod
    def of(cls, body: bytes, media_type: bytes) -> "_Content":
        return cls(body, media_type, b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"')


class Documentation:
    """Serves the merged document and the page."""

    def __init__(self, routes: Iterable[Route], upstreams: Mapping[str, Upstream], *, sandbox: bool) -> None:
        self._routes = tuple(routes)
        self._upstreams = upstreams
        self._sandbox = sandbox
        self._assets = {path: _Content.of((_STATIC / name).read_bytes(), kind) for path, (name, kind) in _ASSETS.items()}
        self._documents: dict[str, Document] = {}
        self._merged: _Content | None = None
        self._stale_at = 0.0
        self._turn = asyncio.Lock()

    @property
    def paths(self) -> Iterable[str]:
        """The paths of the page and what belongs to it."""
        return self._assets

    async def asset(self, exchange: Exchange) -> None:
        """The page, its script and its styles."""
        await _answer(exchange, self._assets[exchange.path.decode("ascii")], [_POLICY])

    async def openapi(self, exchange: Exchange) -> None:
        """The merged document. A service that is silent is described as last known, or named in `info` when it never was."""
        async with self._turn:
            if self._merged is None or time.monotonic() >= self._stale_at:
                self._merged = await self._fetch()
            merged = self._merged
        await _answer(exchange, merged, [])

    async def _fetch(self) -> _Content:
        found = await asyncio.gather(*(self._document(name) for name in self._upstreams))
        silent = [name for name, document in zip(self._upstreams, found, strict=True) if document is None]
        self._documents.update({name: document for name, document in zip(self._upstreams, found, strict=True) if document})
        self._stale_at = time.monotonic() + (_REFRESH_MISSING_S if silent else _REFRESH_S)
        known = {name: self._documents[name] for name in self._upstreams if name in self._documents}
        missing = [name for name in self._upstreams if name not in known]
        document = merge(self._routes, known, missing=missing, sandbox=self._sandbox)
        return _Content.of(json.dumps(document, ensure_ascii=False).encode(), b"application/json")

    async def _document(self, name: str) -> Document | None:
        try:
            async with asyncio.timeout(_FETCH_WITHIN_S):
                answer = await self._upstreams[name].send("GET", "/openapi.json", {"Accept": "application/json"})
                body = await answer.whole()
            document = json.loads(body) if answer.status == 200 and len(body) <= _LARGEST_DOCUMENT else None
        except (TimeoutError, UpstreamError, ValueError) as error:
            logger.warning("no description of a service", extra={"fields": {"service": name, "reason": type(error).__name__}})
            return None
        return document if isinstance(document, dict) else None


async def _answer(exchange: Exchange, content: _Content, headers: list[Header]) -> None:
    """Send with an ETag; `no-cache` makes the browser ask each time, and a 304 is all it then costs."""
    common: list[Header] = [(b"etag", content.etag), (b"cache-control", b"no-cache"), *headers]
    given = exchange.headers.get(b"if-none-match", b"")
    if content.etag in (tag.strip().removeprefix(b"W/") for tag in given.split(b",")):
        await exchange.start(304, common)
        await exchange.send_body(b"")
        return
    await exchange.answer(200, [(b"content-type", content.media_type), *common], content.body)
