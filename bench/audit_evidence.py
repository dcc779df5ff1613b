"""What sealing costs the writers, and how fast lines are sealed and verified; on a durable PostgreSQL of its own.

Writers insert lines in transactions of two, as a change does, from four connections: without xid and its index (the table of
before), with them, and with a sealer beside them. Then a backlog is sealed, exported, and verified both ways.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg

from services.chassis import migrations
from services.chassis.clock import utc_now
from services.chassis.evidence import export, log
from services.chassis.evidence.checkpoint import SigningKeys, make_audit_key
from services.chassis.evidence.copies import Copier, Folder
from services.chassis.evidence.sealer import Sealer
from services.chassis.evidence.verifier import Demands, Verifier
from services.chassis.principal import service_principal
from services.chassis.rows import SERVICE_SESSION
from services.chassis.work import AuditLine, audit_line
from services.suite import catalogue, databases
from services.suite.postgres import SUPERUSER, EmbeddedPostgres

_SERVICE = "registry"
_PASSWORD = "only-for-this-benchmark"  # noqa: S105 - a server that lives as long as this run
_WRITERS = 4
_LINES = "(audit_id, person_id, line, digest)"


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000, help="lines of the backlog")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round of writing")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xsb-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "postgres", password=_PASSWORD, log=folder / "postgres.log", durable=True)
        server.start()
        try:
            asyncio.run(_measure(server, folder, given.lines, given.seconds))
        finally:
            server.stop()


async def _measure(server: EmbeddedPostgres, folder: Path, lines: int, seconds: float) -> None:
    roles = databases.roles_of([_SERVICE])
    await databases.ensure(server.url("postgres", SUPERUSER), dict.fromkeys(roles, _PASSWORD), {_SERVICE: _SERVICE})
    owner, application = (server.url(_SERVICE, role, _PASSWORD) for role in roles)
    await migrations.upgrade(catalogue.process(_SERVICE).migrations, owner, application)
    keys = _keys(folder)
    sealer = Sealer(application, service=_SERVICE, keys=keys, copier=Copier(keys.public, [Folder(folder / "copies", _SERVICE)]))
    connection = await asyncpg.connect(owner, server_settings=SERVICE_SESSION)
    try:
        await _measure_writers(connection, application, sealer, seconds)
        await _measure_reading(connection, application, sealer, keys, folder, lines)
    finally:
        await connection.close()


async def _measure_writers(
    owner: "asyncpg.Connection[asyncpg.Record]", application: str, sealer: Sealer, seconds: float
) -> None:
    """Rounds interleaved, so that a noisy machine is noisy to all."""
    rates: dict[str, list[float]] = {"before": [], "with xid and index": [], "with a sealer": []}
    for _ in range(3):
        await owner.execute("DROP INDEX ix_audit_line_xid; ALTER TABLE audit_line ALTER COLUMN xid SET DEFAULT '0'")
        rates["before"].append(await _write(application, seconds))
        await owner.execute(
            """
            DELETE FROM audit_line WHERE xid = '0';
            CREATE INDEX ix_audit_line_xid ON audit_line (xid, audit_id);
            ALTER TABLE audit_line ALTER COLUMN xid SET DEFAULT pg_current_xact_id()
            """
        )
        rates["with xid and index"].append(await _write(application, seconds))
        sealing = asyncio.create_task(sealer.run())
        rates["with a sealer"].append(await _write(application, seconds))
        sealing.cancel()
        await asyncio.wait([sealing])
    limit = sum(rates["before"])
    for name, found in rates.items():
        _say(f"writers, {name:20} {sum(found) / len(found):9,.0f} transactions/s   {sum(found) / limit:.2f} of before")


async def _write(dsn: str, seconds: float) -> float:
    until = time.monotonic() + seconds

    async def writer() -> int:
        connection = await asyncpg.connect(dsn, server_settings=SERVICE_SESSION)
        done = 0
        while time.monotonic() < until:
            rows = [_row(_line()) for _ in range(2)]
            async with connection.transaction():
                await connection.executemany(f"INSERT INTO audit_line {_LINES} VALUES ($1, $2, $3, $4)", rows)
            done += 1
        await connection.close()
        return done

    return sum(await asyncio.gather(*(writer() for _ in range(_WRITERS)))) / seconds


async def _measure_reading(
    owner: "asyncpg.Connection[asyncpg.Record]",
    application: str,
    sealer: Sealer,
    keys: SigningKeys,
    folder: Path,
    lines: int,
) -> None:
    missing = "SELECT (SELECT count(*) FROM audit_line) - (SELECT count(*) FROM audit_seal)"
    for start in range(0, lines, 10_000):
        rows = [_row(_line()) for _ in range(min(10_000, lines - start))]
        await owner.executemany(f"INSERT INTO audit_line {_LINES} VALUES ($1, $2, $3, $4)", rows)  # no COPY under row security
    waiting = await owner.fetchval(missing)
    with _timed(f"sealing {waiting:,} lines", waiting):
        sealing = asyncio.create_task(sealer.run())
        while await owner.fetchval(missing):  # noqa: ASYNC110 - what others write
            await asyncio.sleep(0.25)
    sealing.cancel()
    await asyncio.wait([sealing])
    pool = await asyncpg.create_pool(application, min_size=1, max_size=2)
    within = await log.bounds(pool)
    verifier = Verifier(keys.public, Demands(at=utc_now()))
    with _timed(f"verifying {within.lines:,} lines from the database", within.lines):
        async for entry in log.entries(pool, within, late_s=60):
            verifier.take(entry)
        verifier.end()
    assert verifier.report.sound, verifier.report.findings
    path = folder / "export.jsonl"
    with _timed("writing the export", within.lines), export.Writer(path) as writer:
        writer.begin(export.Section(_SERVICE, utc_now(), within))
        async for entry in log.entries(pool, within, late_s=60):
            writer.add(entry)
        writer.end()
    await pool.close()
    verifier = Verifier(keys.public, Demands(at=utc_now()))
    with _timed(f"verifying the export of {path.stat().st_size >> 20} MB", within.lines):
        for found in export.read(path):
            if not isinstance(found, export.Section):
                verifier.take(found)
        verifier.end()
    assert verifier.report.sound, verifier.report.findings


def _keys(folder: Path) -> SigningKeys:
    path = folder / "audit.jwk.json"
    path.touch(mode=0o600)
    path.write_text(make_audit_key())
    return SigningKeys.load(_SERVICE, path)


def _line() -> AuditLine:
    return audit_line(
        service_principal(_SERVICE),
        operation="person.read",
        resource="person",
        resource_id=uuid4(),
        person_id=uuid4(),
        fields=("name", "birth_date", "identity_documents"),
        outcome="done",
        request_id=str(uuid4()),
        at=utc_now(),
    )


def _row(line: AuditLine) -> tuple[object, ...]:
    return line.audit_id, line.person_id, line.line, line.digest


@contextmanager
def _timed(what: str, lines: int) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    _say(f"{what}: {seconds:.1f} s, {lines / seconds:,.0f} lines/s")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
