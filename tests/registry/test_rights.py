"""Rights of the person: clocks, who may ask, decisions with reasons, a copy of everything, restriction, deletion."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.jobs import Scheduler
from services.registry.actions import rights_clock
from services.registry.actions.law import LAW
from services.registry.jobs import JOBS, settle_request_terms, tell_of_overdue_requests
from services.registry.rules.rights import Requester, RequesterFacts, RightsKind, why_not_entitled
from services.registry.rules.rights_clock import (
    Clock,
    ClockAct,
    ClockStep,
    is_abandoned,
    term_of,
    why_not_decidable,
    why_not_lawful,
)
from tests.registry.calendars import with_2027
from tests.registry.case_files import Case, cases, law
from tests.registry.conftest import Office, Resident, expect
from tests.registry.employers import registered as employer_of
from tests.registry.employers import taken_on
from tests.registry.factories import a_paper, a_person, a_residence, citizen_number
from tests.registry.homes import register_home
from tests.registry.test_field_work import DAY, Walk, to_person
from tests.registry.test_field_work import registered as visited
from tests.registry.test_merging import merged, parted
from tests.registry.test_person_deletion import deleted
from tests.running import Caller

PATH = "/v1/rights-requests"


@pytest.mark.parametrize("case", cases("rights", "term"))
def test_every_request_has_its_clock(case: Case) -> None:
    term = term_of(Clock(RightsKind(case["kind"]), case["received_on"]), law().rights, law().working_days)
    assert (term.due_on, term.is_provisional) == (case["due_on"], False)


def clock(case: Case) -> Clock:
    steps = tuple(ClockStep(**step | {"act": ClockAct(step["act"])}) for step in case.get("steps", ()))
    return Clock(RightsKind(case.get("kind", "information")), case.get("received_on", date(2026, 3, 2)), steps)


@pytest.mark.parametrize("case", cases("rights", "clock"))
def test_what_happens_to_the_clock_of_an_information_request(case: Case) -> None:
    assert term_of(clock(case), law().rights, law().working_days).due_on == case["due_on"]


@pytest.mark.parametrize("case", cases("rights", "clock_act"))
def test_what_may_happen_to_the_clock(case: Case) -> None:
    reasons = why_not_lawful(ClockAct(case["act"]), clock(case), case["on"], law().rights, law().working_days)
    assert [reason.code for reason in reasons] == case["reasons"]
    assert all(reason.article and reason.message_zh and reason.message_en for reason in reasons)


@pytest.mark.parametrize("case", cases("rights", "decidable"))
def test_whom_a_decision_waits_for(case: Case) -> None:
    assert [reason.code for reason in why_not_decidable(clock(case), case["on"])] == case["reasons"]


@pytest.mark.parametrize("case", cases("rights", "abandoned"))
def test_when_a_request_counts_as_given_up(case: Case) -> None:
    assert is_abandoned(clock(case), case["on"]) is case["is_abandoned"]


def test_a_third_party_asked_after_a_day_that_was_only_guessed_leaves_no_term_below_nothing() -> None:
    """The calendar of 2027 is not held: the term may be over, and nobody can say so."""
    asked = ClockStep(ClockAct.THIRD_PARTY_ASKED, date(2027, 2, 26), until=date(2027, 3, 19))
    late = Clock(RightsKind.INFORMATION, date(2026, 12, 21), (asked,))
    term = term_of(late, law().rights, law().working_days)
    assert (term.due_on, term.is_provisional) == (date(2027, 3, 19), True)


@given(
    received_on=st.dates(date(2024, 1, 8), date(2026, 5, 1)),
    gaps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 25)), max_size=3),
    extension=st.integers(0, 20),
)
def test_asking_third_parties_takes_no_working_day_from_the_office(
    received_on: date, gaps: list[tuple[int, int]], extension: int
) -> None:
    """However often somebody is asked: the days on which the office could work are those of the term, and the extension's."""
    calendar, day, spent, spent_so_far = law().working_days, received_on, 0, 0
    steps: list[ClockStep] = []
    for used, asked_for in gaps:
        asked_on = day + timedelta(days=used)
        spent += calendar.working_days_between(day, asked_on)
        if spent >= 20:
            break
        day = asked_on + timedelta(days=asked_for)
        steps += [ClockStep(ClockAct.THIRD_PARTY_ASKED, asked_on, until=day), ClockStep(ClockAct.THIRD_PARTY_HEARD, day)]
        spent_so_far = spent
    steps.append(ClockStep(ClockAct.EXTENDED, day, working_days=extension))
    due_on = term_of(Clock(RightsKind.INFORMATION, received_on, steps), law().rights, calendar).due_on
    assert spent_so_far + calendar.working_days_between(day, due_on) == 20 + extension


