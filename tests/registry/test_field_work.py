"""Field work: batches that come twice, disagreements that stay open, and rates as an independent model counts them."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain
from typing import Any
from uuid import uuid4

import pytest

from services.registry.jobs import compute_rates
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import EVERY_SCOPE
from tests.registry.homes import Home, enter_person, register_home
from tests.registry.rate_model import Seen, counts
from tests.registry.test_merging import merged
from tests.running import Caller

TOWN, BESIDE = "330282113", "330282116"
BATCHES, CONFLICTS = "/v1/field-visits/batches", "/v1/field-visit-conflicts"
AT = "2025-06-10T10:00:00+08:00"
DAY = date(2025, 6, 12)


@dataclass(slots=True)
class Walk:
    """Coordinators on their way through a town."""

    office: Office
    city: Caller
    assigned: set[tuple[str, str]] = field(default_factory=set)

    async def hand_in(self, *visits: dict[str, Any], who: str = "walker-1", status: int = 200) -> dict[str, Any]:
        """POST a batch as a coordinator, who is assigned where it walks."""
        for visit in visits:
            if (who, visit["division_code"]) not in self.assigned and status == 200:
                body = {"coordinator": who, "division_code": visit["division_code"], "valid_from": "2024-01-01"}
                answer = await self.city.post("/v1/coordinator-assignments", body)
                assert answer.status_code in {201, 409}
                self.assigned.add((who, visit["division_code"]))
        return expect(await self.office.caller(actor=who).post(BATCHES, {"visits": list(visits)}), status)

    async def one(self, visit: dict[str, Any], who: str = "walker-1") -> dict[str, Any]:
        """A batch of one: what became of it."""
        (result,) = (await self.hand_in(visit, who=who))["results"]
        return dict(result)


def to_person(person_id: str | None, outcome: str, **given: Any) -> dict[str, Any]:
    """A visit to a person."""
    visit: dict[str, Any] = {
        "visit_id": str(uuid4()),
        "subject": "person",
        "outcome": outcome,
        "visited_at": AT,
        "division_code": TOWN,
    }
    if outcome == "found":
        visit["data_matches"] = True
    return visit | ({"person_id": person_id} if person_id else {}) | given


def to_home(home: Home | None, outcome: str, **given: Any) -> dict[str, Any]:
    """A visit to a home."""
    visit = {"visit_id": str(uuid4()), "subject": "home", "outcome": outcome, "visited_at": AT, "division_code": TOWN}
    return visit | ({"premises_id": home.premises_id} if home else {}) | given


@pytest.fixture
async def walk(office: Office, cixi: Caller) -> AsyncIterator[Walk]:
    """A day in June."""
    with office.on(DAY):
        yield Walk(office, cixi)


async def registered(office: Office, on: date = date(2025, 3, 1), **given: Any) -> Resident:
    """Somebody registered in the town."""
    resident = await Resident(office, office.caller()).register_person()
    return await resident.register_residence(on, division_code=TOWN, **given)


async def test_a_batch_sent_again_changes_nothing(office: Office, walk: Walk) -> None:
    resident = await registered(office)
    visits = [to_person(resident.person_id, "found", seen_version=1), to_person(None, "found_not_registered")]
    before = await office.rows("SELECT version FROM residence_registration WHERE person_id = $1", resident.person_id)
    first = await walk.hand_in(*visits)
    assert (first["stored"], first["repeated"], first["refused"]) == (2, 0, 0)
    again = await walk.hand_in(*reversed(visits))
    assert (again["stored"], again["repeated"], again["refused"]) == (0, 2, 0)
    altered = await walk.one(visits[0] | {"data_matches": False})
    assert (altered["result"], altered["reasons"][0]["code"]) == ("refused", "visit_id_taken")
    assert (await walk.one(visits[0], who="walker-2"))["result"] == "refused"
    rows = await office.rows("SELECT 1 FROM field_visit WHERE visit_id = ANY ($1::uuid[])", [v["visit_id"] for v in visits])
    assert len(rows) == 2
    after = await office.rows("SELECT version FROM residence_registration WHERE person_id = $1", resident.person_id)
    assert before == after, "a visit changes no registration"


async def test_a_batch_raced_against_itself_is_stored_once(walk: Walk) -> None:
    visits = [to_person(None, "found_not_registered") for _ in range(3)]
    await walk.hand_in(to_person(None, "found_not_registered"))
    raced = await asyncio.gather(*(walk.hand_in(*visits) for _ in range(4)))
    assert sum(answer["stored"] for answer in raced) == 3
    assert sum(answer["repeated"] for answer in raced) == 9


async def test_each_visit_is_taken_or_refused_by_itself(office: Office, walk: Walk) -> None:
    resident = await registered(office)
    visits = [
        to_person(resident.person_id, "moved"),
        to_person(resident.person_id, "found", data_matches=None),
        to_person(str(uuid4()), "not_found"),
        to_person(None, "found_not_registered", visited_at="2025-06-13T10:00:00+08:00"),
        to_person(None, "found_not_registered", visited_at="2025-05-01T10:00:00+08:00"),
    ]
    results = (await walk.hand_in(*visits))["results"]
    assert [[reason["code"] for reason in result["reasons"]] for result in results] == [
        [],
        ["data_matches_unclear"],
        ["subject_not_found"],
        ["in_future"],
        ["visit_too_old"],
    ]


async def test_only_where_and_when_assigned(office: Office, walk: Walk) -> None:
    body = {"coordinator": "walker-9", "division_code": f"{TOWN}201", "valid_from": "2025-01-01"}
    made = expect(await walk.city.post("/v1/coordinator-assignments", body), 201)
    assert (await walk.city.post("/v1/coordinator-assignments", body)).status_code == 409
    walker = office.caller(actor="walker-9")

    async def reasons(**given: Any) -> list[str]:
        batch = {"visits": [to_person(None, "found_not_registered", **given)]}
        (result,) = expect(await walker.post(BATCHES, batch), 200)["results"]
        return [reason["code"] for reason in result["reasons"]]

    assert await reasons(division_code=f"{TOWN}201") == []
    assert await reasons(division_code=f"{TOWN}202") == ["not_assigned"]
    assert await reasons() == ["not_assigned"]
    path = f"/v1/coordinator-assignments/{made['assignment_id']}"
    expect(await walk.city.post(f"{path}/end", {"valid_until": "2025-06-10"}), 200)
    assert await reasons(division_code=f"{TOWN}201") == ["not_assigned"]
    expect(await walk.city.post(f"{path}/end", {"valid_until": "2025-06-10"}), 409)
    versions = expect(await walk.city.get(f"{path}/history"), 200)["items"]
    assert [(item["version"], item["state"]["valid_until"]) for item in versions] == [(2, "2025-06-10"), (1, None)]
    expect(await office.caller("330281", client="elsewhere").get(f"{path}/history"), 404)
    outside = {"visits": [to_person(None, "found_not_registered", division_code="330281001")]}
    expect(await walker.post(BATCHES, outside), 403)


async def test_where_the_register_changed_since_both_stand_until_an_officer_decides(office: Office, walk: Walk) -> None:
    resident = await registered(office)
    change = {"changed_on": "2025-06-01", "division_code": TOWN, "address": "新街1号"}
    path = f"/v1/residence-registrations/{resident.registration_id}/address-change"
    expect(await walk.city.post(path, change), 200)
    visit = to_person(resident.person_id, "moved", seen_version=1)
    (conflict,) = (await walk.one(visit))["conflicts"]
    assert (conflict["kind"], conflict["seen_version"], conflict["current_version"]) == ("register_changed", 1, 2)
    assert (await walk.one(visit))["conflicts"] == [conflict], "told again with the same batch"
    listed = expect(await walk.city.get(f"{CONFLICTS}?status=open&division_code={TOWN}&limit=200"), 200)["items"]
    assert conflict["visit_conflict_id"] in {item["visit_conflict_id"] for item in listed}
    decide = f"{CONFLICTS}/{conflict['visit_conflict_id']}/decide"
    expect(await walk.city.post(decide, {"decision": "other_counts"}), 422)
    decided = expect(await walk.city.post(decide, {"decision": "neither_counts"}), 200)
    assert (decided["decision"], decided["decided_on"], decided["version"]) == ("neither_counts", DAY.isoformat(), 2)
    expect(await walk.city.post(decide, {"decision": "visit_counts"}), 409)
    versions = expect(await walk.city.get(f"{CONFLICTS}/{conflict['visit_conflict_id']}/history"), 200)["items"]
    assert [(item["version"], item["state"]["decision"]) for item in versions] == [(2, "neither_counts"), (1, None)]
    assert expect(await walk.city.get(f"/v1/field-visits/{visit['visit_id']}"), 200)["set_aside"]
    current = expect(await walk.city.get(f"/v1/residence-registrations/{resident.registration_id}"), 200)
    assert (current["status"], current["version"]) == ("current", 2)


async def test_two_coordinators_who_differ_are_told_and_one_is_chosen(office: Office, walk: Walk) -> None:
    home = await register_home(walk.city, division_code=TOWN, let_from="2025-01-01")
    first, second = to_home(home, "found", seen_version=1), to_home(home, "not_found", seen_version=1)
    assert (await walk.one(first))["conflicts"] == []
    (conflict,) = (await walk.one(second, who="walker-2"))["conflicts"]
    assert (conflict["kind"], conflict["other_visit_id"]) == ("visits_differ", first["visit_id"])
    assert (await walk.one(to_home(home, "found"), who="walker-3"))["conflicts"][0]["other_visit_id"] == second["visit_id"]
    expect(await walk.city.post(f"{CONFLICTS}/{conflict['visit_conflict_id']}/decide", {"decision": "other_counts"}), 200)
    aside = [expect(await walk.city.get(f"/v1/field-visits/{v['visit_id']}"), 200)["set_aside"] for v in (first, second)]
    assert aside == [False, True]


async def test_a_conflict_is_seen_as_long_as_its_visit(office: Office, walk: Walk) -> None:
    resident = await registered(office)
    visit = to_person(resident.person_id, "moved", seen_version=7)
    (conflict,) = (await walk.one(visit))["conflicts"]
    paths = (f"/v1/field-visits/{visit['visit_id']}", f"{CONFLICTS}/{conflict['visit_conflict_id']}")
    for day, status in ((date(2027, 6, 9), 200), (date(2027, 6, 10), 404)):
        with office.on(day):
            for path in paths:
                expect(await walk.city.get(path), status)
            listed = expect(await walk.city.get(f"{CONFLICTS}?division_code={TOWN}&limit=200"), 200)["items"]
            shown = conflict["visit_conflict_id"] in {item["visit_conflict_id"] for item in listed}
            assert shown is (status == 200)
            decide = await walk.city.post(f"{paths[1]}/decide", {"decision": "neither_counts"})
            assert (decide.status_code == 404) is (status == 404)


async def test_who_is_registered_elsewhere_in_the_city_is_registered(office: Office, walk: Walk) -> None:
    person = await enter_person(walk.city)
    with office.on(date(2025, 3, 1)):
        body = {"person_id": person, "division_code": BESIDE, "address": "一路1号", "residence_kind": "rented"}
        made = body | {"started_on": "2025-03-01", "reported_by": "self"}
        expect(await walk.city.post("/v1/residence-registrations", made), 201)
    visit = to_person(person, "found_not_registered", found_address="后街9号")
    (conflict,) = (await walk.one(visit))["conflicts"]
    assert conflict["kind"] == "registered_after_all"
    path = f"/v1/field-visits/{visit['visit_id']}"
    seen = expect(await walk.city.get(path), 200)
    assert (seen["was_registered"], seen["found_address"]) == (True, "后街9号")
    plain = office.caller(scopes=EVERY_SCOPE - {"registry.field.sensitive"})
    assert expect(await plain.get(path), 200)["found_address"] == "****"
    assert (await office.caller("330282109").get(path)).status_code == 404


@dataclass(slots=True)
class Month:
    """Random visits of one month in two towns, and what the model counts."""

    seen: dict[tuple[str, str], list[Seen]] = field(default_factory=dict)

    def expected(self, rate: str, place: str) -> tuple[int, int]:
        """Numerator and denominator of a town or the city."""
        subject = "home" if rate == "rental_registration" else "person"
        inside = (visits for (town, kind), visits in self.seen.items() if kind == subject and town.startswith(place))
        return counts(rate, chain.from_iterable(inside))


async def random_month(office: Office, walk: Walk, towns: tuple[str, str], chance: random.Random, day: date) -> Month:
    """Visits of every kind, each subject once."""
    month = Month()
    at = f"{day.isoformat()}T10:00:00+08:00"
    visits = []
    for town in towns:
        for _ in range(9):
            outcome = chance.choice(["found", "not_found", "moved", "different_address", "found_not_registered"])
            person = await enter_person(walk.city)
            is_registered = outcome != "found_not_registered" and chance.random() < 0.7
            if is_registered:
                resident = Resident(office, walk.city, person)
                await resident.register_residence(date(2025, 3, 1), division_code=town)
            matches = chance.random() < 0.6
            given: dict[str, Any] = {"division_code": town, "visited_at": at}
            if outcome == "found":
                given["data_matches"] = matches
            visits.append(to_person(person, outcome, **given))
            month.seen.setdefault((town, "person"), []).append(Seen(outcome, is_registered, outcome == "found" and matches))
        for _ in range(6):
            outcome = chance.choice(["found", "not_found", "different_address", "found_not_registered"])
            home = None
            if outcome != "found_not_registered":
                home = await register_home(walk.city, division_code=town, let_from="2025-01-01")
            visits.append(to_home(home, outcome, division_code=town, visited_at=at))
            month.seen.setdefault((town, "home"), []).append(Seen(outcome, home is not None))
    assert (await walk.hand_in(*visits))["stored"] == len(visits)
    return month


async def test_the_rates_are_what_the_model_counts(office: Office, cixi: Caller) -> None:
    day, towns = date(2025, 9, 20), ("330282118", "330282120")
    with office.on(day):
        month = await random_month(office, Walk(office, cixi), towns, random.Random(20250920), day)
        await office.run_job(compute_rates)
    stored = await office.rows("SELECT * FROM rate_value WHERE month = '2025-09-01'")
    for rate in ("information_registration", "rental_registration", "person_home_consistency"):
        for place in (*towns, "330282"):
            (row,) = [row for row in stored if (row["rate"], row["division_code"]) == (rate, place)]
            assert (row["numerator"], row["denominator"]) == month.expected(rate, place), (rate, place)
            assert row["definition_version"] == "1"
    shown = expect(await cixi.get("/v1/registry/rates?month=2025-09&rate=information_registration"), 200)["items"]
    numerator, denominator = month.expected("information_registration", "330282")
    (city,) = [item for item in shown if item["division_code"] == "330282"]
    assert city["hundredths_of_percent"] == numerator * 10_000 // denominator
    for town in towns:
        (item,) = [item for item in shown if item["division_code"] == town]
        assert item["is_suppressed"] == (min(month.expected("information_registration", town)) < 5)
    of_town = expect(await office.caller(towns[0]).get("/v1/registry/rates?month=2025-09"), 200)["items"]
    assert {item["division_code"] for item in of_town} <= {towns[0]}


async def test_a_conflict_keeps_its_visits_out_of_the_rates_and_a_person_counts_once(office: Office, cixi: Caller) -> None:
    first_day = date(2025, 11, 3)
    with office.on(first_day):
        walk = Walk(office, cixi)
        resident = await registered(office)
        at = "2025-11-02T10:00:00+08:00"
        await walk.hand_in(to_person(resident.person_id, "not_found", visited_at="2025-11-01T10:00:00+08:00"))
        await walk.hand_in(to_person(resident.person_id, "found", visited_at=at))
        other = to_person(resident.person_id, "moved", visited_at=at)
        (conflict,) = (await walk.one(other, who="walker-2"))["conflicts"]
        await office.run_job(compute_rates)
        assert await consistency(office) == (0, 1), "only the visit of the day before"
    with office.on(date(2025, 11, 4)):
        expect(await cixi.post(f"{CONFLICTS}/{conflict['visit_conflict_id']}/decide", {"decision": "other_counts"}), 200)
        await office.run_job(compute_rates)
        assert await consistency(office) == (1, 1), "the last visit counts, and the person once"


async def consistency(office: Office) -> tuple[int, int]:
    (row,) = await office.rows(
        """SELECT numerator, denominator FROM rate_value
        WHERE rate = 'person_home_consistency' AND month = '2025-11-01' AND division_code = $1""",
        TOWN,
    )
    return row["numerator"], row["denominator"]


async def test_letters_are_counted_by_landlord_and_a_month_without_any_has_no_rate(office: Office, cixi: Caller) -> None:
    town = "330282123"
    with office.on(date(2026, 2, 10)):
        homes = [await register_home(cixi, division_code=town, let_from="2026-01-01") for _ in range(6)]
        for home in homes[:5]:
            letter = {"landlord_id": home.landlord_id, "signed_on": "2026-02-01", "valid_until": "2027-02-01"}
            expect(await cixi.post("/v1/responsibility-letters", letter), 201)
        await office.run_job(compute_rates)
        shown = expect(await cixi.get("/v1/registry/rates?rate=landlord_letters"), 200)["items"]
        empty = expect(await cixi.get("/v1/registry/rates?rate=rental_registration"), 200)["items"]
    (item,) = [item for item in shown if item["division_code"] == town]
    assert (item["numerator"], item["denominator"], item["hundredths_of_percent"]) == (5, 6, 8333)
    (city,) = [item for item in empty if item["division_code"] == "330282"]
    assert (city["denominator"], city["hundredths_of_percent"]) == (0, None)


async def test_before_the_first_definition_there_is_nothing_to_compute(office: Office, cixi: Caller) -> None:
    with office.on(date(2012, 1, 15)):
        await office.run_job(compute_rates)  # two of the open months lie before the definitions
    with office.on(date(2011, 6, 1)):
        await office.run_job(compute_rates)
        assert expect(await cixi.get("/v1/registry/rates"), 200)["items"] == []
        batch = {"visits": [to_person(None, "found_not_registered", visited_at="2011-06-01T01:00:00+08:00")]}
        assert expect(await cixi.post(BATCHES, batch), 409)["type"].endswith("field-work-rules-not-held")


async def test_at_the_turn_of_the_year_each_visit_is_its_days(office: Office, cixi: Caller) -> None:
    """One coordinator until New Year's Eve, another from then on; the batch comes in after the holidays."""
    village, turn = "330282102201", "2025-01-01"
    with office.on(date(2024, 12, 20)):
        for who, first in (("walker-old", "2024-01-01"), ("walker-new", turn)):
            body = {"coordinator": who, "division_code": village, "valid_from": first}
            made = expect(await cixi.post("/v1/coordinator-assignments", body), 201)
            if who == "walker-old":
                path = f"/v1/coordinator-assignments/{made['assignment_id']}/end"
                expect(await cixi.post(path, {"valid_until": turn}), 200)
    with office.on(date(2025, 1, 6)):
        eve, day = "2024-12-31T23:30:00+08:00", "2025-01-01T00:30:00+08:00"
        visits = [to_person(None, "found_not_registered", division_code=village, visited_at=at) for at in (eve, day)]
        for who, results in (("walker-old", ["stored", "refused"]), ("walker-new", ["refused", "stored"])):
            fresh = [visit | {"visit_id": str(uuid4())} for visit in visits]
            batch = expect(await office.caller(actor=who).post(BATCHES, {"visits": fresh}), 200)
            assert [each["result"] for each in batch["results"]] == results
        await office.run_job(compute_rates)
    rows = await office.rows(
        """SELECT month, denominator FROM rate_value WHERE rate = 'information_registration' AND division_code = $1
        AND month IN ('2024-12-01', '2025-01-01') ORDER BY month""",
        village[:9],
    )
    assert [row["denominator"] for row in rows] == [1, 1]


