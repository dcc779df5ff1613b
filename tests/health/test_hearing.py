"""What follows from the registry's news: mirrors in any order, another forecast, two cards of one human, an erasure."""

import random
from datetime import date

from services.chassis.ids import new_id
from services.contracts import registry
from tests.health.conftest import BORN, CARDS, DAY, NEXT_CLINIC, NEXT_TOWN, Office, code_of, entry, expect, given, one, seen
from tests.points_hukou.story import Story, copy_of

CONFLICTS = "/v1/immunisation/card-conflicts"


async def test_events_twice_and_in_any_order_give_the_same_mirror(office: Office) -> None:
    story, home = Story(), new_id()
    story.person(birth_date=BORN)
    story.registration(registry.ResidenceRegistrationRegistered, home, 1)
    story.person(registry.PersonCorrected, masked_name="陈*", sex_code="1", birth_date=BORN)
    story.registration(registry.ResidenceRegistrationChanged, home, 2, division_code=NEXT_TOWN)
    story.person(registry.PersonTokensRenewed, masked_name="陈*", sex_code="1", birth_date=BORN)
    messages = [*story.messages(), *map(copy_of, story.messages())]
    random.Random(7).shuffle(messages)

    await office.tell(messages)
    await office.settled()

    person = await office.look.fetchrow("SELECT * FROM mirror_person WHERE person_id = $1", story.person_id)
    lives = await office.look.fetch("SELECT * FROM mirror_residence_registration WHERE person_id = $1", story.person_id)
    assert person is not None
    assert (person["masked_name"], person["sex_code"], person["birth_date"], person["sequence"]) == ("陈*", "1", BORN, 5)
    assert [(row["division_code"], row["version"]) for row in lives] == [(NEXT_TOWN, 2)]


async def test_another_birth_date_is_another_forecast(office: Office) -> None:
    story = await office.child()
    card = await office.card(story)
    before = len(await office.events(story, "forecast."))

    story.person(registry.PersonCorrected, birth_date=date(2026, 11, 1))
    await office.tell(story.messages(first=3))
    await office.settled()

    row = await office.look.fetchrow("SELECT * FROM card_forecast WHERE card_id = $1", card["card_id"])
    assert row is not None
    assert len(await office.events(story, "forecast.")) == before + 1
    assert row["next_on"] >= date(2026, 11, 1)
    assert row["as_of"] == DAY


async def test_two_cards_of_one_human_are_put_before_people_and_the_child_is_not_vaccinated_twice(office: Office) -> None:
    one_id, other_id = await office.child(), await office.child(division=NEXT_TOWN)
    card = await office.card(one_id)
    there = office.clinic(NEXT_TOWN)
    other = expect(await there.post(CARDS, entry(other_id, division_code=NEXT_TOWN, clinic_code=NEXT_CLINIC)), 201)
    expect(await there.post(one(other, "doses"), seen("BCG", "2026-02-01")), 201)

    one_id.merge(registry.PersonMerged, 1, other_id.person_id)
    await office.tell(one_id.messages(first=3))
    await office.settled()

    opened = await office.events(other_id, "card_conflict.")
    (conflict,) = expect(await office.clinic().get(f"{CONFLICTS}?status=open"), 200)["items"]
    assert {conflict["card_id"], conflict["other_card_id"]} == {card["card_id"], other["card_id"]}
    assert [event["conflict_id"] for event in opened] == [conflict["conflict_id"]]
    lines = expect(await office.clinic().get(one(card, "forecast")), 200)["lines"]
    assert {line["line"]: line["counted"] for line in lines}["BCG"] == 1
    assert expect(await office.clinic("330281").get(CONFLICTS), 200)["items"] == []
    third = await office.clinic("330282").post(CARDS, entry(other_id))
    assert (third.status_code, code_of(third)) == (409, "card-exists")
    old = await office.clinic("330282").post(CARDS, entry(one_id))
    assert (old.status_code, old.json()["errors"][0]["code"]) == (422, "merged")

    expect(await office.clinic().post(one(card, "move-out"), {"moved_on": DAY.isoformat()}), 200)
    assert expect(await office.clinic().get(f"{CONFLICTS}?status=open"), 200)["items"] == []
    one_id.merge(registry.PersonUnmerged, 2, other_id.person_id)
    await office.tell(one_id.messages(first=4))
    await office.settled()
    lines = expect(await office.clinic().get(one(card, "forecast")), 200)["lines"]
    assert {line["line"]: line["counted"] for line in lines}["BCG"] == 0


async def test_of_a_deleted_child_only_the_id_stays(office: Office) -> None:
    story = await office.child()
    card = await office.card(story, contact={"guardian_name": "陈静", "phone": "13805740000"})
    dose = expect(await office.clinic().post(one(card, "doses"), given("DTaP", "2026-05-06")), 201)
    story.deletion()
    await office.tell([*story.messages(first=3), *map(copy_of, story.messages())])
    await office.settled()

    tables = await office.look.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'outbox%'"
    )
    left = {}
    for row in tables:
        count = f"SELECT count(*) FROM {row['tablename']} t WHERE CAST(t AS text) LIKE $1"
        if found := await office.look.fetchval(count, f"%{story.person_id}%"):
            left[row["tablename"]] = found
    assert set(left) <= {"mirror_person_deleted", "inbox_position", "history", "audit_line", "event_sequence"}
    assert left["mirror_person_deleted"] == 1
    assert await office.look.fetchval("SELECT count(*) FROM dose WHERE dose_id = $1", dose["dose_id"]) == 0
    assert await office.look.fetchval("SELECT count(*) FROM person_key WHERE person_id = $1", story.person_id) == 0
