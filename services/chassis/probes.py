"""Probes: alive is one question, ready another; readiness asks each part and names the ones that fail (reliability.md 27)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from services.chassis.metrics import READY

Check = Callable[[], Awaitable[str | None]]
"""Returns `None` when the part is ready, else a short reason without internal detail."""

_CACHE_S = 1.0
_TIMEOUT_S = 2.0


class Readiness:
    """The checks of one process, run in parallel and remembered for a second so that probes cannot become load."""

    def __init__(self, process: str, checks: Mapping[str, Check]) -> None:
        self._process = process
        self._checks = checks
        self._asked_at = float("-inf")
        self._answer: dict[str, str | None] = {}
        self._lock = asyncio.Lock()

    async def reasons(self) -> dict[str, str | None]:
        """Each part with `None`, or why it is not ready."""
        async with self._lock:
            if time.monotonic() - self._asked_at > _CACHE_S:
                results = await asyncio.gather(*(_ask(check) for check in self._checks.values()))
                self._answer = dict(zip(self._checks, results, strict=True))
                self._asked_at = time.monotonic()
                for part, reason in self._answer.items():
                    READY.labels(self._process, part).set(reason is None)
            return self._answer


async def _ask(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await check()
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # a failing probe must answer, whatever failed
        return type(error).__name__
