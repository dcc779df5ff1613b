"""An import of evidence that is killed, wherever, and goes on: nothing is lost or given twice, as of one left in peace."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.chassis.clock import utc_now
from services.chassis.db import Transaction, in_transaction
from services.chassis.events import Envelope, EventData, Received
from services.chassis.ids import new_id
from services.chassis.long_work.rows import OperationRecord, OperationState, insert
from services.chassis.long_work.starter import environment
from services.chassis.long_work.worker import work_off, worker_runtime
from services.chassis.principal import Principal
from services.chassis.rows import SERVICE
from services.contracts import registry
from services.points_hukou.__main__ import WORKER
from services.points_hukou.app import DEFINITION
from services.points_hukou.imports import ACTS
from services.points_hukou.imports.evidence import EvidenceList
from services.points_hukou.store import mirrors
from services.points_hukou.store.evidence import record_of
from tests.conftest import Database, MakeDatabase
from tests.points_hukou.crashing_worker import CHUNK
from tests.points_hukou.evidence_desk import INSURANCE
from tests.points_hukou.story import Story
from tests.points_hukou.test_evidence_imports import SHARED, number
from tests.registry.rosters import TODAY, Importer, as_csv
from tests.running import InsideKeys, audit_key_file

_POINTS = ("operation.acted", "operation.flushed", "operation.committed")
_PARTS = 4
_KEPT = ("fact", "organisation", "reliability", "status", "as_of", "valid_from", "valid_until", "version")


@dataclass(slots=True)
class EvidenceImporter(Importer):
    """An importer of the insurance office, and the registry's voice beside it."""

    def principal(self, division: str = "330282") -> Principal:
        return Principal("client-insurance", INSURANCE, division, frozenset(), "officer-1", "points")

    async def know(self, numbers: Sequence[str]) -> None:
        """The registry told of people with these numbers."""
        for each in numbers:
            story = Story()
            tokens = self.runtime.keyring.document_tokens("citizen_id", each).items()
            story.person(
                document_tokens=tuple(
                    registry.DocumentToken(document_type="citizen_id", key_id=key_id, token=token) for key_id, token in tokens
                )
            )
            story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1)

            async def mirror(tx: Transaction, story: Story = story) -> None:
                work = self.runtime.own_work(tx)
                person, home = (_received(event) for event in story.events)
                await mirrors.keep_persons(work, [person])
                await mirrors.REGISTRATIONS.keep(work, [home])

            await in_transaction(self.runtime.pool, mirror, rows=SERVICE)

    async def asked(self, rows: Sequence[Mapping[str, str]], *, dry_run: bool = False) -> UUID:
        """An operation that waits for a worker."""
        attachment_id = await self.upload(as_csv(rows))
        parameters = {"attachment_id": str(attachment_id), "mapping": {}, "reliability": "office", "dry_run": dry_run} | SHARED

        async def store(tx: Transaction) -> UUID:
            work = self.runtime.work(tx, self.principal(), request_id=f"import-{new_id()}")
            kept_until = work.today + timedelta(days=30)
            return await insert(work, "import.evidence", parameters, fingerprint=None, kept_until=kept_until)

        return await in_transaction(self.runtime.pool, store, rows=SERVICE)

    async def done(self, operation_id: UUID) -> OperationRecord:
        """How it stands once it was worked off here."""
        await work_off(self.runtime, ACTS, operation_id)
        return await self.state(operation_id)

    async def kept(self, numbers: Sequence[str]) -> list[list[tuple[Any, ...]]]:
        """What is kept of each of these people, in the order it was given, with events, versions and lines of evidence."""
        return [await self._kept_of(each) for each in numbers]

    async def _kept_of(self, citizen_number: str) -> list[tuple[Any, ...]]:
        token = self.runtime.keyring.document_tokens("citizen_id", citizen_number)
        (holder,) = await self.rows(
            "SELECT person_id FROM mirror_person_document WHERE token = ANY ($1) LIMIT 1", list(token.values())
        )
        rows = await self.rows(
            "SELECT e.*, k.key_id AS person_key_id, k.suite AS person_key_suite, k.wrapped AS person_key_wrapped,"
            " (SELECT count(*) FROM history h WHERE h.resource_id = e.evidence_id) AS versions,"
            " (SELECT count(*) FROM outbox o WHERE o.data LIKE '%\"evidence_id\":\"' || e.evidence_id || '%') AS events,"
            " (SELECT count(*) FROM audit_line a WHERE a.line LIKE '%' || e.evidence_id || '%') AS lines"
            " FROM evidence e JOIN person_key k USING (person_id) WHERE e.person_id = $1 ORDER BY e.created_at, e.evidence_id",
            holder["person_id"],
        )
        return [
            (
                *(row[name] for name in _KEPT),
                row["versions"],
                row["events"],
                row["lines"],
                str(record_of(self.runtime.keyring, row).value),
            )
            for row in rows
        ]


def _received(event: EventData) -> Received[Any]:
    return Received(Envelope(new_id(), event.event_type, "registry", utc_now(), event.partition_key, 1), event)


@asynccontextmanager
async def importer_on(database: Database, key_file: Path, keys: InsideKeys, folder: Path) -> AsyncIterator[EvidenceImporter]:
    settings = WORKER.settings(
        database_url=database.application_url,
        nats_url="nats://unused",
        key_file=key_file,
        inside_jwks_file=keys.jwks_file,
        audit_key_file=audit_key_file("points_hukou", key_file.parent),
        audit_copy_dir=folder,
        attachments_folder=folder,
        sandbox=True,
    )
    async with worker_runtime(WORKER, settings) as runtime:
        found = EvidenceImporter(runtime, database)
        found.set_today(TODAY)
        yield found


