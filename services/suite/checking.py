"""`xinshimin check`: is everything there, at its newest revision, keeping up, and of one mind about the time?"""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import aiohttp
import asyncpg

from gateway.keys import SigningKeys
from services.chassis import migrations, operations
from services.chassis.auth import ISSUER, TOKEN_TYPE
from services.chassis.bus_errors import BusError
from services.chassis.clock import utc_now
from services.chassis.evidence.copies import COPY_PLACES
from services.chassis.evidence.watch import WARN_AGE_S, look
from services.chassis.sandbox import SCOPE
from services.suite import access
from services.suite.catalogue import GATEWAY, PROCESSES, SERVICES, Process
from services.suite.running import RunningSuite

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings

_CLOCK_DIFFERENCE_MAX_S = 2.0
_UNPUBLISHED_AGE_MAX_S = 60.0
_STREAM_FILL_MAX = 0.7
_PENDING_MAX = 10_000
_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    subject: str
    what: str
    detail: str
    ok: bool = True

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


async def check(suite: RunningSuite | None) -> list[Finding]:
    """All findings, good and bad."""
    findings = [finding for process in PROCESSES async for finding in _database(process)]
    findings += [finding for service in SERVICES async for finding in _events(service)]
    return findings + [finding async for finding in _processes(suite)]


async def _database(process: Process) -> AsyncIterator[Finding]:
    settings = access.settings_of(process.name)
    url = settings.database_url.get_secret_value()
    try:
        found, wanted = await migrations.current(url), migrations.head(process.migrations)
        difference_s = await _clock_difference_s(url)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        yield Finding(process.name, "database", type(error).__name__, ok=False)
        return
    is_good = not migrations.is_behind(process.migrations, found)
    yield Finding(process.name, "database", f"at {found}, code needs {wanted}", ok=is_good)
    good = abs(difference_s) <= _CLOCK_DIFFERENCE_MAX_S
    yield Finding(process.name, "database clock", f"{difference_s:+.3f} s from this machine", ok=good)


async def _clock_difference_s(url: str) -> float:
    """PostgreSQL's system clock minus ours, the answer's way back counted half."""
    connection = await asyncpg.connect(url, timeout=5)
    try:
        asked = time.monotonic()
        theirs: datetime = await connection.fetchval("SELECT clock_timestamp()", timeout=5)
        way = timedelta(seconds=(time.monotonic() - asked) / 2)
        return (theirs - (utc_now() - way)).total_seconds()
    finally:
        await connection.close()


async def _events(service: Process) -> AsyncIterator[Finding]:
    subscriptions = service.definition().subscriptions
    try:
        async with access.database(service.name) as pool, access.bus(service.name) as bus:
            lag = await operations.lag(pool, bus, service=service.name, subscriptions=subscriptions)
            late = await look(pool, COPY_PLACES)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, BusError) as error:
        yield Finding(service.name, "events", f"{type(error).__name__}: {error}", ok=False)
        return
    detail = f"{late.unsealed} lines without a seal, oldest {late.unsealed_s:.0f} s; not copied for {late.uncopied_s:.0f} s"
    yield Finding(service.name, "audit evidence", detail, ok=late.oldest_s <= WARN_AGE_S)
    outbox = lag.outbox
    age_s = outbox.oldest_s or 0.0
    good = age_s <= _UNPUBLISHED_AGE_MAX_S
    yield Finding(service.name, "outbox", f"{outbox.unpublished} unpublished, oldest {age_s:.1f} s", ok=good)
    if outbox.stream_bytes_max is None or outbox.stream_bytes is None:
        yield Finding(service.name, "stream", "missing", ok=False)
    else:
        fill = outbox.stream_bytes / outbox.stream_bytes_max if outbox.stream_bytes_max > 0 else 0.0
        detail = f"{outbox.stream_messages} messages, {fill:.1%} full"
        yield Finding(service.name, "stream", detail, ok=fill <= _STREAM_FILL_MAX)
    for inbox in lag.inboxes:
        good = inbox.pending is not None and inbox.pending <= _PENDING_MAX and not inbox.held and not inbox.dead
        detail = "missing" if inbox.pending is None else f"{inbox.pending} pending, {inbox.held} held, {inbox.dead} dead"
        yield Finding(service.name, f"consumer of {inbox.producer}", detail, ok=good)


async def _processes(suite: RunningSuite | None) -> AsyncIterator[Finding]:
    """Readiness and clocks as each running process sees them."""
    settings = cast("GatewaySettings", access.settings_of(GATEWAY))
    urls = {**settings.upstreams, GATEWAY: suite.base_url if suite else settings.outside_url}
    law_clocks: dict[str, float] = {}
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        for name, url in urls.items():
            try:
                async for finding in _process(session, name, url):
                    yield finding
                if settings.sandbox and name != GATEWAY:
                    law_clocks[name] = await _law_clock_offset_s(session, name, url, settings)
            except (aiohttp.ClientError, OSError) as error:
                yield Finding(name, "answers", type(error).__name__, ok=False)
    if law_clocks:
        spread_s = max(law_clocks.values()) - min(law_clocks.values())
        shown = ", ".join(f"{name} {offset_s:+.0f} s" for name, offset_s in law_clocks.items())
        yield Finding("suite", "law clocks", f"from the system clock: {shown}", ok=spread_s <= _CLOCK_DIFFERENCE_MAX_S)


async def _process(session: aiohttp.ClientSession, name: str, url: str) -> AsyncIterator[Finding]:
    async with session.get(f"{url}/readyz") as answer:
        ready = answer.status == HTTPStatus.OK
        told = await answer.text()
        yield Finding(name, "ready", "yes" if ready else told, ok=ready)
        for part, warning in _warnings_in(told).items():
            yield Finding(name, part, warning, ok=False)
        if (date := answer.headers.get("Date")) is not None:
            difference_s = (parsedate_to_datetime(date) - utc_now()).total_seconds()
            good = abs(difference_s) <= _CLOCK_DIFFERENCE_MAX_S
            yield Finding(name, "system clock", f"{difference_s:+.0f} s from this machine", ok=good)


def _warnings_in(readiness: str) -> dict[str, str]:
    """What a process that is ready is worried about."""
    try:
        warnings: dict[str, str] = json.loads(readiness).get("warnings", {})
    except (ValueError, AttributeError):
        return {}
    return warnings


async def _law_clock_offset_s(session: aiohttp.ClientSession, service: str, url: str, settings: "GatewaySettings") -> float:
    """How far the law clock of a service stands from our system clock; asked with an inside token, as the gateway would."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": service, "sub": "operator", "org": "operator", "div": "00", "scp": [SCOPE]}
    token = SigningKeys.load(settings.inside_key_file).sign(TOKEN_TYPE, {**claims, "iat": now, "exp": now + 30})
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(f"{url}/internal/sandbox/clock", headers=headers) as answer:
        answer.raise_for_status()
        shown = datetime.fromisoformat((await answer.json())["now"])
    return (shown - utc_now()).total_seconds()
