"""Who needs what: the lists hold exactly the children that they are about."""

from datetime import date

from services.contracts import registry
from tests.health.conftest import DAY, NEXT_TOWN, TOWN, Office, expect, given, on, one, seen

DUE = "/v1/immunisation/due-children"
WITHOUT = "/v1/immunisation/children-without-card"


async def test_the_list_is_of_who_needs_a_dose_by_the_day(office: Office) -> None:
    late, calm = await office.child(), await office.child(date(2026, 11, 1))
    cards = [await office.card(story, clinic_code="DUECLINIC") for story in (late, calm)]
    for vaccine, day in (("HepB", "2026-11-01"), ("BCG", "2026-11-02")):
        expect(await office.clinic().post(one(cards[1], "doses"), given(vaccine, day)), 201)

    async def listed(**asked: str) -> dict[str, list[str]]:
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        items = expect(await office.clinic().get(f"{DUE}?clinic_code=DUECLINIC&{query}"), 200)["items"]
        return {item["card_id"]: [line["line"] for line in item["lines"]] for item in items}

    first, second = (card["card_id"] for card in cards)
    assert set(await listed(overdue="true")) == {first}
    assert second in await listed(by="2026-12-01")
    assert second not in await listed(by="2026-11-30")
    assert set(await listed(line="BCG")) == {first}
    assert (await listed(line="BCG", overdue="true"))[first][0] in {"BCG", "HepB"}
    assert await listed(division_code=NEXT_TOWN) == {}
    expect(await office.clinic().post(one(cards[0], "leave"), {"since": "2026-11-20"}), 200)
    assert first not in await listed(overdue="true")


async def test_a_dose_that_was_seen_takes_the_child_off_the_list(office: Office) -> None:
    card = await office.card(await office.child(), clinic_code="SEENCLINIC")
    path = f"{DUE}?clinic_code=SEENCLINIC&line=BCG"
    (before,) = expect(await office.clinic().get(path), 200)["items"]
    assert (before["card_id"], before["as_of"]) == (card["card_id"], DAY.isoformat())

    expect(await office.clinic().post(one(card, "doses"), seen("BCG", "2026-02-01")), 201)

    assert expect(await office.clinic().get(path), 200)["items"] == []


async def test_nobody_elsewhere_reads_who_needs_what(office: Office) -> None:
    await office.card(await office.child(), clinic_code="TOWNCLINIC")

    assert expect(await office.clinic(NEXT_TOWN).get(f"{DUE}?clinic_code=TOWNCLINIC"), 200)["items"] == []
    assert (await office.clinic(scopes=["health.card.read"]).get(DUE)).status_code == 403


async def test_children_the_register_knows_without_a_card(office: Office) -> None:
    village = f"{TOWN}299"
    stories = [await office.child(division=village, since=date(2026, month, 1)) for month in (9, 10, 11)]
    grown = await office.child(date(1990, 5, 1), division=village)
    carded, left, stays = stories
    await office.card(carded, basis="request")
    ((home,),) = [[event for event in left.events if isinstance(event, registry.ResidenceRegistrationRegistered)]]
    ended = {"status": "ended", "ended_on": date(2026, 11, 20), "end_reason": "left", "division_code": village}
    left.registration(registry.ResidenceRegistrationEnded, home.registration_id, 2, **ended)
    await office.tell(left.messages(first=3))
    await office.settled()

    items = expect(await office.clinic().get(f"{WITHOUT}?division_code={village}"), 200)["items"]

    assert [item["person_id"] for item in items] == [str(stays.person_id)]
    assert items[0]["card_due_on"] == "2027-02-01"
    assert str(grown.person_id) not in str(items)
    assert expect(await office.clinic(NEXT_TOWN).get(f"{WITHOUT}?division_code={village}"), 200)["items"] == []


async def test_the_list_without_cards_is_read_in_pages(office: Office) -> None:
    village = f"{TOWN}298"
    stories = [await office.child(division=village, since=date(2026, 10, day)) for day in (3, 1, 2)]
    async with on(office, DAY):
        first = expect(await office.clinic().get(f"{WITHOUT}?division_code={village}&limit=2"), 200)
        path = f"{WITHOUT}?division_code={village}&limit=2&cursor={first['next_cursor']}"
        rest = expect(await office.clinic().get(path), 200)

    order = [str(stories[number].person_id) for number in (1, 2, 0)]
    assert [item["person_id"] for page in (first, rest) for item in page["items"]] == order
