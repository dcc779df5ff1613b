"""The invariants of reliability.md §9, read from the databases, the streams, the processes and the client's journal."""

import asyncio
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import api

from tests.crashes import uploads
from tests.crashes.journal import Entry, Journal
from tests.crashes.world import SERVICES, World

CONVERGED_WITHIN_S = 60.0
FOLLOWERS = ("points_hukou", "counting")
_FETCHED = 500
_CONNECTIONS_MAX = 8 + 6  # pool, and one per leadership with room for a successor
_FILES_MAX = 120
_MEMORY_MAX = 400 << 20
# Rounds of the services' own work go on while the checker looks: a transaction seen once is work, seen twice it is stuck.
_STUCK_AFTER_S = 2.0
_UNFINISHED = """
    SELECT pid, CASE WHEN wait_event_type = 'Lock' THEN 'waiting for a lock' ELSE state END AS doing, state_change
    FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' OR wait_event_type = 'Lock'
"""

Connection = asyncpg.Connection  # the stubs' generic is not subscriptable at run time


@dataclass(slots=True)
class Marks:
    """Where everything stood when a run began: a run is checked for what it did itself."""

    positions: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    streams_made: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Checker:
    """Looks at one world; `complaints` say which invariant does not hold."""

    world: World
    patience_s: float = CONVERGED_WITHIN_S
    complaints: list[str] = field(default_factory=list)
    converged_in_s: float = 0.0

    async def marks(self) -> Marks:
        """Where everything stands now, in a quiet world."""
        marks = Marks()
        async with self._nats() as nats:
            for name in SERVICES:
                async with self._database(name) as connection:
                    marks.positions[name] = await connection.fetchval("SELECT last_position FROM relay_state")
                stream = await nats.jetstream().stream_info(name)
                marks.messages[name], marks.streams_made[name] = stream.state.last_seq, stream.created
        return marks

    async def until_quiet(self) -> None:
        """Wait until nothing is under way, a minute at most; what remains then is a complaint (I4: lag 0)."""
        began = time.monotonic()
        while True:
            try:
                reasons = [reason async for reason in self._restless()]
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, NatsError) as error:
                reasons = [f"{type(error).__name__}: {error}"]
            self.converged_in_s = time.monotonic() - began
            if not reasons:
                return
            if self.converged_in_s > self.patience_s:
                self.complaints += [f"I4 not quiet after {self.patience_s:.0f} s: {reason}" for reason in reasons]
                return
            await asyncio.sleep(0.1)

    async def _restless(self) -> AsyncIterator[str]:
        async with self._nats() as nats:
            for name in SERVICES:
                async with self._database(name) as connection:
                    if count := await connection.fetchval("SELECT count(*) FROM outbox WHERE published_position IS NULL"):
                        yield f"{count} events of {name} are not published"
            for name in FOLLOWERS:
                info = await nats.jetstream().consumer_info("registry", name)
                if info.num_pending or info.num_ack_pending:
                    yield f"{name} has {info.num_pending} messages before it and {info.num_ack_pending} unacknowledged"

    async def check(self, journal: Journal, since: Marks) -> list[str]:
        """Everything; returns the complaints."""
        await self.until_quiet()
        async with self._database("registry") as registry:
            await self._check_answers(registry, [entry for entry in journal if not uploads.is_one(entry)])
            files = [entry for entry in journal if uploads.is_one(entry)]
            self.complaints += await uploads.complaints(registry, self.world.attachments("registry"), files)
            await self._check_versions(registry)
            await self._check_evidence(registry)
        async with self._nats() as nats:
            for name in SERVICES:
                async with self._database(name) as connection:
                    await self._check_stream(nats, name, connection, since)
        await self._check_followers()
        await self._check_mirrors()
        await self._check_bounds()
        return self.complaints

    async def _check_answers(self, registry: Connection, journal: Sequence[Entry]) -> None:
        """I1 to I3: an effect is a version in the history under the command's request id, and an event in its trace."""
        keys = [entry.key for entry in journal]
        rows = await registry.fetch(
            "SELECT request_id, resource, resource_id, version FROM history WHERE request_id = ANY($1)", keys
        )
        versions: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for row in rows:
            versions[row["request_id"]].append((row["resource"], str(row["resource_id"]), row["version"]))
        traces = await registry.fetch(
            "SELECT substr(traceparent, 4, 32) AS trace, count(*) AS n FROM outbox WHERE substr(traceparent, 4, 32) = ANY($1)"
            " GROUP BY 1",
            [entry.trace for entry in journal],
        )
        events = {row["trace"]: row["n"] for row in traces}
        for entry in journal:
            self._check_entry(entry, versions[entry.key], events.get(entry.trace, 0))

    def _check_entry(self, entry: Entry, versions: list[tuple[str, str, int]], events: int) -> None:
        what = f"{entry.key} {entry.method} {entry.path}"
        if len(versions) > 1 or events > 1:
            self.complaints.append(f"I2 {what} had {len(versions)} effects and {events} events")
        if len(versions) != events:
            self.complaints.append(f"I1 {what} left {len(versions)} versions and {events} events")
        done = entry.acknowledged
        if done is None:
            if entry.told and versions:
                self.complaints.append(f"I1 {what} was refused with {entry.told[0].status}, and had an effect")
            return
        if any(told != done for told in entry.told):
            self.complaints.append(f"I3 {what} was told {[told.status for told in entry.told]} with different content")
        content = json.loads(done.body)
        if not versions:
            self.complaints.append(f"I1 {what} was acknowledged, and has no effect")
        elif versions[0][1] not in done.body.decode() or versions[0][2] != content["version"]:
            self.complaints.append(f"I1 {what} was told of version {content['version']}, written is {versions[0]}")

    async def _check_versions(self, registry: Connection) -> None:
        """I5: versions and sequences rise without gaps."""
        for table, numbered, by in (("history", "version", "resource, resource_id"), ("outbox", "sequence", "partition_key")):
            gaps = await registry.fetchval(
                f"SELECT count(*) FROM (SELECT {by} FROM {table} GROUP BY {by}"
                f" HAVING count(*) <> max({numbered}) OR count(DISTINCT {numbered}) <> count(*)) gaps"
            )
            if gaps:
                self.complaints.append(f"I5 {gaps} runs of {numbered} in {table} have gaps")
        wrong = await registry.fetchval(
            "SELECT count(*) FROM event_sequence s WHERE last_sequence <>"
            " (SELECT max(sequence) FROM outbox o WHERE o.partition_key = s.partition_key)"
        )
        if wrong:
            self.complaints.append(f"I5 {wrong} keys stand at another sequence than their last event")

    async def _check_evidence(self, registry: Connection) -> None:
        """I9: each change has its line with actor, purpose and object; each line is what its digest says."""
        rows = await registry.fetch(
            """
            SELECT h.resource, h.resource_id, h.request_id, h.client_id, h.actor, a.line, a.digest
            FROM history h LEFT JOIN audit_line a ON a.person_id = h.person_id
              AND CAST(a.line AS jsonb) ->> 'request' = h.request_id
              AND CAST(a.line AS jsonb) ->> 'resource_id' = CAST(h.resource_id AS text)
              AND CAST(a.line AS jsonb) ->> 'resource' = h.resource
            """
        )
        for row in rows:
            what = f"{row['resource']} {row['resource_id']} in request {row['request_id']}"
            if row["line"] is None:
                self.complaints.append(f"I9 the change of {what} has no evidence")
                continue
            line = json.loads(row["line"])
            by_service = row["client_id"].startswith("service:")
            if line["client"] != row["client_id"] or line["actor"] != row["actor"] or not (line["actor"] or by_service):
                self.complaints.append(f"I9 the evidence of {what} does not say who")
            if not line["purpose"]:
                self.complaints.append(f"I9 the evidence of {what} does not say what for")
            if hashlib.sha256(row["line"].encode()).digest() != row["digest"]:
                self.complaints.append(f"I9 the evidence of {what} was changed")

    async def _check_stream(self, nats: Client, name: str, connection: Connection, since: Marks) -> None:
        """I4: what is marked as published is in the stream; positions are dense."""
        rows = await connection.fetch(
            "SELECT event_id, partition_key, sequence, published_position FROM outbox WHERE published_position > $1"
            " ORDER BY published_position",
            since.positions[name],
        )
        last = await connection.fetchval("SELECT last_position FROM relay_state")
        if [row["published_position"] for row in rows] != list(range(since.positions[name] + 1, last + 1)):
            self.complaints.append(f"I4 publication positions of {name} are not dense up to {last}")
        is_same = (await nats.jetstream().stream_info(name)).created == since.streams_made[name]
        found = await self._messages(nats, name, since.messages[name] + 1 if is_same else 1)
        published, wanted = {headers["ce-id"] for headers in found}, {str(row["event_id"]) for row in rows}
        if missing := wanted - published:
            self.complaints.append(f"I4 {len(missing)} of {len(wanted)} published events of {name} are not in the stream")
        older = await connection.fetch("SELECT event_id FROM outbox WHERE event_id = ANY($1)", list(published - wanted))
        if strange := len(published - wanted) - len(older):
            self.complaints.append(f"I4 {strange} messages of {name} are in the stream and not in the outbox")

    async def _messages(self, nats: Client, stream: str, first: int) -> list[dict[str, str]]:
        """Headers of all events from `first` on; snapshots left out."""
        jetstream = nats.jetstream()
        last = (await jetstream.stream_info(stream)).state.last_seq
        found: list[dict[str, str]] = []
        if last < first:
            return found
        config = api.ConsumerConfig(
            headers_only=True,
            ack_policy=api.AckPolicy.NONE,
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=first,
        )
        subscription = await jetstream.pull_subscribe(">", stream=stream, config=config)
        seen = 0
        while seen < last:
            for message in await subscription.fetch(_FETCHED, timeout=5):
                seen = message.metadata.sequence.stream
                if ".snapshot." not in message.subject:
                    found.append(message.headers or {})
        await subscription.unsubscribe()
        return found

    async def _check_followers(self) -> None:
        """I2 and I4: per follower every event is applied once and in order; nothing held, nothing dead."""
        async with self._database("registry") as registry:
            rows = await registry.fetch("SELECT partition_key, last_sequence FROM event_sequence")
        wanted = {row["partition_key"]: row["last_sequence"] for row in rows}
        for name in FOLLOWERS:
            async with self._database(name) as connection:
                rows = await connection.fetch("SELECT partition_key, sequence FROM inbox_position WHERE producer = 'registry'")
                reached = {row["partition_key"]: row["sequence"] for row in rows}
                if wrong := [key for key in wanted.keys() | reached.keys() if wanted.get(key) != reached.get(key)]:
                    self.complaints.append(f"I4 {name} stands elsewhere than the registry with {len(wrong)} persons")
                for table in ("inbox_held", "inbox_dead"):
                    if count := await connection.fetchval(f"SELECT count(*) FROM {table}"):
                        self.complaints.append(f"I4 {count} rows in {table} of {name}")
        async with self._database("counting") as connection:
            rows = await connection.fetch(
                "SELECT person_id, array_agg(sequence ORDER BY effect_id) AS s FROM effect GROUP BY 1"
            )
        applied = {row["person_id"]: row["s"] for row in rows}
        for key, last in wanted.items():
            if applied.get(key, []) != list(range(1, last + 1)):
                self.complaints.append(f"I2 of person {key} were applied {applied.get(key, [])} instead of 1 to {last}")

    async def _check_mirrors(self) -> None:
        """I11: the mirror in points_hukou is what the registry says."""
        for table, key in (("person", "person_id"), ("residence_registration", "registration_id")):
            async with self._database("registry") as registry, self._database("points_hukou") as points:
                owned = {tuple(row) for row in await registry.fetch(f"SELECT {key}, version FROM {table}")}
                known = {tuple(row) for row in await points.fetch(f"SELECT {key}, version FROM mirror_{table}")}
            if owned != known:
                self.complaints.append(f"I11 the mirror of {table} differs in {len(owned ^ known)} rows")

    async def _check_bounds(self) -> None:
        """I13: connections, files, memory, locks; nobody stays idle in a transaction."""
        async with self._database("postgres") as connection:
            for _, doing, since in await _stuck(connection):
                self.complaints.append(f"I13 a session is {doing} since {since}")
            prepared = await connection.fetchval("SELECT count(*) FROM pg_prepared_xacts")
            per_database = await connection.fetch(
                "SELECT datname, count(*) AS n FROM pg_stat_activity WHERE datname = ANY($1) GROUP BY 1", list(SERVICES)
            )
        if prepared:
            self.complaints.append(f"I13 {prepared} prepared transactions")
        for row in per_database:
            if row["n"] > _CONNECTIONS_MAX:
                self.complaints.append(f"I13 {row['n']} connections to {row['datname']}")
        for name in SERVICES:
            self._check_process(name)

    def _check_process(self, name: str) -> None:
        process = Path(f"/proc/{self.world.running[name].pid}")
        files = len(list((process / "fd").iterdir()))
        memory = int((process / "statm").read_text().split()[1]) * 4096
        if files > _FILES_MAX or memory > _MEMORY_MAX:
            self.complaints.append(f"I13 {name} has {files} open files and {memory >> 20} MB")

    @asynccontextmanager
    async def _database(self, name: str) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.world.database(name), timeout=5, command_timeout=30)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)

    @asynccontextmanager
    async def _nats(self) -> AsyncIterator[Client]:
        client = Client()
        await client.connect(self.world.nats.url(), connect_timeout=2, allow_reconnect=False, error_cb=_ignore)
        try:
            yield client
        finally:
            await client.close()


async def _stuck(connection: Connection) -> set[tuple[Any, ...]]:
    """Sessions that stand where they stood `_STUCK_AFTER_S` ago, with their transaction open."""
    first = {tuple(row) for row in await connection.fetch(_UNFINISHED)}
    if not first:
        return first
    await asyncio.sleep(_STUCK_AFTER_S)
    return first & {tuple(row) for row in await connection.fetch(_UNFINISHED)}


async def _ignore(_: Exception) -> None:
    """What the client would only print."""
