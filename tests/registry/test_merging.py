"""Merging by alias: one human under two ids, read as one, written under one, and parted again exactly."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.db import Transaction, in_transaction
from services.chassis.events import EventData
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE
from services.contracts.registry import PersonMerged, PersonUnmerged
from services.registry.store.snapshot import snapshot
from tests.registry.conftest import Office, Resident, expect
from tests.registry.employers import registered, taken_on
from tests.registry.factories import EVERY_SCOPE, a_paper, a_person, a_residence, an_application, citizen_number
from tests.registry.homes import register_home
from tests.registry.test_person_deletion import DELETION, deleted
from tests.registry.test_two_officers import PROPOSALS, RENAMED, code, second
from tests.running import Caller

TOWN, OTHER_TOWN = "330282107", "330282109"
PAPERS = [{"type": "police_certificate", "document_number": "PC-77-0077"}]
SUFFIXES = (
    *("", "/history", "/relationships", "/residence-registrations", "/residence-permits", "/entitlements"),
    *("/stays", "/employments", "/historical-permits"),
)
LISTS = ("/v1/notices?person_id={}", "/v1/rights-requests?person_id={}")


async def a_resident(office: Office, town: str = TOWN, **given: Any) -> Resident:
    """Somebody registered by a town's own client."""
    resident = Resident(office, office.caller(town, client=f"client-{town}"))
    await resident.register_person(**given)
    return await resident.register_residence(office.today, division_code=town)


async def entered(caller: Caller, **given: Any) -> str:
    return str(expect(await caller.post("/v1/persons", a_person(**given)), 201)["person_id"])


def merge_of(duplicate: str) -> dict[str, Any]:
    return {"duplicate_person_id": duplicate, "reason": "changed_document", "evidence": PAPERS}


async def proposed(caller: Caller, kept: str, duplicate: str) -> str:
    return str(expect(await caller.post(f"/v1/persons/{kept}/merge", merge_of(duplicate)), 201)["proposal_id"])


async def merged(office: Office, caller: Caller, kept: str, duplicate: str) -> dict[str, Any]:
    proposal_id = await proposed(caller, kept, duplicate)
    return expect(await second(office).post(f"{PROPOSALS}/{proposal_id}/approve"), 200)


async def are_related(caller: Caller, person: str, related: str, kind: str) -> str:
    body = {"person_id": person, "related_person_id": related, "kind": kind, "valid_from": "2015-01-01"}
    return str(expect(await caller.post("/v1/relationships", body), 201)["relationship_id"])


async def parted(office: Office, caller: Caller, kept: str, duplicate: str) -> dict[str, Any]:
    body = {"duplicate_person_id": duplicate, "reason": "two_humans", "evidence": PAPERS}
    made = expect(await caller.post(f"/v1/persons/{kept}/unmerge", body), 201)
    return expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)


async def everything(office: Office, *person_ids: str) -> dict[str, Any]:
    """All that three offices are told about the persons, and which divisions hold them."""
    told: dict[str, Any] = {}
    for division in ("330282", TOWN, OTHER_TOWN):
        caller = office.caller(division, client="looking-on")
        for person_id in person_ids:
            for path in (
                *(f"/v1/persons/{person_id}{suffix}" for suffix in SUFFIXES),
                *(each.format(person_id) for each in LISTS),
            ):
                answer = await caller.get(path)
                told[f"{division} {path}"] = (answer.status_code, answer.headers.get("etag"), answer.json())
                if answer.status_code != 200:
                    told[f"{division} {path}"] = answer.status_code
        visits = expect(await caller.get("/v1/field-visits?limit=200"), 200)["items"]
        told[f"{division} visits"] = [visit for visit in visits if visit["person_id"] in person_ids]
    holds = await office.rows(
        "SELECT person_id, division_code, source, since, until FROM person_division WHERE person_id = ANY ($1)",
        list(map(UUID, person_ids)),
    )
    return told | {"holds": {tuple(row) for row in holds}}


