"""What is done to clients is sealed and copied like all evidence, and the door's password for NATS opens nothing else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig, StreamConfig

from gateway.app import INBOX
from services.chassis import bus as message_bus
from services.chassis.clock import utc_now
from services.chassis.db import Pool
from services.chassis.evidence import log
from services.chassis.evidence.checkpoint import SigningKeys
from services.chassis.evidence.copies import Folder, Stream
from services.chassis.evidence.verifier import Demands, Verifier
from tests.gateway.conftest import KeyFiles, RunGateway, new_client
from tests.looking import Looking
from tests.servers import Servers

_WITHIN_S = 20.0
_SAFE = """
    SELECT (SELECT count(*) FROM audit_line) = (SELECT count(*) FROM audit_seal)
       AND (SELECT count(*) FROM audit_copy WHERE tree_size = (SELECT max(tree_size) FROM audit_checkpoint)) = 2
"""


async def test_what_is_done_to_clients_is_sealed_and_copied(
    run_gateway: RunGateway, pool: Pool, key_files: KeyFiles, servers: Servers, audit_copies: Path
) -> None:
    client = await new_client(pool)
    with run_gateway(audit_seal_s=0.1) as url:
        async with asyncio.timeout(_WITHIN_S), httpx.AsyncClient() as http:
            while not await Looking(pool).fetchval(_SAFE):  # noqa: ASYNC110 - another process's work
                await asyncio.sleep(0.1)
            assert (await http.get(f"{url}/readyz")).json()["warnings"] == {}
    public = SigningKeys.load("gateway", key_files.audit).public
    verifier = Verifier(public, Demands(at=utc_now(), late_s=60, kept_days=1096, restored_epoch=0))
    seen = []
    async for entry in log.entries(pool, await log.bounds(pool), late_s=60):
        verifier.take(entry)
        seen.append(str(getattr(entry, "line", "")))
    verifier.end()
    assert verifier.report.sound, verifier.report.findings
    assert any("client.created" in line and client.client_id in line for line in seen)
    bus = await message_bus.connect(servers.nats_url_of("gateway"), name="test", on_closed=lambda: None, inbox=INBOX)
    newest = await Looking(pool).fetchval("SELECT signed FROM audit_checkpoint ORDER BY tree_size DESC LIMIT 1")
    assert await Folder(audit_copies, "gateway").last() == await Stream(bus.archive("gateway")).last() == newest
    await bus.close()


@pytest.fixture
async def door(servers: Servers) -> AsyncIterator[Client]:
    """Whoever has the gateway's password for NATS; an event of the registry is there to be read."""
    admin, intruder = Client(), Client()
    await admin.connect(servers.nats_url)
    await admin.jetstream().add_stream(StreamConfig(name="office_of_the_test", subjects=["office_of_the_test.>"]))
    await admin.jetstream().publish("office_of_the_test.noted", b"{}")
    await intruder.connect(servers.nats_url_of("gateway"), inbox_prefix=INBOX.encode(), error_cb=_ignore)
    yield intruder
    await intruder.close()
    await admin.jetstream().delete_stream("office_of_the_test")
    await admin.close()


async def test_its_password_reads_no_event_and_writes_none(door: Client) -> None:
    jetstream = door.jetstream(timeout=0.5)
    with pytest.raises(NatsTimeoutError):
        await jetstream.get_last_msg("office_of_the_test", "office_of_the_test.noted")
    with pytest.raises(NatsTimeoutError):
        await jetstream.add_consumer("office_of_the_test", ConsumerConfig(name="curious"))
    with pytest.raises(NatsTimeoutError):
        await jetstream.publish("office_of_the_test.noted", b"{}", timeout=0.5)
    with pytest.raises(NatsTimeoutError):
        await jetstream.publish("audit_checkpoints.registry", b"forged", timeout=0.5)


async def test_it_hears_no_answer_to_others(door: Client, servers: Servers) -> None:
    heard: list[bytes] = []

    async def hear(message: object) -> None:
        heard.append(getattr(message, "data", b""))

    await door.subscribe("_INBOX.>", cb=hear)
    await door.subscribe("office_of_the_test.>", cb=hear)
    await door.flush()
    other = Client()
    await other.connect(servers.nats_url)
    await other.publish("_INBOX.registry.1", b"an event on its way")
    await other.publish("office_of_the_test.noted", b"another")
    await other.flush()
    await other.close()
    await asyncio.sleep(0.2)
    assert heard == []


async def _ignore(_: Exception) -> None:
    """The server says that it refuses; what comes of it is asserted."""
