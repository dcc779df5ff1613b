"""New keys for old under a running registry of two replicas: nothing fails, nothing is lost, nothing is left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.chassis import data_keys, key_file, resealing
from services.chassis.db import Pool, Transaction, create_pool, in_transaction
from services.chassis.key_file import KeyFileError
from services.chassis.keyring import Keyring
from services.chassis.resealing import Resealing
from services.chassis.rotation import Rotation, RotationError, RotationReport
from services.chassis.rows import SERVICE
from services.chassis.sealed_columns import CHASSIS, WRAPPED, SealedColumn
from services.chassis.sealing import Key, KeyKind, Suite
from services.registry.app import DEFINITION
from tests.conftest import Database, MakeDatabase
from tests.looking import Looking
from tests.registry.conftest import expect
from tests.registry.factories import EVERY_SCOPE, a_person
from tests.running import Caller, InsideKeys, RunningService, running_service
from tests.servers import Servers

COLUMNS = (*CHASSIS, *DEFINITION.sealed)
PERSON = DEFINITION.sealed[0]
REFRESH_S = 0.1


@dataclass(slots=True)
class Registry:
    """Two replicas on one database, with a key file of their own."""

    database: Database
    key_file: Path
    pool: Pool
    owner: Pool
    start: Callable[..., Awaitable[RunningService]]
    replicas: list[RunningService] = field(default_factory=list)

    def caller(self, replica: int) -> Caller:
        """A client of the whole city."""
        return self.replicas[replica].caller(EVERY_SCOPE)

    async def rotation(self, suite: Suite = Suite.AES_256_GCM, wait_s: float = 20) -> Rotation:
        """As the command line makes it."""
        keyring = await data_keys.open_keyring(self.pool, self.key_file, suite)
        return Rotation(self.pool, self.owner, keyring, lambda _what, _done, _total: None, wait_s)

    async def states(self) -> list[str]:
        """States of the data keys, oldest first."""
        return [key.state for key in await in_transaction(self.pool, data_keys.all_keys, rows=SERVICE)]


@asynccontextmanager
async def pools(database: Database) -> AsyncIterator[tuple[Pool, Pool]]:
    async with AsyncExitStack() as stack:
        made = []
        for url in (database.application_url, database.owner_url):
            pool = await create_pool(url, size=3, command_timeout=20, application="test")
            stack.push_async_callback(pool.close)
            made.append(pool)
        yield made[0], made[1]


@pytest.fixture
def database(make_database: MakeDatabase) -> Database:
    """An empty database of the registry."""
    return make_database("registry", DEFINITION.migrations)


@pytest.fixture
async def registry(database: Database, servers: Servers, tmp_path: Path, inside_keys: InsideKeys) -> AsyncIterator[Registry]:
    path = tmp_path / "registry.json"
    path.touch(mode=0o600)
    path.write_text(key_file.make_key_file(key_file.KeySet(current="d1", keys={"d1": key_file.make_key()})))
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> RunningService:
            service = running_service(
                DEFINITION,
                database_url=database.application_url,
                nats_url=servers.nats_url_of("registry"),
                key_file=path,
                keys=inside_keys,
                pool_size=4,
                **({"key_refresh_s": REFRESH_S} | settings),
            )
            return await stack.enter_async_context(service)

        pool, owner = await stack.enter_async_context(pools(database))
        made = Registry(database, path, pool, owner, start)
        made.replicas = [await start(), await start()]
        yield made


@dataclass(slots=True)
class Traffic:
    """Writers and readers, and what they saw."""

    registry: Registry
    persons: list[dict[str, Any]] = field(default_factory=list)
    phones: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    reads: int = 0
    writes: int = 0
    over: bool = False

    async def register(self, count: int) -> None:
        caller = self.registry.caller(0)
        for _ in range(count):
            self.persons.append(expect(await caller.post("/v1/persons", a_person()), 201))

    async def write(self, replica: int) -> None:
        """Correct this replica's half of the persons over and over, with keys that are used twice."""
        caller, versions = self.registry.caller(replica), {person["person_id"]: 1 for person in self.persons[replica::2]}
        while not self.over:
            for person_id, version in versions.items():
                phone = f"1380574{self.writes % 10_000:04d}"
                headers = {"if-match": f'"{version}"', "idempotency-key": str(uuid4())}
                path = f"/v1/persons/{person_id}"
                shown = expect(await caller.get(path), 200)["phone_masked"]
                if shown != self.phones.get(person_id, shown):
                    self.failures.append("a correction was lost")
                for _ in range(2):
                    answer = await caller.call("PATCH", path, json={"phone": phone}, headers=headers)
                    if answer.status_code != 200:
                        self.failures.append(answer.text)
                        continue
                    versions[person_id] = answer.json()["version"]
                    self.phones[person_id] = answer.json()["phone_masked"]
                self.writes += 1
                await asyncio.sleep(0)

    async def read(self, replica: int) -> None:
        caller = self.registry.caller(replica)
        while not self.over:
            for person in self.persons:
                for path in ("", "/history"):
                    answer = await caller.get(f"/v1/persons/{person['person_id']}{path}")
                    if answer.status_code != 200:
                        self.failures.append(answer.text)
                self.reads += 1
                await asyncio.sleep(0)

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Traffic for the length of the block and a little longer on both sides."""
        tasks = [asyncio.create_task(act(replica)) for act in (self.write, self.read) for replica in (0, 1)]
        try:
            await asyncio.sleep(0.3)
            yield
            await asyncio.sleep(0.3)
        finally:
            self.over = True
            await asyncio.gather(*tasks)

    async def require_unharmed(self) -> None:
        """The checker: no call failed, every person opens at both replicas and shows what was written last."""
        assert self.failures == []
        assert self.reads > len(self.persons)
        assert self.writes > len(self.persons)
        for replica in (0, 1):
            for person in self.persons:
                shown = expect(await self.registry.caller(replica).get(f"/v1/persons/{person['person_id']}"), 200)
                assert shown["phone_masked"] == self.phones[person["person_id"]], "a correction was lost"


async def in_service_context(registry: Registry, sql: str, *arguments: Any) -> list[Any]:
    """Rows as the owner of the tables finds them in the context in which no policy hides any."""

    async def body(tx: Transaction) -> list[Any]:
        return list(await tx.connection.fetch(sql, *arguments))

    return await in_transaction(registry.owner, body, rows=SERVICE)


async def left(registry: Registry, report: RotationReport) -> dict[str, int]:
    """Counted apart from the rotation: values by column that do not name the new key."""
    found = {}
    for column in COLUMNS:
        condition = f"get_byte({column.column}, 0) < 64 AND position(convert_to($1, 'UTF8') IN {column.column}) <> 3"
        sql = f"SELECT count(*) FROM {column.table} WHERE {condition}"
        found[column.label] = (await in_service_context(registry, sql, report.key_id))[0][0]
    return found


async def test_a_rotation_under_traffic_fails_nothing_loses_nothing_and_leaves_nothing(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "_BATCH", 7)  # many small batches meet many writers
    traffic = Traffic(registry)
    await traffic.register(16)
    async with traffic.flowing():
        report = await (await registry.rotation(Suite.SM4_GCM)).rotate(COLUMNS)
    await traffic.require_unharmed()
    assert report.suite == "SM4_GCM"
    assert report.left == 0
    assert report.resealed["identity_document.sealed"] == 16  # nobody writes these; persons may all be written anew meanwhile
    assert report.resealed["idempotency_key.body"] >= 16
    assert set((await left(registry, report)).values()) == {0}
    assert await registry.states() == ["retired", "active"]
    assert expect(await registry.caller(1).post("/v1/persons", a_person()), 201)["version"] == 1


async def test_new_key_encryption_keys_under_traffic(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "_BATCH", 7)
    traffic = Traffic(registry)
    await traffic.register(20)
    rotation = await registry.rotation()
    async with traffic.flowing():
        renewed = key_file.parse(registry.key_file.read_text()).with_new_kek("e2")
        registry.key_file.write_text(renewed.model_dump_json())
        report = await rotation.rewrap()
        await asyncio.gather(*(registry.caller(0).post("/v1/persons", a_person()) for _ in range(3)))
    await traffic.require_unharmed()
    assert report.resealed == {"data_key.wrapped": 1, "person_key.wrapped": 20}
    for table in ("data_key", "person_key"):
        assert [row["kek_id"] for row in await Looking(registry.pool).fetch(f"SELECT DISTINCT kek_id FROM {table}")] == ["e2"]
    without = renewed.model_copy(update={"kek": key_file.KeySet(current="e2", keys={"e2": renewed.wrapping.keys["e2"]})})
    registry.key_file.write_text(without.model_dump_json())
    third = await registry.start()
    person = traffic.persons[0]["person_id"]
    history = expect(await third.caller(EVERY_SCOPE).get(f"/v1/persons/{person}/history"), 200)["items"]
    assert not any(item["erased"] for item in history)


async def test_an_interrupted_rotation_is_taken_up_again(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "_BATCH", 2)
    traffic = Traffic(registry)
    await traffic.register(9)
    calls = 0
    original = Resealing._write_back

    async def killed(self: Resealing, *arguments: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise RuntimeError("killed")
        return await original(self, *arguments)

    monkeypatch.setattr(Resealing, "_write_back", killed)
    with pytest.raises(RuntimeError, match="killed"):
        await (await registry.rotation()).rotate(COLUMNS)
    assert await registry.states() == ["active", "active"]
    report = await (await registry.rotation()).rotate(COLUMNS)
    assert await registry.states() == ["retired", "active"]
    assert set((await left(registry, report)).values()) == {0}
    assert sum(report.resealed.values()) < 9 * 3  # what the first had done was not done again


async def test_nothing_is_sealed_again_before_every_process_follows(registry: Registry) -> None:
    await Traffic(registry).register(1)
    await Looking(registry.pool).fetch(
        "INSERT INTO key_reader VALUES ($1, '{}', '', 'e1', now() + interval '1 minute')", silent := uuid4()
    )
    with pytest.raises(RotationError, match="in vain until processes know"):
        await (await registry.rotation(wait_s=0.5)).rotate(COLUMNS)
    assert await registry.states() == ["active", "announced"]
    await Looking(registry.pool).fetch("UPDATE key_reader SET lapses_at = now() WHERE reader_id = $1", silent)
    await (await registry.rotation()).rotate(COLUMNS)
    assert await registry.states() == ["retired", "active"]


async def test_a_transaction_that_sealed_before_is_waited_for(registry: Registry) -> None:
    await Traffic(registry).register(1)
    rotation = await registry.rotation(wait_s=0.5)
    async with registry.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT 1")
        with pytest.raises(RotationError, match="older transactions"):
            await rotation.rotate(COLUMNS)
    await rotation.rotate(COLUMNS)


async def test_two_rotations_at_once_are_one(registry: Registry) -> None:
    one, other = await registry.rotation(), await registry.rotation()
    results = await asyncio.gather(one.rotate(COLUMNS), other.rotate(COLUMNS), return_exceptions=True)
    assert [str(result) for result in results if isinstance(result, BaseException)] == [
        "Another rotation of this service is running."
    ]


async def test_a_process_that_slept_through_everything_still_reads_and_writes(registry: Registry) -> None:
    """Its refresh never comes, and its row lapsed: it learns the key from the first value that names it."""
    traffic = Traffic(registry)
    await traffic.register(2)
    sleeper = await registry.start(key_refresh_s=300)
    await Looking(registry.pool).fetch(
        "UPDATE key_reader SET lapses_at = now() WHERE lapses_at > clock_timestamp() + interval '1 minute'"
    )
    await (await registry.rotation()).rotate(COLUMNS)
    known = set(sleeper.runtime.keyring.known)
    caller = sleeper.caller(EVERY_SCOPE)
    assert expect(await caller.get(f"/v1/persons/{traffic.persons[0]['person_id']}"), 200)["version"] == 1
    assert len(sleeper.runtime.keyring.known - known) == 1
    path = f"/v1/persons/{traffic.persons[1]['person_id']}"
    assert expect(await caller.patch(path, {"phone": None}, version=1), 200)["version"] == 2


async def test_a_value_changed_between_reading_and_writing_back_is_left_alone(registry: Registry) -> None:
    traffic = Traffic(registry)
    await traffic.register(2)
    rotation = await registry.rotation()
    key_id = await in_transaction(registry.pool, lambda tx: data_keys.announce(tx, rotation.keyring, active=True), rows=SERVICE)
    await data_keys.learn(registry.pool, rotation.keyring)
    work = Resealing(registry.owner, PERSON, rotation.keyring.open, rotation.keyring.current)
    types = {"person_id": "uuid"}
    rows = await work._page(None, types)
    changed = traffic.persons[0]["person_id"]
    expect(await registry.caller(0).patch(f"/v1/persons/{changed}", {"name": "欧阳修"}, version=1), 200)
    assert await work._write_back(rows, types) == 1
    assert expect(await registry.caller(1).get(f"/v1/persons/{changed}"), 200)["name"] == "欧阳修"
    assert key_id == rotation.keyring.current.key_id.decode()
    holder = await registry.pool.acquire()
    async with holder.transaction():
        await holder.execute("SELECT 1 FROM person WHERE person_id = $1 FOR UPDATE", UUID(changed))
        rows = await work._page(None, types)
        async with asyncio.timeout(2):  # somebody's lock is not waited for
            await work._write_back(rows, types)
    await registry.pool.release(holder)


@pytest.mark.long
async def test_the_checker_sees_a_rotation_that_overwrites(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: written back without looking whether the value is still the one that was read."""
    original = Resealing.pass_over

    async def blind(self: Resealing, progress: Callable[[int], None]) -> int:
        if self.column is not PERSON:
            return await original(self, progress)
        rows = await in_service_context(registry, "SELECT person_id, sealed FROM person")
        await asyncio.sleep(0.3)  # time for somebody to write
        for row in rows:
            context = self.column.context_of(dict(row))
            sealed = self.key.seal(self.open(row["sealed"], context), context)
            change = "UPDATE person SET sealed = $1 WHERE person_id = $2"
            await in_service_context(registry, change, sealed, row["person_id"])
        return len(rows)

    monkeypatch.setattr(Resealing, "pass_over", blind)
    traffic = Traffic(registry)
    await traffic.register(10)
    async with traffic.flowing():
        await (await registry.rotation()).rotate(COLUMNS)
    with pytest.raises(AssertionError, match="a correction was lost"):
        await traffic.require_unharmed()