@pytest.mark.parametrize("case", cases("rights", "entitled"))
def test_who_may_ask(case: Case) -> None:
    usual: dict[str, Any] = {"kind": "access_copy", "requester": "self", "on": date(2026, 3, 1), "birth_date": date(1990, 1, 1)}
    given = usual | case["facts"]
    given |= {"kind": RightsKind(given["kind"]), "requester": Requester(given["requester"])}
    given |= {"evidence_types": frozenset(given.get("evidence_types", ()))}
    reasons = why_not_entitled(RequesterFacts(**given), law().rights)
    assert [reason.code for reason in reasons] == case["missing"]
    assert all(reason.article and reason.message_zh and reason.message_en for reason in reasons)


async def received(resident: Resident, kind: str, status: int = 201, **given: Any) -> dict[str, Any]:
    body = {"person_id": resident.person_id, "kind": kind, "requester": "self", "wish": "请办理"} | given
    return expect(await resident.caller.post(PATH, body), status)


async def act(resident: Resident, request: dict[str, Any], verb: str, status: int = 200, **body: Any) -> dict[str, Any]:
    return expect(await resident.caller.post(f"{PATH}/{request['rights_request_id']}/{verb}", body), status)


async def decided(resident: Resident, kind: str, **decision: Any) -> dict[str, Any]:
    request = await received(resident, kind)
    await act(resident, request, "verify", note="窗口核验")
    return await act(resident, request, "decide", **({"outcome": "granted"} | decision))


async def test_a_request_goes_its_way_and_nothing_is_decided_unverified(resident: Resident) -> None:
    await resident.register_person()
    request = await received(resident, "objection")
    assert (request["status"], request["wish"], request["is_overdue"]) == ("received", "请办理", False)
    assert (await act(resident, request, "decide", 409, outcome="granted"))["type"].endswith("act-not-allowed")
    await act(resident, request, "verify", note="窗口核验")
    problem = await act(resident, request, "decide", 422, outcome="refused")
    assert problem["errors"][0]["code"] == "reasons_and_outcome"
    refused = await act(resident, request, "decide", outcome="refused", reason_codes=["statutory_duty"])
    assert [reason["code"] for reason in refused["reasons"]] == ["statutory_duty"]
    assert "第五十条" in refused["remedies"]
    done = await act(resident, request, "complete", note="书面答复已寄出")
    assert (done["status"], done["version"]) == ("done", 4)
    told = expect(await resident.caller.get(f"/v1/notices?person_id={resident.person_id}"), 200)["items"]
    assert [(item["template"], item["parameters"]["outcome"]) for item in told] == [("rights_request_decided", "refused")]


MONDAY = date(2026, 3, 2)
"""Day on which the information requests below come in; its twentieth working day is the 30th."""


async def information_request(office: Office, resident: Resident) -> dict[str, Any]:
    await resident.register_person()
    with office.on(MONDAY):
        request = await received(resident, "information", wish="申请公开本村出租房屋登记情况")
        assert request["due_on"] == "2026-03-30"
        return await act(resident, request, "verify", note="窗口核验")


async def told(resident: Resident) -> list[tuple[str, dict[str, Any]]]:
    listed = expect(await resident.caller.get(f"/v1/notices?person_id={resident.person_id}"), 200)["items"]
    named = [(item["template"], dict(item["parameters"])) for item in listed]
    assert all(parameters.pop("rights_request_id") for _, parameters in named)
    return named


def reasons_in(problem: dict[str, Any]) -> tuple[str, list[str]]:
    return problem["type"].rpartition(":")[2], [reason["code"] for reason in problem["reasons"]]