async def test_two_persons_are_read_as_one(office: Office, cixi: Caller) -> None:
    kept, duplicate = await a_resident(office), await entered(cixi, name="王晓明")
    decided = await merged(office, cixi, kept.person_id, duplicate)
    assert (decided["act"], decided["status"]) == ("person.merge", "approved")
    by_kept, by_alias = [await cixi.get(f"/v1/persons/{person_id}") for person_id in (kept.person_id, duplicate)]
    assert by_alias.json() == by_kept.json()
    assert (by_alias.json()["person_id"], by_alias.headers["etag"]) == (kept.person_id, '"1"')
    listed = expect(await cixi.get(f"/v1/persons/{duplicate}/residence-registrations"), 200)["items"]
    assert [item["registration_id"] for item in listed] == [kept.registration_id]
    found = expect(await cixi.post("/v1/persons/search", {"person_ids": [kept.person_id, duplicate]}), 200)["items"]
    assert [item["person_id"] for item in found] == [kept.person_id]
    (merge,) = expect(await cixi.get(f"/v1/persons/{duplicate}/merges"), 200)["items"]
    assert (merge["canonical_person_id"], merge["duplicate_person_id"]) == (kept.person_id, duplicate)
    assert (merge["evidence_types"], merge["unmerged_on"]) == (["police_certificate"], None)


async def test_nothing_new_is_recorded_under_an_alias(office: Office, cixi: Caller) -> None:
    kept, alias, other = [await entered(cixi) for _ in range(3)]
    await merged(office, cixi, kept, alias)
    related = {"person_id": alias, "related_person_id": other, "kind": "spouse", "valid_from": "2020-01-01"}
    merge = {"duplicate_person_id": other, "reason": "same_document", "evidence": PAPERS}
    for answer in (
        await cixi.patch(f"/v1/persons/{alias}", {"phone": None}, version=1),
        await cixi.post(f"/v1/persons/{alias}/correction", RENAMED),
        await cixi.post(f"/v1/persons/{alias}/deletion", DELETION),
        await cixi.post("/v1/residence-registrations", a_residence(alias, started_on=office.today.isoformat())),
        await cixi.post("/v1/residence-permits", an_application(alias)),
        await cixi.post("/v1/relationships", related),
        await cixi.post(f"/v1/persons/{alias}/merge", merge),
        await cixi.post(f"/v1/persons/{other}/merge", merge | {"duplicate_person_id": alias}),
    ):
        problem = expect(answer, 409)
        assert (code(problem), problem["person_id"]) == ("person-merged", kept)


async def test_chains_and_cycles_cannot_be(office: Office, cixi: Caller) -> None:
    kept, alias, third = [await entered(cixi) for _ in range(3)]
    await merged(office, cixi, kept, alias)
    body = {"duplicate_person_id": kept, "reason": "same_document", "evidence": PAPERS}
    assert code(expect(await cixi.post(f"/v1/persons/{third}/merge", body), 409)) == "merge-chain"
    assert code(expect(await cixi.post(f"/v1/persons/{alias}/merge", body), 409)) == "person-merged"
    itself = expect(await cixi.post(f"/v1/persons/{kept}/merge", body), 422)
    assert itself["errors"][0]["pointer"] == "/duplicate_person_id"
    await merged(office, cixi, kept, third)  # several ids of one human are flat
    for row in ((third, alias), (kept, third)):
        with pytest.raises(Exception, match=r"alias of an alias|uq_person_alias_standing"):
            await office.rows(
                """INSERT INTO person_alias (merge_id, person_id, canonical_person_id, reason, merged_on, sealed, version)
                VALUES (gen_random_uuid(), $1, $2, 'same_document', '2026-01-01', '', 1)""",
                *row,
            )


