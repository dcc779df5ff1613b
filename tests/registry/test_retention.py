"""The yearly review of what is still kept of persons who left: found by the register, decided by officers (V-19, V-68)."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.parameters import NotInForceError
from services.registry.jobs import review_retention
from services.registry.rules.retention import ReviewedClass
from tests.registry.case_files import Case, cases, law
from tests.registry.conftest import Office, Resident, expect
from tests.registry.test_merging import merged, proposed
from tests.registry.test_rights import decided as right_decided
from tests.registry.test_two_officers import second
from tests.running import Caller

PATH = "/v1/retention-reviews"
PROPOSALS = "/v1/registry/proposals"
LEFT, DUE = date(2024, 5, 6), date(2025, 5, 6)
LONG_AFTER = date(2026, 9, 1)
"""Nobody sees a person any more who left more than two years ago."""


@pytest.mark.parametrize("case", cases("retention", "review"))
def test_when_a_record_is_due(case: Case) -> None:
    rule = law().retention.rule_of(ReviewedClass.PERSON, case["due_on"])
    assert rule.due_on(case["ended_on"]) == case["due_on"]


@pytest.mark.parametrize("case", cases("retention", "keep"))
def test_how_long_a_record_is_kept_at_most(case: Case) -> None:
    assert law().retention.rule_of(ReviewedClass.PERSON, case["on"]).keep_until_max(case["on"]) == case["until_max"]


@pytest.mark.parametrize("case", cases("retention", "none"))
def test_before_the_law_there_is_no_rule(case: Case) -> None:
    with pytest.raises(NotInForceError):
        law().retention.rule_of(ReviewedClass.PERSON, case["on"])


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 800))
def test_nobody_is_due_too_early_and_nobody_is_forgotten(ended_on: date, days: int) -> None:
    rule = law().retention.rule_of(ReviewedClass.PERSON, date(2026, 1, 1))
    today = ended_on + timedelta(days=days)
    if ended_on <= rule.ended_by(today):
        assert rule.due_on(ended_on) <= today
    else:
        assert today < rule.due_on(ended_on) + timedelta(days=2), "a month-end makes it a day later, no more"


async def gone(office: Office, resident: Resident, left_on: date = LEFT) -> Resident:
    """Somebody who lived here and left."""
    with office.on(left_on):
        if not resident.person_id:
            await resident.register_person()
        await resident.register_residence(left_on)
        ended = f"/v1/residence-registrations/{resident.registration_id}/end"
        expect(await resident.caller.post(ended, {"reason": "left"}), 200)
    return resident


async def reviews(caller: Caller, person_id: str, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        options = "&".join(f"{name}={value}" for name, value in {**query, "cursor": cursor, "limit": "200"}.items())
        page = expect(await caller.get(f"{PATH}?{options}"), 200)
        found += page["items"]
        cursor = page["next_cursor"]
    return [item for item in found if item["person_id"] == person_id]


async def test_who_left_is_due_a_year_later_and_kept_for_a_reason_until_another_day(office: Office, resident: Resident) -> None:
    await gone(office, resident)
    with office.on(DUE - timedelta(days=1)):
        await office.run_job(review_retention)
        assert await reviews(resident.caller, resident.person_id) == []
    with office.on(DUE + timedelta(days=9)):
        for _ in range(2):
            await office.run_job(review_retention)
        (review,) = await reviews(resident.caller, resident.person_id, status="due")
        assert (review["retention_class"], review["ended_on"], review["due_on"]) == ("person", str(LEFT), str(DUE))
        assert set(review) & {"name", "masked_name", "identity_documents"} == set()
        assert await reviews(office.caller("330281", client="elsewhere"), resident.person_id) == []
        path = f"{PATH}/{review['review_id']}"
        expect(await office.caller("330281", client="elsewhere").get(path), 404)
        for keep_until in ("2025-05-15", "2026-05-16"):
            expect(await resident.caller.post(f"{path}/keep", {"reason_code": "archive", "keep_until": keep_until}), 422)
        expect(await resident.caller.post(f"{path}/keep", {"reason_code": "habit", "keep_until": "2026-05-15"}), 422)
        kept = expect(await resident.caller.post(f"{path}/keep", {"reason_code": "archive", "keep_until": "2026-05-15"}), 200)
        assert (kept["status"], kept["reason"]["rule"], kept["version"]) == ("kept", "V-67", 2)
        expect(await resident.caller.post(f"{path}/keep", {"reason_code": "archive", "keep_until": "2026-05-15"}), 409)
        versions = expect(await resident.caller.get(f"{path}/history"), 200)["items"]
        assert [(item["version"], item["state"]["status"]) for item in versions] == [(2, "kept"), (1, "due")]
    for day, due in ((date(2026, 5, 14), []), (date(2026, 5, 15), ["2026-05-15"])):
        with office.on(day):
            await office.run_job(review_retention)
            assert [one["due_on"] for one in await reviews(resident.caller, resident.person_id, status="due")] == due


@pytest.mark.parametrize("restricted", [False, True])
async def test_two_officers_delete_what_is_due_although_nobody_sees_the_person_any_more(
    office: Office, resident: Resident, *, restricted: bool
) -> None:
    await gone(office, resident)
    if restricted:
        with office.on(LEFT):
            await right_decided(resident, "restriction")
    with office.on(LONG_AFTER):
        await office.run_job(review_retention)
        (review,) = await reviews(resident.caller, resident.person_id, status="due")
        path = f"{PATH}/{review['review_id']}"
        assert (await resident.caller.get(f"/v1/persons/{resident.person_id}")).status_code in {403, 404}
        made = expect(await resident.caller.post(f"{path}/deletion"), 201)
        assert (made["act"], made["content"]["reason"]) == ("retention.delete", "retention_over")
        expect(await resident.caller.post(f"{path}/deletion"), 409)
        approve = f"{PROPOSALS}/{made['proposal_id']}/approve"
        assert expect(await resident.caller.post(approve), 403)["type"].endswith("second-officer-needed")
        assert expect(await second(office).post(approve), 200)["status"] == "approved"
        after = expect(await resident.caller.get(path), 200)
        assert (after["status"], after["decided_on"]) == ("deleted", str(LONG_AFTER))
        assert await office.rows("SELECT FROM person WHERE person_id = $1", resident.person_id) == []
        assert (await office.events_about(resident.person_id))[-1]["event_type"] == "registry.person.deleted.v1"
        versions = expect(await resident.caller.get(f"{path}/history"), 200)["items"]
        assert versions[0]["proposed_by"] == "officer-1"
        await office.run_job(review_retention)
        assert await reviews(resident.caller, resident.person_id, status="due") == []


async def test_what_stands_against_a_deletion_is_told(office: Office, resident: Resident, cixi: Caller) -> None:
    await gone(office, resident)
    other = await Resident(office, cixi).register_person()
    with office.on(DUE):
        await office.run_job(review_retention)
        (review,) = await reviews(resident.caller, resident.person_id, status="due")
        open_id = await proposed(cixi, resident.person_id, other.person_id)
        path = f"{PATH}/{review['review_id']}/deletion"
        refused = expect(await cixi.post(path), 201)
        assert (refused["status"], [reason["code"] for reason in refused["reasons"]]) == ("refused", ["open_case"])
        expect(await second(office).post(f"{PROPOSALS}/{open_id}/decline"), 200)
        assert expect(await cixi.post(path), 201)["status"] == "open"


async def test_who_came_back_or_is_known_by_another_id_is_due_no_more(office: Office, resident: Resident, cixi: Caller) -> None:
    await gone(office, resident)
    alias = await gone(office, Resident(office, cixi))
    with office.on(DUE):
        await office.run_job(review_retention)
        kept = await Resident(office, cixi).register_person()
        await resident.register_residence(DUE)
        await merged(office, cixi, kept.person_id, alias.person_id)
        await office.run_job(review_retention)
        for one in (resident, alias):
            assert [review["status"] for review in await reviews(cixi, one.person_id)] == ["returned"]
    with office.on(DUE + timedelta(days=40)):
        ended = f"/v1/residence-registrations/{resident.registration_id}/end"
        expect(await cixi.post(ended, {"reason": "left"}), 200)
    with office.on(DUE + timedelta(days=500)):
        await office.run_job(review_retention)
        assert [review["status"] for review in await reviews(cixi, resident.person_id)] == ["returned", "due"]


async def test_on_a_day_without_a_rule_nothing_is_due_and_the_list_is_read(office: Office, cixi: Caller) -> None:
    for day in (date(1900, 1, 1), date(2021, 10, 31), date(2199, 12, 31)):
        with office.on(day):
            expect(await cixi.get(PATH), 200)
    with office.on(date(2021, 10, 31)):
        before = await office.rows("SELECT count(*) AS n FROM retention_review")
        await office.run_job(review_retention)
        assert await office.rows("SELECT count(*) AS n FROM retention_review") == before