async def test_an_incomplete_information_request_waits_and_starts_anew(office: Office, resident: Resident) -> None:
    request = await information_request(office, resident)
    with office.on(date(2026, 3, 5)):
        for day in ("2026-03-05", "2026-06-04", "9999-12-31"):
            problem = await act(resident, request, "tell-incomplete", 422, supplement_due_on=day, missing="年度")
            assert problem["errors"][0]["code"] == "not_reasonable"
        waiting = await act(resident, request, "tell-incomplete", supplement_due_on="2026-03-20", missing="请写明年度")
        assert (waiting["supplement_due_on"], waiting["due_on"]) == ("2026-03-20", "2026-04-20")
        assert await told(resident) == [("rights_request_incomplete", {"supplement_due_on": "2026-03-20"})]
    with office.on(date(2026, 3, 10)):
        held_up = await act(resident, request, "decide", 409, outcome="granted")
        assert reasons_in(held_up) == ("rights-request-waits", ["waits_for_supplement"])
        problem = await act(resident, request, "supplement", 422)
        assert problem["errors"][0]["code"] == "nothing_supplemented"
        clear = await act(resident, request, "supplement", wish="申请公开本村2025年度出租房屋登记情况")
        assert (clear["due_on"], clear["supplement_due_on"], clear["status"]) == ("2026-04-08", None, "verified")
        assert "2025" in clear["wish"]
        assert [entry["act"] for entry in clear["clock"]] == ["incomplete_told", "supplemented"]
        again = await act(resident, request, "tell-incomplete", 409, supplement_due_on="2026-03-20", missing="再补")
        assert reasons_in(again) == ("rights-clock-act-not-allowed", ["told_once"])
        assert (await act(resident, request, "decide", outcome="granted"))["status"] == "decided"


async def test_what_is_not_completed_in_time_is_given_up_and_told_once(office: Office, resident: Resident) -> None:
    request = await information_request(office, resident)
    with office.on(date(2026, 3, 11)):
        await act(resident, request, "tell-incomplete", supplement_due_on="2026-03-20", missing="请写明年度")
    jobs = [replace(job, name=f"{job.name} {resident.person_id}") for job in JOBS if job.name == "give-up-requests"]
    replicas = [Scheduler(office.service.runtime, jobs) for _ in range(2)]
    path = f"{PATH}/{request['rights_request_id']}"
    with office.on(date(2026, 3, 20)):
        await replicas[0].run_due()
        assert expect(await resident.caller.get(path), 200)["status"] == "verified"
    with office.on(date(2026, 3, 21)):
        assert expect(await resident.caller.get(path), 200)["status"] == "abandoned"
        listed = expect(await resident.caller.get(f"{PATH}?status=abandoned&person_id={resident.person_id}"), 200)
        assert len(listed["items"]) == 1
        assert (await act(resident, request, "decide", 409, outcome="granted"))["type"].endswith("act-not-allowed")
    with office.on(date(2026, 5, 6)):  # nobody ran for weeks
        for replica in replicas:
            await replica.run_due()
        given_up = expect(await resident.caller.get(path), 200)
        assert (given_up["status"], given_up["version"], given_up["is_overdue"]) == ("abandoned", 4, False)
        assert [template for template, _ in await told(resident)] == ["rights_request_incomplete", "rights_request_abandoned"]
        late = await act(resident, request, "supplement", 409, wish="2025年度")
        assert reasons_in(late) == ("rights-clock-act-not-allowed", ["late_without_reason"])
        again = await act(resident, request, "supplement", wish="2025年度", late_reason="住院,有证明")
        assert (again["status"], again["verified_on"], again["due_on"]) == ("received", None, "2026-06-02")


async def test_an_information_request_is_extended_once_with_a_reason_and_told(office: Office, resident: Resident) -> None:
    request = await information_request(office, resident)
    with office.on(date(2026, 3, 30)):
        problem = await act(resident, request, "extend", 422, working_days=21, reason_code="we_are_busy")
        assert {error["code"] for error in problem["errors"]} == {"too_long", "not_a_reason"}
        extended = await act(resident, request, "extend", working_days=20, reason_code="large_volume")
        assert (extended["due_on"], extended["clock"][0]["reason"]["code"]) == ("2026-04-28", "large_volume")
        again = await act(resident, request, "extend", 409, working_days=1, reason_code="large_volume")
        assert reasons_in(again) == ("rights-clock-act-not-allowed", ["extended_once"])
        assert await told(resident) == [("rights_request_extended", {"due_on": "2026-04-28", "reason": "large_volume"})]
    with office.on(date(2026, 4, 28)):
        assert not expect(await resident.caller.get(f"{PATH}/{request['rights_request_id']}"), 200)["is_overdue"]


