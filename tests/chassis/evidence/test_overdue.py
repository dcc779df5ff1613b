"""Evidence that is late is told early, and in the end personal data are refused rather than given unproven."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.evidence.copies import COPY_PLACES
from services.chassis.evidence.watch import _BY_INDEX, _LOOK, Watch, look
from tests.chassis.events.stage import until
from tests.chassis.evidence.stage import Log
from tests.chassis.office.app import DEFINITION
from tests.chassis.test_routing import NOTES, problem
from tests.conftest import Database
from tests.running import InsideKeys, RunningService, running_service
from tests.servers import Servers

SCOPES = ("office.note.write", "office.note.read")


@pytest.fixture
async def blocked(
    log: Log, evidence_database: Database, servers: Servers, key_file: Path, inside_keys: InsideKeys
) -> AsyncIterator[RunningService]:
    """A service whose folder of copies cannot be written."""
    log.folder.write_text("a file where the folder should be")
    async with running_service(
        DEFINITION,
        database_url=evidence_database.application_url,
        nats_url=servers.nats_url_of("office"),
        key_file=key_file,
        keys=inside_keys,
        audit_copy_dir=log.folder,
        audit_seal_s=0.05,
        audit_overdue_s=100,
    ) as service:
        yield service


async def test_late_evidence_is_told_then_refused_then_good_again(blocked: RunningService, log: Log) -> None:
    clerk = blocked.caller(SCOPES)
    watch = blocked.runtime.evidence
    assert (await clerk.post(NOTES, {"content": "in time"})).status_code == 201

    async def sealed_and_half_copied() -> bool:
        return await log.unsealed() == 0 and await log.pool.fetchval("SELECT count(*) FROM audit_copy") == 1

    await until(sealed_and_half_copied)
    await log.owner.execute("UPDATE audit_checkpoint SET signed_at = signed_at - interval '80 seconds'")
    await watch.look()
    ready = (await blocked.http.get("/readyz")).json()
    assert ready["ready"]
    assert "not copied to two places" in ready["warnings"]["audit"]
    assert (await clerk.get(NOTES)).status_code == 200
    metrics = (await blocked.http.get("/metrics")).text
    assert 'xinshimin_audit_uncopied_seconds{process="office"} 8' in metrics
    assert 'xinshimin_audit_copied_seconds{place="stream",process="office"}' in metrics

    await log.owner.execute("UPDATE audit_checkpoint SET signed_at = signed_at - interval '80 seconds'")
    await watch.look()
    for answer in (await clerk.get(NOTES), await clerk.post(NOTES, {"content": "late"})):
        problem(answer, 503, "audit-overdue")
        assert answer.headers["retry-after"] == "60"
    assert (await blocked.http.get("/livez")).status_code == 200
    assert "are refused" in (await blocked.http.get("/readyz")).json()["warnings"]["audit"]

    log.folder.unlink()
    await until(log.at_rest)
    await watch.look()
    assert (await clerk.post(NOTES, {"content": "again"})).status_code == 201
    assert (await blocked.http.get("/readyz")).json()["warnings"] == {}


async def test_a_damaged_end_is_a_warning_at_once(blocked: RunningService, log: Log) -> None:
    """The sealer of the running service gives up on a log whose end is not what was signed, and readiness tells."""
    clerk = blocked.caller(SCOPES)
    for number in range(3):
        assert (await clerk.post(NOTES, {"content": f"before {number}"})).status_code == 201

    async def sealed() -> bool:
        return await log.unsealed() == 0

    await until(sealed)
    await log.owner.execute("DELETE FROM audit_seal WHERE position = (SELECT max(position) FROM audit_seal)")
    await log.pool.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'office:audit'")

    async def told() -> bool:
        readiness = (await blocked.http.get("/readyz")).json()
        return bool(readiness["ready"] and readiness["warnings"].get("audit sealer") == "TailError")

    await until(told)
    assert (await clerk.post(NOTES, {"content": "after"})).status_code == 201


async def test_a_line_without_a_seal_grows_overdue_too(log: Log) -> None:
    await log.write(3)
    await log.owner.execute("UPDATE audit_line SET recorded_at = recorded_at - interval '5 hours'")
    backlog = await look(log.pool, COPY_PLACES)
    assert backlog.unsealed == 3
    assert 18_000 <= backlog.oldest_s < 18_100
    watch = Watch(log.pool, service="office", places=COPY_PLACES, age_max_s=14_400)
    await watch.look()
    assert "not sealed" in (watch.warning() or "")
    with pytest.raises(Exception, match="audit-overdue"):
        watch.refuse_if_overdue()


async def test_a_quiet_service_is_never_late(log: Log) -> None:
    backlog = await look(log.pool, COPY_PLACES)
    assert (backlog.unsealed, backlog.oldest_s) == (0, 0.0)
    await log.write(1)
    await log.seal()
    await log.owner.execute("UPDATE audit_checkpoint SET signed_at = signed_at - interval '30 days'")
    assert (await look(log.pool, COPY_PLACES)).oldest_s == 0.0


async def test_a_look_reads_no_line_that_is_sealed(log: Log) -> None:
    """It is taken every few seconds by every process, over three years of lines."""
    await log.write(40)
    await log.seal()
    async with log.pool.acquire() as connection, connection.transaction():
        await connection.execute(_BY_INDEX)
        arguments = _LOOK.arguments({"places": list(COPY_PLACES), "count_max": 10})
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN ANALYZE {_LOOK.sql}", *arguments))
    assert "Index Cond: (ROW(xid, audit_id) > ROW(" in plan, plan
    assert "Rows Removed by Filter: 40" not in plan, plan


async def test_a_place_never_written_to_counts_from_the_first_checkpoint(log: Log) -> None:
    await log.write(1)
    await log.seal()
    await log.owner.execute("UPDATE audit_checkpoint SET signed_at = signed_at - interval '1 hour'")
    assert (await look(log.pool, (*COPY_PLACES, "third"))).uncopied_s >= 3600
