"""Residence permits through the door: the boundaries of residence.md §3.1, every act, the law clock, and races."""

import asyncio
from datetime import date
from typing import Any

import pytest

from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import EVERY_SCOPE, a_residence, an_application

REGISTERED, ISSUED = date(2023, 3, 15), date(2023, 9, 15)
FIRST_WINDOW = ("2024-02-15", "2024-03-14")


def codes(permit: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in permit["reasons"]]


@pytest.mark.parametrize(
    ("registered_on", "applied_on", "status"),
    [
        (date(2023, 3, 15), date(2023, 9, 14), "refused"),
        (date(2023, 3, 15), date(2023, 9, 15), "accepted"),
        (date(2023, 8, 31), date(2024, 2, 28), "refused"),
        (date(2023, 8, 31), date(2024, 2, 29), "accepted"),
    ],
)
async def test_half_a_year_to_the_day(resident: Resident, registered_on: date, applied_on: date, status: str) -> None:
    await resident.register_person()
    await resident.register_residence(registered_on)
    assert (await resident.apply(applied_on))["status"] == status


@pytest.mark.parametrize(("is_remote", "due_on"), [(False, "2024-03-16"), (True, "2024-03-31")])
async def test_the_last_day_for_issuing(resident: Resident, is_remote: bool, due_on: str) -> None:
    await resident.register_person()
    await resident.register_residence(REGISTERED)
    assert (await resident.apply(date(2024, 3, 1), is_remote=is_remote))["due_on"] == due_on