async def test_no_article_extends_a_request_about_ones_own_data(office: Office, resident: Resident) -> None:
    await resident.register_person()
    tomorrow = (office.today + timedelta(days=1)).isoformat()
    request = await received(resident, "access_copy")
    acts: dict[str, dict[str, Any]] = {
        "extend": {"working_days": 5, "reason_code": "large_volume"},
        "tell-incomplete": {"supplement_due_on": tomorrow, "missing": "证件"},
        "ask-third-party": {"note": "征求意见"},
        "hear-third-party": {"opinion": "agrees", "note": "同意"},
        "supplement": {"wish": "补充"},
    }
    for verb, body in acts.items():
        assert reasons_in(await act(resident, request, verb, 409, **body))[1] == ["only_for_information"]


async def test_a_third_party_is_heard_in_time_and_its_silence_holds_up_nothing(office: Office, resident: Resident) -> None:
    request = await information_request(office, resident)
    with office.on(date(2026, 3, 9)):
        asked = await act(resident, request, "ask-third-party", note="征求出租人意见")
        assert (asked["clock"][0]["until"], asked["due_on"]) == ("2026-03-30", "2026-04-21")
    with office.on(date(2026, 3, 16)):
        held_up = await act(resident, request, "decide", 409, outcome="granted")
        assert reasons_in(held_up) == ("rights-request-waits", ["third_party_is_asked"])
        heard = await act(resident, request, "hear-third-party", opinion="objects", note="涉及隐私")
        assert (heard["due_on"], heard["clock"][1]["opinion"]) == ("2026-04-07", "objects")
        await act(resident, request, "ask-third-party", note="征求另一方意见")
    with office.on(date(2026, 4, 8)):
        late = await act(resident, request, "hear-third-party", 409, opinion="agrees", note="逾期")
        assert reasons_in(late) == ("rights-clock-act-not-allowed", ["nobody_is_asked"])
        refused = await act(resident, request, "decide", outcome="partly", reason_codes=["others_rights"])
        assert refused["outcome"] == "partly"


async def test_a_guardian_asks_for_a_child(office: Office, resident: Resident) -> None:
    await resident.register_person(number=citizen_number(birth_date=date(2019, 1, 1)), phone=None)
    parent = expect(await resident.caller.post("/v1/persons", a_person()), 201)["person_id"]
    own = await received(resident, "access_copy")
    problem = await act(resident, own, "verify", 409, note="窗口")
    assert [reason["code"] for reason in problem["reasons"]] == ["guardian_asks"]
    request = await received(resident, "access_copy", requester="guardian", requester_person_id=parent)
    assert (await act(resident, request, "verify", 409, note="窗口"))["reasons"][0]["code"] == "guardianship_not_shown"
    kinship = {"person_id": resident.person_id, "related_person_id": parent, "kind": "parent", "valid_from": "2019-01-01"}
    expect(await resident.caller.post("/v1/relationships", kinship), 201)
    assert (await act(resident, request, "verify", note="窗口"))["status"] == "verified"


