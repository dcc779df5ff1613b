"""A person the registry deleted: nothing of the mirror stays, and nothing that arrives late or again brings it back."""

import itertools
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.ids import new_id
from services.contracts import registry
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.story import Story, copy_of, full_story, token

BORN, NAME = date(1931, 7, 19), "慕**"


def gone_story() -> Story:
    """Somebody with everything, who is deleted at the end."""
    story = full_story()
    story.person(registry.PersonCorrected, masked_name=NAME, birth_date=BORN, document_tokens=(token(), token("passport")))
    story.deletion()
    return story


async def traces(office: PointsOffice, story: Story) -> dict[str, int]:
    """Rows that name the person, by table."""
    looking = Looking(office.service.runtime.pool)
    tables = await looking.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'outbox%'")
    counts = {
        row["tablename"]: await looking.fetchval(
            f"SELECT count(*) FROM {row['tablename']} t WHERE CAST(t AS text) LIKE $1", f"%{story.person_id}%"
        )
        for row in tables
    }
    return {table: count for table, count in counts.items() if count}


async def values_left(office: PointsOffice) -> list[str]:
    pool = office.service.runtime.pool
    tables = await Looking(pool).fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    texts = [str(await Looking(pool).fetch(f"SELECT CAST(t AS text) FROM {row['tablename']} t")) for row in tables]
    return [value for value in (BORN.isoformat(), NAME) if any(value in text for text in texts)]


async def test_of_a_deleted_person_only_the_id_stays(office: PointsOffice) -> None:
    story = gone_story()
    await office.tell(story.messages(last=len(story.events) - 1))
    await office.settled()
    assert await values_left(office) == [BORN.isoformat(), NAME]
    assert "mirror_person_document" in await traces(office, story)
    await office.tell(story.messages(first=len(story.events)))
    await office.settled()
    assert await office.status(story.person_id, CITY) == 404
    assert await values_left(office) == []
    assert await traces(office, story) == {"mirror_person_deleted": 1, "inbox_position": 1}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_order_of_delivery_brings_it_back(office: PointsOffice, data: st.DataObject) -> None:
    story = gone_story()
    twice = [*story.messages(), *(copy_of(message) for message in story.messages())]
    deliveries = data.draw(st.permutations(twice))
    cut = data.draw(st.integers(1, len(deliveries) - 1))
    for part in (deliveries[:cut], deliveries[cut:]):
        await office.tell(part)
    await office.settled()
    assert await traces(office, story) == {"mirror_person_deleted": 1, "inbox_position": 1}
    assert await office.waiting() == (0, 0)


async def test_a_late_relationship_of_somebody_else_does_not_name_it(office: PointsOffice) -> None:
    gone, child = gone_story(), Story()
    child.person()
    child.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=gone.person_id, kind="parent")
    await office.tell([*gone.messages(), *child.messages(last=1)])
    await office.settled()
    await office.tell(child.messages(first=2))
    await office.settled()
    assert await traces(office, gone) == {"mirror_person_deleted": 1, "inbox_position": 1}
    assert (await office.file(child))["relationships"] == []


@pytest.mark.parametrize("first", [True, False])
async def test_a_snapshot_tells_of_the_deletion_and_an_old_one_undoes_nothing(office: PointsOffice, first: bool) -> None:
    story = gone_story()
    end = len(story.events)
    told = Story(person_id=story.person_id, events=[story.events[-1]])
    state = told.snapshot(1)
    before, after = story.snapshot(end - 1), story.messages(first=end)
    await office.tell([before, *after] if first else [*story.messages(), copy_of(before)])
    await office.settled()
    assert await traces(office, story) == {"mirror_person_deleted": 1, "inbox_position": 1}
    assert b"registry.person.deleted.v1" in state.body
    await office.tell(itertools.chain(story.messages(), [copy_of(state)]))
    await office.settled()
    assert await traces(office, story) == {"mirror_person_deleted": 1, "inbox_position": 1}
