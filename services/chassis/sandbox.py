"""The sandbox's law clock inside one service: set it, run what is then due, tell when everything has settled.

These routes exist only in sandbox mode, are called by the gateway alone, and stay out of the public documentation.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.chassis.clock import utc_now
from services.chassis.clock_offset import save_offset
from services.chassis.db import in_transaction
from services.chassis.errors import DomainError
from services.chassis.jobs import Scheduler
from services.chassis.parsing import parse_body
from services.chassis.problems import preferred_language
from services.chassis.rows import SERVICE
from services.chassis.runtime import Runtime
from services.chassis.schemas import Command
from services.chassis.tracing import request_id

logger = logging.getLogger(__name__)

SCOPE = "sandbox.clock"
# Wide enough for every law and every life, and far enough from the calendar's ends for sums of dates.
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2199, 12, 31, tzinfo=UTC)


class ClockSetting(Command):
    """`now`: what the law clock shall show (1900 to 2199), or null for the system clock."""

    now: Annotated[AwareDatetime, Field(ge=_EARLIEST, le=_LATEST)] | None


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
        offset = timedelta(0) if setting.now is None else setting.now - utc_now()
        await in_transaction(runtime.pool, partial(save_offset, offset=offset), rows=SERVICE)
        runtime.law_clock.offset = offset
        return await self._show_clock(request)

    async def _show_clock(self, _: Request) -> Response:
        return JSONResponse({"now": _rfc3339(self.runtime().law_clock.now())})

    async def _run_jobs(self, _: Request) -> Response:
        if await self.scheduler().run_due(again=True):
            raise DomainError("internal-error")
        return JSONResponse({"done": True})

    async def _tell_settled(self, _: Request) -> Response:
        return JSONResponse({"settled": await self.settled()})

    def _guarded(self, endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            runtime = self.runtime()
            given = request_id(request.headers.get("x-request-id"))

            def refuse(error: DomainError) -> Response:
                language = preferred_language(request.headers.get("accept-language"))
                problem = runtime.catalogue.document(error, language=language, request_id=given)
                return Response(problem.body, problem.status, problem.headers)

            try:
                principal = runtime.tokens.principal(request.headers.get("authorization"))
                if SCOPE not in principal.scopes:
                    raise DomainError("scope-missing", extra={"scope": SCOPE})
                response = await endpoint(request)
            except DomainError as error:
                response = refuse(error)
            except Exception:
                logger.exception("request failed")
                response = refuse(DomainError("internal-error"))
            response.headers["x-request-id"] = given
            return response

        return guarded


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