async def test_replicas_that_start_together_agree_on_the_first_key(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    path.touch(mode=0o600)
    path.write_text(key_file.make_key_file())
    async with pools(database) as (pool, _):
        rings = [Keyring.load(path) for _ in range(8)]
        await asyncio.gather(*(data_keys.learn(pool, ring) for ring in rings))
        assert len({ring.current.key_id for ring in rings}) == 1
        sealed = rings[0].seal(b"x", "c")
        assert {ring.open(sealed, "c") for ring in rings} == {b"x"}


async def test_a_database_of_other_key_files_is_refused_in_words(registry: Registry, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.touch(mode=0o600)
    other.write_text(key_file.make_key_file())
    with pytest.raises(KeyFileError, match="'e1' in the key file is another key"):
        await data_keys.open_keyring(registry.pool, other, Suite.AES_256_GCM)
    content = key_file.parse(other.read_text())
    other.write_text(
        content.model_copy(update={"kek": key_file.KeySet(current="z", keys={"z": key_file.make_key()})}).model_dump_json()
    )
    with pytest.raises(KeyFileError, match="lacks 'e1', which wraps data key"):
        await data_keys.open_keyring(registry.pool, other, Suite.AES_256_GCM)


async def test_data_under_a_key_file_of_the_first_form_are_read_and_brought_over(registry: Registry) -> None:
    """A developer's folder from before the envelope: keys in the file sealed the values themselves."""
    traffic = Traffic(registry)
    await traffic.register(3)
    secret, content = key_file.make_key(), key_file.parse(registry.key_file.read_text())
    once = Key(KeyKind.SERVICE, Suite.AES_256_GCM, b"k1", key_file.decode(secret))
    rotation = await registry.rotation()
    persons = await in_service_context(registry, "SELECT person_id, sealed FROM person")
    assert len(persons) == 3
    for row in persons:
        context = PERSON.context_of(dict(row))
        sealed = once.seal(rotation.keyring.open(row["sealed"], context), context)
        change = "UPDATE person SET sealed = $1 WHERE person_id = $2"
        await in_service_context(registry, change, sealed, row["person_id"])
    first_form = content.model_copy(update={"data": key_file.KeySet(current="k1", keys={"k1": secret})})
    registry.key_file.write_text(first_form.model_dump_json())
    path = f"/v1/persons/{traffic.persons[0]['person_id']}"
    await asyncio.sleep(2 * REFRESH_S)
    assert expect(await registry.caller(0).get(path), 200)["version"] == 1
    report = await (await registry.rotation()).rotate(COLUMNS)
    assert report.resealed["person.sealed"] == 3
    assert set((await left(registry, report)).values()) == {0}
    registry.key_file.write_text(content.model_dump_json())
    later = (await registry.start()).caller(EVERY_SCOPE)
    assert expect(await later.get(path), 200)["version"] == 1


async def test_the_declared_contexts_are_the_ones_values_are_sealed_in(registry: Registry) -> None:
    """Every declared column that has rows opens by its declaration."""
    await Traffic(registry).register(1)
    rotation = await registry.rotation()

    async def opened(column: SealedColumn) -> int:
        names = ", ".join((*column.key, *column.also))

        async def body(tx: Transaction) -> int:
            rows = await tx.connection.fetch(
                f"SELECT {names}, {column.column} AS sealed FROM {column.table} WHERE get_byte({column.column}, 0) < 128"
            )
            opens = rotation.keyring.unwrap if column in WRAPPED else rotation.keyring.open
            for row in rows:
                opens(row["sealed"], column.context_of(dict(row)))
            return len(rows)

        return await in_transaction(registry.owner, body, rows=SERVICE)

    found = {column.label: await opened(column) for column in (*COLUMNS, *WRAPPED)}
    assert {label for label, count in found.items() if count} >= {
        "person.sealed",
        "identity_document.sealed",
        "person_key.wrapped",
    }
