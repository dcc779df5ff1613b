"""A mirror lost and filled again from a snapshot and the events after it equals the one that heard everything (I11)."""

import random
from typing import Any

import pytest

from services.chassis.bus import Outgoing
from services.chassis.db import Pool
from services.points_hukou.app import DEFINITION
from services.points_hukou.tables import METADATA
from tests.conftest import Database, MakeDatabase
from tests.looking import Looking
from tests.points_hukou.conftest import OpenOffice
from tests.points_hukou.story import Story, copy_of, full_story, shuffled

NOT_COMPARED = {"sequence", "updated_at"}  # of a snapshot's rows: where the snapshot stood, and when it came


@pytest.fixture
def databases(make_database: MakeDatabase) -> tuple[Database, Database]:
    """One for the service that hears everything, one for its successor."""
    return make_database("points_hukou", DEFINITION.migrations), make_database("points_hukou", DEFINITION.migrations)


async def mirrored(pool: Pool) -> dict[str, set[tuple[Any, ...]]]:
    """The rows of every mirror table, and where each person stands."""
    content = {}
    for table in (each for each in METADATA.sorted_tables if each.name.startswith("mirror_")):
        columns = ", ".join(column.name for column in table.columns if column.name not in NOT_COMPARED)
        content[table.name] = {tuple(row) for row in await Looking(pool).fetch(f"SELECT {columns} FROM {table.name}")}
    content["inbox_position"] = {tuple(row) for row in await Looking(pool).fetch("SELECT * FROM inbox_position")}
    return content


async def test_snapshot_and_tail_equal_the_live_mirror(open_office: OpenOffice, databases: tuple[Database, Database]) -> None:
    stories = [full_story() for _ in range(8)]
    async with open_office(databases[0]) as live:
        await live.tell(shuffled(stories, seed=1))
        files = {story.person_id: await live.file(story) for story in stories}
        await live.settled()
        expected = await mirrored(live.service.runtime.pool)
    assert files == {story.person_id: story.file() for story in stories}
    assert all(expected[table] for table in expected if table not in {"mirror_person_alias", "mirror_person_deleted"})

    choose = random.Random(11)
    # The first person's snapshot is already the whole truth, the last one's is the very beginning.
    taken_at = [len(stories[0].events), *(choose.randint(2, len(stories[0].events) - 1) for _ in stories[2:]), 1]
    async with open_office(databases[1]) as rebuilt:
        await rebuilt.tell(_snapshot_amid_the_tail(stories, taken_at, choose))
        assert {story.person_id: await rebuilt.file(story) for story in stories} == files
        await rebuilt.settled()
        assert await mirrored(rebuilt.service.runtime.pool) == expected
        assert await rebuilt.waiting() == (0, 0)
        await rebuilt.tell(story.snapshot(sequence) for story, sequence in zip(stories, taken_at, strict=True))
        await rebuilt.settled()
        assert await mirrored(rebuilt.service.runtime.pool) == expected


def _snapshot_amid_the_tail(stories: list[Story], taken_at: list[int], choose: random.Random) -> list[Outgoing]:
    """The stream has forgotten the beginning; what it still has overlaps the snapshot, and some of the tail comes before it."""
    early, late = [], []
    for story, sequence in zip(stories, taken_at, strict=True):
        still_there = story.messages(first=max(2, sequence - 1))
        early += still_there[::2]
        late += [*still_there[1::2], *(copy_of(message) for message in still_there)]
    choose.shuffle(early)
    choose.shuffle(late)
    return [*early, *(story.snapshot(sequence) for story, sequence in zip(stories, taken_at, strict=True)), *late]
