"""A landlord's own client: its homes and its guests, nothing else of anybody, and no operation of an office."""

import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from tests.registry.conftest import Office, expect
from tests.registry.factories import a_person
from tests.registry.homes import Home, register_home
from tests.registry.rosters import CSV, as_csv
from tests.registry.test_imports_door import ended
from tests.registry.test_merging import entered
from tests.registry.uploads import download, uploaded
from tests.running import Caller

AT, LATER = "2026-05-01T09:30:00+08:00", "2026-05-03T09:30:00+08:00"
OUT = {"ended_at": LATER, "reason": "checked_out"}


def portal_of(office: Office, landlord_id: str, division: str = "330282") -> Caller:
    """The landlord's own client, with every scope there is."""
    return office.caller(division, client=f"portal-{landlord_id}", organisation=f"unit:{landlord_id}")


async def known(caller: Caller, portal: Caller | None = None) -> tuple[str, dict[str, Any]]:
    """Somebody an office entered, whom the landlord resolved."""
    person = a_person()
    person_id = await entered(caller, number=person["identity_documents"][0]["number"])
    if portal is not None:
        named = {"identity_document": person["identity_documents"][0], "name": person["name"]}
        expect(await portal.post("/v1/persons/resolve", named), 200)
    return person_id, person


def stay_of(home: Home, person_id: str, **given: Any) -> dict[str, Any]:
    body = {"person_id": person_id, "premises_id": home.premises_id, "room_id": home.rooms[0]["room_id"], "started_at": AT}
    return body | given


async def test_it_keeps_the_book_of_its_own_homes(office: Office, cixi: Caller) -> None:
    home, beside = await register_home(cixi), await register_home(cixi)
    portal = portal_of(office, home.landlord_id)
    person_id, _ = await known(cixi)
    expect(await portal.post("/v1/stays", stay_of(home, person_id)), 404)
    person_id, _ = await known(cixi, portal)
    made = expect(await portal.post("/v1/stays", stay_of(home, person_id)), 201)
    path = f"/v1/stays/{made['stay_id']}"
    assert expect(await portal.get(path), 200)["premises_id"] == home.premises_id
    assert [each["stay_id"] for each in expect(await portal.get(f"{home.path}/stays"), 200)["items"]] == [made["stay_id"]]
    assert expect(await portal.get(home.path), 200)["guests"] == 1
    assert [each["premises_id"] for each in expect(await portal.get("/v1/premises"), 200)["items"]] == [home.premises_id]
    assert expect(await portal.get(f"/v1/landlords/{home.landlord_id}"), 200)["landlord_id"] == home.landlord_id
    expect(await portal.get(f"{home.path}/capacity"), 200)
    # An office sees what was reported, as ever.
    assert expect(await cixi.get(path), 200)["person_id"] == person_id
    ended_at = expect(await portal.post(f"{path}/check-out", OUT), 200)["ended_at"]
    assert ended_at.startswith("2026-05-0")
    assert len(expect(await portal.get(f"{path}/history"), 200)["items"]) == 2
    for elsewhere in (beside.path, f"{beside.path}/stays", f"{beside.path}/capacity", f"/v1/landlords/{beside.landlord_id}"):
        expect(await portal.get(elsewhere), 404)


async def test_it_writes_in_no_other_book(office: Office, cixi: Caller) -> None:
    home, beside = await register_home(cixi), await register_home(cixi)
    portal = portal_of(office, home.landlord_id)
    guest, _ = await known(cixi, portal)
    other = await beside.check_in(await entered(cixi), started_at=AT)
    assert expect(await portal.post("/v1/stays", stay_of(beside, guest)), 404)["type"].endswith("premises-not-found")
    expect(await portal.get(f"/v1/stays/{other['stay_id']}"), 404)
    expect(await portal.post(f"/v1/stays/{other['stay_id']}/check-out", OUT), 404)
    mixed = stay_of(home, guest, room_id=beside.rooms[0]["room_id"])
    assert expect(await portal.post("/v1/stays", mixed), 404)["type"].endswith("room-not-found")
    # Nothing of a home, nor that somebody was never there, is a landlord's to say.
    mine = expect(await portal.post("/v1/stays", stay_of(home, guest)), 201)
    error = OUT | {"reason": "recorded_in_error"}
    assert expect(await portal.post(f"/v1/stays/{mine['stay_id']}/check-out", error), 403)["type"].endswith("offices-only")