async def test_the_copy_holds_everything_of_every_table_and_who_has_read_it(office: Office, holder: Resident) -> None:
    number = expect(await holder.caller.get(f"/v1/persons/{holder.person_id}"), 200)["identity_documents"][0]["number"]
    spouse = expect(await holder.caller.post("/v1/persons", a_person()), 201)["person_id"]
    kinship = {"person_id": spouse, "related_person_id": holder.person_id, "kind": "spouse", "valid_from": "2020-01-01"}
    expect(await holder.caller.post("/v1/relationships", kinship), 201)
    expect(await holder.caller.post("/v1/historical-permits", a_paper(holder.person_id)), 201)
    request = await decided(holder, "access_copy")
    assert (await act(holder, request, "complete", 409))["type"].endswith("not-carried-out")
    copy = await act(holder, request, "copy")
    sources = {held["source"] for held in copy["held"]}
    named = await office.rows(
        """SELECT DISTINCT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname = 'person_id'"""
    )
    left_out = {"person_key", "history", "person_resolution", "audit_line"}
    for table in {row["name"] for row in named} - left_out:
        held = await office.rows(f"SELECT count(*) AS n FROM {table} WHERE person_id = $1", holder.person_id)
        assert (held[0]["n"] > 0) == (table in sources) or table == "relationship", table
    text = json.dumps(copy, ensure_ascii=False)
    for value in ("王小明", number, "13805740001", "陈家村东路12号201室", "33028226000123", "330282000123", "请办理"):
        assert value in text
        assert value in copy["text"]
    assert "\\\\x" not in text
    remembered = {(each["source"], each["id"], each["version"]) for each in copy["remembered"]}
    versions = await office.rows(
        "SELECT resource, resource_id, version FROM history WHERE $1 IN (person_id, related_person_id)", holder.person_id
    )
    before_the_copy = {(row["resource"], str(row["resource_id"]), row["version"]) for row in versions} - {
        ("rights_request", request["rights_request_id"], 4)
    }
    assert remembered == before_the_copy
    assert {"residence_permit", "relationship"} <= {source for source, _, _ in remembered}
    assert all(each["state"] for each in copy["remembered"])
    assert {"organisation", "purpose", "fields"} <= set(copy["readings"][0])
    assert any(reading["operation"] == "read" and "name" in reading["fields"] for reading in copy["readings"])
    kept = expect(await holder.caller.get(f"{PATH}/{request['rights_request_id']}"), 200)
    assert kept["copy_sha256"] == copy["sha256"]
    assert (await act(holder, request, "complete"))["status"] == "done"


async def test_a_correction_is_done_when_the_register_says_so(resident: Resident) -> None:
    await resident.register_person()
    request = await decided(resident, "correction")
    await act(resident, request, "complete", 409)
    expect(await resident.caller.patch(f"/v1/persons/{resident.person_id}", {"education_code": "61"}, version=1), 200)
    assert (await act(resident, request, "complete"))["status"] == "done"


async def test_the_copy_is_of_the_human_under_every_id_and_as_it_was(office: Office, resident: Resident) -> None:
    await resident.register_person(name="旧名字")
    other = expect(await resident.caller.post("/v1/persons", a_person(name="另一条记录")), 201)["person_id"]
    expect(await resident.caller.patch(f"/v1/persons/{resident.person_id}", {"name": "新名字"}, version=1), 200)
    await merged(office, resident.caller, resident.person_id, other)
    copy = await act(resident, await decided(resident, "access_copy"), "copy")
    for value in ("旧名字", "新名字", "另一条记录"):
        assert value in json.dumps(copy, ensure_ascii=False)
        assert value in copy["text"]


async def test_who_was_shown_the_data_is_listed_and_told_of_a_correction(office: Office, resident: Resident) -> None:
    """A town that let go of the person years ago follows no events: the office tells it, or the correction is not done."""
    await resident.register_person()
    await resident.register_residence(date(2022, 1, 10), division_code="330282109")
    former, passing = office.caller("330282109"), office.caller("330282106")
    with office.on(date(2022, 2, 1)):
        expect(await former.get(f"/v1/persons/{resident.person_id}"), 200)
    await resident.register_residence(date(2022, 6, 1), division_code="330282104")
    document = expect(await resident.caller.get(f"/v1/persons/{resident.person_id}"), 200)["identity_documents"][0]
    named = {"identity_document": {"type": "citizen_id", "number": document["number"]}, "name": "王小明"}
    expect(await passing.post("/v1/persons/resolve", named), 200)
    request = await decided(resident, "correction")
    patch = f"/v1/persons/{resident.person_id}"
    expect(await resident.caller.patch(patch, {"education_code": "61"}, version=1), 200)
    path = f"{PATH}/{request['rights_request_id']}/recipients"
    shown = expect(await resident.caller.get(path), 200)["recipients"]
    assert {each["division"]: each["is_told"] for each in shown} == {"330282": True, "330282109": False}
    assert "name" in next(each["fields"] for each in shown if not each["is_told"])
    expect(await former.get(path), 404)
    problem = await act(resident, request, "complete", 409)
    assert (problem["type"].rpartition(":")[2], problem["recipients"]) == ("rights-recipients-not-told", 1)
    assert (await act(resident, request, "complete", note="已函告", recipients_are_told=True))["status"] == "done"


