"""Rosters for the bulk door's tests, and an importer without a service around it."""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from services.chassis.attachments import rows as attachment_rows
from services.chassis.attachments.intake import Intake
from services.chassis.attachments.retention import AttachmentPurpose, RetentionClass
from services.chassis.clock import LAW_ZONE
from services.chassis.db import Transaction, in_transaction
from services.chassis.ids import new_id
from services.chassis.long_work.rows import OperationRecord, find, insert
from services.chassis.long_work.worker import work_off, worker_runtime
from services.chassis.principal import Principal
from services.chassis.rows import SERVICE
from services.chassis.runtime import Runtime
from services.chassis.work import Work
from services.registry.__main__ import WORKER
from services.registry.imports import ACTS
from tests.conftest import Database
from tests.looking import Looking
from tests.registry.factories import citizen_number
from tests.running import InsideKeys, audit_key_file

ResultT = TypeVar("ResultT")

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TODAY = date(2026, 6, 1)
HEADERS = ("姓名", "证件号码", "居住地代码", "居住地址", "入住日期")


def a_row(**given: str) -> dict[str, str]:
    """A row by its Chinese headers; a new person unless `given` says who."""
    return {
        "姓名": "王小明",
        "证件号码": given.get("证件号码") or citizen_number(),
        "居住地代码": "330282107",
        "居住地址": "陈家村东路12号201室",
        "入住日期": "2026-03-01",
    } | given


def as_csv(rows: Sequence[Mapping[str, str]], *, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """The rows as a spreadsheet would save them."""
    written = io.StringIO()
    headers = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(written, headers, delimiter=delimiter, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode(encoding)


@dataclass(slots=True)
class Importer:
    """An importer on a database of its own; the law clock shows `TODAY` unless it is set."""

    runtime: Runtime
    database: Database

    def principal(self, division: str = "330282") -> Principal:
        """A client of that division."""
        return Principal(f"client-{division}", "test", division, frozenset(), "officer-1", "residence_registration")

    def set_today(self, day: date) -> None:
        """Let the law clock show that day."""
        self.runtime.law_clock.set(datetime.combine(day, time(12), LAW_ZONE))

    async def upload(self, content: bytes, media_type: str = CSV, division: str = "330282") -> UUID:
        """A file as the upload route stores it."""
        keeper = self.runtime.attachments
        assert keeper is not None
        intake = Intake(keeper.spool, self.runtime.keyring.current.suite, media_type)
        intake.write(content)
        taken = intake.finish()

        async def store(tx: Transaction) -> UUID:
            work = self.runtime.work(tx, self.principal(division))
            await attachment_rows.announce(tx, taken.sealed.address)
            record = await attachment_rows.insert(
                work, taken, purpose=AttachmentPurpose.IMPORT, retention_class=RetentionClass.WORKING_FILE, person_id=None
            )
            return record.attachment_id

        await keeper.store.put(taken.sealed)
        return await in_transaction(self.runtime.pool, store, rows=SERVICE)

    async def ask(
        self,
        content: bytes,
        media_type: str = CSV,
        *,
        division: str = "330282",
        kind: str = "residents",
        dry_run: bool = False,
        mapping: Mapping[str, str] | None = None,
    ) -> UUID:
        """An operation that waits for a worker."""
        attachment_id = await self.upload(content, media_type, division)
        parameters = {"attachment_id": str(attachment_id), "dry_run": dry_run, "mapping": dict(mapping or {})}

        async def store(tx: Transaction) -> UUID:
            work = self.runtime.work(tx, self.principal(division), request_id=f"import-{new_id()}")
            return await insert(
                work, f"import.{kind}", parameters, fingerprint=None, kept_until=work.today + timedelta(days=30)
            )

        return await in_transaction(self.runtime.pool, store, rows=SERVICE)

    async def work_off(self, operation_id: UUID) -> OperationRecord:
        """Work it off here; how it stands then."""
        await work_off(self.runtime, ACTS, operation_id)
        return await self.state(operation_id)

    async def run(self, rows: Sequence[Mapping[str, str]], **options: Any) -> OperationRecord:
        """Import these rows from a CSV."""
        return await self.work_off(await self.ask(as_csv(rows), **options))

    async def call(self, act: Callable[[Work], Awaitable[ResultT]], *, division: str = "330282") -> ResultT:
        """One call of the single door, by a client of that division."""
        principal = self.principal(division)

        async def whole(tx: Transaction) -> ResultT:
            work = self.runtime.work(tx, principal)
            answer = await act(work)
            await work.flush()
            return answer

        return await in_transaction(self.runtime.pool, whole, rows=self.runtime.rows_of(principal))

    async def state(self, operation_id: UUID) -> OperationRecord:
        """How it stands."""
        found = await in_transaction(self.runtime.pool, lambda tx: find(tx, operation_id), rows=SERVICE)
        assert found is not None
        return found

    async def refused(self, operation: OperationRecord) -> list[dict[str, str]]:
        """The file of refused rows."""
        return await self._lines(operation.result.get("errors_attachment_id"))

    async def noted(self, operation: OperationRecord) -> list[dict[str, str]]:
        """The file of rows that were taken with a note."""
        return await self._lines(operation.result.get("notes_attachment_id"))

    async def _lines(self, attachment_id: str | None) -> list[dict[str, str]]:
        if attachment_id is None:
            return []
        content = await self.content(UUID(attachment_id))
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))

    async def content(self, attachment_id: UUID) -> bytes:
        """A stored file, whole."""
        keeper = self.runtime.attachments
        assert keeper is not None

        async def look(tx: Transaction) -> attachment_rows.AttachmentRecord | None:
            return await attachment_rows.find(self.runtime.own_work(tx), attachment_id)

        record = await in_transaction(self.runtime.pool, look, rows=SERVICE)
        assert record is not None
        pieces = keeper.plaintext(record.opener, record.attachment_id, record.address, record.size_bytes)
        return b"".join([piece async for piece in pieces])

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """Look into the database directly."""
        return list(await Looking(self.runtime.pool).fetch(sql, *arguments))


@asynccontextmanager
async def importer_on(database: Database, key_file: Path, keys: InsideKeys, folder: Path) -> AsyncIterator[Importer]:
    """A worker's runtime on that database."""
    settings = WORKER.settings(
        database_url=database.application_url,
        nats_url="nats://unused",
        key_file=key_file,
        inside_jwks_file=keys.jwks_file,
        audit_key_file=audit_key_file("registry", key_file.parent),
        audit_copy_dir=folder,
        attachments_folder=folder,
        sandbox=True,
    )
    async with worker_runtime(WORKER, settings) as runtime:
        found = Importer(runtime, database)
        found.set_today(TODAY)
        yield found
