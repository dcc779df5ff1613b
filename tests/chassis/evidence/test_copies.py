"""Copies outside the database: both places, none hidden, none lost by a crash, and no going on over a contradiction."""

import json
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js.errors import APIError

from services.chassis.archive import STREAM
from services.chassis.bus_errors import BusError
from services.chassis.evidence.copies import Folder, Place
from tests.chassis.events.stage import until
from tests.chassis.evidence.stage import SERVICE, Log, running
from tests.servers import Servers


async def copies(place: Place) -> list[str]:
    return [signed async for signed in place.everything()]


async def test_the_newest_checkpoint_is_in_both_places(log: Log) -> None:
    for _ in range(3):
        await log.write(2)
        await log.seal()
    signed = [row["signed"] for row in await log.checkpoints()]
    for place in log.places:
        assert await copies(place) == signed
        assert await place.last() == signed[-1]


async def test_nothing_is_deleted_from_the_stream_not_even_by_its_administrator(log: Log, servers: Servers) -> None:
    await log.write(1)
    await log.seal()
    admin = Client()
    await admin.connect(servers.nats_url)
    stream = admin.jetstream()
    with pytest.raises(APIError):
        await stream.purge_stream(STREAM)
    with pytest.raises(APIError):
        await stream.delete_msg(STREAM, 1)
    config = (await stream.stream_info(STREAM)).config
    config.deny_delete = False
    with pytest.raises(APIError):
        await stream.update_stream(config)
    await admin.close()
    assert len(await copies(log.places[1])) == 1


@pytest.mark.long
async def test_a_service_may_not_write_for_another(servers: Servers, log: Log) -> None:
    await log.write(1)
    await log.seal()
    with pytest.raises(BusError):
        await log.bus.archive("registry").keep(b"x", "1")


async def test_a_place_that_fails_keeps_nothing_from_the_other(log: Log) -> None:
    log.folder.write_text("a file where the folder should be")
    await log.write(1)
    async with running(log.sealer()):

        async def there() -> bool:
            return await log.places[1].last() is not None

        await until(there)
        log.folder.unlink()
        await until(log.at_rest)
    assert await copies(log.places[0]) == await copies(log.places[1])


async def test_a_line_that_a_crash_left_unfinished_is_written_again(log: Log) -> None:
    await log.write(1)
    await log.seal()
    (file,) = log.folder.iterdir()
    whole = file.read_text()
    file.write_text(whole + whole[:100])
    place = Folder(log.folder, SERVICE)
    assert await place.last() == whole.strip()
    await log.write(1)
    await log.seal()
    assert await copies(place) == [row["signed"] for row in await log.checkpoints()]


async def test_folders_of_several_months_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "office-2026-02.jws").write_text("c\n")
    (tmp_path / "office-2025-12.jws").write_text("a\nb\n")
    (tmp_path / "other-2026-03.jws").write_text("x\n")
    place = Folder(tmp_path, SERVICE)
    assert await copies(place) == ["a", "b", "c"]
    assert await place.last() == "c"


async def test_a_copy_that_the_database_does_not_know_is_not_written_over(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    """The tail was cut, and the log goes on: the copy stays the last word until the epoch says that this was a restore."""
    await log.write(3)
    await log.seal()
    await log.write(2)
    await log.seal()
    await log.owner.execute(
        """
        DELETE FROM audit_line WHERE audit_id IN (SELECT audit_id FROM audit_seal WHERE position > 3);
        DELETE FROM audit_seal WHERE position > 3;
        DELETE FROM audit_checkpoint WHERE tree_size > 3;
        UPDATE audit_copy SET tree_size = 3;
        """
    )
    before = [await copies(place) for place in log.places]
    await log.write(1)
    async with running(log.sealer()):

        async def complained() -> bool:
            return sum("was not copied" in record.message for record in caplog.records) >= 2

        await until(complained)
    assert [await copies(place) for place in log.places] == before
    await log.owner.execute("UPDATE relay_state SET epoch = 2")
    await log.write(1)
    await log.seal()
    for place in log.places:
        assert len(await copies(place)) == 3


async def test_a_checkpoint_can_be_read_with_any_jose_library(log: Log) -> None:
    """Header and payload are plain; the names are the contract with outside auditors."""
    await log.write(1)
    await log.seal()
    signed = (await log.checkpoints())[0]["signed"]
    from joserfc import jws  # noqa: PLC0415 - what an auditor would do
    from joserfc.jwk import KeySet  # noqa: PLC0415

    keys = KeySet.import_key_set(json.loads(log.keys.public.jwks()))
    opened = jws.deserialize_compact(signed, keys, algorithms=["Ed25519"])
    assert opened.headers()["typ"] == "xinshimin-audit-checkpoint+jws"
    content = json.loads(opened.payload or b"")
    assert set(content) == {"chain", "epoch", "previous", "root", "service", "signed_at", "size"}
    assert (content["service"], content["size"], content["previous"]) == ("office", 1, None)
