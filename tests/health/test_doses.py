"""Doses: recorded with all the law asks for, one however often reported, corrected and withdrawn without loss, judged."""

import asyncio
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.db import Transaction, in_transaction, prepare
from services.chassis.rows import SERVICE
from services.health import jobs
from services.health.store.snapshot import snapshot
from tests.health.conftest import DAY, DOSES, NEXT_TOWN, Office, code_of, expect, on, one, seen
from tests.health.conftest import given as given_here

_OLD = prepare("UPDATE card_forecast SET lines = '[]', as_of = CAST(:as_of AS date)")


async def forecast(office: Office, card: dict[str, Any], **asked: str) -> dict[str, dict[str, Any]]:
    """The lines of a card's forecast, by line."""
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = expect(await office.clinic().get(f"{one(card, 'forecast')}?{query}"), 200)
    return {each["line"]: each for each in answer["lines"]}


async def test_a_dose_moves_the_forecast_to_the_day(office: Office) -> None:
    story = await office.child()
    card, clinic = await office.card(story), office.clinic()
    before = await forecast(office, card)

    dose = expect(await clinic.post(one(card, "doses"), given_here("HepB", "2026-11-02")), 201)
    after = await forecast(office, card)

    assert (before["HepB"]["standing"], before["HepB"]["counted"]) == ("overdue", 0)
    assert (after["HepB"]["counted"], after["HepB"]["next"]["dose_no"], after["HepB"]["next"]["earliest"]) == (
        1,
        2,
        "2026-11-30",
    )
    assert (dose["vaccinator"], dose["lot_number"], dose["reports"]) == ("N-2207", "202511A07", 1)
    assert expect(await clinic.get(one(card)), 200)["status"] == "active"
    told = await office.events(story, "forecast.")
    assert [event["version"] for event in told] == [1, 2]
    assert "HepB" in told[0]["overdue_lines"]
    assert "HepB" not in told[1]["overdue_lines"]
    assert [event["status"] for event in await office.events(story, "dose.")] == ["recorded"]


async def test_a_dose_given_too_early_is_recorded_and_judged_with_its_rule(office: Office) -> None:
    card = await office.card(await office.child())
    expect(await office.clinic().post(one(card, "doses"), given_here("MMR", "2026-09-29")), 201)

    answer = expect(await office.clinic().get(one(card, "forecast")), 200)

    (judged,) = answer["doses"]
    assert (judged["verdict"], judged["findings"][0]["not_before"]) == ("too_early", "2026-09-30")
    assert {rule["rule"] for rule in answer["rules"]} >= set(judged["rules"])
    assert all(rule["text_zh"] and rule["text_en"] for rule in answer["rules"])


@pytest.mark.parametrize(
    ("dose", "pointers"),
    [
        ({"vaccine_code": "DTaP", "given_on": "2026-05-06"}, {"clinic_code", "product", "manufacturer", "lot_number"}),
        (given_here("DTaP", "2026-12-01"), {"given_on"}),
        (given_here("DTaP", "2026-01-30"), {"given_on"}),
        (given_here("DTaP", "2026-05-06", expires_on="2026-05-05"), {"expires_on"}),
        (seen("Tdap", "2026-05-06"), {"vaccine_code"}),
    ],
    ids=["incomplete", "tomorrow", "before birth", "expired lot", "unknown vaccine"],
)
async def test_what_is_wrong_with_a_dose_is_told(office: Office, dose: dict[str, Any], pointers: set[str]) -> None:
    story = await office.child()
    card = await office.card(story)

    refused = expect(await office.clinic().post(one(card, "doses"), dose), 422)

    assert pointers <= {error["pointer"].removeprefix("/") for error in refused["errors"]}
    assert await office.events(story, "dose.") == []


async def test_a_lot_may_be_given_on_its_last_day(office: Office) -> None:
    card = await office.card(await office.child())

    expect(await office.clinic().post(one(card, "doses"), given_here("DTaP", "2026-05-06", expires_on="2026-05-06")), 201)


