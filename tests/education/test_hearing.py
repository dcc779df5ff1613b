"""The mirrors: the same in whatever order and however often the registry's news come, and nothing of who was deleted."""

import random
from typing import Any

import pytest

from tests.education.conftest import Office
from tests.points_hukou.story import Story, copy_of, full_story, shuffled

TABLES = {
    "mirror_person": "person_id",
    "mirror_person_document": "person_id, token",
    "mirror_relationship": "relationship_id",
    "mirror_residence_registration": "registration_id",
    "mirror_residence_permit": "permit_id",
    "mirror_employment": "employment_id",
}


async def _mirrored(office: Office, story: Story) -> dict[str, list[dict[str, Any]]]:
    """Every row about the person, without times of the system clock."""
    found = {}
    for table, order in TABLES.items():
        rows = await office.look.fetch(
            f"SELECT * FROM {table} WHERE person_id = $1 ORDER BY {order}",
            story.person_id,
        )
        found[table] = [{name: value for name, value in row.items() if name != "updated_at"} for row in rows]
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_news_twice_and_in_any_order_leave_the_last_state_of_each_subject(office: Office, seed: int) -> None:
    story = full_story()
    await office.tell(shuffled([story], seed))
    await office.settled()
    last = {table: [] for table in TABLES}  # type: dict[str, list[dict[str, Any]]]
    known = [(story.events.index(event) + 1, event) for event in story.states(len(story.events))]
    keys = {"mirror_relationship": "relationship_id", "mirror_residence_registration": "registration_id"}
    keys |= {"mirror_residence_permit": "permit_id", "mirror_employment": "employment_id"}
    mirrored = await _mirrored(office, story)
    for sequence, event in known:
        if getattr(event, "status", "") == "refused":
            continue  # a refused application is no permit
        table = next((name for name, key in keys.items() if hasattr(event, key)), "mirror_person")
        columns = mirrored[table][0].keys()
        last[table].append({name: sequence if name == "sequence" else getattr(event, name) for name in columns})
    (person,) = (event for _, event in known if hasattr(event, "document_tokens"))
    tokens = {(each.token, each.key_id, each.document_type) for each in person.document_tokens}
    documents = mirrored.pop("mirror_person_document")
    assert {(row["token"], row["key_id"], row["document_type"]) for row in documents} == tokens
    for table, rows in mirrored.items():
        assert sorted(rows, key=str) == sorted(last[table], key=str), table


async def test_of_a_deleted_person_nothing_stays_and_nothing_comes_back(office: Office) -> None:
    story = full_story()
    story.deletion()
    messages = [*story.messages(), *map(copy_of, story.messages())]
    random.Random(4).shuffle(messages)
    await office.tell(messages)
    await office.settled()
    assert not any((await _mirrored(office, story)).values())
    gone = await office.look.fetchval("SELECT count(*) FROM mirror_person_deleted WHERE person_id = $1", story.person_id)
    assert gone == 1
