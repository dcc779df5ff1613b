"""A person's file through HTTP: what is in it, who may see it, and what reading it leaves behind."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest

from services.chassis.ids import new_id
from services.contracts import registry
from services.points_hukou.consumers import SUBSCRIPTIONS, UNUSED
from services.points_hukou.schemas.files import PointsFileView
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.story import NEXT_TOWN, TOWN, Story, copy_of, full_story, token
from tests.running import Caller


@asynccontextmanager
async def law_clock(office: PointsOffice) -> AsyncIterator[Caller]:
    """Somebody who may move the law clock, which is put back afterwards."""
    caller = office.service.caller(["sandbox.clock"])
    try:
        yield caller
    finally:
        await caller.call("PUT", "/internal/sandbox/clock", json={"now": None})


async def resident(office: PointsOffice, **registration: Any) -> Story:
    """A person with one residence registration, known to the service."""
    story = Story()
    story.person()
    story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, **registration)
    await office.tell(story.messages())
    await office.settled()
    return story


async def test_every_event_shows_in_the_file_at_once(office: PointsOffice) -> None:
    story = full_story()
    told = {type(event) for event in story.events} | UNUSED.keys()
    told |= {registry.PersonDeleted}  # which leaves no file to show anything in
    told |= {registry.PersonTokensRenewed}  # which changes digests alone; they are never shown
    told |= {registry.PersonMerged, registry.PersonUnmerged}  # which show in another's file, below
    told |= {registry.HouseholdTransferApplied, registry.HouseholdTransferRejected}  # answers, which show in the transfer
    told |= {registry.CorrectionAnswered}  # which shows in the contest
    assert told == set(registry.EVENTS) == {*SUBSCRIPTIONS, *UNUSED}
    for sequence, message in enumerate(story.messages(), 1):
        await office.tell([message])
        assert await office.file(story, sequence) == story.file(sequence)


async def test_a_file_tells_when_it_last_changed(office: PointsOffice) -> None:
    story = await resident(office)
    before = (await office.reader.get(f"/v1/points/files/{story.person_id}")).json()
    story.permit(registry.ResidencePermitAccepted, new_id(), 1, status="accepted")
    await office.tell(story.messages(first=3))
    await office.file(story)
    after = (await office.reader.get(f"/v1/points/files/{story.person_id}")).json()
    assert after["updated_at"] == after["residence_permits"][0]["updated_at"] > before["updated_at"]
    assert after["residence_registrations"] == before["residence_registrations"]


async def test_documents_are_counted_once_while_keys_are_rotated_and_tokens_are_not_told(office: PointsOffice) -> None:
    story = Story()
    old = (token(), token(), token("passport"))
    both = (*old, token(key_id="d2"), token(key_id="d2"), token("passport", key_id="d2"))
    story.person(document_tokens=both)
    await office.tell(story.messages())
    counted = [{"type": "citizen_id", "count": 2}, {"type": "passport", "count": 1}]
    assert (await office.file(story))["identity_documents"] == counted
    answer = (await office.reader.get(f"/v1/points/files/{story.person_id}")).text
    assert not [document for document in both if document.token in answer]


async def test_a_person_without_documents_has_the_reason_in_the_file(office: PointsOffice) -> None:
    story = Story()
    story.person(document_tokens=(), no_document_reason="newborn", hukou_division_code=None)
    await office.tell(story.messages())
    file = await office.file(story)
    assert (file["identity_documents"], file["no_document_reason"], file["hukou_division_code"]) == ([], "newborn", None)


async def test_a_relationship_is_in_the_files_of_both_persons(office: PointsOffice) -> None:
    child, mother = Story(), Story()
    child.person()
    mother.person()
    child.relationship(registry.RelationshipRegistered, new_id(), 1, related_person_id=mother.person_id, kind="parent")
    await office.tell([*child.messages(), *mother.messages()])
    told = child.file()["relationships"]
    assert (await office.file(child))["relationships"] == told
    assert (await office.file(mother))["relationships"] == told


async def test_a_person_nobody_told_of_has_no_file(office: PointsOffice) -> None:
    response = await office.reader.get(f"/v1/points/files/{new_id()}")
    assert (response.status_code, response.json()["type"]) == (404, "urn:xinshimin:problem:not-found")
    assert "片刻" in response.json()["detail_zh"]


async def test_a_file_needs_a_lawful_id_a_scope_and_a_purpose(office: PointsOffice) -> None:
    path = f"/v1/points/files/{new_id()}"
    assert (await office.reader.get("/v1/points/files/abc")).status_code == 422
    assert (await office.service.caller(["registry.person.read"]).get(path)).status_code == 403
    aimless = await office.service.caller(["points.file.read"], purpose=None).get(path)
    assert (aimless.status_code, aimless.json()["type"]) == (400, "urn:xinshimin:problem:purpose-required")


@pytest.mark.parametrize(
    ("division", "status"),
    [(TOWN, 200), (CITY, 200), ("330200", 200), ("330000", 200), (NEXT_TOWN, 404), ("330281", 404), ("520000", 404)],
)
async def test_a_file_is_visible_where_the_person_is_registered(office: PointsOffice, division: str, status: int) -> None:
    story = await resident(office, division_code=f"{TOWN}205")
    assert await office.status(story.person_id, division) == status


@pytest.mark.parametrize(
    ("ended_on", "last_day", "day_after"),
    [(date(2024, 3, 10), "2026-03-09", "2026-03-10"), (date(2024, 2, 29), "2026-02-28", "2026-03-01")],
)
async def test_the_old_town_sees_the_file_for_less_than_two_years_after_a_move(
    office: PointsOffice, ended_on: date, last_day: str, day_after: str
) -> None:
    story, home = Story(), new_id()
    story.person()
    story.registration(registry.ResidenceRegistrationRegistered, home, 1)
    ended = {"status": "ended", "ended_on": ended_on, "end_reason": "moved"}
    story.registration(registry.ResidenceRegistrationEnded, home, 2, **ended)
    story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, division_code=NEXT_TOWN)
    await office.tell(story.messages())
    await office.settled()
    async with law_clock(office) as clock:
        for day, status in ((last_day, 200), (day_after, 404)):
            await clock.call("PUT", "/internal/sandbox/clock", json={"now": f"{day}T12:00:00+08:00"})
            assert await office.status(story.person_id, TOWN) == status
            assert await office.status(story.person_id, NEXT_TOWN) == 200


async def test_who_left_long_ago_is_visible_to_nobody(office: PointsOffice) -> None:
    story = await resident(office, status="ended", ended_on=date(2020, 1, 1), end_reason="left_the_city")
    assert {await office.status(story.person_id, division) for division in (TOWN, CITY, "330000")} == {404}


@pytest.mark.parametrize(("division", "status"), [(CITY, 200), ("330000", 200), (TOWN, 404), ("330281", 404)])
async def test_who_was_never_registered_is_held_by_the_city_as_a_whole(
    office: PointsOffice, division: str, status: int
) -> None:
    story = Story()
    story.person()
    await office.tell(story.messages())
    await office.settled()
    assert await office.status(story.person_id, division) == status


async def test_merged_persons_have_one_file_under_every_id(office: PointsOffice) -> None:
    kept, merged = await resident(office), await resident(office, division_code=NEXT_TOWN)
    merged.permit(registry.ResidencePermitIssued, new_id(), 1)
    merged.employment(registry.EmploymentStarted, new_id(), 1)
    kept.employment(registry.EmploymentStarted, new_id(), 1, started_on=date(2019, 1, 2))
    await office.tell([*merged.messages(first=3), *kept.messages(first=3)])
    await office.file(merged)
    merged.merge(registry.PersonMerged, 1, kept.person_id)
    await office.tell(merged.messages(first=5))
    await office.settled()
    by_kept, by_merged = [(await office.reader.get(f"/v1/points/files/{story.person_id}")).json() for story in (kept, merged)]
    assert by_kept == by_merged
    assert (by_kept["person_id"], by_kept["merged_person_ids"]) == (str(kept.person_id), [str(merged.person_id)])
    assert {item["person_id"] for item in by_kept["residence_registrations"]} == {str(kept.person_id), str(merged.person_id)}
    assert [item["person_id"] for item in by_kept["residence_permits"]] == [str(merged.person_id)]
    assert [item["person_id"] for item in by_kept["employments"]] == [str(merged.person_id), str(kept.person_id)]
    assert by_kept["identity_documents"] == [{"type": "citizen_id", "count": 2}]
    for division in (TOWN, NEXT_TOWN):
        assert await office.status(merged.person_id, division) == 200


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0, 1, 1), (1, 0, 1), (0, 1, 0)])
async def test_a_merge_taken_back_parts_the_files_whatever_comes_late(office: PointsOffice, order: tuple[int, ...]) -> None:
    kept, merged = await resident(office), await resident(office, division_code=NEXT_TOWN)
    merged.merge(registry.PersonMerged, 1, kept.person_id)
    merged.merge(registry.PersonUnmerged, 2, kept.person_id)
    news = merged.messages(first=3)
    await office.tell(copy_of(news[place]) for place in order)
    assert await office.file(merged) == merged.file()
    assert await office.file(kept) == kept.file()
    merged.merge(registry.PersonMerged, 1, kept.person_id)
    await office.tell(merged.messages(first=5))
    await office.settled()
    assert (await office.reader.get(f"/v1/points/files/{merged.person_id}")).json()["person_id"] == str(kept.person_id)


async def test_a_reading_is_evidence_without_values(office: PointsOffice) -> None:
    story = await resident(office)
    assert (await office.reader.get(f"/v1/points/files/{story.person_id}")).status_code == 200
    lines = await Looking(office.service.runtime.pool).fetch(
        "SELECT line FROM audit_line WHERE person_id = $1", story.person_id
    )
    (line,) = [json.loads(row["line"]) for row in lines]
    assert (line["operation"], line["resource"], line["resource_id"]) == ("read", "points_file", str(story.person_id))
    assert (line["purpose"], line["client"]) == ("residence_registration", "test-client")
    assert "王" not in lines[0]["line"]


async def test_it_publishes_nothing_yet(office: PointsOffice) -> None:
    await resident(office)
    response = await office.reader.get("/v1/points/changes")
    assert (response.status_code, response.json()["items"]) == (200, [])


async def test_the_openapi_tells_scope_and_example(office: PointsOffice) -> None:
    document = (await office.service.http.get("/openapi.json")).json()
    operation = document["paths"]["/v1/points/files/{person_id}"]["get"]
    assert operation["x-xinshimin"]["scope"] == "points.file.read"
    assert document["paths"]["/v1/points/changes"]["get"]["x-xinshimin"]["scope"] == "points.file.read"
    (example,) = PointsFileView.model_json_schema()["examples"]
    assert PointsFileView.model_validate(example).model_dump(mode="json") == example
