"""`/livez`, `/readyz`, `/metrics` of the gateway. Ready means: everything behind the door is."""

import asyncio
import ipaddress
import json

from gateway.exchange import NO_STORE, Exchange, Header
from gateway.http_connection import UpstreamError
from gateway.upstream import Upstream
from services.chassis.db import Pool
from services.chassis.errors import DomainError
from services.chassis.evidence.sealer import Sealer
from services.chassis.evidence.watch import Watch
from services.chassis.metrics import METRICS_MEDIA_TYPE, exposition
from services.chassis.probes import Check, Readiness

_ANSWER_WITHIN_S = 1.5
_JSON: tuple[Header, ...] = ((b"content-type", b"application/json"), NO_STORE)
_FORWARDING = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})


class Probes:
    """The three questions an operator's machinery asks."""

    def __init__(self, pool: Pool, upstreams: dict[str, Upstream], sealer: Sealer, watch: Watch) -> None:
        checks: dict[str, Check] = {"database": _database_check(pool)}
        checks.update({name: _service_check(upstream) for name, upstream in upstreams.items()})
        self._readiness = Readiness("gateway", checks)
        self._sealer = sealer
        self._watch = watch

    async def livez(self, exchange: Exchange) -> None:
        """Alive: the event loop answers."""
        await exchange.answer(200, _JSON, b'{"alive": true}')

    async def readyz(self, exchange: Exchange) -> None:
        """200 when the own database and every service are ready, otherwise 503 naming what is not.

        Late evidence is a warning: the acts it tells of are an operator's, and the door has nothing to refuse for it.
        """
        reasons = await self._readiness.reasons()
        failing = {part: reason for part, reason in reasons.items() if reason is not None}
        known = {"audit": self._watch.warning(), "audit sealer": await self._sealer.healthy()}
        warnings = {part: text for part, text in known.items() if text is not None}
        body = json.dumps({"ready": not failing, "not_ready": failing, "warnings": warnings}).encode()
        retry: list[Header] = [(b"retry-after", b"1")] if failing else []
        await exchange.answer(503 if failing else 200, [*_JSON, *retry], body)

    async def metrics(self, exchange: Exchange) -> None:
        """Prometheus text, for this machine only: a caller from elsewhere, or through a proxy, finds nothing here."""
        peer = exchange.scope.get("client")
        forwarded = any(name in _FORWARDING for name, _ in exchange.scope["headers"])
        if peer is None or forwarded or not ipaddress.ip_address(peer[0]).is_loopback:
            raise DomainError("not-found")
        await exchange.answer(200, [(b"content-type", METRICS_MEDIA_TYPE.encode()), NO_STORE], exposition())


def _database_check(pool: Pool) -> Check:
    async def check() -> str | None:
        await pool.fetchval("SELECT 1", timeout=_ANSWER_WITHIN_S)
        return None

    return check


def _service_check(upstream: Upstream) -> Check:
    async def check() -> str | None:
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                answer = await upstream.send("GET", "/readyz", {})
                body = await answer.whole()
        except UpstreamError:
            return "unreachable"
        return None if answer.status == 200 else _failing_parts(body)

    return check


def _failing_parts(body: bytes) -> str:
    """The names of the parts a service reports as not ready."""
    try:
        parts = json.loads(body)["not_ready"]
        return "not ready: " + ", ".join(sorted(str(part) for part in parts))
    except (ValueError, KeyError, TypeError):
        return "not ready"