async def test_a_restricted_person_is_told_to_be_and_nothing_else(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today - timedelta(days=30))
    request = await received(resident, "restriction")
    await act(resident, request, "verify", note="窗口核验")
    problem = await act(resident, request, "decide", 409, outcome="granted")
    assert (problem["type"].rpartition(":")[2], problem["obstacles"]) == ("restriction-not-lawful", ["current_registration"])
    ended = f"/v1/residence-registrations/{resident.registration_id}"
    expect(await resident.caller.post(f"{ended}/end", {"reason": "left"}), 200)
    await act(resident, request, "decide", outcome="granted")
    for path in ("", "/history", "/residence-registrations", "/residence-permits", "/relationships"):
        answer = expect(await resident.caller.get(f"/v1/persons/{resident.person_id}{path}"), 403)
        assert answer["type"].endswith("person-restricted"), path
        assert answer["restricted_on"] == office.today.isoformat()
    assert (await resident.caller.get(ended)).status_code == 404
    found = expect(await resident.caller.post("/v1/persons/search", {"person_ids": [resident.person_id]}), 200)
    assert found["items"] == []
    assert (await office.events_about(resident.person_id))[-1]["event_type"] == "registry.restriction.imposed.v1"
    again = await act(resident, request, "lift", note="本人申请解除")
    assert again["lifted_on"] == office.today.isoformat()
    assert expect(await resident.caller.get(f"/v1/persons/{resident.person_id}"), 200)["name"] == "王小明"
    assert (await act(resident, request, "lift", 409, note="再次"))["type"].endswith("restriction-not-in-force")
    assert (await office.events_about(resident.person_id))[-1]["event_type"] == "registry.restriction.lifted.v1"


async def test_somebody_restricted_asks_again_and_is_given_the_copy(office: Office, resident: Resident) -> None:
    """V-20 lets data be stored and nothing else be done with them; V-17 is the person's own right all the same."""
    await resident.register_person()
    restriction = await decided(resident, "restriction")
    request = await decided(resident, "access_copy")
    copy = await act(resident, request, "copy")
    sources = {held["source"]: held["rows"] for held in copy["held"]}
    assert sources["person"][0]["name"] == "王小明"
    assert len(sources["rights_request"]) == 2
    assert (await act(resident, request, "complete", note="当面交付"))["status"] == "done"
    asked = await received(resident, "objection")
    await act(resident, asked, "verify", note="窗口核验")
    refusal = await act(resident, asked, "decide", outcome="refused", reason_codes=["statutory_duty"])
    path = f"{PATH}/{asked['rights_request_id']}/history"
    versions = expect(await resident.caller.get(path), 200)["items"]
    assert [item["state"]["status"] for item in versions] == ["decided", "verified", "received"]
    assert versions[0]["version"] == refusal["version"]

    for other in (office.caller("330281", client="elsewhere"), office.caller("330282104", client="a-town")):
        body = {"person_id": resident.person_id, "kind": "access_copy", "requester": "self"}
        expect(await other.post(PATH, body), 404)
        expect(await other.get(path), 404)
    expect(await resident.caller.get(f"/v1/persons/{resident.person_id}"), 403)
    assert expect(await resident.caller.post("/v1/persons/search", {"person_ids": [resident.person_id]}), 200)["items"] == []
    await act(resident, restriction, "lift", note="本人申请解除")
    assert expect(await resident.caller.get(f"/v1/persons/{resident.person_id}"), 200)["name"] == "王小明"


async def test_two_restrictions_of_one_human_end_each_with_its_own_when_the_two_are_parted(
    office: Office, resident: Resident, cixi: Caller
) -> None:
    kept = await resident.register_person()
    number = citizen_number()
    alias = Resident(office, cixi, await entered_as(cixi, "李小芳", number))
    of_alias = await received(alias, "restriction")
    await act(alias, of_alias, "verify", note="窗口核验")
    await merged(office, cixi, kept.person_id, alias.person_id)
    of_kept = await decided(kept, "restriction")
    await act(alias, of_alias, "decide", outcome="granted")
    assert await restricted_holds(office, kept) == await restricted_holds(office, alias) == {True}
    await act(kept, of_kept, "lift", note="本人申请解除")
    assert await restricted_holds(office, kept) == await restricted_holds(office, alias) == {True}, "one is in force"

    await comes_again(office, cixi, "李小芳", number)
    await parted(office, cixi, kept.person_id, alias.person_id)
    assert await restricted_holds(office, kept) == {False}
    assert True in await restricted_holds(office, alias)
    await act(alias, of_alias, "lift", note="本人申请解除")
    assert await restricted_holds(office, alias) == {False}


