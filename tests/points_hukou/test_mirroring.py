"""The mirror under a stream that repeats, reorders and delays: nothing lost, nothing twice, per-person order kept."""

import itertools
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.ids import new_id
from services.contracts import registry
from tests.looking import Looking
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.story import Story, copy_of, full_story, token

STORY_LENGTH = len(full_story().events)
EVERY_MESSAGE_TWICE = st.permutations([*range(STORY_LENGTH), *range(STORY_LENGTH)])


async def test_each_event_delivered_twice_changes_nothing(office: PointsOffice) -> None:
    story = full_story()
    await office.tell(itertools.chain.from_iterable((message, copy_of(message)) for message in story.messages()))
    assert await office.file(story) == story.file()
    await office.tell(copy_of(message) for message in story.messages())
    await office.settled()
    assert await office.file(story) == story.file()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=EVERY_MESSAGE_TWICE, cuts=st.lists(st.integers(1, 2 * STORY_LENGTH - 1), max_size=4))
async def test_any_order_of_delivery_gives_the_same_file(office: PointsOffice, order: list[int], cuts: list[int]) -> None:
    story = full_story()
    messages = story.messages()
    deliveries = [copy_of(messages[place]) for place in order]
    for start, end in itertools.pairwise([0, *sorted(set(cuts)), len(deliveries)]):
        await office.tell(deliveries[start:end])
    assert await office.file(story) == story.file()
    await office.settled()
    assert await office.waiting() == (0, 0)


async def test_behind_a_gap_the_file_waits_and_then_catches_up(office: PointsOffice) -> None:
    story = full_story()
    messages = story.messages()
    await office.tell([*messages[:4], *messages[5:]])
    await office.settled()
    assert await office.file(story, 4) == story.file(4)
    await office.tell([messages[4]])
    assert await office.file(story) == story.file()


async def test_persons_do_not_wait_for_each_other(office: PointsOffice) -> None:
    stuck, free = full_story(), full_story()
    await office.tell([*stuck.messages(first=2), *free.messages()])
    assert await office.file(free) == free.file()
    await office.tell(stuck.messages(last=1))
    assert await office.file(stuck) == stuck.file()


@pytest.mark.parametrize("loser_first", [True, False])
async def test_a_document_that_moves_between_persons_ends_where_it_belongs(office: PointsOffice, loser_first: bool) -> None:
    loser, winner, document = Story(), Story(), token()
    loser.person(document_tokens=(document,))
    winner.person(document_tokens=())
    loser.person(registry.PersonCorrected, document_tokens=())
    winner.person(registry.PersonCorrected, document_tokens=(document,))
    await office.tell([*loser.messages(last=1), *winner.messages(last=1)])
    for story in (loser, winner) if loser_first else (winner, loser):
        await office.tell(story.messages(first=2))
        assert await office.file(story) == story.file()
    holders = await Looking(office.service.runtime.pool).fetch(
        "SELECT person_id FROM mirror_person_document WHERE token = $1", document.token
    )
    assert [row["person_id"] for row in holders] == [winner.person_id]


async def test_a_number_of_two_living_persons_leads_to_both(office: PointsOffice) -> None:
    """Old records gave some numbers twice (C-08): neither takes the token from the other, whatever happens to one of them."""
    one, other, document = Story(), Story(), token()
    for story in (one, other):
        story.person(document_tokens=(document,))
    other.person(registry.PersonCorrected, document_tokens=(document, token("passport")))
    await office.tell([*one.messages(), *other.messages()])
    await office.tell(copy_of(message) for message in one.messages())
    for story in (one, other):
        assert await office.file(story) == story.file()
    holders = await Looking(office.service.runtime.pool).fetch(
        "SELECT person_id FROM mirror_person_document WHERE token = $1", document.token
    )
    assert {row["person_id"] for row in holders} == {one.person_id, other.person_id}


async def test_five_thousand_events_in_one_go(office: PointsOffice) -> None:
    stories = []
    for _ in range(1000):
        story, home = Story(), new_id()
        story.person()
        story.registration(registry.ResidenceRegistrationRegistered, home, 1)
        story.person(registry.PersonCorrected, masked_name="李*")
        story.permit(registry.ResidencePermitIssued, new_id(), 1)
        story.registration(registry.ResidenceRegistrationChanged, home, 2, registered_on=date(2025, 4, 1))
        stories.append(story)
    await office.tell(itertools.chain.from_iterable(story.messages() for story in stories))
    await office.settled()
    assert await office.waiting() == (0, 0)
    ids = [story.person_id for story in stories]
    counted = await Looking(office.service.runtime.pool).fetchrow(
        """
        SELECT (SELECT count(*) FROM mirror_person WHERE person_id = ANY ($1) AND masked_name = '李*') AS persons,
               (SELECT count(*) FROM mirror_person_document WHERE person_id = ANY ($1)) AS documents,
               (SELECT count(*) FROM mirror_residence_registration WHERE person_id = ANY ($1) AND version = 2) AS registrations,
               (SELECT count(*) FROM mirror_residence_permit WHERE person_id = ANY ($1)) AS permits,
               (SELECT count(*) FROM inbox_position WHERE partition_key = ANY ($1) AND sequence = 5) AS positions
        """,
        ids,
    )
    assert counted is not None
    assert set(counted.values()) == {1000}
    for story in stories[::100]:
        assert await office.file(story) == story.file()
