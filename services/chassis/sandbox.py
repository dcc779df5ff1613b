"""The sandbox's law clock inside one service: set it, run what is then due, tell when everything has settled.

These routes exist only in sandbox mode, are called by the gateway alone, and stay out of the public documentation.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.chassis.db import Transaction, in_transaction, prepare
from services.chassis.errors import DomainError
from services.chassis.jobs import Scheduler
from services.chassis.parsing import parse_body
from services.chassis.runtime import Runtime
from services.chassis.tracing import request_id

SCOPE = "sandbox.clock"

_LOAD = prepare("SELECT offset_seconds FROM sandbox_clock")
_SAVE = prepare(
    """
    INSERT INTO sandbox_clock (offset_seconds) VALUES (:offset_seconds)
    ON CONFLICT (one_row) DO UPDATE SET offset_seconds = excluded.offset_seconds
    """
)


class ClockSetting(BaseModel):
    """`now`: what the law clock shall show, or null for the system clock."""

    model_config = ConfigDict(strict=True, extra="forbid")

    now: AwareDatetime | None


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox routes of one service."""

    runtime: Callable[[], Runtime]
    scheduler: Callable[[], Scheduler]
    settled: Callable[[], Awaitable[bool]]

    def routes(self) -> list[Route]:
        """Starlette routes under `/internal/sandbox`."""
        return [
            Route("/internal/sandbox/clock", self._guarded(self._set_clock), methods=["PUT"]),
            Route("/internal/sandbox/clock", self._guarded(self._show_clock), methods=["GET"]),
            Route("/internal/sandbox/jobs", self._guarded(self._run_jobs), methods=["POST"]),
            Route("/internal/sandbox/settled", self._guarded(self._tell_settled), methods=["GET"]),
        ]

    async def _set_clock(self, request: Request) -> Response:
        runtime = self.runtime()
        setting = parse_body(ClockSetting, await request.body(), runtime.settings.body_depth_limit)
        assert isinstance(setting, ClockSetting)
        runtime.law_clock.set(setting.now)
        offset = runtime.law_clock.offset.total_seconds()

        async def save(tx: Transaction) -> None:
            await tx.execute(_SAVE, offset_seconds=offset)

        await in_transaction(runtime.pool, save)
        return await self._show_clock(request)

    async def _show_clock(self, _: Request) -> Response:
        return JSONResponse({"now": _rfc3339(self.runtime().law_clock.now())})

    async def _run_jobs(self, _: Request) -> Response:
        await self.scheduler().run_due(again=True)
        return JSONResponse({"done": True})

    async def _tell_settled(self, _: Request) -> Response:
        return JSONResponse({"settled": await self.settled()})

    def _guarded(self, endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            runtime = self.runtime()
            given = request_id(request.headers.get("x-request-id"))
            try:
                principal = runtime.tokens.principal(request.headers.get("authorization"))
                if SCOPE not in principal.scopes:
                    raise DomainError("scope-missing", extra={"scope": SCOPE})
                response = await endpoint(request)
            except DomainError as error:
                problem = runtime.catalogue.document(error, language="zh", request_id=given)
                response = Response(problem.body, problem.status, problem.headers)
            response.headers["x-request-id"] = given
            return response

        return guarded


async def load_offset(tx: Transaction) -> timedelta:
    """The offset the sandbox's clock had when the process stopped."""
    seconds: float | None = await tx.fetch_value(_LOAD)
    return timedelta(seconds=seconds or 0.0)


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
