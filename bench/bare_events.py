"""The limits of the event flow, each a loop on nats-py and asyncpg alone: no position, no inbox, no tracing, no metrics.

`publish` sends events read beforehand, in atomic batches; `many` and `each` take events from the registry's stream and write
the same rows as the mirrors of points_hukou, a statement per batch and kind or a statement per event. Prints events per
second.
"""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
import nats
import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import api

_BATCH = 1000
_FETCH = 200
_STREAM = "bench"
_SOURCE = "registry"

# By the last part of an event type's aggregate: the table, and its columns that the event tells.
_MIRRORS = {
    "person": ("mirror_person", "person_id"),
    "residence_registration": ("mirror_residence_registration", "registration_id"),
}
_DOCUMENTS = """
    INSERT INTO mirror_person_document (token, key_id, person_id, document_type)
    SELECT d.token, d.key_id, p.person_id, d.document_type
    FROM jsonb_to_recordset($1::text::jsonb) AS p (person_id uuid, document_tokens jsonb),
         jsonb_to_recordset(p.document_tokens) AS d (token text, key_id text, document_type text)
    ON CONFLICT DO NOTHING
"""


async def publish(given: dict[str, Any]) -> float:
    """Events per second into a stream of its own; the registry's events under fresh ids."""
    client = await nats.connect(given["nats_url"])
    jetstream = client.jetstream()
    config = api.StreamConfig(name=_STREAM, subjects=[f"{_STREAM}.>"], storage=api.StorageType.FILE, allow_atomic=True)
    await jetstream.add_stream(config)
    connection = await asyncpg.connect(given["database_url"])
    rows = await connection.fetch(
        "SELECT event_type, partition_key, data FROM outbox ORDER BY outbox_id LIMIT $1", given["events"]
    )
    await connection.close()
    started = time.monotonic()
    for first in range(0, len(rows), _BATCH):
        await _publish_batch(client, f"{given['round']}-{first}", rows[first : first + _BATCH])
    taken = time.monotonic() - started
    await jetstream.delete_stream(_STREAM)
    await client.close()
    return len(rows) / taken


async def _publish_batch(client: Client, batch: str, rows: Sequence[Any]) -> None:
    for place, row in enumerate(rows, 1):
        headers = {
            "Nats-Msg-Id": f"{batch}-{place}",
            "ce-type": row["event_type"],
            "ce-partitionkey": str(row["partition_key"]),
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(place),
        }
        subject, body = f"{_STREAM}.{row['event_type']}", row["data"].encode()
        if place < len(rows):
            await client.publish(subject, body, headers=headers)
        else:
            await client.request(subject, body, timeout=15, headers={**headers, "Nats-Batch-Commit": "1"})


async def consume(given: dict[str, Any], *, one_by_one: bool) -> float:
    """Events per second from a durable of its own: fetch, one transaction, acknowledge."""
    client = await nats.connect(given["nats_url"])
    durable = f"bench-bare-{'each' if one_by_one else 'many'}"
    subscription = await client.jetstream().pull_subscribe("", durable=durable, stream=_SOURCE)
    connection = await asyncpg.connect(given["database_url"])
    upserts = {aggregate: await _upsert(connection, *mirror) for aggregate, mirror in _MIRRORS.items()}
    await subscription.fetch(1, timeout=5)
    started = time.monotonic()
    count = 0
    while time.monotonic() - started < given["seconds"]:
        messages = await subscription.fetch(_FETCH, timeout=5)
        async with connection.transaction():
            for batch in [[message] for message in messages] if one_by_one else [messages]:
                await _write(connection, upserts, batch)
        for message in messages:
            await message.ack()
        count += len(messages)
    taken = time.monotonic() - started
    await connection.close()
    await client.close()
    return count / taken


async def _upsert(connection: "asyncpg.Connection[asyncpg.Record]", table: str, key: str) -> str:
    """Rows from a JSON list whose members are named like the columns."""
    rows = await connection.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = $1", table)
    names = [row["column_name"] for row in rows]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name != key)
    return f"""
        INSERT INTO {table} AS m ({", ".join(names)}) SELECT {", ".join(names)}
        FROM jsonb_populate_recordset(NULL::{table}, $1::text::jsonb)
        ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE m.sequence < excluded.sequence
    """


async def _write(connection: "asyncpg.Connection[asyncpg.Record]", upserts: dict[str, str], messages: Sequence[Msg]) -> None:
    states: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        headers = message.headers or {}
        state = json.loads(message.data)
        state |= {"sequence": int(headers["ce-sequence"]), "updated_at": headers["ce-time"]}
        states.setdefault(message.subject.split(".")[1], []).append(state)
    for aggregate, found in states.items():
        if aggregate in upserts:
            content = json.dumps(found, ensure_ascii=False)
            await connection.execute(upserts[aggregate], content)
            if aggregate == "person":
                await connection.execute(_DOCUMENTS, content)


async def _run(given: dict[str, Any]) -> float:
    if given["what"] == "publish":
        return await publish(given)
    return await consume(given, one_by_one=given["what"] == "each")


if __name__ == "__main__":
    print(uvloop.run(_run(json.load(sys.stdin))))
