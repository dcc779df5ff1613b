"""The sandbox's law clock for the whole suite: `PUT /v1/sandbox/clock` sets it in every service and waits for its effects.

Three phases, each at all services: set the clock; run the jobs that are then due; ask until nobody has an event left to send or
to apply. "Settled" must be heard from all twice in a row, because an event may be on its way between two answers.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.auth import Doorkeeper, InsideMint
from gateway.exchange import NO_STORE, Exchange, Header
from gateway.http_connection import UpstreamError
from gateway.routes import SANDBOX_CLOCK_SCOPE
from gateway.upstream import Upstream
from services.chassis.clock import LawClock
from services.chassis.errors import DomainError
from services.chassis.parsing import parse_body
from services.chassis.sandbox import ClockSetting

CLOCK_PATH = "/v1/sandbox/clock"
_INSIDE_CLOCK = "/internal/sandbox/clock"
_INSIDE_JOBS = "/internal/sandbox/jobs"
_INSIDE_SETTLED = "/internal/sandbox/settled"

_BODY_LIMIT = 4096
_DEPTH_LIMIT = 4
_ANSWER_WITHIN_S = 5.0
_POLL_S = 0.05
_QUIET_ROUNDS = 2
_JSON: tuple[Header, ...] = ((b"content-type", b"application/json"), NO_STORE)

_Step = Callable[[str], Awaitable[bool]]


class SandboxClock:
    """The clock of a sandbox; one change at a time."""

    def __init__(self, door: Doorkeeper, mint: InsideMint, upstreams: Mapping[str, Upstream], *, settle_s: float) -> None:
        self._door = door
        self._mint = mint
        self._upstreams = upstreams
        self._settle_s = settle_s
        self._turn = asyncio.Lock()

    async def show(self, exchange: Exchange) -> None:
        """`GET /v1/sandbox/clock`: what each service's law clock shows."""
        await self._admit(exchange)
        found = await asyncio.gather(*(self._shown_by(name) for name in self._upstreams))
        body = {"now": next(filter(None, found), None), "services": dict(zip(self._upstreams, found, strict=True))}
        await exchange.answer(200, _JSON, json.dumps(body).encode())

    async def set(self, exchange: Exchange) -> None:
        """`PUT /v1/sandbox/clock` `{"now": "<RFC 3339 with offset>" | null}`. Answers 200 when all its effects are done.

        Raises `DomainError('clock-not-set')` or `('clock-not-settled')` naming the services concerned.
        """
        await self._admit(exchange)
        setting = parse_body(ClockSetting, await exchange.body(_BODY_LIMIT), _DEPTH_LIMIT)
        assert isinstance(setting, ClockSetting)
        async with self._turn:
            clock = LawClock()
            clock.set(setting.now)
            await self._everywhere(self._setter(setting), "clock-not-set", _ANSWER_WITHIN_S)
            await self._settle()
        await exchange.answer(200, _JSON, json.dumps({"now": _shown(clock)}).encode())

    async def _admit(self, exchange: Exchange) -> None:
        session, client = await self._door.authenticate(exchange)
        self._door.require_scope(session, client, SANDBOX_CLOCK_SCOPE)

    def _setter(self, setting: ClockSetting) -> _Step:
        body = setting.model_dump_json().encode()

        async def step(name: str) -> bool:
            return (await self._call(name, "PUT", _INSIDE_CLOCK, body))[0] == 200

        return step

    async def _run_jobs(self, name: str) -> bool:
        return (await self._call(name, "POST", _INSIDE_JOBS))[0] == 200

    async def _settle(self) -> None:
        """Run what is due and wait for its events; all within `settle_s`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settle_s
        await self._everywhere(self._run_jobs, "clock-not-settled", self._settle_s)
        quiet = 0
        while True:
            unsettled = await self._failing(self._is_settled, _ANSWER_WITHIN_S)
            quiet = 0 if unsettled else quiet + 1
            if quiet >= _QUIET_ROUNDS:
                return
            if loop.time() > until:
                raise _waiting_for("clock-not-settled", unsettled)
            await asyncio.sleep(_POLL_S)

    async def _is_settled(self, name: str) -> bool:
        status, answer = await self._call(name, "GET", _INSIDE_SETTLED)
        return status == 200 and answer.get("settled") is True

    async def _everywhere(self, step: _Step, code: str, within_s: float) -> None:
        if failing := await self._failing(step, within_s):
            raise _waiting_for(code, failing)

    async def _failing(self, step: _Step, within_s: float) -> list[str]:
        """The services at which `step` did not succeed in time."""

        async def one(name: str) -> bool:
            try:
                async with asyncio.timeout(within_s):
                    return await step(name)
            except (TimeoutError, UpstreamError):
                return False

        done = await asyncio.gather(*(one(name) for name in self._upstreams))
        return [name for name, succeeded in zip(self._upstreams, done, strict=True) if not succeeded]

    async def _shown_by(self, name: str) -> str | None:
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                status, answer = await self._call(name, "GET", _INSIDE_CLOCK)
        except (TimeoutError, UpstreamError):
            return None
        return answer.get("now") if status == 200 else None

    async def _call(self, name: str, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": self._mint.own_bearer(name), "Content-Type": "application/json"}
        answer = await self._upstreams[name].send(method, path, headers, body)
        content = await answer.whole()
        try:
            parsed = json.loads(content)
        except ValueError:
            parsed = {}
        return answer.status, parsed if isinstance(parsed, dict) else {}


def _shown(clock: LawClock) -> str:
    return clock.now().isoformat(timespec="seconds")


def _waiting_for(code: str, services: list[str]) -> DomainError:
    return DomainError(code, extra={"services": services}, retry_after=2)
