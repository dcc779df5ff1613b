"""A running vaccination office on the real servers, and a hand that publishes in the registry's name."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from services.chassis import bus as message_bus
from services.chassis.bus import Bus, Outgoing
from services.chassis.db import Transaction, in_transaction
from services.chassis.ids import new_id
from services.chassis.jobs import Job, Scheduler
from services.chassis.rows import SERVICE
from services.contracts import registry
from services.health.app import DEFINITION
from tests.conftest import Database, MakeDatabase
from tests.looking import Looking
from tests.points_hukou.story import PRODUCER, Story
from tests.running import Caller, InsideKeys, RunningService, running_service
from tests.servers import Servers

WAIT_S = 20.0
CITY, TOWN, NEXT_TOWN = "330282", "330282107", "330282113"
CLINIC, NEXT_CLINIC = "3302821070", "3302821130"
DAY = date(2026, 11, 30)
BORN = date(2026, 1, 31)
CARDS, DOSES = "/v1/immunisation/cards", "/v1/immunisation/doses"
SCOPES = frozenset(
    {
        *("health.card.read", "health.card.write", "health.dose.read", "health.dose.write", "health.changes.read"),
        *("health.field.personal", "health.field.sensitive", "health.field.minors"),
    }
)
GIVEN: Mapping[str, Any] = {
    "product": "吸附无细胞百白破联合疫苗",
    "manufacturer": "北京生物制品研究所",
    "lot_number": "202511A07",
    "expires_on": "2027-10-31",
    "site": "left_arm",
    "route": "intramuscular",
    "clinic_code": CLINIC,
    "vaccinator": "N-2207",
}


@dataclass(frozen=True, slots=True)
class Office:
    """The service and the registry's voice."""

    service: RunningService
    bus: Bus

    def clinic(self, division: str = TOWN, scopes: Iterable[str] = SCOPES, client: str | None = None) -> Caller:
        """A vaccination unit of a town."""
        return self.service.caller(scopes, division=division, purpose="immunisation", client=client or f"clinic-{division}")

    async def tell(self, messages: Iterable[Outgoing]) -> None:
        """Publish, in this order."""
        await self.bus.publish(list(messages))

    async def settled(self) -> None:
        """Wait until everything published has been applied and acknowledged."""
        caller = self.service.caller(["sandbox.clock"])
        async with asyncio.timeout(WAIT_S):
            while not (await caller.get("/internal/sandbox/settled")).json()["settled"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def child(
        self, born: date = BORN, division: str = f"{TOWN}205", since: date = date(2026, 2, 28), **more: Any
    ) -> Story:
        """A child registered there."""
        story = Story()
        story.person(birth_date=born, **more)
        story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, division_code=division, residence_since=since)
        await self.tell(story.messages())
        await self.settled()
        return story

    async def card(self, story: Story, **more: Any) -> dict[str, Any]:
        """A card of the town for the child."""
        made: dict[str, Any] = expect(await self.clinic().post(CARDS, entry(story, **more)), 201)
        return made

    async def events(self, story: Story, prefix: str) -> list[dict[str, Any]]:
        """What was told of the child, in order."""
        rows = await self.look.fetch(
            "SELECT event_type, data FROM outbox WHERE partition_key = $1 AND event_type LIKE $2 ORDER BY sequence",
            story.person_id,
            f"health.{prefix}%",
        )
        return [{"type": row["event_type"], **json.loads(row["data"])} for row in rows]

    async def run(self, *jobs: Job) -> None:
        """Run jobs of the day."""
        await Scheduler(self.service.runtime, jobs).run_due(again=True)

    async def sql(self, statement: Any, **arguments: Any) -> None:
        """Change the database past the service."""

        async def body(tx: Transaction) -> None:
            await tx.execute(statement, **arguments)

        await in_transaction(self.service.runtime.pool, body, rows=SERVICE)

    @property
    def look(self) -> Looking:
        """The database, past row-level security."""
        return Looking(self.service.runtime.pool)


def expect(response: Response, status: int) -> Any:
    """The body of an answer of that status."""
    assert response.status_code == status, response.text
    return response.json()


def code_of(response: Response) -> str:
    """The problem's code."""
    return str(response.json()["type"]).rpartition(":")[2]


def entry(story: Story, **more: Any) -> dict[str, Any]:
    """A card for somebody who lives in the town."""
    return {"person_id": str(story.person_id), "division_code": TOWN, "clinic_code": CLINIC, "basis": "residence"} | more


def given(vaccine: str, on: str, **more: Any) -> dict[str, Any]:
    """A dose given by the town's unit."""
    return {"vaccine_code": vaccine, "given_on": on, **GIVEN} | more


def seen(vaccine: str, on: str, evidence: str = "certificate", **more: Any) -> dict[str, Any]:
    """A dose of another unit's record."""
    return {"vaccine_code": vaccine, "given_on": on, "evidence": evidence} | more


def one(card: Mapping[str, Any], act: str = "") -> str:
    """The path of a card, or of something done to it."""
    return f"{CARDS}/{card['card_id']}" + (f"/{act}" if act else "")


@asynccontextmanager
async def on(office: Office, day: date) -> AsyncIterator[None]:
    """The law's today."""
    clock = office.service.caller(["sandbox.clock"])
    expect(await clock.call("PUT", "/internal/sandbox/clock", json={"now": f"{day}T10:00:00+08:00"}), 200)
    try:
        yield
    finally:
        await clock.call("PUT", "/internal/sandbox/clock", json={"now": f"{DAY}T10:00:00+08:00"})


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
    return make_database("health", DEFINITION.migrations)


@pytest.fixture(scope="module")
async def office(servers: Servers, database: Database, key_file: Path, inside_keys: InsideKeys) -> AsyncIterator[Office]:
    """The running office of this module on its day, following a new and empty stream of the registry.

    Tests run the jobs that they are about: left to itself it would run them every twenty seconds, on whatever day is set.
    """
    await _forget_stream(servers)
    bus = await message_bus.connect(servers.nats_url, name="test", on_closed=lambda: None)
    try:
        await bus.ensure_stream(PRODUCER)
        async with running_service(
            replace(DEFINITION, jobs=()),
            database_url=database.application_url,
            nats_url=servers.nats_url_of("health"),
            key_file=key_file,
            keys=inside_keys,
        ) as service:
            opened = Office(service, bus)
            async with on(opened, DAY):
                yield opened
    finally:
        await bus.close()