@pytest.mark.parametrize("kind", ["parent", "guardian", "spouse", "sibling"])
async def test_who_is_related_to_the_other_is_somebody_else(office: Office, cixi: Caller, kind: str) -> None:
    kept = await entered(cixi, number=citizen_number(birth_date=date(1980, 5, 1)))
    duplicate = await entered(cixi, number=citizen_number(birth_date=date(2001, 5, 1)))
    waiting = await proposed(cixi, kept, duplicate)
    related = await are_related(cixi, duplicate, kept, kind)
    for one, other in ((kept, duplicate), (duplicate, kept)):
        problem = expect(await cixi.post(f"/v1/persons/{one}/merge", merge_of(other)), 409)
        assert (code(problem), problem["relationship_ids"]) == ("persons-related", [related])
    # The proposal was there before the relationship: it is not carried out either.
    assert code(expect(await second(office).post(f"{PROPOSALS}/{waiting}/approve"), 409)) == "persons-related"
    # Under whichever id: with somebody else merged into one of them, the two are related all the same.
    third = await entered(cixi)
    await merged(office, cixi, third, kept)
    assert code(expect(await cixi.post(f"/v1/persons/{third}/merge", merge_of(duplicate)), 409)) == "persons-related"
    # Recorded in error, it says nothing about them.
    expect(await cixi.post(f"/v1/relationships/{related}/end", {"reason": "recorded_in_error"}), 200)
    await merged(office, cixi, third, duplicate)


async def test_nobody_becomes_the_parent_of_its_own_parent(office: Office, cixi: Caller) -> None:
    numbers = [citizen_number(birth_date=date(year, 5, 1)) for year in (1950, 1975, 2000)]
    old, middle, young = [await entered(cixi, number=number) for number in numbers]
    relating = {await are_related(cixi, middle, old, "parent"), await are_related(cixi, young, middle, "parent")}
    problem = expect(await cixi.post(f"/v1/persons/{old}/merge", merge_of(young)), 409)
    assert (code(problem), set(problem["relationship_ids"])) == ("persons-related", relating)
    # Two children of one parent may be one child entered twice.
    twin = await entered(cixi, number=citizen_number(birth_date=date(2000, 5, 1)))
    await are_related(cixi, twin, middle, "parent")
    await merged(office, cixi, young, twin)


async def test_who_merges_sees_both_and_holds_one(office: Office, cixi: Caller) -> None:
    here, there = await a_resident(office), await a_resident(office, OTHER_TOWN)
    body = {"duplicate_person_id": there.person_id, "reason": "same_document", "evidence": PAPERS}
    path = f"/v1/persons/{here.person_id}/merge"
    unseen = expect(await here.caller.post(path, body), 404)
    assert (code(unseen), unseen["errors"][0]["pointer"]) == ("person-not-found", "/duplicate_person_id")
    no_scope = office.caller(scopes=EVERY_SCOPE - {"registry.person.merge"})
    assert (await no_scope.post(path, body)).status_code == 403
    assert (await cixi.post(path, body | {"evidence": []})).status_code == 422
    assert expect(await cixi.post(path, body), 201)["status"] == "open"


async def test_both_towns_see_the_one_human_while_it_is_one(office: Office, cixi: Caller) -> None:
    here, there = await a_resident(office), await a_resident(office, OTHER_TOWN)
    assert (await there.caller.get(f"/v1/persons/{here.person_id}")).status_code == 404
    await merged(office, cixi, here.person_id, there.person_id)
    for resident in (here, there):
        for person_id in (here.person_id, there.person_id):
            assert expect(await resident.caller.get(f"/v1/persons/{person_id}"), 200)["person_id"] == here.person_id
        # A town sees its own registrations only, as ever.
        listed = expect(await resident.caller.get(f"/v1/persons/{here.person_id}/residence-registrations"), 200)["items"]
        assert [item["registration_id"] for item in listed] == [resident.registration_id]
    # A hold that changes is shared anew: the town left two years ago sees neither id.
    expect(await there.caller.post(f"/v1/residence-registrations/{there.registration_id}/end", {"reason": "left"}), 200)
    with office.on(office.today + timedelta(days=750)):
        for person_id in (here.person_id, there.person_id):
            assert (await there.caller.get(f"/v1/persons/{person_id}")).status_code == 404
            assert (await here.caller.get(f"/v1/persons/{person_id}")).status_code == 200
    await parted(office, cixi, here.person_id, there.person_id)
    assert (await here.caller.get(f"/v1/persons/{there.person_id}")).status_code == 404


