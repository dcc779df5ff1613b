"""A running education office on the real servers, and a hand that publishes in the registry's name."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from services.chassis import bus as message_bus
from services.chassis.bus import Bus, Outgoing
from services.chassis.clock import LawClock
from services.education.app import DEFINITION
from tests.conftest import Database, MakeDatabase
from tests.looking import Looking
from tests.points_hukou.story import PRODUCER
from tests.running import Caller, InsideKeys, RunningService, running_service
from tests.servers import Servers

WAIT_S = 20.0
CITY, TOWN, NEXT_TOWN, NEXT_COUNTY = "330282", "330282107", "330282113", "330281"
YEAR = LawClock().today().year + 1
SCHOOLS, PLANS = "/v1/education/schools", "/v1/education/place-plans"
SCOPES = frozenset(
    {
        *("education.school.read", "education.school.write", "education.class.read", "education.class.report"),
        *("education.place_plan.read", "education.place_plan.write", "education.place_plan.publish"),
        "education.changes.read",
    }
)


@dataclass(frozen=True, slots=True)
class Office:
    """The service and the registry's voice."""

    service: RunningService
    bus: Bus

    def desk(self, division: str = CITY, scopes: Iterable[str] = SCOPES, actor: str | None = "officer-1") -> Caller:
        """An education department."""
        return self.service.caller(scopes, division=division, actor=actor, purpose="school_admission", client=f"edu-{division}")

    async def tell(self, messages: Iterable[Outgoing]) -> None:
        """Publish, in this order."""
        await self.bus.publish(list(messages))

    async def settled(self) -> None:
        """Wait until everything published has been applied and acknowledged."""
        caller = self.service.caller(["sandbox.clock"])
        async with asyncio.timeout(WAIT_S):
            while not (await caller.get("/internal/sandbox/settled")).json()["settled"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def school(self, code: int, division: str = TOWN, **more: Any) -> dict[str, Any]:
        """A school; every test takes codes of its own."""
        made: dict[str, Any] = expect(
            await self.desk(division).post(SCHOOLS, school(code, division_code=division, **more)), 201
        )
        return made

    async def plan(self, at: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """A draft for a school."""
        body = {"school_id": at["school_id"], "entry_year": YEAR, **places()} | more
        made: dict[str, Any] = expect(await self.desk(at["division_code"]).post(PLANS, body), 201)
        return made

    async def told(self, school_id: str) -> list[dict[str, Any]]:
        """What was told of a school, in order."""
        rows = await self.look.fetch(
            "SELECT event_type, division_codes, data FROM outbox WHERE partition_key = $1 ORDER BY sequence", UUID(school_id)
        )
        return [{"type": row["event_type"], "to": row["division_codes"], **json.loads(row["data"])} for row in rows]

    @property
    def look(self) -> Looking:
        """The database, past row-level security."""
        return Looking(self.service.runtime.pool)


def school(code: int, **more: Any) -> dict[str, Any]:
    """A primary school of the town."""
    named = {"school_code": f"21{code:08d}", "name": f"第{code}小学", "kind": "public", "division_code": TOWN}
    return {**named, "first_grade": 1, "last_grade": 6} | more


def places(classes: int = 4, count: int = 180, source: str = "public", **more: Any) -> dict[str, Any]:
    """Places of the first grade."""
    offered = {"source": source, "places": count} | more
    areas = ["330282107201", "330282107202"] if source == "public" else []
    return {"areas": areas, "grades": [{"grade": 1, "classes": classes, "sources": [offered]}]}


def expect(response: Response, status: int) -> Any:
    """The body of an answer of that status."""
    assert response.status_code == status, response.text
    return response.json()


def code_of(response: Response) -> str:
    """The problem's code."""
    return str(response.json()["type"]).rpartition(":")[2]


def faults(response: Response) -> list[tuple[str, str]]:
    """Pointer and code of every error of a 422."""
    return [(each["pointer"], each["code"]) for each in expect(response, 422)["errors"]]


async def _forget_stream(servers: Servers) -> None:
    client = Client()
    await client.connect(servers.nats_url)
    try:
        await client.jetstream().delete_stream(PRODUCER)
    except NotFoundError:
        pass
    finally:
        await client.close()


@pytest.fixture(scope="module")
def database(make_database: MakeDatabase) -> Database:
    """A migrated database for this module."""
    return make_database("education", DEFINITION.migrations)


@pytest.fixture(scope="module")
async def office(servers: Servers, database: Database, key_file: Path, inside_keys: InsideKeys) -> AsyncIterator[Office]:
    """The running office of this module, following a new and empty stream of the registry."""
    await _forget_stream(servers)
    bus = await message_bus.connect(servers.nats_url, name="test", on_closed=lambda: None)
    try:
        await bus.ensure_stream(PRODUCER)
        async with running_service(
            DEFINITION,
            database_url=database.application_url,
            nats_url=servers.nats_url_of("education"),
            key_file=key_file,
            keys=inside_keys,
        ) as service:
            yield Office(service, bus)
    finally:
        await bus.close()