async def test_where_else_a_guest_slept_is_not_told(office: Office, cixi: Caller) -> None:
    home, beside = await register_home(cixi), await register_home(cixi)
    portal = portal_of(office, home.landlord_id)
    guest, _ = await known(cixi, portal)
    before = await beside.check_in(guest, started_at=AT)
    made = expect(await portal.post("/v1/stays", stay_of(home, guest, started_at=LATER)), 201)
    assert [note["code"] for note in made["notes"]] == []
    assert expect(await cixi.get(f"/v1/stays/{before['stay_id']}"), 200)["end_reason"] == "checked_in_elsewhere"
    again = expect(await portal.post("/v1/stays", stay_of(home, guest, started_at="2026-05-04T09:30:00+08:00")), 201)
    assert [note["code"] for note in again["notes"]] == ["earlier_stay_ended"], "of its own home it is"


async def test_a_home_that_passes_on_takes_its_guests_along_and_not_its_past(office: Office, cixi: Caller) -> None:
    home, other = await register_home(cixi), await register_home(cixi)
    gone = await home.check_in(await entered(cixi), started_at=AT)
    expect(await cixi.post(f"/v1/stays/{gone['stay_id']}/check-out", OUT), 200)
    there = await home.check_in(await entered(cixi), started_at=AT)
    version = (await home.read())["version"]
    expect(await cixi.patch(home.path, {"landlord_id": other.landlord_id}, version=version), 200)
    former, present = portal_of(office, home.landlord_id), portal_of(office, other.landlord_id)
    for portal, seen in ((former, gone), (present, there)):
        for stay in (gone, there):
            expect(await portal.get(f"/v1/stays/{stay['stay_id']}"), 200 if stay is seen else 404)
    expect(await former.get(home.path), 404)
    expect(await present.post(f"/v1/stays/{there['stay_id']}/check-out", OUT), 200)
    with office.on(date(2028, 5, 4)):
        expect(await former.get(f"/v1/stays/{gone['stay_id']}"), 404)


async def test_it_brings_its_daily_guest_list_and_nobody_elses(office: Office, cixi: Caller) -> None:
    home, beside = await register_home(cixi, address="灯塔路1号"), await register_home(cixi, address="灯塔路2号")
    portal = portal_of(office, home.landlord_id, division="330281")
    people = [await known(cixi) for _ in range(3)]
    moved = await beside.check_in(people[2][0], started_at=AT)
    rows = [
        {
            "姓名": person["name"],
            "证件号码": person["identity_documents"][0]["number"],
            "房屋所在地代码": "330282107",
            "房屋地址": address,
            "房间": "201",
            "入住时间": "2026-05-02 18:00",
            "退房时间": left,
        }
        for (_, person), address, left in zip(
            people, ("灯塔路1号", "灯塔路2号", "灯塔路1号"), ("", "", "2026-05-03 08:00"), strict=True
        )
    ]
    file = await uploaded(portal, as_csv(rows), CSV, purpose="import")
    body = {"attachment_id": file["attachment_id"], "kind": "stays"}
    done = await ended(portal, expect(await portal.post("/v1/imports", body), 202))
    assert (done["state"], done["counts"]) == ("succeeded", {"checked_in": 1, "checked_out": 1, "refused": 1})
    refused = (await download(portal, done["errors_attachment_id"])).content.decode("utf-8-sig")
    assert "premises_not_found" in refused
    assert len(expect(await portal.get(f"{home.path}/stays?whose=all"), 200)["items"]) == 2
    assert expect(await cixi.get(f"/v1/stays/{moved['stay_id']}"), 200)["end_reason"] == "checked_in_elsewhere"
    again = await ended(portal, expect(await portal.post("/v1/imports", body), 202))
    assert again["operation_id"] == done["operation_id"]
    for other in (cixi, portal_of(office, beside.landlord_id)):
        expect(await other.get(f"/v1/registry/operations/{done['operation_id']}"), 404)
        expect(await other.get(f"/v1/registry/attachments/{file['attachment_id']}"), 404)
    for kind in ("residents", "field_visits"):
        assert expect(await portal.post("/v1/imports", {**body, "kind": kind}), 403)["type"].endswith("offices-only")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/persons/019ab0c2-1111-7000-8000-000000000001"),
        ("GET", "/v1/persons/019ab0c2-1111-7000-8000-000000000001/stays"),
        ("GET", "/v1/premises/019ab0c2-1111-7000-8000-000000000001/history"),
        ("GET", "/v1/premises/019ab0c2-1111-7000-8000-000000000001/inspections"),
        ("GET", "/v1/residence-registrations"),
        ("GET", "/v1/inspection-findings"),
        ("GET", "/v1/registry/changes"),
    ],
)
async def test_the_operations_of_offices_are_closed_to_it(office: Office, cixi: Caller, method: str, path: str) -> None:
    home = await register_home(cixi)
    portal = portal_of(office, home.landlord_id)
    answer = expect(await portal.http.request(method, path, headers={"authorization": f"Bearer {portal.token}"}), 403)
    assert answer["type"].endswith("offices-only")
    assert (await portal.patch(home.path, {"storeys": 3}, version=1)).status_code == 403
    assert (await portal.post(f"{home.path}/end", {"reason": "letting_ended"})).status_code == 403