async def test_what_a_human_has_once_is_put_before_a_human(office: Office, cixi: Caller) -> None:
    here, there = await a_resident(office), await a_resident(office, OTHER_TOWN)
    await merged(office, cixi, here.person_id, there.person_id)
    conflicts = expect(await here.caller.get("/v1/merge-conflicts?status=open&limit=200"), 200)["items"]
    mine = {item["kind"]: item for item in conflicts if item["person_id"] == here.person_id}
    assert set(mine) == {"residence_registration", "citizen_number"}
    conflict = mine["residence_registration"]
    assert conflict["thing_ids"] == [here.registration_id, there.registration_id]
    body = a_residence(here.person_id, started_on=office.today.isoformat(), division_code="330282110")
    for answer in (
        await cixi.post("/v1/residence-registrations", body),
        await cixi.post("/v1/residence-permits", an_application(here.person_id)),
    ):
        assert code(expect(answer, 409)) == "merge-conflict-open"
    # An officer says which is true; what came with the alias is ended under its own id.
    expect(await there.caller.post(f"/v1/residence-registrations/{there.registration_id}/end", {"reason": "left"}), 200)
    settled = expect(await cixi.get("/v1/merge-conflicts?status=settled&limit=200"), 200)["items"]
    assert conflict["conflict_id"] in {item["conflict_id"] for item in settled}
    expect(await cixi.post("/v1/residence-registrations", body), 201)


async def test_a_move_ends_the_registration_that_came_with_the_alias(office: Office, cixi: Caller) -> None:
    kept, there = await entered(cixi), await a_resident(office, OTHER_TOWN)
    await merged(office, cixi, kept, there.person_id)
    body = a_residence(kept, started_on=office.today.isoformat(), division_code=TOWN)
    made = expect(await cixi.post("/v1/residence-registrations", body), 201)
    assert made["residence_since"] == office.today.isoformat()
    ended = expect(await cixi.get(f"/v1/residence-registrations/{there.registration_id}"), 200)
    assert (ended["status"], ended["end_reason"], ended["person_id"]) == ("ended", "moved_within_city", there.person_id)


async def test_a_permit_of_the_alias_is_the_humans(office: Office, holder: Resident, cixi: Caller) -> None:
    kept = await entered(cixi)
    await merged(office, cixi, kept, holder.person_id)
    problem = expect(await cixi.post("/v1/residence-permits", an_application(kept)), 409)
    assert (code(problem), problem["permit_id"]) == ("permit-exists", holder.permit_id)
    assert code(expect(await cixi.patch(f"/v1/persons/{kept}", RENAMED, version=1), 409)) == "two-officers-needed"
    listed = expect(await cixi.get(f"/v1/persons/{kept}/residence-permits"), 200)["items"]
    assert [item["permit_id"] for item in listed] == [holder.permit_id]
    refused = expect(await cixi.post(f"/v1/persons/{kept}/deletion", DELETION), 201)
    assert [reason["code"] for reason in refused["reasons"]] == ["current_registration", "open_permit"]


async def test_who_is_a_minor_by_one_entry_is_protected_as_one_under_every_id(office: Office, cixi: Caller) -> None:
    child = await entered(cixi, number=citizen_number(birth_date=date(2016, 5, 1)))
    grown_up_by_mistake = await a_resident(office, number=citizen_number(birth_date=date(1996, 5, 1)))
    looking = office.caller(scopes=EVERY_SCOPE - {"registry.field.minors"})
    path = f"/v1/residence-registrations/{grown_up_by_mistake.registration_id}"
    assert "address" not in expect(await looking.get(path), 200)["masked_fields"]
    await merged(office, cixi, child, grown_up_by_mistake.person_id)
    assert "address" in expect(await looking.get(path), 200)["masked_fields"]


