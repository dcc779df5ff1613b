"""What was due once and is needed again is not deleted, and whoever lets a home is not either (V-19, V-20)."""

import asyncio
from datetime import date
from typing import Any

import pytest

from services.registry.jobs import review_retention
from tests.registry.conftest import Office, Resident, expect
from tests.registry.employers import registered as employer_of
from tests.registry.employers import taken_on
from tests.registry.factories import a_home, a_landlord
from tests.registry.homes import enter_person, register_home
from tests.registry.test_retention import PATH, PROPOSALS, gone
from tests.registry.test_retention_paths import decided, due
from tests.registry.test_two_officers import second
from tests.running import Caller

ENTERED, ENDED, REVIEWED = date(2024, 3, 1), date(2024, 5, 6), date(2026, 3, 1)


async def landlord_due(office: Office, cixi: Caller) -> tuple[str, dict[str, Any]]:
    """A landlord who lets nothing any more, and the review."""
    with office.on(ENTERED):
        landlord = expect(await cixi.post("/v1/landlords", a_landlord(name="章阿忘")), 201)["landlord_id"]
        home = expect(await cixi.post("/v1/premises", a_home(landlord)), 201)
    with office.on(ENDED):
        body = {"ended_on": ENDED.isoformat(), "reason": "letting_ended"}
        expect(await cixi.post(f"/v1/premises/{home['premises_id']}/end", body), 200)
    with office.on(REVIEWED):
        await office.run_job(review_retention)
        (review,) = await due(cixi, landlord, status="due")
    return landlord, review


def codes_of(refused: Any) -> list[str]:
    return [each["code"] for each in refused.json()["reasons"] or ()]


async def test_an_erased_landlord_lets_nothing_and_signs_nothing(office: Office, cixi: Caller) -> None:
    landlord, review = await landlord_due(office, cixi)
    with office.on(REVIEWED):
        await decided(office, cixi, review)
        letter: dict[str, Any] = {"landlord_id": landlord, "signed_on": "2026-02-01", "valid_until": "2027-02-01"}
        letter |= {"evidence": [{"type": "responsibility_letter"}]}
        for answer in (
            await cixi.post("/v1/premises", a_home(landlord)),
            await cixi.post("/v1/responsibility-letters", letter),
        ):
            assert answer.json()["type"].endswith("landlord-not-found")


@pytest.mark.parametrize("order", ["before the proposal", "before the approval"])
async def test_a_landlord_who_lets_again_is_not_erased(office: Office, cixi: Caller, order: str) -> None:
    landlord, review = await landlord_due(office, cixi)
    path = f"{PATH}/{review['review_id']}/deletion"
    with office.on(REVIEWED):
        if order == "before the proposal":
            expect(await cixi.post("/v1/premises", a_home(landlord)), 201)
            refused = await cixi.post(path)
        else:
            made = expect(await cixi.post(path), 201)
            expect(await cixi.post("/v1/premises", a_home(landlord)), 201)
            refused = await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve")
        assert codes_of(refused) == ["needed_again"]
        assert expect(await cixi.get(f"/v1/landlords/{landlord}"), 200)["name"] == "章阿忘"


async def test_an_erasure_and_a_new_home_at_once_are_one_of_them(office: Office, cixi: Caller) -> None:
    for _ in range(5):
        landlord, review = await landlord_due(office, cixi)
        with office.on(REVIEWED):
            made = expect(await cixi.post(f"{PATH}/{review['review_id']}/deletion"), 201)
            erasing, letting = await asyncio.gather(
                second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"),
                cixi.post("/v1/premises", a_home(landlord)),
            )
            name = expect(await cixi.get(f"/v1/landlords/{landlord}"), 200)["name"]
            assert (name is None) is (letting.status_code != 201) is (not codes_of(erasing)), (erasing.text, letting.text)


async def test_a_guest_of_today_is_not_deleted(office: Office, cixi: Caller) -> None:
    with office.on(ENTERED):
        home, person = await register_home(cixi), await enter_person(cixi)
    with office.on(REVIEWED):
        await office.run_job(review_retention)
        (review,) = await due(cixi, person, status="due")
        made = expect(await cixi.post(f"{PATH}/{review['review_id']}/deletion"), 201)
        await home.check_in(person, started_at="2026-02-28T09:30:00+08:00")
        refused = await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve")
        assert codes_of(refused) == ["needed_again"]
        assert await office.rows("SELECT FROM stay WHERE person_id = $1", person)


@pytest.mark.parametrize("what", ["works", "lets"])
async def test_who_moved_away_and_works_or_lets_here_is_not_due(office: Office, cixi: Caller, what: str) -> None:
    resident = await gone(office, Resident(office, cixi))
    with office.on(ENDED):
        if what == "works":
            await taken_on(cixi, resident.person_id, await employer_of(cixi), "2024-03-04")
        else:
            body = {"kind": "person", "division_code": "330282107", "person_id": resident.person_id}
            landlord = expect(await cixi.post("/v1/landlords", body), 201)["landlord_id"]
            expect(await cixi.post("/v1/premises", a_home(landlord)), 201)
    with office.on(REVIEWED):
        await office.run_job(review_retention)
        assert not await office.rows("SELECT FROM retention_review WHERE person_id = $1", resident.person_id)


async def test_a_landlord_who_lets_is_not_deleted_on_request(office: Office, cixi: Caller) -> None:
    person = await enter_person(cixi)
    body = {"kind": "person", "division_code": "330282107", "person_id": person}
    landlord = expect(await cixi.post("/v1/landlords", body), 201)["landlord_id"]
    expect(await cixi.post("/v1/premises", a_home(landlord)), 201)
    wish = {"reason": "consent_withdrawn", "legal_ground": "pipl_47_3"}
    assert codes_of(await cixi.post(f"/v1/persons/{person}/deletion", wish)) == ["let_home"]