async def test_an_employer_sees_no_home_and_a_landlord_no_employment(office: Office, cixi: Caller) -> None:
    home = await register_home(cixi)
    for unit in ("91330282MA2A00001K", "019ab0c2-1111-7000-8000-0000000000ff", "", "%", f"{home.landlord_id} "):
        stranger = office.caller("330282", client=f"portal-{unit}", organisation=f"unit:{unit}")
        expect(await stranger.get(home.path), 404)
        assert expect(await stranger.get("/v1/premises"), 200)["items"] == []
    assert expect(await portal_of(office, home.landlord_id).get("/v1/employments"), 200)["items"] == []


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
async def test_five_hundred_questions_of_landlords_are_answered_as_the_book_says(
    office: Office, cixi: Caller, seed: int
) -> None:
    """A model of three lines: a home is its landlord's of today; a guest who is there, too; one who left, the landlord's of
    then, for two years.
    """
    rng, homes, book = random.Random(seed), [await register_home(cixi) for _ in range(4)], list[dict[str, Any]]()
    landlords = [home.landlord_id for home in homes]
    holder = {home.premises_id: home.landlord_id for home in homes}
    for _ in range(10):
        home = rng.choice(homes)
        stay: dict[str, Any] = {"of": home.premises_id, "whose": holder[home.premises_id], "ended_on": None}
        stay["id"] = (await home.check_in(await entered(cixi), started_at=AT))["stay_id"]
        book.append(stay)
        if rng.random() < 0.5:
            expect(await cixi.post(f"/v1/stays/{stay['id']}/check-out", OUT), 200)
            stay["ended_on"] = date(2026, 5, 3)
        if rng.random() < 0.3:
            passed = rng.choice(landlords)
            body = {"landlord_id": passed}
            expect(await cixi.patch(home.path, body, version=(await home.read())["version"]), 200)
            holder[home.premises_id] = passed
            for each in book:
                if each["of"] == home.premises_id and each["ended_on"] is None:
                    each["whose"] = passed
    answered: Counter[int] = Counter()
    for _ in range(500):
        who, on = rng.choice(landlords), date(2026, 6, 1) + timedelta(days=rng.choice([0, 300, 701, 702, 703, 704, 900]))
        home, stay = rng.choice(homes), rng.choice(book)
        is_mine = holder[home.premises_id] == who

        def sees(each: dict[str, Any], who: str = who, on: date = on) -> bool:
            return each["whose"] == who and (each["ended_on"] is None or on < date(2028, 5, 3))

        mine = {each["id"] for each in book if each["of"] == home.premises_id and sees(each)}
        questions: list[tuple[str, int, str, set[str]]] = [
            (home.path, 200 if is_mine else 404, "", set()),
            (f"/v1/stays/{stay['id']}", 200 if sees(stay) else 404, "", set()),
            (f"/v1/stays/{stay['id']}/history", 200 if sees(stay) else 404, "", set()),
            (f"{home.path}/stays?whose=all", 200 if is_mine else 404, "stay_id", mine),
            ("/v1/premises?limit=200", 200, "premises_id", {key for key, value in holder.items() if value == who}),
        ]
        path, status, key, ids = rng.choice(questions)
        with office.on(on):
            answer = await portal_of(office, who, rng.choice(["330282", "330282107", "330281"])).get(path)
        assert answer.status_code == status, (path, who, on, answer.text)
        answered[status] += 1
        if key and status == 200:
            assert {item[key] for item in answer.json()["items"]} == ids, (path, who, on)
    assert min(answered[200], answered[404]) >= 100
