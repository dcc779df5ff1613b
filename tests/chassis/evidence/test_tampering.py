"""Tampering with the database itself, as somebody would who owns it: every act is found by reading the log and both places."""

from datetime import timedelta

import pytest

from services.chassis.clock import utc_now
from services.chassis.evidence import log as stored
from services.chassis.evidence.verifier import Demands, Kind, Report, Verifier
from tests.chassis.events.stage import until
from tests.chassis.evidence.made import new_keys
from tests.chassis.evidence.stage import Log, running

TABLES = ("audit_line", "audit_seal", "audit_checkpoint")
ACTS: dict[str, tuple[str, set[Kind]]] = {
    "line altered": (
        "UPDATE audit_line SET line = replace(line, 'office', 'orifice') || ' ' WHERE audit_id = {at_7}",
        {Kind.LINE_ALTERED},
    ),
    "digest altered": ("UPDATE audit_line SET digest = sha256(digest) WHERE audit_id = {at_7}", {Kind.DIGEST_ALTERED}),
    "line altered with its digest": (
        "UPDATE audit_line SET line = line || ' ', digest = sha256(convert_to(line || ' ', 'UTF8')) WHERE audit_id = {at_7}",
        {Kind.ENTRY_REPLACED, Kind.TREE_DIFFERS},
    ),
    "time altered": (
        "UPDATE audit_line SET recorded_at = recorded_at - interval '1 microsecond' WHERE audit_id = {at_7}",
        {Kind.ENTRY_REPLACED},
    ),
    "filed under another person": (
        "UPDATE audit_line SET person_id = gen_random_uuid() WHERE audit_id = {at_7}",
        {Kind.PERSON_ALTERED},
    ),
    "line removed in the middle": ("DELETE FROM audit_line WHERE audit_id = {at_7}", {Kind.LINE_MISSING, Kind.TREE_DIFFERS}),
    "line and seal removed": (
        "DELETE FROM audit_line WHERE audit_id = {at_7}; DELETE FROM audit_seal WHERE position = 7",
        {Kind.POSITION_MISSING, Kind.TREE_DIFFERS},
    ),
    "lines swapped": (
        """
        CREATE TEMP TABLE pair AS SELECT * FROM audit_seal WHERE position IN (7, 9);
        DELETE FROM audit_seal WHERE position IN (7, 9);
        INSERT INTO audit_seal SELECT 16 - position, audit_id, chain_hash FROM pair;
        DROP TABLE pair
        """,
        {Kind.ENTRY_REPLACED, Kind.TREE_DIFFERS},
    ),
    "tail cut": (
        """
        DELETE FROM audit_line WHERE audit_id IN (SELECT audit_id FROM audit_seal WHERE position > 10);
        DELETE FROM audit_seal WHERE position > 10;
        DELETE FROM audit_checkpoint WHERE tree_size > 10
        """,
        {Kind.TAIL_CUT},
    ),
    "everything removed": ("TRUNCATE audit_line, audit_seal, audit_checkpoint", {Kind.TAIL_CUT}),
    "beginning removed": (
        """
        DELETE FROM audit_line WHERE audit_id IN (SELECT audit_id FROM audit_seal WHERE position <= 5);
        DELETE FROM audit_seal WHERE position <= 5
        """,
        {Kind.HEAD_REMOVED},
    ),
    "checkpoint removed": ("DELETE FROM audit_checkpoint WHERE tree_size = 10", {Kind.CHECKPOINT_MISSING}),
    "checkpoint moved": ("UPDATE audit_checkpoint SET tree_size = 9 WHERE tree_size = 10", {Kind.CHECKPOINT_FORGED}),
    "line hidden from the sealer": (
        """
        INSERT INTO audit_line (audit_id, recorded_at, line, digest, xid)
        VALUES (gen_random_uuid(), now() - interval '1 hour', '', sha256(''), '1')
        """,
        {Kind.UNSEALED},
    ),
}


@pytest.fixture
async def full(log: Log) -> Log:
    """Three checkpoints of five lines each, an hour old."""
    for _ in range(3):
        await log.write(5)
        await log.seal()
    return log


async def verified(log: Log) -> Report:
    """As `xinshimin audit verify` reads it."""
    verifier = Verifier(log.keys.public, Demands(at=utc_now()))
    async for entry in stored.entries(log.pool, await stored.bounds(log.pool), late_s=60):
        verifier.take(entry)
    verifier.end()
    for place in log.places:
        copies = verifier.begin_copies(place.name)
        async for signed in place.everything():
            copies.take(signed)
        copies.end()
    return verifier.report


async def test_an_untouched_log_is_sound(full: Log) -> None:
    report = await verified(full)
    assert report.findings == []
    assert (report.lines, report.checkpoints, report.copies) == (15, 3, {"folder": 3, "stream": 3})


async def test_every_act_of_the_owner_is_named(full: Log) -> None:
    """One act after the other on the same log, which is put back in between."""
    at_7 = await full.pool.fetchval("SELECT audit_id FROM audit_seal WHERE position = 7")
    for table in TABLES:
        await full.owner.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}")
    unseen = {}
    for act, (statements, kinds) in ACTS.items():
        await full.owner.execute(statements.format(at_7=f"'{at_7}'"))
        report = await verified(full)
        if not kinds <= set(report.counts):
            unseen[act] = report.findings
        for table in TABLES:
            await full.owner.execute(f"TRUNCATE {table}; INSERT INTO {table} SELECT * FROM kept_{table}")
        assert (await verified(full)).sound
    assert unseen == {}


async def test_a_rebuilt_log_is_seen_by_its_signatures_and_if_those_are_ours_by_the_copies(full: Log) -> None:
    """The whole log sealed anew over an altered line: first without our key, then by somebody who has it."""
    await full.owner.execute(
        """
        UPDATE audit_line SET line = '{"person":null}', person_id = NULL, digest = sha256('{"person":null}')
        WHERE audit_id = (SELECT audit_id FROM audit_seal WHERE position = 2)
        """
    )
    for keys, found in ((new_keys(), {Kind.CHECKPOINT_FORGED, Kind.TAIL_CUT}), (full.keys, {Kind.LOG_REWRITTEN})):
        await full.owner.execute("TRUNCATE audit_seal, audit_checkpoint, audit_copy")
        async with running(full.sealer(keys=keys, places=[])):
            await until(lambda: _all_sealed(full))
        assert found <= set((await verified(full)).counts)


async def _all_sealed(log: Log) -> bool:
    return await log.unsealed() == 0


async def test_a_pruned_log_verifies_from_its_border(log: Log) -> None:
    long_ago = utc_now() - timedelta(days=1200)
    for _ in range(2):
        await log.write(4)
        await log.owner.execute(
            """
            UPDATE audit_line SET recorded_at = recorded_at - interval '1200 days'
            WHERE audit_id NOT IN (SELECT audit_id FROM audit_seal)
            """
        )
        await log.seal(at=long_ago)
    await log.write(3)
    await log.seal()
    await log.owner.execute("SELECT prune_audit(1096, 50)")
    report = await verified(log)
    assert report.findings == []
    assert (report.first_position, report.lines) == (9, 3)
