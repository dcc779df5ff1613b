"""The look at sessions (I13): who is working is let alone, who holds a transaction open is named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import asyncpg

from tests.crashes.checker import Checker
from tests.crashes.drive import Scene
from tests.crashes.journal import Journal


async def test_a_session_that_works_is_let_alone(scene: Scene) -> None:
    async with _session(scene) as session:
        working = asyncio.create_task(_work(session))
        complaints = await _complaints(scene)
        working.cancel()
        await asyncio.wait([working])
    assert not complaints


async def test_a_session_that_leaves_its_transaction_open_is_named(scene: Scene) -> None:
    async with _session(scene) as session:
        await session.execute("BEGIN; SELECT 1")
        complaints = await _complaints(scene)
        await session.execute("ROLLBACK")
    assert ["I13 a session is idle in transaction" in complaint for complaint in complaints] == [True]


async def _complaints(scene: Scene) -> list[str]:
    checker = Checker(scene.world)
    await checker.until_quiet()
    with closing(Journal(scene.world.folder / "journal-bounds.jsonl")) as journal:
        return await checker.check(journal, await checker.marks())


async def _work(session: Any) -> None:
    """Short transactions, one after the other: idle in one of them at nearly every moment, in none of them for long."""
    while True:
        await session.execute("BEGIN; SELECT 1")
        await asyncio.sleep(0.05)
        await session.execute("COMMIT")


@asynccontextmanager
async def _session(scene: Scene) -> AsyncIterator[Any]:
    session = await asyncpg.connect(scene.world.database("registry"), timeout=5)
    try:
        yield session
    finally:
        await session.close(timeout=5)
