"""The sealer: every committed line once, dense, in an order that commits and crashes cannot upset."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from services.chassis.clock import utc_now
from services.chassis.evidence.checkpoint import SigningKeys, hash_of, make_audit_key
from services.chassis.evidence.entries import chain_link, chain_start, leaf
from services.chassis.evidence.merkle import Tree
from services.chassis.evidence.sealer import BATCH_LINES_MAX
from services.chassis.rows import SERVICE_SESSION
from tests.chassis.events.stage import until
from tests.chassis.evidence.stage import SERVICE, Log, running


async def assert_sound(log: Log) -> None:
    """The checker: recompute chain, tree, signatures and links from the lines alone."""
    tree, link, before = Tree(), chain_start(SERVICE), None
    checkpoints = {row["tree_size"]: row["signed"] for row in await log.checkpoints()}
    rows = await log.pool.fetch(
        "SELECT position, chain_hash, l.* FROM audit_seal s JOIN audit_line l USING (audit_id) ORDER BY position"
    )
    for row in rows:
        of_line = leaf(row["audit_id"], row["recorded_at"], row["digest"])
        tree.append(of_line)
        link = chain_link(link, of_line)
        assert row["chain_hash"] == link
        if (signed := checkpoints.pop(tree.size, None)) is not None:
            found = log.keys.public.open(signed)
            assert (found.root, found.chain, found.previous) == (tree.root(), link, before)
            before = hash_of(signed)
            last_size = tree.size
    assert checkpoints == {}
    assert last_size == len(rows)


async def test_every_line_gets_its_place_and_a_signed_head_covers_it(log: Log) -> None:
    await log.write(7)
    await log.seal()
    await log.write(5)
    await log.seal()
    assert len(await log.sealed()) == 12
    assert [row["tree_size"] for row in await log.checkpoints()] == [7, 12]
    await assert_sound(log)


async def test_a_backlog_is_sealed_in_bounded_batches(log: Log) -> None:
    await log.write(2 * BATCH_LINES_MAX + 10)
    await log.seal()
    assert [row["tree_size"] for row in await log.checkpoints()] == [1000, 2000, 2010]
    await assert_sound(log)


async def test_lines_of_before_the_migration_are_sealed_first(log: Log) -> None:
    await log.write(BATCH_LINES_MAX + 5)
    await log.owner.execute("UPDATE audit_line SET xid = '0'")
    old = set(await log.pool.fetchval("SELECT array_agg(audit_id) FROM audit_line"))
    await log.write(3)
    await log.seal()
    assert set((await log.sealed())[: BATCH_LINES_MAX + 5]) == old


async def test_a_line_committed_late_gets_a_later_place_and_is_never_missed(log: Log) -> None:
    slow = await asyncpg.connect(log.dsn, server_settings=SERVICE_SESSION)
    transaction = slow.transaction()
    await transaction.start()
    late = await log.write(3, connection=slow)
    async with running(log.sealer()):
        await log.write(2500)

        async def others_sealed() -> bool:
            return len(await log.sealed()) == 2500

        await until(others_sealed)
        await log.write(5)
        await transaction.commit()
        await log.write(1)
        await until(log.at_rest)
    await slow.close()
    sealed = await log.sealed()
    assert len(sealed) == 2509
    assert min(sealed.index(audit_id) for audit_id in late) >= 2500
    await assert_sound(log)


async def test_a_sealer_that_goes_by_the_last_number_seen_would_miss_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug: everything below the newest transaction seen counts as done."""
    monkeypatch.setattr(
        "services.chassis.evidence.sealer._sealed_up_to",
        lambda before, lines, _: (lines[-1]["xid"], lines[-1]["audit_id"]) if lines else before,
    )
    slow = await asyncpg.connect(log.dsn, server_settings=SERVICE_SESSION)
    transaction = slow.transaction()
    await transaction.start()
    await log.write(1, connection=slow)
    async with running(log.sealer()):
        await log.write(3)

        async def others_sealed() -> bool:
            return len(await log.sealed()) == 3

        await until(others_sealed)
        await transaction.commit()
        await log.write(1)

        async def last_sealed() -> bool:
            return len(await log.sealed()) == 4

        await until(last_sealed)
    await slow.close()
    assert await log.unsealed() == 1


async def test_two_sealers_and_many_writers_end_with_one_dense_log(log: Log) -> None:
    async def write_often() -> None:
        for _ in range(20):
            await log.write(7)

    async with running(*(log.sealer(every_s=0.01) for _ in range(2))):
        await asyncio.gather(*(write_often() for _ in range(4)))
        await until(log.at_rest)
    assert len(await log.sealed()) == 560
    await assert_sound(log)


async def test_a_second_sealer_that_lost_its_lock_writes_nothing(log: Log) -> None:
    """Both think they lead: the primary keys let only one seal a position."""
    await log.write(4)
    first, second = log.sealer(), log.sealer()
    connections = [await asyncpg.connect(log.dsn, server_settings=SERVICE_SESSION) for _ in range(2)]
    tails = [await sealer._load_tail(each) for sealer, each in zip((first, second), connections, strict=True)]
    await first._seal_batch(connections[0], tails[0])
    await log.write(1)
    with pytest.raises(asyncpg.UniqueViolationError):
        await second._seal_batch(connections[1], tails[1])
    for each in connections:
        await each.close()
    await log.seal()
    await assert_sound(log)