async def entered_as(caller: Caller, name: str, number: str) -> str:
    """Somebody with that name and number."""
    return str(expect(await caller.post("/v1/persons", a_person(name=name, number=number)), 201)["person_id"])


async def comes_again(office: Office, caller: Caller, name: str, number: str) -> None:
    """Whoever has that name and number lives here again: a new purpose, and a hold of its own."""
    who = {"identity_document": {"type": "citizen_id", "number": number}, "name": name}
    found = expect(await caller.post("/v1/persons/resolve", who), 200)["person_id"]
    body = a_residence(found, started_on=office.today.isoformat())
    expect(await caller.post("/v1/residence-registrations", body), 201)


async def restricted_holds(office: Office, resident: Resident) -> set[bool]:
    """Whether the person's own holds are restricted."""
    sql = "SELECT DISTINCT is_restricted FROM person_division WHERE person_id = $1 AND source <> 'alias'"
    return {row["is_restricted"] for row in await office.rows(sql, resident.person_id)}


async def test_of_somebody_restricted_neither_visits_nor_employments_are_seen(office: Office) -> None:
    factory, cixi = office.caller("330282104"), office.caller()
    with office.on(DAY):
        resident = await visited(office, date(2025, 3, 1))
        visit = to_person(resident.person_id, "found", seen_version=1)
        assert (await Walk(office, cixi).one(visit))["result"] == "stored"
        employment = await taken_on(cixi, resident.person_id, await employer_of(factory), "2025-03-03")
        ended = f"/v1/residence-registrations/{resident.registration_id}/end"
        expect(await resident.caller.post(ended, {"reason": "left"}), 200)
        paths = (f"/v1/field-visits/{visit['visit_id']}", f"/v1/employments/{employment['employment_id']}")
        for path in (*paths, f"{paths[1]}/history"):
            expect(await cixi.get(path), 200)
        request = await decided(resident, "restriction")
        for path in (*paths, f"{paths[1]}/history"):
            expect(await cixi.get(path), 404)
        expect(await factory.get(paths[1]), 404)
        await act(resident, request, "lift", note="本人申请解除")
        for path in paths:
            expect(await cixi.get(path), 200)


async def test_what_an_alias_brought_along_is_restricted_with_the_human(office: Office, cixi: Caller) -> None:
    factory, kept = office.caller("330282104", client="factory"), await Resident(office, cixi).register_person()
    with office.on(DAY):
        alias = await visited(office, date(2025, 3, 1))
        visit = to_person(alias.person_id, "moved", seen_version=9)
        (conflict,) = (await Walk(office, cixi).one(visit))["conflicts"]
        employment = await taken_on(cixi, alias.person_id, await employer_of(factory), "2025-03-03")
        stay = await (await register_home(cixi, let_from="2025-01-01")).check_in(
            alias.person_id, started_at=f"{DAY}T08:00:00+08:00"
        )
        out = {"ended_at": f"{DAY}T09:00:00+08:00", "reason": "checked_out"}
        expect(await cixi.post(f"/v1/stays/{stay['stay_id']}/check-out", out), 200)
        ended = f"/v1/residence-registrations/{alias.registration_id}/end"
        expect(await cixi.post(ended, {"reason": "left"}), 200)
        await merged(office, cixi, kept.person_id, alias.person_id)
        paths = [
            f"/v1/employments/{employment['employment_id']}",
            f"/v1/field-visits/{visit['visit_id']}",
            f"/v1/field-visit-conflicts/{conflict['visit_conflict_id']}",
            f"/v1/stays/{stay['stay_id']}",
        ]
        request = await decided(kept, "restriction")
        for path in paths:
            expect(await cixi.get(path), 404)
        expect(await factory.get(paths[0]), 404)
        for person_id in (kept.person_id, alias.person_id):
            told = expect(await cixi.get(f"/v1/persons/{person_id}"), 403)
            assert (told["type"].rpartition(":")[2], told["restricted_on"]) == ("person-restricted", DAY.isoformat())
        await act(kept, request, "lift", note="本人申请解除")
        for path in paths:
            expect(await cixi.get(path), 200)
        expect(await factory.get(paths[0]), 200)