async def test_a_refusal_is_a_stored_decision_with_every_reason(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(REGISTERED)
    refused = await resident.apply(date(2023, 9, 1), evidence=[{"type": "lease"}])
    assert (refused["status"], refused["eligible_from"]) == ("refused", "2023-09-15")
    assert set(codes(refused)) == {"half_year_not_complete", "ground_evidence_missing"}
    assert all(reason["article"] and reason["message_zh"] and reason["message_en"] for reason in refused["reasons"])
    assert await resident.permit(date(2023, 9, 1)) == refused
    event = (await office.events_about(resident.person_id))[-1]
    assert event["event_type"] == "registry.residence_permit.refused.v1"
    assert set(event["data"]["reason_codes"]) == set(codes(refused))
    history = expect(await resident.caller.get(f"/v1/residence-permits/{resident.permit_id}/history"), 200)["items"]
    assert [item["state"]["status"] for item in history] == ["refused"]
    await resident.act("issue", date(2023, 9, 15), status=409)
    again = await resident.apply(date(2023, 9, 15))
    assert again["status"] == "accepted"
    page = expect(await resident.caller.get(f"/v1/persons/{resident.person_id}/residence-permits"), 200)
    assert [item["status"] for item in page["items"]] == ["accepted", "refused"]


async def test_without_registration_nobody_is_eligible(office: Office, resident: Resident) -> None:
    await resident.register_person()
    refused = await resident.apply(office.today)
    assert codes(refused) == ["registration_missing"]
    assert refused["eligible_from"] is None


@pytest.mark.parametrize(
    ("ground", "evidence", "status"),
    [
        ("home", [{"type": "lease"}], "accepted"),
        ("study", [{"type": "student_card"}], "accepted"),
        ("employment", [{"type": "labour_contract", "valid_until": "2023-09-15"}], "accepted"),
        ("employment", [{"type": "labour_contract", "valid_until": "2023-09-14"}], "refused"),
        ("study", [{"type": "labour_contract"}], "refused"),
        ("home", [], "refused"),
    ],
)
async def test_each_ground_needs_a_paper_of_its_own_in_force(
    resident: Resident, ground: str, evidence: list[dict[str, str]], status: str
) -> None:
    await resident.register_person()
    await resident.register_residence(REGISTERED)
    assert (await resident.apply(ISSUED, ground=ground, evidence=evidence))["status"] == status


async def test_one_open_permit_at_a_time(holder: Resident) -> None:
    with holder.office.on(date(2023, 10, 1)):
        problem = expect(await holder.caller.post("/v1/residence-permits", an_application(holder.person_id)), 409)
    assert problem["permit_id"] == holder.permit_id


async def test_the_issued_permit_shows_its_first_window_and_its_years(holder: Resident) -> None:
    permit = await holder.permit(date(2023, 10, 1))
    assert (permit["status"], permit["issued_on"], permit["card_status"]) == ("valid", "2023-09-15", "in_use")
    assert (permit["endorsement_from"], permit["endorsement_until"]) == FIRST_WINDOW
    assert permit["residence_years"] == {"counted_from": "2023-03-15", "whole_years": 0, "is_counting": True}
    assert permit["card_number_masked"] == "****0123"


@pytest.mark.parametrize(("on", "status"), [(date(2024, 2, 14), 409), (date(2024, 2, 15), 200), (date(2024, 3, 14), 200)])
async def test_the_window_opens_and_closes_to_the_day(holder: Resident, on: date, status: int) -> None:
    answer = await holder.act("endorse", on, status=status)
    if status == 409:
        assert answer["type"].endswith("endorsement-window")
        assert (answer["endorsement_from"], answer["endorsement_until"]) == FIRST_WINDOW
    else:
        assert answer["endorsement"] == {"accepted": True, "is_late": False, "reasons": []}
        assert (answer["endorsement_from"], answer["endorsement_until"]) == ("2025-02-15", "2025-03-14")
        assert answer["residence_years"]["counted_from"] == "2023-03-15"


async def test_the_law_clock_suspends_before_anybody_writes_it_down(office: Office, holder: Resident) -> None:
    assert (await holder.permit(date(2024, 3, 14)))["status"] == "valid"
    permit = await holder.permit(date(2024, 3, 15))
    assert (permit["status"], permit["suspended_on"], permit["suspension_cause"]) == ("suspended", "2024-03-15", "not_endorsed")
    assert permit["version"] == 2
    with office.on(date(2024, 3, 20)):
        await office.run_jobs()
    written = await holder.permit(date(2024, 3, 20))
    assert (written["version"], written["suspended_on"]) == (3, "2024-03-15")
    assert (await office.events_about(holder.person_id))[-1]["event_type"] == "registry.residence_permit.suspended.v1"
    with office.on(date(2024, 3, 21)):
        await office.run_jobs()
    assert (await holder.permit(date(2024, 3, 21)))["version"] == 3


@pytest.mark.parametrize("job_ran", [True, False])
async def test_a_late_endorsement_restores_and_restarts_the_years(office: Office, holder: Resident, job_ran: bool) -> None:
    if job_ran:
        with office.on(date(2024, 3, 15)):
            await office.run_jobs()
    restored = await holder.act("endorse", date(2024, 5, 10))
    assert (restored["status"], restored["suspended_on"], restored["endorsement"]["is_late"]) == ("valid", None, True)
    assert restored["residence_years"] == {"counted_from": "2024-05-10", "whole_years": 0, "is_counting": True}
    assert (restored["endorsement_from"], restored["endorsement_until"]) == ("2025-04-10", "2025-05-09")
    assert (await holder.permit(date(2025, 5, 10)))["status"] == "suspended"
    types = [event["event_type"].rsplit(".", 2)[1] for event in await office.events_about(holder.person_id)]
    assert types[-4:] == ["accepted", "issued", "suspended", "endorsed"]


async def test_years_are_counted_over_several_endorsements(holder: Resident) -> None:
    for year in (2024, 2025, 2026):
        await holder.act("endorse", date(year, 3, 1))
    permit = await holder.permit(date(2026, 3, 15))
    assert permit["residence_years"] == {"counted_from": "2023-03-15", "whole_years": 3, "is_counting": True}
    assert permit["endorsed_on"] == ["2024-03-01", "2025-03-01", "2026-03-01"]


async def test_no_endorsement_without_the_conditions(office: Office, holder: Resident) -> None:
    refused = await holder.act("endorse", date(2024, 3, 1), {"conditions_hold": False})
    assert refused["endorsement"]["accepted"] is False
    assert [reason["rule"] for reason in refused["endorsement"]["reasons"]] == ["RR-33"]
    assert (refused["status"], refused["version"], refused["endorsed_on"]) == ("valid", 2, [])
    rows = await office.rows("SELECT accepted, reasons FROM endorsement WHERE permit_id = $1", holder.permit_id)
    assert [row["accepted"] for row in rows] == [False]
    assert rows[0]["reasons"][0]["code"] == "conditions_no_longer_hold"
    assert (await holder.act("endorse", date(2024, 3, 2)))["endorsement"]["accepted"] is True


async def test_no_endorsement_after_leaving_and_the_permit_is_not_ended_silently(office: Office, holder: Resident) -> None:
    await leave(holder, date(2024, 2, 20))
    assert (await holder.permit(date(2024, 2, 20)))["status"] == "valid"
    refused = await holder.act("endorse", date(2024, 3, 1))
    assert [reason["code"] for reason in refused["endorsement"]["reasons"]] == ["registration_lapsed"]


async def leave(holder: Resident, on: date) -> None:
    with holder.office.on(on):
        path = f"/v1/residence-registrations/{holder.registration_id}/end"
        expect(await holder.caller.post(path, {"reason": "left"}), 200)


@pytest.mark.parametrize(
    ("came_back", "endorsed_on", "refusal"),
    [
        (date(2023, 10, 11), date(2024, 3, 1), []),  # ten days away: the stay goes on
        (date(2023, 10, 12), date(2024, 3, 1), ["new_half_year_not_complete"]),
        (date(2023, 10, 12), date(2024, 4, 11), ["new_half_year_not_complete"]),
        (date(2023, 10, 12), date(2024, 4, 12), []),
    ],
)
async def test_a_broken_stay_owes_a_new_half_year_before_an_endorsement(
    holder: Resident, came_back: date, endorsed_on: date, refusal: list[str]
) -> None:
    await leave(holder, date(2023, 10, 1))
    await holder.register_residence(came_back)
    answer = await holder.act("endorse", endorsed_on)
    assert [reason["code"] for reason in answer["endorsement"]["reasons"]] == refusal


async def test_nothing_is_issued_to_who_has_left(resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(REGISTERED)
    await resident.apply(ISSUED)
    await leave(resident, date(2023, 9, 16))
    problem = await resident.act("issue", date(2023, 9, 17), status=409)
    assert problem["type"].endswith("permit-not-issuable")
    await resident.register_residence(date(2023, 9, 20))
    assert (await resident.act("issue", date(2023, 9, 21)))["status"] == "valid"


async def test_restarted_years_stay_restarted_in_the_next_permit(holder: Resident) -> None:
    late = await holder.act("endorse", date(2024, 5, 6))
    assert late["residence_years"]["counted_from"] == "2024-05-06"
    await holder.act("end", date(2024, 5, 7), {"reason": "surrendered"})
    assert (await holder.apply(date(2024, 5, 8)))["eligible_from"] == "2023-09-15"
    issued = await holder.act("issue", date(2024, 5, 9))
    assert issued["residence_years"]["counted_from"] == "2024-05-06"


async def test_an_open_permit_is_not_lost_from_sight(office: Office, holder: Resident) -> None:
    await leave(holder, date(2023, 10, 1))
    long_after = date(2029, 1, 2)  # more than two years after the person was entered, too
    assert (await holder.permit(long_after))["status"] == "suspended"
    stranger = Resident(office, office.caller("330281"), permit_id=holder.permit_id)
    with office.on(long_after):
        expect(await stranger.caller.get(f"/v1/residence-permits/{holder.permit_id}"), 404)
    await holder.act("end", long_after, {"reason": "left"})
    assert (await holder.permit(date(2031, 1, 1)))["status"] == "ended"
    with office.on(date(2031, 1, 2)):
        expect(await holder.caller.get(f"/v1/residence-permits/{holder.permit_id}"), 404)


async def test_no_endorsement_for_whom_the_register_knows_as_local(holder: Resident) -> None:
    path, local = f"/v1/persons/{holder.person_id}", {"hukou_division_code": "330282"}
    expect(await holder.caller.patch(path, local, version=1), 200)
    refused = await holder.act("endorse", date(2024, 3, 1))
    assert [reason["code"] for reason in refused["endorsement"]["reasons"]] == ["conditions_no_longer_hold"]
    assert refused["endorsed_on"] == []


async def test_an_officers_suspension_is_lifted_on_any_day_and_costs_no_years(holder: Resident) -> None:
    await holder.act("suspend", date(2023, 11, 1), {"reason": "核查中"})
    permit = await holder.permit(date(2023, 11, 2))
    assert (permit["status"], permit["suspension_cause"]) == ("suspended", "officer")
    assert "核查中" not in str(permit)
    await holder.act("suspend", date(2023, 11, 3), {"reason": "再次"}, status=409)
    lifted = await holder.act("endorse", date(2023, 11, 10))
    assert (lifted["status"], lifted["endorsement"]["is_late"]) == ("valid", False)
    assert lifted["residence_years"]["counted_from"] == "2023-03-15"
    assert (lifted["endorsement_from"], lifted["endorsement_until"]) == FIRST_WINDOW


async def test_a_lost_card_is_replaced_and_the_permit_stays_what_it_was(holder: Resident) -> None:
    await holder.act("report-loss", date(2023, 12, 1), {"lost_on": "2023-12-02"}, status=422)
    lost = await holder.act("report-loss", date(2023, 12, 1), {"lost_on": "2023-11-30"})
    assert (lost["status"], lost["card_status"], lost["lost_on"]) == ("valid", "reported_lost", "2023-11-30")
    await holder.act("report-loss", date(2023, 12, 1), status=409)
    replaced = await holder.act("replace", date(2023, 12, 5), {"cause": "lost", "card_number": "33028226000777"})
    assert (replaced["status"], replaced["card_status"], replaced["lost_on"]) == ("valid", "in_use", None)
    assert (replaced["card_number_masked"], replaced["residence_years"]["counted_from"]) == ("****0777", "2023-03-15")


async def test_a_damaged_card_is_handed_back(holder: Resident) -> None:
    problem = await holder.act("replace", date(2023, 12, 5), {"cause": "damaged"}, status=422)
    assert [(error["pointer"], error["rule"]) for error in problem["errors"]] == [("/is_old_card_returned", "RR-34")]
    assert (await holder.act("replace", date(2023, 12, 5), {"cause": "damaged", "is_old_card_returned": True}))["version"] == 3


async def test_a_suspended_permit_keeps_being_suspended_when_its_card_is_replaced(holder: Resident) -> None:
    replaced = await holder.act("replace", date(2024, 4, 1), {"cause": "lost"})
    assert replaced["status"] == "suspended"


async def test_an_ended_permit_is_over_and_a_new_one_may_follow(office: Office, holder: Resident) -> None:
    await holder.act("end", date(2024, 1, 10), {"reason": "surrendered", "ended_on": "2024-01-11"}, status=422)
    ended = await holder.act("end", date(2024, 1, 10), {"reason": "surrendered", "ended_on": "2024-01-09"})
    assert (ended["status"], ended["ended_on"], ended["end_reason"]) == ("ended", "2024-01-09", "surrendered")
    assert (ended["endorsement_from"], ended["card_status"]) == (None, "withdrawn")
    for verb in ("issue", "endorse", "report-loss", "replace"):
        await holder.act(verb, date(2024, 2, 20), status=409)
    await holder.act("suspend", date(2024, 2, 20), {"reason": "x"}, status=409)
    problem = await holder.act("end", date(2024, 2, 20), {"reason": "death"}, status=409)
    assert problem["permit_status"] == "ended"
    assert (await holder.apply(date(2024, 2, 20)))["status"] == "accepted"


async def test_an_accepted_application_is_withdrawn_not_ended(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(REGISTERED)
    await resident.apply(ISSUED)
    withdrawn = await resident.act("end", ISSUED, {"reason": "surrendered"})
    assert (withdrawn["status"], withdrawn["end_reason"]) == ("withdrawn", "surrendered")
    event = (await office.events_about(resident.person_id))[-1]
    assert (event["event_type"], event["data"]["status"]) == ("registry.residence_permit.ended.v1", "withdrawn")


async def test_what_a_permit_gives_follows_its_status(office: Office, holder: Resident) -> None:
    path = f"/v1/persons/{holder.person_id}/entitlements"
    with office.on(date(2023, 10, 1)):
        given = expect(await holder.caller.get(path), 200)
    assert {item["rule"] for item in given["items"]} >= {"RR-40", "RR-41", "RR-42", "RR-43"}
    assert (given["permit_status"], given["reason"], given["permit_id"]) == ("valid", None, holder.permit_id)
    with office.on(date(2024, 3, 15)):
        given = expect(await holder.caller.get(path), 200)
    assert (given["permit_status"], given["items"], given["reason"]["rule"]) == ("suspended", [], "RR-31, RR-32")


async def test_without_a_permit_nothing_is_given_and_the_reason_is_told(resident: Resident) -> None:
    await resident.register_person()
    given = expect(await resident.caller.get(f"/v1/persons/{resident.person_id}/entitlements"), 200)
    assert (given["permit_id"], given["items"], given["reason"]["code"]) == (None, [], "no_permit")


async def test_officers_acts_need_an_officer(office: Office, holder: Resident) -> None:
    nobody = office.caller("330282", actor=None)
    for verb, body in (("issue", {}), ("suspend", {"reason": "x"}), ("replace", {}), ("end", {"reason": "death"})):
        problem = expect(await nobody.post(f"/v1/residence-permits/{holder.permit_id}/{verb}", body), 403)
        assert problem["type"].endswith("actor-required")


async def test_each_act_needs_its_scope(office: Office, holder: Resident) -> None:
    clerk = office.caller("330282", scopes=EVERY_SCOPE - {"registry.permit.decide"})
    path = f"/v1/residence-permits/{holder.permit_id}"
    assert (await clerk.get(path)).status_code == 200
    assert (await clerk.post(f"{path}/suspend", {"reason": "x"})).status_code == 403


async def test_another_county_cannot_touch_a_permit(office: Office, holder: Resident) -> None:
    yuyao, path = office.caller("330281"), f"/v1/residence-permits/{holder.permit_id}"
    for verb in ("issue", "endorse", "report-loss", "replace"):
        assert (await yuyao.post(f"{path}/{verb}")).status_code == 404
    assert (await yuyao.get(path)).status_code == 404
    assert (await yuyao.get(f"{path}/history")).status_code == 404


async def test_a_regime_that_is_not_held_is_said_so(office: Office, resident: Resident) -> None:
    await resident.register_person()
    for day in (date(2010, 1, 1), date(2015, 12, 31), date(2005, 1, 1)):
        with office.on(day):
            problem = expect(await resident.caller.post("/v1/residence-permits", an_application(resident.person_id)), 409)
        assert problem["type"].endswith("regime-not-held")


async def test_a_stale_version_is_told_on_acts(holder: Resident) -> None:
    path = f"/v1/residence-permits/{holder.permit_id}/report-loss"
    with holder.office.on(date(2023, 10, 1)):
        assert (await holder.caller.post(path, headers={"if-match": '"1"'})).status_code == 412
        assert (await holder.caller.post(path, headers={"if-match": '"2"'})).status_code == 200


@pytest.mark.parametrize(
    ("verb", "on", "body"),
    [
        ("endorse", date(2024, 3, 1), {}),
        ("endorse", date(2024, 5, 1), {}),
        ("suspend", date(2023, 10, 1), {"reason": "核查"}),
        ("report-loss", date(2023, 10, 1), {}),
        ("end", date(2023, 10, 1), {"reason": "death"}),
    ],
)
async def test_racing_acts_happen_once(office: Office, holder: Resident, verb: str, on: date, body: dict[str, Any]) -> None:
    path = f"/v1/residence-permits/{holder.permit_id}/{verb}"
    with office.on(on):
        answers = await asyncio.gather(*(holder.caller.post(path, body) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 11
    events = await office.events_about(holder.person_id, with_notices=True)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))


async def test_racing_applications_leave_one_permit(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(REGISTERED)
    with office.on(ISSUED):
        body = an_application(resident.person_id)
        answers = await asyncio.gather(*(resident.caller.post("/v1/residence-permits", body) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11


async def test_the_job_and_an_endorsement_race_to_one_truth(office: Office, holder: Resident) -> None:
    with office.on(date(2024, 4, 2)):
        path = f"/v1/residence-permits/{holder.permit_id}/endorse"
        answer, _ = await asyncio.gather(holder.caller.post(path), office.run_jobs())
        assert expect(answer, 200)["status"] == "valid"
    types = [event["event_type"].rsplit(".", 2)[1] for event in await office.events_about(holder.person_id)]
    assert types[-2:] == ["suspended", "endorsed"]


async def test_years_run_on_through_a_move_within_the_county(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(REGISTERED)
    await resident.register_residence(date(2023, 6, 1), division_code="330282109")
    assert (await resident.apply(ISSUED))["division_code"] == "330282109"
    issued = await resident.act("issue", ISSUED)
    assert issued["residence_years"]["counted_from"] == "2023-03-15"


async def test_a_retry_with_the_same_key_gets_the_same_answer(office: Office, resident: Resident) -> None:
    await resident.register_person()
    body = a_residence(resident.person_id, started_on=office.today.isoformat())
    headers = {"idempotency-key": f"retry-{resident.person_id}"}
    first, second = [await resident.caller.post("/v1/residence-registrations", body, headers=headers) for _ in range(2)]
    assert first.content == second.content
    assert (first.status_code, second.status_code) == (201, 201)
    assert len(await office.events_about(resident.person_id)) == 2


async def move_to_yuyao(holder: Resident, on: date) -> None:
    """Registered in the next county, by an office of the prefecture."""
    with holder.office.on(on):
        body = a_residence(holder.person_id, division_code="330281001", started_on=on.isoformat())
        expect(await holder.office.caller("330200").post("/v1/residence-registrations", body), 201)


async def test_who_lives_in_another_county_now_gets_no_permit_here(resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(REGISTERED)
    await move_to_yuyao(resident, date(2023, 9, 10))
    refused = await resident.apply(ISSUED)
    assert codes(refused) == ["registration_missing"]
    assert (refused["registration_id"], refused["division_code"]) == (None, None)


async def test_who_lives_in_another_county_now_is_not_endorsed_here(holder: Resident) -> None:
    await move_to_yuyao(holder, date(2024, 2, 1))
    refused = await holder.act("endorse", date(2024, 3, 1))
    assert [reason["code"] for reason in refused["endorsement"]["reasons"]] == ["registration_lapsed"]


async def test_a_clock_moved_back_breaks_nothing(holder: Resident) -> None:
    before_issue = date(2023, 9, 1)
    assert (await holder.permit(before_issue))["status"] == "valid"
    assert (await holder.act("endorse", before_issue, status=409))["type"].endswith("endorsement-window")
    assert (await holder.act("report-loss", before_issue))["lost_on"] == "2023-09-15"
    assert (await holder.act("end", before_issue, {"reason": "death"}))["ended_on"] == "2023-09-15"


@pytest.mark.parametrize("back", [date(2023, 9, 1), date(2015, 6, 1), date(2005, 1, 1)])
async def test_acts_on_a_clock_moved_back_count_for_the_day_of_the_application_or_issue(resident: Resident, back: date) -> None:
    await resident.register_person()
    await resident.register_residence(REGISTERED)
    await resident.apply(ISSUED)
    issued = await resident.act("issue", back)
    assert (issued["status"], issued["issued_on"], issued["endorsement_from"]) == ("valid", "2023-09-15", "2024-02-15")
    damaged = {"cause": "damaged", "is_old_card_returned": True}
    assert (await resident.act("replace", back, damaged))["card_status"] == "in_use"
    with resident.office.on(back):
        given = expect(await resident.caller.get(f"/v1/persons/{resident.person_id}/entitlements"), 200)
    assert len(given["items"]) == 17
    assert (await resident.act("suspend", back, {"reason": "核查"}))["suspended_on"] == "2023-09-15"
    assert (await resident.act("end", back, {"reason": "left"}))["ended_on"] == "2023-09-15"


async def test_permits_of_a_person_are_paged(resident: Resident) -> None:
    await resident.register_person()
    made = [(await resident.apply(ISSUED))["permit_id"] for _ in range(3)]
    path = f"/v1/persons/{resident.person_id}/residence-permits?limit=2"
    first = expect(await resident.caller.get(path), 200)
    rest = expect(await resident.caller.get(f"{path}&cursor={first['next_cursor']}"), 200)
    assert [item["permit_id"] for item in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None
