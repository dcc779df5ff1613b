"""Cards: opened by every basis, one per human, seen and written by the offices of the child alone, moved out and in."""

from datetime import date, timedelta

import pytest

from services.chassis.months import add_months
from services.health import jobs
from tests.health.conftest import (
    BORN,
    CARDS,
    CLINIC,
    DAY,
    NEXT_CLINIC,
    NEXT_TOWN,
    TOWN,
    Office,
    code_of,
    entry,
    expect,
    on,
    one,
)

CERTIFICATE = {"number": "330282-2026-000117", "issued_on": "2026-11-30"}


async def test_a_newborn_gets_its_certificate_within_a_month(office: Office) -> None:
    story = await office.child(DAY - timedelta(days=3), since=DAY)

    card = await office.card(story, basis="birth")
    certified = expect(await office.clinic().post(one(card, "certify"), CERTIFICATE), 200)

    assert (card["status"], card["due_on"]) == ("arrived", add_months(DAY - timedelta(days=3), 1).isoformat())
    assert (certified["status"], certified["certificate_number"]) == ("registered", CERTIFICATE["number"])
    told = [(event["type"], event["status"], event["version"]) for event in await office.events(story, "card.")]
    assert told == [("health.card.opened.v1", "arrived", 1), ("health.card.changed.v1", "registered", 2)]


async def test_who_lives_here_for_three_months_gets_a_card_and_who_asks_at_once(office: Office) -> None:
    new, settled = await office.child(since=date(2026, 9, 1)), await office.child(since=date(2026, 8, 30))

    early = await office.clinic().post(CARDS, entry(new))

    assert (early.status_code, code_of(early)) == (409, "card-not-yet")
    assert (early.json()["rule"], early.json()["opens_on"]) == ("IMM-53", "2026-12-01")
    assert (await office.card(settled))["due_on"] is None
    assert (await office.card(new, basis="request"))["status"] == "arrived"


async def test_a_card_handed_over_says_where_from(office: Office) -> None:
    story = await office.child()
    origin = {"division_code": "522426", "unit_name": "纳雍县接种门诊", "moved_on": "2026-11-01", "evidence": "certificate"}

    nameless = await office.clinic().post(CARDS, entry(story, basis="transfer"))
    card = await office.card(story, basis="transfer", origin=origin, certificate=CERTIFICATE)

    assert [error["pointer"] for error in expect(nameless, 422)["errors"]] == ["/origin"]
    assert (card["status"], card["origin"]) == ("registered", origin)


async def test_a_child_has_one_card_in_the_city(office: Office) -> None:
    story = await office.child()
    await office.card(story)

    again = await office.clinic("330282").post(CARDS, entry(story, division_code=NEXT_TOWN, basis="request"))

    assert (again.status_code, code_of(again)) == (409, "card-exists")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"division_code": NEXT_TOWN}, 403, "division-out-of-scope"),
        ({"person_id": "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69"}, 422, "person-not-found"),
        ({"certificate": {"number": "330282-1", "issued_on": "2026-12-01"}}, 422, "invalid-request"),
        ({"facts": {"choices": ["JE-X"]}}, 422, "invalid-request"),
        ({"facts": {"deferrals": [{"since": "2026-03-01", "until": "2026-03-01"}]}}, 422, "invalid-request"),
    ],
)
async def test_what_is_wrong_with_a_card_is_told(office: Office, changed: dict[str, object], status: int, code: str) -> None:
    refused = await office.clinic().post(CARDS, entry(await office.child(), **changed))

    assert (refused.status_code, code_of(refused)) == (status, code)


async def test_a_grown_up_gets_no_card(office: Office) -> None:
    refused = await office.clinic().post(CARDS, entry(await office.child(date(1990, 5, 1)), basis="request"))

    assert (code_of(refused), refused.json()["reason"]) == ("card-not-yet", "no_child")


async def test_a_lost_certificate_is_replaced_and_remembered(office: Office) -> None:
    card = await office.card(await office.child(), certificate=CERTIFICATE)

    again = expect(await office.clinic().post(one(card, "certify"), CERTIFICATE | {"number": "330282-2026-000245"}), 200)

    assert (again["certificate_number"], again["former_certificate_numbers"]) == ("330282-2026-000245", [CERTIFICATE["number"]])


async def test_away_and_back(office: Office) -> None:
    card = await office.card(await office.child())
    clinic = office.clinic()

    away = expect(await clinic.post(one(card, "leave"), {"since": "2026-11-20"}), 200)
    twice = await clinic.post(one(card, "leave"), {"since": "2026-11-21"})
    back = expect(await clinic.post(one(card, "return")), 200)

    assert (away["status"], away["away_since"]) == ("away", "2026-11-20")
    assert (twice.status_code, code_of(twice)) == (409, "card-act-not-allowed")
    assert (back["status"], back["away_since"]) == ("active", None)