async def test_a_number_of_the_alias_leads_to_the_human(office: Office, cixi: Caller) -> None:
    document = {"type": "passport", "number": f"E{new_id().int % 10**8:08d}"}
    known = {"birth_date": "1988-08-08", "sex_code": "1"}
    kept, alias = await entered(cixi), await entered(cixi, identity_documents=[document], **known)
    await merged(office, cixi, kept, alias)
    found = expect(await cixi.post("/v1/persons/search", {"identity_document": document}), 200)["items"]
    assert [item["person_id"] for item in found] == [kept]
    elsewhere = office.caller("330281", client="elsewhere")
    resolved = expect(await elsewhere.post("/v1/persons/resolve", {"identity_document": document, "name": "王小明"}), 200)
    assert resolved["person_id"] == kept
    again = a_person(identity_documents=[document], **known)
    added = {"identity_documents": [document]}
    for answer in (await cixi.post("/v1/persons", again), await cixi.patch(f"/v1/persons/{kept}", added, version=1)):
        problem = expect(answer, 409)
        assert (code(problem), problem["person_id"]) == ("person-exists", kept)
    beyond = expect(await office.caller("330281", client="nobody-resolved").post("/v1/persons", again), 409)
    assert (code(beyond), "person_id" in beyond) == ("person-exists", False)


async def test_a_merge_leaves_events_history_and_evidence(office: Office, cixi: Caller) -> None:
    kept, alias = await entered(cixi), await entered(cixi)
    await merged(office, cixi, kept, alias)
    await parted(office, cixi, kept, alias)
    first, *told = await office.events_about(alias)
    assert [row["event_type"] for row in told] == [PersonMerged.event_type, PersonUnmerged.event_type]
    last = PersonUnmerged.model_validate(told[-1]["data"])
    assert (str(last.canonical_person_id), last.version, last.unmerged_on) == (kept, 2, office.today)
    assert {tuple(row["division_codes"]) for row in told} == {tuple(first["division_codes"])}

    async def collect(tx: Transaction) -> list[EventData]:
        return [
            state async for key, states in snapshot(tx, office.service.runtime.keyring) if str(key) == alias for state in states
        ]

    assert last in await in_transaction(office.service.runtime.pool, collect, rows=SERVICE)
    versions = await office.rows(
        """SELECT version, actor, proposed_by, snapshot FROM history WHERE resource = 'person_alias' AND person_id = $1
        ORDER BY version""",
        alias,
    )
    assert [(row["version"], row["actor"], row["proposed_by"]) for row in versions] == [
        (1, "officer-2", "officer-1"),
        (2, "officer-2", "officer-1"),
    ]
    lines = await office.rows("SELECT person_id, line FROM audit_line WHERE line::jsonb ->> 'operation' = 'merge'")
    assert {kept, alias} <= {str(row["person_id"]) for row in lines}
    stored = str(await office.rows("SELECT CAST(t AS text) FROM person_alias t"))
    assert "PC-77-0077" not in stored + "".join(row["line"] for row in lines)


async def test_a_human_is_deleted_under_every_id(office: Office, cixi: Caller) -> None:
    kept, alias, former = [await entered(cixi) for _ in range(3)]
    await merged(office, cixi, kept, former)
    await parted(office, cixi, kept, former)
    await merged(office, cixi, kept, alias)
    assert (await deleted(office, cixi, kept))["status"] == "approved"
    for person_id in (kept, alias):
        assert code(expect(await cixi.get(f"/v1/persons/{person_id}"), 410)) == "person-deleted"
        assert (await office.events_about(person_id))[-1]["event_type"] == "registry.person.deleted.v1"
        assert await office.rows("SELECT FROM person_key WHERE person_id = $1", person_id) == []
    assert expect(await cixi.get(f"/v1/persons/{former}"), 200)["person_id"] == former
    assert expect(await cixi.get(f"/v1/persons/{former}/merges"), 200)["items"] == []