async def test_the_same_dose_reported_by_two_provinces_is_one_and_each_adds_what_it_knows(office: Office) -> None:
    story = await office.child()
    card, clinic = await office.card(story), office.clinic()
    told = seen("BCG", "2026-02-01", "statement", product="卡介苗")
    first = expect(await clinic.post(one(card, "doses"), told), 201)
    uncounted = await forecast(office, card)

    known = seen("BCG", "2026-02-01", "electronic_record", product="皮内注射用卡介苗", lot_number="2025B11")
    again = expect(await clinic.post(one(card, "doses"), known), 201)
    other_day = expect(await clinic.post(one(card, "doses"), seen("BCG", "2026-02-02")), 201)

    assert uncounted["BCG"]["counted"] == 0
    assert (again["dose_id"], again["reports"], again["evidence"]) == (first["dose_id"], 2, "electronic_record")
    assert (again["product"], again["lot_number"]) == ("卡介苗", "2025B11")
    assert other_day["dose_id"] != first["dose_id"]
    assert (await forecast(office, card))["BCG"]["counted"] == 1
    facts = [event["type"].split(".")[2] for event in await office.events(story, "dose.")]
    assert facts == ["recorded", "reported_again", "recorded"]


async def test_a_record_is_taken_over_whole_or_not_at_all(office: Office) -> None:
    card, clinic = await office.card(await office.child()), office.clinic()
    record = [seen("HepB", "2026-01-31"), seen("BCG", "2026-02-01"), seen("HepB", "2026-02-28")]

    refused = expect(await clinic.post(one(card, "take-over"), {"doses": [*record, seen("HepB", "2027-01-01")]}), 422)
    taken = expect(await clinic.post(one(card, "take-over"), {"doses": record}), 200)
    twice = expect(await clinic.post(one(card, "take-over"), {"doses": record}), 200)

    assert [error["pointer"] for error in refused["errors"]] == ["/doses/3/given_on"]
    assert [(dose["vaccine_code"], dose["reports"]) for dose in taken["doses"]] == [("HepB", 1), ("BCG", 1), ("HepB", 1)]
    assert [dose["reports"] for dose in twice["doses"]] == [2, 2, 2]
    assert expect(await clinic.get(one(card)), 200)["status"] == "arrived"


async def test_reports_at_the_same_moment_are_one_dose(office: Office) -> None:
    card = await office.card(await office.child())

    answers = await asyncio.gather(
        *(office.clinic().post(one(card, "doses"), given_here("DTaP", "2026-05-06")) for _ in range(8))
    )

    doses = [expect(answer, 201) for answer in answers]
    assert len({dose["dose_id"] for dose in doses}) == 1
    assert sorted(dose["reports"] for dose in doses) == list(range(1, 9))


async def test_a_correction_deletes_nothing(office: Office) -> None:
    story = await office.child()
    card, clinic = await office.card(story), office.clinic()
    dose = expect(await clinic.post(one(card, "doses"), given_here("DTaP", "2026-05-06")), 201)
    path = f"{DOSES}/{dose['dose_id']}"

    right = given_here("DTaP", "2026-05-07", lot_number="202511A08", reason="日期与批号录入有误")
    stale = await clinic.post(f"{path}/correct", right, headers={"if-match": '"9"'})
    corrected = expect(await clinic.post(f"{path}/correct", right, headers={"if-match": '"1"'}), 200)
    history = expect(await clinic.get(f"{path}/history"), 200)["items"]

    assert stale.status_code == 412
    assert (corrected["given_on"], corrected["lot_number"], corrected["reasons"]) == (
        "2026-05-07",
        "202511A08",
        ["日期与批号录入有误"],
    )
    assert [version["state"]["lot_number"] for version in history] == ["202511A08", "202511A07"]
    assert expect(await clinic.get(path), 200)["version"] == 2