async def test_months_that_closed_while_nobody_ran_are_computed_once(office: Office, cixi: Caller) -> None:
    first, missed = date(2023, 2, 10), date(2023, 7, 5)
    with office.on(first):
        await office.run_job(compute_rates)
        at = "2023-02-09T10:00:00+08:00"
        assigned = {"coordinator": "walker-1", "division_code": "330282103", "valid_from": "2023-01-01"}
        expect(await cixi.post("/v1/coordinator-assignments", assigned), 201)
        batch = {"visits": [to_person(None, "found_not_registered", division_code="330282103", visited_at=at)]}
        expect(await office.caller(actor="walker-1").post(BATCHES, batch), 200)
    for _ in range(2):
        with office.on(missed):
            await office.run_job(compute_rates)
        missed += timedelta(days=1)
    rows = await office.rows(
        """SELECT month, denominator, computed_on FROM rate_value WHERE rate = 'information_registration'
        AND division_code = '330282103' AND month = '2023-02-01'"""
    )
    assert [(row["denominator"], row["computed_on"]) for row in rows] == [(1, date(2023, 7, 5))]
    months = await office.rows(
        """SELECT month FROM rate_value WHERE rate = 'information_registration' AND division_code = '330282'
        AND month BETWEEN '2023-02-01' AND '2023-07-01' ORDER BY month"""
    )
    assert [row["month"].month for row in months] == [2, 3, 4, 5, 6, 7]


async def test_a_human_with_two_ids_counts_once(office: Office, cixi: Caller) -> None:
    town = "330282105"
    with office.on(date(2024, 5, 20)):
        walk = Walk(office, cixi)
        kept, duplicate = await enter_person(cixi), await enter_person(cixi)
        for place, person in enumerate((kept, duplicate)):
            visit = to_person(person, "found_not_registered", division_code=town, visited_at=f"2024-05-1{place}T10:00:00+08:00")
            assert (await walk.one(visit))["result"] == "stored"
        await merged(office, cixi, kept, duplicate)
        await office.run_job(compute_rates)
    (row,) = await office.rows(
        """SELECT denominator FROM rate_value WHERE rate = 'information_registration' AND division_code = $1
        AND month = '2024-05-01'""",
        town,
    )
    assert row["denominator"] == 1