async def test_what_changed_meanwhile_makes_a_proposal_outdated(office: Office, cixi: Caller) -> None:
    kept, alias = await entered(cixi), await entered(cixi)
    body = {"duplicate_person_id": alias, "reason": "confirmed_by_person", "evidence": PAPERS}
    made = expect(await cixi.post(f"/v1/persons/{kept}/merge", body), 201)
    assert made["content"] == {
        "duplicate_person_id": alias,
        "reason": "confirmed_by_person",
        "evidence_types": ["police_certificate"],
    }
    expect(await cixi.patch(f"/v1/persons/{alias}", RENAMED, version=1), 200)
    problem = expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 409)
    assert (code(problem), problem["current_version"]) == ("proposal-outdated", 2)
    gone = {"duplicate_person_id": alias, "reason": "two_humans", "evidence": PAPERS}
    assert code(expect(await cixi.post(f"/v1/persons/{kept}/unmerge", gone), 404)) == "merge-not-found"


_AN_INSTANT = "2026-05-01T09:30:00+08:00"


async def test_two_merges_at_once_make_no_chain(office: Office, cixi: Caller) -> None:
    one, other, third = [await entered(cixi) for _ in range(3)]
    proposals = []
    for kept, alias in ((one, other), (other, third), (third, one)):
        body = {"duplicate_person_id": alias, "reason": "same_document", "evidence": PAPERS}
        proposals.append(expect(await cixi.post(f"/v1/persons/{kept}/merge", body), 201)["proposal_id"])
    answers = await asyncio.gather(*(second(office).post(f"{PROPOSALS}/{each}/approve") for each in proposals))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_a_human_sleeps_in_one_place_under_whichever_id(office: Office, cixi: Caller) -> None:
    home, next_home = await register_home(cixi), await register_home(cixi)
    kept, alias = [await entered(cixi) for _ in range(2)]
    stay = await home.check_in(alias)
    await merged(office, cixi, kept, alias)
    for person_id in (kept, alias):
        listed = expect(await cixi.get(f"/v1/persons/{person_id}/stays"), 200)["items"]
        assert [item["stay_id"] for item in listed] == [stay["stay_id"]]
    # The human moves on under its own id; the stay that came with the alias ends under the alias's.
    moved = await next_home.check_in(kept, started_at="2026-05-10T18:00:00+08:00")
    assert [item["code"] for item in moved["notes"]] == ["earlier_stay_ended"]
    ended = expect(await cixi.get(f"/v1/stays/{stay['stay_id']}"), 200)
    assert (ended["person_id"], ended["end_reason"]) == (alias, "checked_in_elsewhere")
    assert (await office.events_about(alias))[-1]["event_type"] == "registry.stay.ended.v1"


async def test_who_only_resolved_the_canonical_person_checks_it_in(office: Office, cixi: Caller) -> None:
    """The alias's open stay lies in a town out of sight, under an id out of sight."""
    number = citizen_number()
    kept, alias = await entered(cixi, number=number), await entered(cixi)
    stay = await (await register_home(cixi)).check_in(alias)
    await merged(office, cixi, kept, alias)
    elsewhere = office.caller("330281", client="elsewhere")
    asked = {"identity_document": {"type": "citizen_id", "number": number}, "name": "王小明"}
    assert expect(await elsewhere.post("/v1/persons/resolve", asked), 200)["person_id"] == kept
    home = await register_home(elsewhere, division_code="330281001")
    await home.check_in(kept, started_at="2026-05-10T18:00:00+08:00")
    assert expect(await cixi.get(f"/v1/stays/{stay['stay_id']}"), 200)["end_reason"] == "checked_in_elsewhere"