@pytest.fixture(scope="module")
def databases(make_database: MakeDatabase) -> tuple[Database, Database]:
    """One office where importers die, one where none does."""
    return make_database("points_hukou", DEFINITION.migrations), make_database("points_hukou", DEFINITION.migrations)


@pytest.fixture(scope="module")
async def both(
    databases: tuple[Database, Database], key_file: Path, inside_keys: InsideKeys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[EvidenceImporter, EvidenceImporter]]:
    """Both, with the same keys."""
    async with AsyncExitStack() as stack:
        dying, living = [
            await stack.enter_async_context(importer_on(one, key_file, inside_keys, tmp_path_factory.mktemp("crash")))
            for one in databases
        ]
        yield dying, living


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the process that dies has them."""
    monkeypatch.setattr(EvidenceList, "chunk", CHUNK)


async def die(importer: EvidenceImporter, operation_id: UUID, crash_at: str) -> None:
    """A worker of its own that kills itself there. Its law clock is the sandbox's, as the database keeps it."""
    offset = importer.runtime.law_clock.offset.total_seconds()
    await importer.rows("INSERT INTO sandbox_clock (offset_seconds) VALUES ($1) ON CONFLICT DO NOTHING", offset)
    settings = importer.runtime.settings.model_copy(update={"crash_at": crash_at})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.points_hukou.crashing_worker",
        str(operation_id),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(settings),
    )
    assert process.stderr is not None
    async with asyncio.timeout(90):
        told = await process.stderr.read()
        await process.wait()
    assert process.returncode == -signal.SIGKILL, told.decode()


def a_file(numbers: Sequence[str]) -> list[dict[str, str]]:
    """Four parts: given, corrected, superseded and older knowledge, refused, and the first row again."""
    first = [{"证件号码": each, "值": "2022-01/2023-06"} for each in numbers]
    return [
        *first,
        {"证件号码": numbers[0], "值": "2022-01/2023-05"},
        {"证件号码": numbers[1], "值": "2022-01/2024-06", "数据截止日": "2026-04-01"},
        {"证件号码": number(), "值": "2022-01/2023-06"},
        {"证件号码": numbers[2], "值": "2022-13"},
        {"证件号码": numbers[2], "值": "2021-01/2021-06", "数据截止日": "2026-01-05"},
        {"证件号码": numbers[1], "值": "2022-01/2024-06", "数据截止日": "2026-04-01"},
        {"证件号码": numbers[3], "值": "2022-01/2023-06"},
        {"证件号码": numbers[0], "值": "2022-01/2023-06"},
        first[-1],
        first[-1],
        first[-2],
        first[-3],
    ]


async def survive(
    both: tuple[EvidenceImporter, EvidenceImporter], crash_at: Sequence[str], *, dry_run: bool = False
) -> OperationRecord:
    """The same file twice, one importer dying at each of the points and followed by another; how the one that died ended."""
    dying, living = both
    numbers = [number() for _ in range(CHUNK)]
    rows = a_file(numbers)
    for importer in both:
        await importer.know(numbers)
    operation_id = await dying.asked(rows, dry_run=dry_run)
    for point in crash_at:
        await die(dying, operation_id, point)
    one, other = await dying.done(operation_id), await living.done(await living.asked(rows, dry_run=dry_run))
    assert (one.state, one.counts, one.done) == (OperationState.SUCCEEDED, other.counts, len(rows))
    assert await dying.refused(one) == await living.refused(other)
    kept = await dying.kept(numbers) if not dry_run else []
    assert kept == (await living.kept(numbers) if not dry_run else [])
    return one


@pytest.mark.parametrize("point", ["operation.gathered", "operation.flushed:2"])
async def test_a_killed_import_goes_on(both: tuple[EvidenceImporter, EvidenceImporter], point: str) -> None:
    ended = await survive(both, [point])
    assert ended.counts == {"given": 8, "unchanged": 6, "refused": 2}


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", [f"{each}:{part}" for each in _POINTS for part in range(1, _PARTS + 1)])
async def test_a_killed_import_goes_on_from_anywhere(both: tuple[EvidenceImporter, EvidenceImporter], point: str) -> None:
    again = [] if point == f"operation.committed:{_PARTS}" else ["operation.acted:1"]
    await survive(both, [point, *again])


async def test_a_killed_dry_run_goes_on_and_still_sees_the_whole_file(both: tuple[EvidenceImporter, EvidenceImporter]) -> None:
    """Rows that repeat one of an earlier part are told as the import itself will tell them, and nothing is kept."""
    wet = await survive(both, [])
    dry = await survive(both, ["operation.committed:2"], dry_run=True)
    assert dry.counts == wet.counts


async def test_a_dry_run_keeps_nothing(both: tuple[EvidenceImporter, EvidenceImporter]) -> None:
    _, importer = both
    numbers = [number() for _ in range(CHUNK)]
    await importer.know(numbers)
    before = await importer.rows("SELECT count(*) FROM evidence")
    await importer.done(await importer.asked(a_file(numbers), dry_run=True))
    assert await importer.rows("SELECT count(*) FROM evidence") == before