async def test_a_correction_does_not_make_two_of_one_dose(office: Office) -> None:
    card, clinic = await office.card(await office.child()), office.clinic()
    one_dose = expect(await clinic.post(one(card, "doses"), given_here("DTaP", "2026-05-06")), 201)
    other = expect(await clinic.post(one(card, "doses"), given_here("DTaP", "2026-06-06")), 201)

    refused = await clinic.post(f"{DOSES}/{other['dose_id']}/correct", given_here("DTaP", "2026-05-06", reason="日期有误"))

    assert (refused.status_code, code_of(refused)) == (409, "dose-recorded-already")
    assert refused.json()["dose_id"] == one_dose["dose_id"]


async def test_a_withdrawn_dose_stays_on_record_and_is_not_counted(office: Office) -> None:
    story = await office.child()
    card, clinic = await office.card(story), office.clinic()
    dose = expect(await clinic.post(one(card, "doses"), given_here("BCG", "2026-02-01")), 201)
    path = f"{DOSES}/{dose['dose_id']}"

    withdrawn = expect(await clinic.post(f"{path}/withdraw", {"reason": "录入对象有误"}), 200)
    again = await clinic.post(f"{path}/withdraw", {"reason": "录入对象有误"})
    anew = expect(await clinic.post(one(card, "doses"), given_here("BCG", "2026-02-01")), 201)

    assert (withdrawn["status"], (again.status_code, code_of(again))) == ("withdrawn", (409, "dose-withdrawn"))
    assert anew["dose_id"] != dose["dose_id"]
    record = expect(await clinic.get(one(card, "record")), 200)["doses"]
    assert [each["status"] for each in record] == ["withdrawn", "recorded"]
    assert [event["type"].split(".")[2] for event in await office.events(story, "dose.")] == [
        "recorded",
        "withdrawn",
        "recorded",
    ]


async def test_a_card_that_is_kept_apart_takes_no_dose(office: Office) -> None:
    card, clinic = await office.card(await office.child()), office.clinic()
    expect(await clinic.post(one(card, "move-out"), {"moved_on": "2026-11-01"}), 200)

    refused = await clinic.post(one(card, "doses"), given_here("DTaP", "2026-05-06"))

    assert (refused.status_code, code_of(refused)) == (409, "card-act-not-allowed")


async def test_doses_are_for_whoever_may_read_them_and_lots_for_whoever_sees_a_childs(office: Office) -> None:
    card = await office.card(await office.child())
    dose = expect(await office.clinic().post(one(card, "doses"), given_here("DTaP", "2026-05-06", reaction="低热")), 201)
    path = f"{DOSES}/{dose['dose_id']}"

    assert (await office.clinic(scopes=["health.card.read"]).get(one(card, "record"))).status_code == 403
    assert (await office.clinic(NEXT_TOWN).get(path)).status_code == 404
    shown = expect(await office.clinic(scopes=["health.dose.read"]).get(path), 200)
    assert (shown["vaccine_code"], shown["lot_number"], shown["reaction"]) == ("DTaP", None, None)
    row = await office.look.fetchrow("SELECT * FROM dose WHERE dose_id = $1", dose["dose_id"])
    assert row is not None
    assert "低热".encode() not in row["sealed"]


async def test_what_is_known_of_a_child_changes_what_comes_next(office: Office) -> None:
    card = await office.card(await office.child())
    barred = {"facts": {"contraindications": [{"since": "2026-03-01", "vaccines": ["MMR"]}]}}

    expect(await office.clinic().patch(one(card), barred, 1), 200)

    assert (await forecast(office, card))["Measles"]["standing"] == "contraindicated"


async def test_a_forecast_is_read_as_of_any_day_and_by_any_edition(office: Office) -> None:
    card = await office.card(await office.child())

    earlier = await forecast(office, card, as_of="2026-02-01", edition="cn-nip-2021")
    unknown = expect(await office.clinic().get(f"{one(card, 'forecast')}?edition=cn-nip-1999"), 422)

    assert (earlier["DTP"]["standing"], earlier["DTP"]["next"]["recommended"]) == ("upcoming", "2026-04-30")
    assert (await forecast(office, card))["DTP"]["next"]["listed_on"] == "2026-03-31"
    assert [error["pointer"] for error in unknown["errors"]] == ["?edition"]