async def test_two_open_stays_of_one_human_are_put_before_a_human(office: Office, cixi: Caller) -> None:
    home, next_home = await register_home(cixi), await register_home(cixi)
    kept, alias = [await entered(cixi) for _ in range(2)]
    stays = [(await place.check_in(person_id))["stay_id"] for place, person_id in ((home, kept), (next_home, alias))]
    await merged(office, cixi, kept, alias)
    assert await conflicts_of(cixi, kept, but="citizen_number") == {("stay", *stays)}
    later = "2026-05-10T18:00:00+08:00"
    assert code(await home.check_in(kept, status=409, started_at=later)) == "merge-conflict-open"
    out = {"ended_at": "2026-05-09T12:00:00+08:00", "reason": "checked_out"}
    expect(await cixi.post(f"/v1/stays/{stays[1]}/check-out", out), 200)
    assert await conflicts_of(cixi, kept, but="citizen_number") == set()
    await home.check_in(kept, started_at=later)


async def test_what_else_a_human_has_once_opens_a_conflict(office: Office, cixi: Caller) -> None:
    kept, alias, mother = [
        await entered(cixi, number=citizen_number(birth_date=date(year, 5, 1))) for year in (1990, 1990, 1960)
    ]
    employer, other_employer = await registered(cixi), await registered(cixi)
    jobs, papers, relationships = [], [], []
    for person_id in (kept, alias):
        jobs.append((await taken_on(cixi, person_id, employer, "2025-01-06"))["employment_id"])
        papers.append(expect(await cixi.post("/v1/historical-permits", a_paper(person_id)), 201)["historical_permit_id"])
        relationships.append(await are_related(cixi, person_id, mother, "parent"))
    # One may work for two, and have a mother and a sister.
    await taken_on(cixi, alias, other_employer, "2025-01-06")
    await are_related(cixi, alias, await entered(cixi), "sibling")
    await merged(office, cixi, kept, alias)
    things = {"employment": jobs, "historical_permit": papers, "relationship": relationships}
    assert await conflicts_of(cixi, kept, but="citizen_number") == {(kind, *both) for kind, both in things.items()}
    body = {"person_id": kept, "credit_code": employer["credit_code"], "occupation_code": "6", "started_on": "2025-02-03"}
    assert code(expect(await cixi.post("/v1/employments", body), 409)) == "employment-exists"
    expect(await cixi.post(f"/v1/relationships/{relationships[1]}/end", {"reason": "recorded_in_error"}), 200)
    expect(await cixi.post(f"/v1/employments/{jobs[0]}/end", {"ended_on": "2025-06-02", "reason": "resigned"}), 200)
    expect(await cixi.post(f"/v1/historical-permits/{papers[1]}/annul", {"reason": "重复录入"}), 200)
    assert await conflicts_of(cixi, kept, but="citizen_number") == set()


async def test_the_employment_of_the_alias_is_the_humans(office: Office, cixi: Caller) -> None:
    kept, alias = [await entered(cixi) for _ in range(2)]
    employer = await registered(cixi)
    job = await taken_on(cixi, alias, employer, "2025-01-06")
    await merged(office, cixi, kept, alias)
    body = {"person_id": kept, "credit_code": employer["credit_code"], "occupation_code": "6", "started_on": "2025-02-03"}
    problem = expect(await cixi.post("/v1/employments", body), 409)
    assert (code(problem), problem["employment_id"]) == ("employment-exists", job["employment_id"])


async def conflicts_of(caller: Caller, person_id: str, *, but: str = "") -> set[tuple[str, ...]]:
    """Kind and things of each open conflict of a person, but of one kind: who is entered with a number makes one with it."""
    items = expect(await caller.get("/v1/merge-conflicts?status=open&limit=200"), 200)["items"]
    return {(item["kind"], *item["thing_ids"]) for item in items if item["person_id"] == person_id and item["kind"] != but}