async def test_the_unit_of_the_new_residence_takes_the_card_over(office: Office) -> None:
    story = await office.child(division=NEXT_TOWN)
    city = office.clinic("330282")
    card = expect(await city.post(CARDS, entry(story)), 201)
    there = office.clinic(NEXT_TOWN)

    not_theirs = await there.post(one(card, "check"))
    out = expect(await city.post(one(card, "move-out"), {"moved_on": "2026-11-29", "to_division_code": NEXT_TOWN}), 200)
    taken = expect(await there.post(one(card, "move-in"), {"division_code": NEXT_TOWN, "clinic_code": NEXT_CLINIC}), 200)

    assert (not_theirs.status_code, code_of(not_theirs)) == (403, "card-of-other-office")
    assert (out["status"], out["moved_out_on"]) == ("moved_out", "2026-11-29")
    assert (taken["status"], taken["clinic_code"], taken["moved_out_on"]) == ("registered", NEXT_CLINIC, None)
    moved = [event for event in await office.events(story, "card.") if event["type"] == "health.card.moved_out.v1"]
    assert [event["moved_out_on"] for event in moved] == ["2026-11-29"]


async def test_only_offices_of_the_child_see_its_card(office: Office) -> None:
    card = await office.card(await office.child())

    assert (await office.clinic("330282").get(one(card))).status_code == 200
    for path in (one(card), one(card, "history"), one(card, "record"), one(card, "forecast")):
        assert (await office.clinic(NEXT_TOWN).get(path)).status_code == 404
    listed = expect(await office.clinic(NEXT_TOWN).get(f"{CARDS}?person_id={card['person_id']}"), 200)
    assert listed["items"] == []


async def test_contact_and_facts_are_for_whoever_may_see_a_childs(office: Office) -> None:
    contact = {"guardian_name": "陈静", "phone": "13805740000"}
    card = await office.card(await office.child(), contact=contact, facts={"mother_hbsag": "positive"})

    whole = expect(await office.clinic().get(one(card)), 200)
    partly = expect(await office.clinic(scopes=["health.card.read"]).get(one(card)), 200)

    assert (whole["contact"], whole["facts"]["mother_hbsag"]) == (contact, "positive")
    assert (partly["contact"], partly["facts"]) == (None, None)
    assert {"contact", "facts", "certificate_number"} <= set(partly["masked_fields"])
    row = await office.look.fetchrow("SELECT * FROM vaccination_card WHERE card_id = $1", card["card_id"])
    assert row is not None
    assert b"13805740000" not in row["sealed"]


async def test_a_card_is_changed_by_its_version_and_every_version_remains(office: Office) -> None:
    card, clinic = await office.card(await office.child()), office.clinic()
    contact = {"contact": {"guardian_name": "陈静", "phone": "13805740000"}}

    stale = await clinic.patch(one(card), contact, 7)
    changed = expect(await clinic.patch(one(card), contact, 1), 200)
    history = expect(await clinic.get(one(card, "history")), 200)["items"]

    assert stale.status_code == 412
    assert changed["version"] == 2
    assert (history[0]["version"], history[0]["changed"]) == (2, ["guardian_name", "phone"])
    assert [version["state"]["contact"] for version in history] == [contact["contact"], None]


async def test_the_quarterly_check_is_a_list_that_gets_shorter(office: Office) -> None:
    async with on(office, date(2026, 6, 1)):
        cards = [await office.card(await office.child(), clinic_code="QUARTER1") for _ in range(2)]
    clinic = office.clinic()

    async def to_look_at() -> set[str]:
        answer = await clinic.get(f"{CARDS}?clinic_code=QUARTER1&checked_before=2026-09-30")
        return {item["card_id"] for item in expect(answer, 200)["items"]}

    assert await to_look_at() == {card["card_id"] for card in cards}
    expect(await clinic.post(one(cards[0], "check")), 200)
    expect(await clinic.post(one(cards[1], "move-out"), {"moved_on": "2026-11-01"}), 200)
    assert await to_look_at() == set()


async def test_who_comes_of_age_leaves_the_cabinet_by_the_night(office: Office) -> None:
    story = await office.child(date(2008, 12, 1))
    card = await office.card(story)

    await office.run(jobs.JOBS[0])
    assert expect(await office.clinic().get(one(card)), 200)["status"] == "arrived"
    async with on(office, date(2026, 12, 1)):
        await office.run(jobs.JOBS[0])
        assert expect(await office.clinic().get(one(card)), 200)["status"] == "aged_out"
    async with on(office, date(2029, 12, 1)):
        await office.run(jobs.JOBS[0])
    assert [event["status"] for event in await office.events(story, "card.")] == ["arrived", "aged_out", "archived"]


async def test_lists_are_read_in_pages(office: Office) -> None:
    for _ in range(3):
        await office.card(await office.child(BORN), clinic_code="PAGES001")
    first = expect(await office.clinic().get(f"{CARDS}?clinic_code=PAGES001&limit=2"), 200)
    rest = expect(await office.clinic().get(f"{CARDS}?clinic_code=PAGES001&limit=2&cursor={first['next_cursor']}"), 200)

    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
    assert len({item["card_id"] for page in (first, rest) for item in page["items"]}) == 3
    assert CLINIC not in {item["clinic_code"] for item in first["items"]}
    assert TOWN in {item["division_code"] for item in first["items"]}
