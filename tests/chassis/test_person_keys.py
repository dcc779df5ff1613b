"""A person's key protects what is remembered of it: made once whoever comes first, gone for good when destroyed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from services.chassis import history
from services.chassis.db import Transaction, in_transaction, prepare
from services.chassis.keyring import Keyring
from services.chassis.person_keys import COLUMNS, KeysInUse
from services.chassis.rows import SERVICE
from services.chassis.schemas import View
from services.chassis.sealing import KeyKind, is_of
from services.chassis.work import Work, history_context
from tests.looking import Looking
from tests.running import RunningService

Result = TypeVar("Result")

_KNOWN = prepare(
    f"SELECT w.person_id, {COLUMNS} FROM (SELECT CAST(:person_id AS uuid) AS person_id) w"
    " LEFT JOIN person_key k USING (person_id)"
)


class Secret(View):
    """What is remembered."""

    text: str


async def unit(office: RunningService, act: Callable[[Work], Awaitable[Result]]) -> Result:
    """One unit of work of the service."""

    async def body(tx: Transaction) -> Result:
        work = office.runtime.own_work(tx)
        result = await act(work)
        await work.flush()
        return result

    return await in_transaction(office.runtime.pool, body, rows=SERVICE)


async def remember(office: RunningService, *persons: UUID, thing: UUID, version: int = 1, text: str = "secret") -> None:
    async def act(work: Work) -> None:
        related = persons[1] if len(persons) > 1 else None
        work.remember(
            "thing",
            thing,
            version,
            snapshot=Secret(text=text),
            changed=["text"],
            person_id=persons[0],
            related_person_id=related,
        )

    await unit(office, act)


async def destroy(office: RunningService, person_id: UUID) -> bool:
    return await unit(office, lambda work: work.destroy_person_key(person_id))


async def states(office: RunningService, thing: UUID) -> list[bytes | None]:
    """What the history shows, newest first."""
    found = await unit(office, lambda work: history.versions(work, "thing", thing, limit=100))
    return [each.state for each in found]


async def require_dark(office: RunningService, thing: UUID) -> None:
    """The checker: nothing that is in the database or in the key file opens a snapshot of the thing."""
    pool, keyring = office.runtime.pool, office.runtime.keyring
    keys = await Looking(pool).fetch(f"SELECT person_id, {COLUMNS} FROM person_key k")
    for row in await Looking(pool).fetch("SELECT version, snapshot FROM history WHERE resource_id = $1", thing):
        context = history_context("thing", thing, row["version"])
        openers = [keyring.open]
        for key in keys:
            known = KeysInUse(keyring)
            known.learn(key)
            openers.append(known.of(key["person_id"]).key.open)
        assert not _opens(row["snapshot"], context, openers), "a snapshot of an erased person can be opened"


def _opens(sealed: bytes, context: str, openers: Sequence[Callable[[bytes, str], bytes]]) -> bool:
    """Whether some order of the keys leads through all seals to the JSON inside."""
    if sealed.startswith(b"{"):
        return True
    for opens in openers:
        try:
            inner = opens(sealed, context)
        except ValueError:
            continue
        if _opens(inner, context, openers):
            return True
    return False


async def test_destroying_the_key_makes_every_old_snapshot_unreadable(office: RunningService) -> None:
    person, other, thing, theirs = uuid4(), uuid4(), uuid4(), uuid4()
    await remember(office, person, thing=thing, version=1, text="one")
    await remember(office, person, thing=thing, version=2, text="two")
    await remember(office, other, thing=theirs)
    assert await states(office, thing) == [b'{"text":"two"}', b'{"text":"one"}']
    assert await destroy(office, person)
    assert not await destroy(office, person)
    assert await states(office, thing) == [None, None]
    await require_dark(office, thing)
    assert await states(office, theirs) == [b'{"text":"secret"}']


async def test_who_is_registered_again_has_a_new_key_and_the_past_stays_dark(office: RunningService) -> None:
    person, thing = uuid4(), uuid4()
    await remember(office, person, thing=thing, version=1, text="before")
    await destroy(office, person)
    await remember(office, person, thing=thing, version=2, text="after")
    assert await states(office, thing) == [b'{"text":"after"}', None]


async def test_a_destruction_that_rolls_back_erased_nothing(office: RunningService) -> None:
    person, thing = uuid4(), uuid4()
    await remember(office, person, thing=thing)

    async def fail(work: Work) -> None:
        await work.destroy_person_key(person)
        raise RuntimeError("made up")

    with pytest.raises(RuntimeError, match="made up"):
        await unit(office, fail)
    assert await states(office, thing) == [b'{"text":"secret"}']


async def test_a_thing_between_two_persons_ends_with_either(office: RunningService) -> None:
    for erased in (0, 1):
        persons, thing = (uuid4(), uuid4()), uuid4()
        await remember(office, *persons, thing=thing)
        assert await states(office, thing) == [b'{"text":"secret"}']
        await destroy(office, persons[erased])
        assert await states(office, thing) == [None]
        await require_dark(office, thing)
        alone = uuid4()
        await remember(office, persons[1 - erased], thing=alone)
        assert await states(office, alone) == [b'{"text":"secret"}']


async def test_two_first_writers_share_one_key(office: RunningService) -> None:
    """Both decide before either has committed; the second waits for the first and seals again under its key."""
    for _ in range(10):
        person, things = uuid4(), [uuid4() for _ in range(6)]
        await asyncio.gather(*(remember(office, person, thing=thing) for thing in things))
        assert await Looking(office.runtime.pool).fetchval("SELECT count(*) FROM person_key WHERE person_id = $1", person) == 1
        for thing in things:
            assert await states(office, thing) == [b'{"text":"secret"}']


async def test_the_second_writer_seals_under_the_key_of_the_first_when_that_one_fails(office: RunningService) -> None:
    person, first, second = uuid4(), uuid4(), uuid4()
    started, may_fail = asyncio.Event(), asyncio.Event()

    async def failing(work: Work) -> None:
        work.remember("thing", first, 1, snapshot=Secret(text="lost"), changed=[], person_id=person)
        await work.flush()
        started.set()
        await may_fail.wait()
        raise RuntimeError("made up")

    loser = asyncio.create_task(unit(office, failing))
    await started.wait()
    winner = asyncio.create_task(remember(office, person, thing=second))
    await asyncio.sleep(0.05)
    assert not winner.done()
    may_fail.set()
    with pytest.raises(RuntimeError):
        await loser
    await winner
    assert await states(office, second) == [b'{"text":"secret"}']


async def test_a_key_destroyed_since_it_was_learned_is_not_used(office: RunningService) -> None:
    person, thing = uuid4(), uuid4()
    await remember(office, person, thing=uuid4())

    async def act(work: Work) -> None:
        row = await work.tx.fetch_row(_KNOWN, person_id=person)
        assert row is not None
        work.learn_person_key(row)
        await destroy(office, person)  # meanwhile, in another transaction
        work.remember("thing", thing, 1, snapshot=Secret(text="later"), changed=[], person_id=person)

    await unit(office, act)
    assert await states(office, thing) == [b'{"text":"later"}']


async def test_known_and_new_persons_cost_one_statement_and_others_two(
    office: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = 0
    original = Work._write

    async def counting(work: Work, *rows: Sequence[object]) -> set[UUID]:
        nonlocal counted
        counted += 1
        return await original(work, *rows)  # type: ignore[arg-type]

    monkeypatch.setattr(Work, "_write", counting)
    person = uuid4()
    await remember(office, person, thing=uuid4())
    assert counted == 1

    async def knowing(work: Work) -> None:
        row = await work.tx.fetch_row(_KNOWN, person_id=person)
        assert row is not None
        work.learn_person_key(row)
        work.remember("thing", uuid4(), 1, snapshot=Secret(text="known"), changed=[], person_id=person)

    await unit(office, knowing)
    assert counted == 2
    await remember(office, person, thing=uuid4())
    assert counted == 4


async def test_snapshots_older_than_the_keys_of_persons_stay_readable(office: RunningService) -> None:
    person, thing = uuid4(), uuid4()
    sealed = office.runtime.keyring.seal(b"{}", history_context("thing", thing, 1))
    await Looking(office.runtime.pool).fetch(
        "INSERT INTO history (resource, resource_id, version, person_id, client_id, request_id, changed, snapshot)"
        " VALUES ('thing', $1, 1, $2, 'c', 'r', '{}', $3)",
        thing,
        person,
        sealed,
    )
    assert await states(office, thing) == [b"{}"]


async def test_a_wrapped_key_moved_to_another_person_does_not_open(office: RunningService) -> None:
    person, other, thing = uuid4(), uuid4(), uuid4()
    await remember(office, person, thing=thing)
    await remember(office, other, thing=uuid4())
    await Looking(office.runtime.pool).fetch(
        "UPDATE person_key SET (key_id, wrapped) = (SELECT key_id, wrapped FROM person_key WHERE person_id = $2)"
        " WHERE person_id = $1",
        person,
        other,
    )
    with pytest.raises(ValueError, match="does not open"):
        await states(office, thing)
    await destroy(office, person)


async def test_the_checker_sees_snapshots_that_are_not_under_a_persons_key(
    office: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted bug: everything under the service's key, as it once was."""

    def under_the_service_key(keys: KeysInUse, plaintext: bytes, context: str, persons: Sequence[UUID]) -> bytes:
        keyring: Keyring = keys._keyring
        return keyring.seal(plaintext, context)

    monkeypatch.setattr(KeysInUse, "seal", under_the_service_key)
    person, thing = uuid4(), uuid4()
    await remember(office, person, thing=thing)
    await destroy(office, person)
    with pytest.raises(AssertionError, match="can be opened"):
        await require_dark(office, thing)


async def test_the_snapshot_says_whose_key_it_is_under(office: RunningService) -> None:
    person, thing = uuid4(), uuid4()
    await remember(office, person, thing=thing)
    sealed = await Looking(office.runtime.pool).fetchval("SELECT snapshot FROM history WHERE resource_id = $1", thing)
    key_id = await Looking(office.runtime.pool).fetchval("SELECT key_id FROM person_key WHERE person_id = $1", person)
    assert is_of(KeyKind.PERSON, sealed)
    assert key_id.bytes in sealed[:18]