_THING = st.sampled_from(
    [
        *("residence", "relationship", "correction", "stay", "employment", "paper"),
        *("visit", "rights request", "restriction lifted"),
    ]
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=st.tuples(st.lists(_THING, max_size=3), st.lists(_THING | st.just("end"), max_size=3)), back=st.booleans())
async def test_merge_then_unmerge_restores_everything(office: Office, lives: tuple[list[str], list[str]], back: bool) -> None:
    """Whatever two persons have, in whichever towns, and whichever of them is kept."""
    cixi = office.caller()  # of this example's own: a token lasts two minutes
    other = await entered(cixi)
    pair = []
    for town, life in zip((TOWN, OTHER_TOWN), lives, strict=True):
        resident = await a_resident(office, town)
        for thing in life:
            await _live(resident, thing, other, town)
        pair.append(resident.person_id)
    kept, alias = reversed(pair) if back else pair
    before = await everything(office, *pair, other)
    await merged(office, cixi, kept, alias)
    assert await everything(office, *pair, other) != before
    await parted(office, cixi, kept, alias)
    assert await everything(office, *pair, other) == before


async def _live(resident: Resident, thing: str, other: str, town: str) -> None:
    """Something that may happen to a person; what is not possible any more does not happen."""
    path, caller = f"/v1/persons/{resident.person_id}", resident.office.caller()
    match thing:
        case "residence":
            body = a_residence(resident.person_id, started_on=date(2026, 1, 1).isoformat(), division_code=town)
            await caller.post("/v1/residence-registrations", body)
        case "relationship":
            body = {"person_id": resident.person_id, "related_person_id": other, "kind": "sibling", "valid_from": "2001-01-01"}
            await caller.post("/v1/relationships", body)
        case "correction":
            await caller.patch(path, {"phone": f"138{new_id().int % 10**8:08d}"}, version=1)
        case "end":
            await caller.post(f"/v1/residence-registrations/{resident.registration_id}/end", {"reason": "left"})
        case _:
            await _live_on(resident, thing, town)


async def _live_on(resident: Resident, thing: str, town: str) -> None:
    """Of what came to the register later."""
    caller = resident.office.caller()
    match thing:
        case "stay":
            await (await register_home(caller, division_code=town)).check_in(resident.person_id, started_at=_AN_INSTANT)
        case "employment":
            await taken_on(caller, resident.person_id, await registered(caller, division_code=town), "2025-01-06")
        case "paper":
            await caller.post("/v1/historical-permits", a_paper(resident.person_id, division_code=town))
        case "visit":
            walker = {"coordinator": f"walker-{town}", "division_code": town, "valid_from": "2024-01-01"}
            await caller.post("/v1/coordinator-assignments", walker)
            visit = {"visit_id": str(new_id()), "person_id": resident.person_id, "subject": "person", "outcome": "not_found"}
            visit |= {"division_code": town, "visited_at": _AN_INSTANT}
            walking = resident.office.caller(actor=f"walker-{town}")
            expect(await walking.post("/v1/field-visits/batches", {"visits": [visit]}), 200)
        case "rights request":
            body = {"person_id": resident.person_id, "kind": "objection", "requester": "self", "wish": "请办理"}
            expect(await resident.caller.post("/v1/rights-requests", body), 201)
        case "restriction lifted":
            await caller.post(f"/v1/residence-registrations/{resident.registration_id}/end", {"reason": "left"})
            body = {"person_id": resident.person_id, "kind": "restriction", "requester": "self", "wish": "请办理"}
            made = expect(await resident.caller.post("/v1/rights-requests", body), 201)
            path = f"/v1/rights-requests/{made['rights_request_id']}"
            steps = {"verify": {"note": "核验"}, "decide": {"outcome": "granted"}, "lift": {"note": "不再需要"}}
            for verb, step in steps.items():
                expect(await resident.caller.post(f"{path}/{verb}", step), 200)
