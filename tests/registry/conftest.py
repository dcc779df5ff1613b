"""A running registry on its own database, its callers, and a law clock to set."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.chassis.clock import LAW_ZONE
from services.chassis.db import Transaction, in_transaction
from services.chassis.rows import SERVICE
from services.chassis.work import Work
from services.registry.app import DEFINITION
from services.registry.jobs import suspend_lapsed_permits
from tests.conftest import Database, MakeDatabase
from tests.looking import Looking
from tests.registry.factories import EVERY_SCOPE, a_person, a_residence, an_application
from tests.running import Caller, InsideKeys, RunningService, running_service
from tests.servers import Servers


@dataclass(slots=True)
class Office:
    """The registry under test."""

    service: RunningService

    def caller(self, division: str = "330282", **principal: Any) -> Caller:
        """A client of that division with every scope."""
        return self.service.caller(principal.pop("scopes", EVERY_SCOPE), division=division, **principal)

    @contextmanager
    def on(self, day: date, hour: int = 12) -> Iterator[None]:
        """Let the law clock show `day` meanwhile."""
        clock = self.service.runtime.law_clock
        before = clock.offset
        clock.set(datetime.combine(day, time(hour), LAW_ZONE))
        try:
            yield
        finally:
            clock.offset = before

    @property
    def today(self) -> date:
        """The law's today."""
        return self.service.runtime.law_clock.today()

    async def run_job(self, job: Callable[[Work], Awaitable[bool]]) -> None:
        """A daily job, all its chunks."""

        async def chunk(tx: Transaction) -> bool:
            work = self.service.runtime.own_work(tx)
            more = await job(work)
            await work.flush()
            return more

        while await in_transaction(self.service.runtime.pool, chunk, rows=SERVICE):
            pass

    async def run_jobs(self) -> None:
        """The daily job on permits."""
        await self.run_job(suspend_lapsed_permits)

    async def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Look into the database directly."""
        return list(await Looking(self.service.runtime.pool).fetch(sql, *arguments))

    async def events_about(self, person_id: str, *, with_notices: bool = False) -> list[asyncpg.Record]:
        """The person's events in order: event_type, sequence, division_codes, data. Notices are told to, not of, a person."""
        sql = """SELECT event_type, sequence, division_codes, data::jsonb AS data FROM outbox
            WHERE partition_key = $1 AND ($2 OR event_type <> 'registry.notice.requested.v1') ORDER BY sequence"""
        return await self.rows(sql, person_id, with_notices)


@pytest.fixture(scope="session")
def registry_database(make_database: MakeDatabase) -> Database:
    """A migrated database of the registry."""
    return make_database("registry", DEFINITION.migrations)


@pytest.fixture(scope="session")
async def office(
    servers: Servers, registry_database: Database, key_file: Path, inside_keys: InsideKeys
) -> AsyncIterator[Office]:
    """One registry for the session; tests use persons of their own, and run the jobs that they are about.

    Left to itself it would run them every twenty seconds, on whatever day a test has set by then: what is done once a day was
    done before the test came to it.
    """
    async with running_service(
        replace(DEFINITION, jobs=()),
        database_url=registry_database.application_url,
        nats_url=servers.nats_url_of("registry"),
        key_file=key_file,
        keys=inside_keys,
    ) as service:
        yield Office(service)


@pytest.fixture
def cixi(office: Office) -> Caller:
    """A client of the whole city."""
    return office.caller("330282")


def expect(response: httpx.Response, status: int) -> dict[str, Any]:
    """The body of an answer with that status; otherwise the whole problem is shown."""
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    return body


@dataclass(slots=True)
class Resident:
    """A person on the way to a permit, through one caller."""

    office: Office
    caller: Caller
    person_id: str = ""
    registration_id: str = ""
    permit_id: str = ""

    async def register_person(self, **given: Any) -> "Resident":
        """POST /v1/persons."""
        self.person_id = expect(await self.caller.post("/v1/persons", a_person(**given)), 201)["person_id"]
        return self

    async def register_residence(self, on: date, **given: Any) -> "Resident":
        """POST /v1/residence-registrations on that day."""
        with self.office.on(on):
            body = a_residence(self.person_id, **({"started_on": on.isoformat()} | given))
            made = expect(await self.caller.post("/v1/residence-registrations", body), 201)
        self.registration_id = made["registration_id"]
        return self

    async def apply(self, on: date, **given: Any) -> dict[str, Any]:
        """POST /v1/residence-permits on that day."""
        with self.office.on(on):
            made = expect(await self.caller.post("/v1/residence-permits", an_application(self.person_id, **given)), 201)
        self.permit_id = made["permit_id"]
        return made

    async def act(self, verb: str, on: date, body: dict[str, Any] | None = None, status: int = 200) -> dict[str, Any]:
        """POST /v1/residence-permits/{id}/{verb} on that day."""
        with self.office.on(on):
            return expect(await self.caller.post(f"/v1/residence-permits/{self.permit_id}/{verb}", body or {}), status)

    async def permit(self, on: date) -> dict[str, Any]:
        """GET /v1/residence-permits/{id} on that day."""
        with self.office.on(on):
            return expect(await self.caller.get(f"/v1/residence-permits/{self.permit_id}"), 200)


@pytest.fixture
def resident(office: Office, cixi: Caller) -> Resident:
    """Nobody yet."""
    return Resident(office, cixi)


@pytest.fixture
async def holder(resident: Resident) -> Resident:
    """Registered 2023-03-15, permit issued 2023-09-15: the first window is 2024-02-15 to 2024-03-14."""
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    assert (await resident.apply(date(2023, 9, 15)))["status"] == "accepted"
    await resident.act("issue", date(2023, 9, 15), {"card_number": "33028226000123"})
    return resident
