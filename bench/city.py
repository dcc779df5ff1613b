"""A city to measure with: persons with random keys, half of them registered, written by the registry's own code.

Each person goes through the action `register_person` as if a client had sent it – checked, sealed, indexed, remembered,
audited, with its event in the outbox – but what the action writes is collected and sent a few hundred persons at a time. So the
rows are what the service would have written, whatever that is, and 100,000 of them take a minute instead of ten.

`python -m bench.city` writes one share and is started once per core by `fill`.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from bench.stage import ACTOR, DIVISION, PURPOSE, SCOPES, Stage
from services.chassis.clock import LawClock
from services.chassis.data_keys import open_keyring
from services.chassis.db import Prepared, Record, Transaction, create_pool, in_transaction
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.principal import Principal
from services.chassis.rows import SERVICE
from services.chassis.sealing import Suite
from services.chassis.work import Work
from services.contracts.registry import ResidenceRegistrationRegistered
from services.registry.actions.persons import register_person
from services.registry.actions.registrations import RESOURCE as REGISTRATION
from services.registry.actions.trail import leave
from services.registry.rules.residence_registration import Reporter, ResidenceKind
from services.registry.schemas.person_views import PersonView
from services.registry.schemas.persons import PersonRegistration
from services.registry.schemas.registrations import RegistrationRecord, RegistrationStatus
from services.registry.store import registrations
from services.registry.store.events import registration_event
from tests.journeys.suite import ROOT, citizen_number

_AT_ONCE = 250
_SHARES = 2
_HOME_DIVISIONS = ("341204", "360426", "411521", "500101", "520203", "530621")
_TOWNS = ("330282107", "330282108", "330282110", "330282111")
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静秀丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲建国红"
_DAYS = 16_000  # birth dates from 1962 on

# What the service answers for each person, for a bare server that answers the same bytes.
_SCHEMA = """
CREATE SCHEMA bench;
CREATE TABLE bench.person (person_id uuid PRIMARY KEY, is_registered boolean NOT NULL, answer bytea NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class City:
    """Ids of the persons, in random order."""

    person_ids: Sequence[str]
    unregistered: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Collected(Transaction):
    """Collects what actions write. They find nothing, which in a register without these persons is the truth."""

    written: dict[str, list[list[Any]]] = field(default_factory=lambda: defaultdict(list))

    async def fetch(self, statement: Prepared, /, **arguments: Any) -> Sequence[Record]:
        self._collect(statement, arguments)
        return []

    async def fetch_row(self, statement: Prepared, /, **arguments: Any) -> Record | None:
        self._collect(statement, arguments)
        return None

    async def fetch_value(self, statement: Prepared, /, **arguments: Any) -> Any:
        self._collect(statement, arguments)

    async def execute(self, statement: Prepared, /, **arguments: Any) -> str:
        self._collect(statement, arguments)
        return ""

    def _collect(self, statement: Prepared, arguments: dict[str, Any]) -> None:
        values = statement.arguments(arguments)
        if statement.protected is None:  # more than a query
            self.written[statement.sql].append(values)

    async def write(self) -> None:
        """Send it, statement by statement in the order of their first use."""
        for sql, rows in self.written.items():
            await self.connection.executemany(sql, rows)


def registration_of(number: int) -> PersonRegistration:
    """The person of that number: nobody, but well-formed."""
    day, sequence = number % _DAYS, number // _DAYS
    division = _HOME_DIVISIONS[number % len(_HOME_DIVISIONS)]
    birth = date(1962, 1, 1) + timedelta(days=day)
    content = {
        "name": _SURNAMES[number % 20] + _GIVEN[number % 29] + _GIVEN[number // 29 % 29],
        "phone": f"138{number:08d}",
        "education_code": "70",
        "hukou_division_code": division,
        "identity_documents": [{"type": "citizen_id", "number": citizen_number(division, f"{birth:%Y%m%d}", sequence)}],
    }
    return PersonRegistration.model_validate_json(json.dumps(content))


async def _write_share(database_url: str, superuser_url: str, keys: Path, numbers: range) -> None:
    pool = await create_pool(database_url, size=1, command_timeout=120, application="bench-city")
    keyring = await open_keyring(pool, keys, Suite.AES_256_GCM)
    answers = await asyncpg.connect(superuser_url)
    for first in range(numbers.start, numbers.stop, _AT_ONCE):
        chunk = range(first, min(first + _AT_ONCE, numbers.stop))
        rows: list[tuple[UUID, bool, bytes]] = []

        async def body(tx: Transaction, chunk: range = chunk, rows: list[tuple[UUID, bool, bytes]] = rows) -> None:
            collected = _Collected(tx.connection)
            work = _work(collected, keyring)
            rows[:] = [await _write_person(work, number) for number in chunk]
            await work.flush()
            await collected.write()

        await in_transaction(pool, body, rows=SERVICE, acquire_timeout=30)
        await answers.copy_records_to_table("person", schema_name="bench", records=rows)
    await answers.close()
    await pool.close()


def _work(tx: Transaction, keyring: Keyring) -> Work:
    now = LawClock().now()
    principal = Principal("bench-city", "bench", DIVISION, frozenset(SCOPES), ACTOR, PURPOSE)
    return Work(tx, "registry", principal, keyring, now.date(), now, request_id="bench-city")


async def _write_person(work: Work, number: int) -> tuple[UUID, bool, bytes]:
    """Every other person is registered."""
    person = await register_person(work, registration_of(number))
    is_registered = number % 2 == 0
    if is_registered:
        await _register(work, person, number)
    return person.person_id, is_registered, person.model_dump_json().encode()


async def _register(work: Work, person: PersonView, number: int) -> None:
    """A first registration, as `register_residence` leaves one: that action looks at what it has written, this one cannot."""
    record = RegistrationRecord(
        registration_id=new_id(),
        person_id=person.person_id,
        status=RegistrationStatus.CURRENT,
        division_code=_TOWNS[number // 2 % len(_TOWNS)],
        address=f"陈家村东路{number % 300}号{number % 7}01室",
        residence_kind=ResidenceKind.RENTED,
        reported_by=Reporter.SELF,
        reporter_person_id=None,
        registered_on=work.today,
        started_on=work.today,
        expected_end_on=None,
        residence_since=work.today,
        changed_on=None,
        reported_late=False,
        ended_on=None,
        end_reason=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await registrations.insert_registration(work, record)
    event = registration_event(ResidenceRegistrationRegistered, record)
    divisions = [DIVISION, record.division_code]
    leave(work, "register", REGISTRATION, record.registration_id, event, before=None, after=record, division_codes=divisions)


async def prepare(superuser_url: str) -> None:
    """Make room for what the limits need."""
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute(_SCHEMA)
    finally:
        await connection.close()


async def _read(superuser_url: str) -> City:
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute("ANALYZE")
        rows = await connection.fetch("SELECT person_id, is_registered FROM bench.person ORDER BY hashtext(person_id::text)")
    finally:
        await connection.close()
    return City([str(row["person_id"]) for row in rows], [str(row["person_id"]) for row in rows if not row["is_registered"]])


def fill(stage: Stage, persons: int) -> City:
    """Write the city, a share per core at the same time."""
    superuser_url = stage.superuser_url("registry")
    asyncio.run(prepare(superuser_url))
    bounds = [persons * share // _SHARES for share in range(_SHARES + 1)]
    command = [sys.executable, "-m", "bench.city"]
    given = json.dumps(
        {
            "database_url": stage.variable("REGISTRY__DATABASE_URL"),
            "superuser_url": superuser_url,
            "keys": stage.variable("REGISTRY__KEY_FILE"),
        }
    )
    shares = []
    for first, last in pairwise(bounds):
        share = subprocess.Popen([*command, str(first), str(last)], cwd=ROOT, stdin=subprocess.PIPE, text=True)
        assert share.stdin is not None
        share.stdin.write(given)
        share.stdin.close()
        shares.append(share)
    if any(code != 0 for code in [share.wait() for share in shares]):
        raise RuntimeError("the city could not be written")
    return asyncio.run(_read(superuser_url))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    share_of = parser.parse_args()
    urls = json.load(sys.stdin)
    asyncio.run(
        _write_share(urls["database_url"], urls["superuser_url"], Path(urls["keys"]), range(share_of.first, share_of.last))
    )