async def test_a_deletion_completes_its_request_and_takes_the_wish_along(office: Office, resident: Resident) -> None:
    await resident.register_person()
    request = await decided(resident, "deletion")
    await act(resident, request, "complete", 409)
    assert (await deleted(office, resident.caller, resident.person_id))["status"] == "approved"
    kept = expect(await resident.caller.get(f"{PATH}/{request['rights_request_id']}"), 200)
    assert (kept["status"], kept["outcome"], kept["wish"]) == ("done", "granted", None)


async def test_before_the_law_was_in_force_nothing_is_asked_by_it(office: Office, resident: Resident) -> None:
    await resident.register_person()
    with office.on(date(2021, 10, 31)):
        problem = await received(resident, "access_copy", 409)
    assert problem["type"].endswith("rights-law-not-held")
    with office.on(date(2021, 11, 1)):
        request = await received(resident, "access_copy")
    with office.on(date(2021, 10, 31)):
        assert (await act(resident, request, "verify", 409, note="窗口"))["type"].endswith("rights-law-not-held")


async def test_another_office_sees_no_request(office: Office, resident: Resident) -> None:
    await resident.register_person()
    request = await received(resident, "explanation")
    other = office.caller("330282109")
    assert (await other.get(f"{PATH}/{request['rights_request_id']}")).status_code == 404
    body = {"person_id": resident.person_id, "kind": "explanation", "requester": "self"}
    assert (await other.post(PATH, body)).status_code == 404
    assert (await act(resident, request, "withdraw"))["status"] == "withdrawn"


async def test_overdue_requests_are_listed_and_told_once(office: Office, resident: Resident) -> None:
    await resident.register_person()
    received_on = office.today
    request = await received(resident, "explanation")
    jobs = [replace(job, name=f"{job.name} {resident.person_id}") for job in JOBS if job.name == "tell-of-overdue-requests"]
    replicas = [Scheduler(office.service.runtime, jobs) for _ in range(2)]
    due_on = date.fromisoformat(request["due_on"])
    assert due_on == received_on + timedelta(days=30)
    for day in (due_on, due_on + timedelta(days=3), due_on + timedelta(days=4)):
        with office.on(day):
            for replica in replicas:
                assert await replica.run_due() == []
            path = f"{PATH}?overdue=true&person_id={resident.person_id}"
            listed = expect(await resident.caller.get(path), 200)["items"]
            assert [item["rights_request_id"] for item in listed] == ([] if day == due_on else [request["rights_request_id"]])
    told = expect(await resident.caller.get(f"/v1/notices?person_id={resident.person_id}"), 200)["items"]
    assert [(item["template"], item["requested_on"]) for item in told] == [
        ("rights_request_overdue", (due_on + timedelta(days=3)).isoformat())
    ]


async def test_a_term_that_was_only_guessed_is_late_for_nobody_until_the_calendar_comes(
    office: Office, resident: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Received in December, before the State Council's notice of the next year; then the release that holds it is installed."""
    await resident.register_person()
    with office.on(date(2026, 12, 21)):
        request = await received(resident, "information")
    assert (request["due_on"], request["is_due_provisional"]) == ("2027-01-18", True)
    path = f"{PATH}?overdue=true&person_id={resident.person_id}"
    with office.on(date(2027, 1, 20)):
        assert expect(await resident.caller.get(path), 200)["items"] == []
        await office.run_job(tell_of_overdue_requests)
        assert await told(resident) == []
        await office.run_job(settle_request_terms)  # no notice yet: nothing to settle
        monkeypatch.setattr(rights_clock, "LAW", replace(LAW, working_days=with_2027()))
        await office.run_job(settle_request_terms)
        (late,) = expect(await resident.caller.get(path), 200)["items"]
        assert (late["due_on"], late["is_due_provisional"], late["version"]) == ("2027-01-19", False, 2)
        await office.run_job(tell_of_overdue_requests)
    assert await told(resident) == [("rights_request_overdue", {"due_on": "2027-01-19"})]