async def test_the_night_forecasts_every_card_and_tells_only_what_changed(office: Office) -> None:
    due, settled = await office.child(), await office.child()
    cards = [await office.card(due), await office.card(settled)]
    for card in cards:
        expect(await office.clinic().post(one(card, "doses"), given_here("HepB", "2026-11-01")), 201)
    before = {story.person_id: len(await office.events(story, "forecast.")) for story in (due, settled)}

    async with on(office, date(2026, 12, 1)):
        await office.run(jobs.JOBS[1])
        days = await office.look.fetch("SELECT DISTINCT as_of FROM card_forecast")
        told = {story.person_id: len(await office.events(story, "forecast.")) for story in (due, settled)}

    assert [row["as_of"] for row in days] == [date(2026, 12, 1)]
    assert told == before
    await office.sql(_OLD, as_of=DAY)
    await office.run(jobs.JOBS[1])  # nothing was of another day
    assert await office.look.fetchval("SELECT count(*) FROM card_forecast WHERE lines <> '[]'") == 0
    await office.sql(_OLD, as_of=date(2026, 11, 29))
    await office.run(jobs.JOBS[1])
    assert await office.look.fetchval("SELECT count(*) FROM card_forecast WHERE lines = '[]'") == 0
    assert len(await office.events(due, "forecast.")) == before[due.person_id] + 1


async def test_the_kept_forecast_is_what_the_engine_says(office: Office) -> None:
    card = await office.card(await office.child())
    expect(await office.clinic().post(one(card, "doses"), given_here("DTaP", "2026-11-20")), 201)
    row = await office.look.fetchrow("SELECT * FROM card_forecast WHERE card_id = $1", card["card_id"])
    assert row is not None
    said = await forecast(office, card)

    nexts = [line["next"] for line in said.values() if line["next"]]
    assert row["next_on"].isoformat() == min(each["recommended"] for each in nexts)
    assert row["overdue_from"].isoformat() == min(each["overdue_from"] for each in nexts)
    assert row["as_of"] == DAY


async def test_a_new_neighbour_is_told_all_there_is(office: Office) -> None:
    story = await office.child()
    card = await office.card(story)
    expect(await office.clinic().post(one(card, "doses"), given_here("DTaP", "2026-05-06")), 201)

    told: dict[Any, list[Any]] = {}
    runtime = office.service.runtime

    async def body(tx: Transaction) -> None:
        told.update({person_id: states async for person_id, states in snapshot(tx, runtime.keyring)})

    await in_transaction(runtime.pool, body, rows=SERVICE)
    states = [(state.event_type, getattr(state, "version", None)) for state in told[story.person_id]]
    assert states == [("health.card.changed.v1", 2), ("health.dose.recorded.v1", 1)]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(6)))
async def test_the_order_of_reports_does_not_matter(office: Office, order: list[int]) -> None:
    reports = [
        *(seen("HepB", "2026-01-31"), seen("HepB", "2026-03-02", "electronic_record"), seen("HepB", "2026-01-31", "statement")),
        *(seen("DTaP", "2026-04-01"), seen("MMR", "2026-10-01"), seen("DTaP", "2026-04-01", "electronic_record")),
    ]
    straight, shuffled = await office.card(await office.child()), await office.card(await office.child())
    for number in range(6):
        expect(await office.clinic().post(one(straight, "doses"), reports[number]), 201)
        expect(await office.clinic().post(one(shuffled, "doses"), reports[order[number]]), 201)

    assert await forecast(office, straight) == await forecast(office, shuffled)
    kept = [
        await office.look.fetchval("SELECT lines FROM card_forecast WHERE card_id = $1", card["card_id"])
        for card in (straight, shuffled)
    ]
    assert kept[0] == kept[1]