async def test_sealing_goes_on_in_a_new_epoch_after_a_restore(log: Log) -> None:
    await log.write(3)
    await log.seal()
    await log.owner.execute("UPDATE relay_state SET epoch = 2")
    await log.write(2)
    await log.seal()
    assert [row["epoch"] for row in await log.checkpoints()] == [1, 2]
    await assert_sound(log)


async def test_numbers_of_another_cluster_do_not_hide_lines(log: Log) -> None:
    await log.write(3)
    await log.seal()
    await log.owner.execute("UPDATE audit_checkpoint SET sealed_xid = '9000000000000000'")
    await log.write(2)
    await log.seal()
    assert len(await log.sealed()) == 5


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE audit_checkpoint SET subtrees = decode(repeat('00', octet_length(subtrees)), 'hex')",
        "UPDATE audit_checkpoint SET signed = overlay(signed PLACING 'AAAA' FROM 150)",
        "DELETE FROM audit_checkpoint",
        "DELETE FROM audit_seal WHERE position = (SELECT max(position) FROM audit_seal)",
        "INSERT INTO audit_seal VALUES (4, gen_random_uuid(), decode(repeat('00', 32), 'hex'))",
    ],
)
async def test_nothing_is_sealed_upon_a_damaged_end(log: Log, damage: str) -> None:
    await log.write(3)
    await log.seal()
    await log.owner.execute(damage)
    await log.write(1)
    sealer = log.sealer()
    async with running(sealer):

        async def gave_up() -> bool:
            return await sealer.healthy() == "TailError"

        await until(gave_up)
    assert await log.unsealed() >= 1


async def test_a_key_is_replaced_without_a_break(log: Log, tmp_path: Path) -> None:
    await log.write(2)
    await log.seal()
    fresh = make_audit_key()
    file = tmp_path / "both.json"
    file.touch(mode=0o600)
    old = log.keys.public.jwks()[len('{\n  "keys": [') : -len("\n  ]\n}")]
    file.write_text('{"keys": [' + fresh + "," + old + "]}")
    both = SigningKeys.load(SERVICE, file)
    await log.write(2)
    await log.seal(keys=both)
    newest = (await log.checkpoints())[-1]["signed"]
    assert both.public.open(newest).size == 4
    with pytest.raises(Exception, match="does not have"):
        log.keys.public.open(newest)


async def test_lines_past_their_retention_go_a_whole_checkpoint_at_a_time(log: Log) -> None:
    long_ago = utc_now() - timedelta(days=1200)
    await log.write(4)
    await log.seal(at=long_ago)
    await log.write(3)
    await log.seal(at=long_ago)
    await log.owner.execute("UPDATE audit_line SET recorded_at = recorded_at - interval '1200 days'")
    await log.write(2)
    await log.seal()

    async def pruned() -> bool:
        return bool(await log.pool.fetchval("SELECT count(*) FROM audit_line") == 2)

    async with running(log.sealer()):
        await until(pruned)
    assert [row["tree_size"] for row in await log.checkpoints()] == [7, 9]
    assert await log.pool.fetchval("SELECT array_agg(position) FROM audit_seal") == [8, 9]
    await log.write(1)
    await log.seal()
    assert [row["tree_size"] for row in await log.checkpoints()] == [7, 9, 10]


async def test_a_sealer_killed_in_the_middle_leaves_nothing_half_done(log: Log, tmp_path: Path, key_file: Path) -> None:
    """SIGKILL between the rows and their commit, and between the commit and the copies."""
    await log.write(30)
    for point in ("sealer.sealed", "sealer.committed", "sealer.copied"):
        done = await asyncio.to_thread(_seal_until_death, log, point, key_file)
        assert done.returncode == -9, done.stderr
        await log.write(10)
    await log.seal()
    assert len(await log.sealed()) == 60
    await assert_sound(log)


def _seal_until_death(log: Log, point: str, key_file: Path) -> "subprocess.CompletedProcess[str]":
    program = """
import asyncio, sys
from pathlib import Path
from services.chassis.crash_points import arm
from services.chassis.evidence.checkpoint import SigningKeys
from services.chassis.evidence.copies import Copier, Folder
from services.chassis.evidence.sealer import Sealer
point, dsn, keys, folder = sys.argv[1:]
arm(point)
signing = SigningKeys.load("office", Path(keys))
copier = Copier(signing.public, [Folder(Path(folder), "office")])
asyncio.run(Sealer(dsn, service="office", keys=signing, copier=copier).run())
"""
    keys = key_file.parent / "office-audit.json"
    root = Path(__file__).parent.parent.parent.parent
    return subprocess.run(
        [sys.executable, "-c", program, point, log.dsn, str(keys), str(log.folder)],
        cwd=root,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
