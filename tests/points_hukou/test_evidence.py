"""The evidence door: what offices give of persons, who may, what becomes of what was said before, who sees it."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.clock import LawClock
from services.chassis.ids import new_id
from services.chassis.months import add_months
from services.contracts import registry
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.evidence_desk import (
    DOOR,
    HALL,
    INSURANCE,
    MONTHS,
    POLICE,
    SCHOOLS,
    SCOPES,
    Desk,
    answered,
    insurance,
    kind,
    pointers,
    schooling,
)
from tests.points_hukou.rule_sets import approved
from tests.points_hukou.story import NEXT_TOWN, TOWN, Story
from tests.points_hukou.test_rule_set_life import county

NUMBER = "341204197707070013"


@pytest.fixture
def desk(office: PointsOffice) -> Desk:
    """The door."""
    return Desk(office)


async def test_an_office_gives_what_is_its_business(desk: Desk) -> None:
    story = await desk.resident()
    given_ = await desk.give(desk.of(INSURANCE), insurance(person_id=str(story.person_id)))
    assert (given_["rule_set"], given_["organisation"], given_["status"]) == ("zhejiang-common-2023", INSURANCE, "current")
    assert given_["value"] == MONTHS
    found = await desk.search(story)
    assert [each["evidence_id"] for each in found] == [given_["evidence_id"]]
    facts = await desk.facts(story)
    (months,) = [each for each in facts["facts"] if each["fact"] == "insurance_in_province"]
    assert months["value"] == MONTHS
    assert [(each["source"], each["reliability"], each["counts"]) for each in months["said"]] == [(INSURANCE, "office", True)]
    assert "insurance_in_province" not in {each["fact"] for each in facts["missing"]}


async def test_it_leaves_event_version_and_evidence_without_values(desk: Desk) -> None:
    story = await desk.resident()
    made = await desk.give(desk.of(INSURANCE), insurance(person_id=str(story.person_id)))
    events, lines = await desk.left(made["evidence_id"])
    assert events == ["points_hukou.evidence.recorded.v1"]
    assert {line["operation"] for line in lines} == {"give", "read"}
    looking = Looking(desk.office.service.runtime.pool)
    tables = await looking.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for row in tables:
        texts = await looking.fetch(f"SELECT CAST(t AS text) AS row FROM {row['tablename']} t")
        assert not any("2024-06" in each["row"] for each in texts), row["tablename"]
    history = answered(await desk.of(HALL).get(f"{DOOR}/{made['evidence_id']}/history"), 200)["items"]
    assert [(each["version"], each["state"]["value"]) for each in history] == [(1, MONTHS)]
    changes = answered(await desk.of(HALL).get("/v1/points/changes?limit=200"), 200)["items"]
    assert [each["data"]["fact"] for each in changes if each["data"]["evidence_id"] == made["evidence_id"]] == [
        "insurance_in_province"
    ]


@pytest.mark.parametrize("typed", [NUMBER, " 34120419770707 0013", "３４１２０４１９７７０７０７００１３"])
async def test_a_person_is_told_by_a_document_however_it_was_typed(desk: Desk, typed: str) -> None:
    number = f"{NUMBER[:14]}{new_id().int % 900 + 100}X"
    story = await desk.resident(number)
    document = {"type": "citizen_id", "number": typed.replace(NUMBER[-4:], number[-4:]) if NUMBER[-4:] in typed else number}
    made = await desk.give(desk.of(INSURANCE), insurance(document=document))
    assert made["person_id"] == str(story.person_id)


async def test_a_number_of_two_names_nobody_also_where_one_is_out_of_sight(desk: Desk) -> None:
    number = f"34120419770708{new_id().int % 900 + 100}X"
    here, _ = await desk.resident(number), await desk.resident(number, division=NEXT_TOWN)
    body = schooling(document={"type": "citizen_id", "number": number})
    for caller in (desk.of(HALL), desk.of(HALL, TOWN)):
        problem = answered(await caller.post(DOOR, body), 422)
        assert pointers(problem) == [("/document/number", "number_shared")]
    unseen = answered(await desk.of(HALL, "330281").post(DOOR, body), 422)
    assert pointers(unseen) == [("/document/number", "person_unknown")]
    assert await desk.search(here) == []


async def test_a_number_of_one_human_under_two_ids_names_the_human(desk: Desk) -> None:
    number = f"34120419770709{new_id().int % 900 + 100}X"
    kept, merged = await desk.resident(number), await desk.resident(number)
    merged.merge(registry.PersonMerged, 1, kept.person_id)
    await desk.office.tell(merged.messages(first=3))
    await desk.office.settled()
    made = await desk.give(desk.of(INSURANCE), insurance(document={"type": "citizen_id", "number": number}))
    assert made["person_id"] == str(kept.person_id)
    assert [each["evidence_id"] for each in await desk.search(merged)] == [made["evidence_id"]]


async def test_who_is_not_in_sight_does_not_exist(desk: Desk) -> None:
    story = await desk.resident()
    made = await desk.give(desk.of(INSURANCE), insurance(person_id=str(story.person_id)))
    for division in (NEXT_TOWN, "330281", "520000"):
        stranger = desk.of(INSURANCE, division)
        problem = answered(await stranger.post(DOOR, insurance(person_id=str(story.person_id))), 404)
        assert kind(problem) == "not-found"
        one = f"{DOOR}/{made['evidence_id']}"
        assert (await stranger.get(one)).status_code == 404
        assert (await stranger.get(f"{one}/history")).status_code == 404
        assert (await stranger.get(f"{one}/contests")).status_code == 404
        assert (await stranger.post(f"{one}/withdraw", {"reason": "误报"})).status_code == 404
        assert (await stranger.post(f"{one}/contest", {"reason": "有误"})).status_code == 404
        assert (await stranger.post(f"{DOOR}/search", {"person_id": str(story.person_id)})).status_code == 404
        assert (await stranger.get(f"/v1/points/files/{story.person_id}/facts?rule_set=ningbo-2022")).status_code == 404
    assert (await desk.of(HALL, TOWN).get(f"{DOOR}/{made['evidence_id']}")).status_code == 200


async def test_values_are_shown_to_whoever_may_see_sensitive_fields(desk: Desk) -> None:
    story = await desk.resident()
    made = await desk.give(desk.of(INSURANCE), insurance(person_id=str(story.person_id)))
    plain = desk.of(HALL, scopes=SCOPES - {"points.field.sensitive"})
    shown = answered(await plain.get(f"{DOOR}/{made['evidence_id']}"), 200)
    assert (shown["value"], shown["as_of"]) == (None, "2026-03-02")
    assert shown["masked_fields"] == ["value", "withdrawal_reason"]
    facts = await desk.facts(story, plain)
    assert all(each["value"] is None and all(said["value"] is None for said in each["said"]) for each in facts["facts"])
    child = await desk.resident(birth_date="2016-05-01")
    await desk.give(desk.of(INSURANCE), insurance(person_id=str(child.person_id)))
    adults_only = desk.of(HALL, scopes=SCOPES - {"points.field.minors"})
    assert [each["value"] for each in await desk.search(child, adults_only)] == [None]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"rule_set": "nowhere-2020"}, [("/rule_set", "rule_set_unknown")]),
        ({"fact": "insurance"}, [("/fact", "fact_unknown")]),
        ({"value": [{"from": "2022-13", "to": "2022-12"}]}, [("/value/0/from", "fact_value")]),
        ({"value": [{"from": "2022-02", "to": "2022-01"}]}, [("/value/0/to", "fact_value")]),
        ({"value": 3}, [("/value", "fact_value")]),
        ({"value": 1.5}, [("/value", "fact_value")]),
        ({"as_of": "2199-01-01"}, [("/as_of", "in_future")]),
        ({"valid_from": "2026-01-02", "valid_until": "2026-01-02"}, [("", "validity")]),
        ({"document": {"type": "citizen_id", "number": NUMBER}}, [("", "person_or_document")]),
        ({"attachment_id": "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69"}, [("/attachment_id", "attachment_not_found")]),
    ],
)
async def test_what_is_wrong_is_named(desk: Desk, changed: dict[str, Any], named: list[tuple[str, str]]) -> None:
    story = await desk.resident()
    problem = answered(await desk.of(INSURANCE).post(DOOR, insurance(person_id=str(story.person_id)) | changed), 422)
    assert pointers(problem) == named
    assert all(each["message_zh"] and each["message_en"] for each in problem["errors"])
    assert await desk.search(story) == []


async def test_nobody_gives_what_is_another_offices_business(desk: Desk) -> None:
    story = await desk.resident()
    offence = {"rule_set": "ningbo-2022", "fact": "has_offended", "value": True, "as_of": "2026-03-02"}
    body = offence | {"person_id": str(story.person_id)}
    problem = answered(await desk.of(INSURANCE).post(DOOR, body), 403)
    assert (kind(problem), pointers(problem)) == ("evidence-of-other-office", [("/fact", "not_own_duty")])
    await desk.give(desk.of(POLICE), body)
    alone = desk.of(HALL, actor=None)
    assert kind(answered(await alone.post(DOOR, schooling(person_id=str(story.person_id))), 403)) == "actor-required"


async def test_later_evidence_of_the_same_office_supersedes_and_nothing_is_overwritten(desk: Desk) -> None:
    story = await desk.resident()
    office, body = desk.of(INSURANCE), insurance(person_id=str(story.person_id))
    first = await desk.give(office, body)
    again = await desk.give(office, body, 200)
    assert again["evidence_id"] == first["evidence_id"]
    longer = [{"from": "2022-01", "to": "2024-07"}]
    second = await desk.give(office, body | {"value": longer, "as_of": "2026-04-02"})
    older = await desk.give(office, body | {"value": [], "as_of": "2026-02-02"})
    assert (older["status"], older["superseded_by"]) == ("superseded", second["evidence_id"])
    assert (await desk.give(office, body | {"value": [], "as_of": "2026-02-02"}, 200))["evidence_id"] == older["evidence_id"]
    corrected = await desk.give(office, body | {"value": MONTHS, "as_of": "2026-04-02"})
    kept = await desk.search(story, include_closed=True)
    assert [(each["evidence_id"], each["status"], each["value"]) for each in kept] == [
        (first["evidence_id"], "superseded", MONTHS),
        (second["evidence_id"], "superseded", longer),
        (older["evidence_id"], "superseded", []),
        (corrected["evidence_id"], "current", MONTHS),
    ]
    assert [each["evidence_id"] for each in await desk.search(story)] == [corrected["evidence_id"]]
    known = await desk.search(story, known_at=second["created_at"])
    assert [each["evidence_id"] for each in known] == [second["evidence_id"]]
    back = await desk.give(office, body | {"value": longer, "as_of": "2026-04-02"})
    assert back["status"] == "current", "a value that was corrected is new when it is said again"


async def test_offices_do_not_supersede_each_other_and_disagreement_is_shown(desk: Desk) -> None:
    story = await desk.resident()
    person = {"person_id": str(story.person_id)}
    await desk.give(desk.of(SCHOOLS), schooling(reliability="office", **person))
    await desk.give(desk.of(HALL), schooling(value=["bachelor_or_above"], as_of="2026-06-01", **person))
    (fact,) = [each for each in (await desk.facts(story))["facts"] if each["fact"] == "education"]
    assert fact["value"] == ["junior_college"]
    assert [(each["source"], each["counts"]) for each in fact["said"]] == [(SCHOOLS, True), (HALL, False)]


async def test_what_is_declared_gives_nothing_and_what_has_expired_is_missing(desk: Desk) -> None:
    story = await desk.resident()
    person = {"person_id": str(story.person_id)}
    await desk.give(desk.of(HALL), schooling(reliability="declared", **person))
    await desk.give(desk.of(INSURANCE), insurance(valid_until="2026-04-01", **person))
    facts = await desk.facts(story)
    assert {each["fact"]: each["value"] for each in facts["facts"]}["education"] is None
    assert {"education", "insurance_in_province"} <= {each["fact"] for each in facts["missing"]}


async def test_an_office_withdraws_what_it_gave_and_nobody_else_does(desk: Desk) -> None:
    story = await desk.resident()
    made = await desk.give(desk.of(INSURANCE), insurance(person_id=str(story.person_id)))
    path, reason = f"{DOOR}/{made['evidence_id']}/withdraw", {"reason": "误报"}
    assert kind(answered(await desk.of(SCHOOLS).post(path, reason), 403)) == "evidence-not-own"
    stale = await desk.of(INSURANCE).call("POST", path, json=reason, headers={"if-match": '"7"'})
    assert kind(answered(stale, 412)) == "stale-version"
    gone = answered(await desk.of(INSURANCE).post(path, reason), 200)
    assert (gone["status"], gone["withdrawal_reason"], gone["version"]) == ("withdrawn", "误报", 2)
    assert kind(answered(await desk.of(INSURANCE).post(path, reason), 409)) == "evidence-closed"
    assert "insurance_in_province" in {each["fact"] for each in (await desk.facts(story))["missing"]}
    again = await desk.give(desk.of(INSURANCE), insurance(person_id=str(story.person_id)))
    assert again["status"] == "current"


async def test_after_a_merge_evidence_of_both_ids_counts_and_the_next_supersedes_both(desk: Desk) -> None:
    kept, merged = await desk.resident(), await desk.resident()
    office = desk.of(INSURANCE)
    more = [{"from": "2024-07", "to": "2025-01"}]
    await desk.give(office, insurance(person_id=str(kept.person_id)))
    await desk.give(office, insurance(person_id=str(merged.person_id), value=more))
    merged.merge(registry.PersonMerged, 1, kept.person_id)
    await desk.office.tell(merged.messages(first=3))
    await desk.office.settled()
    (fact,) = [each for each in (await desk.facts(merged))["facts"] if each["fact"] == "insurance_in_province"]
    assert fact["value"] == [*MONTHS, *more]
    whole = await desk.give(office, insurance(person_id=str(merged.person_id), as_of="2026-05-02"))
    assert whole["person_id"] == str(kept.person_id)
    assert [each["evidence_id"] for each in await desk.search(merged)] == [whole["evidence_id"]]


async def test_a_merge_with_two_values_shows_both(desk: Desk) -> None:
    kept, merged = await desk.resident(), await desk.resident()
    offence = {"rule_set": "ningbo-2022", "fact": "has_offended"}
    police = desk.of(POLICE)
    await desk.give(police, offence | {"value": False, "as_of": "2026-03-02", "person_id": str(kept.person_id)})
    await desk.give(police, offence | {"value": True, "as_of": "2026-02-02", "person_id": str(merged.person_id)})
    merged.merge(registry.PersonMerged, 1, kept.person_id)
    await desk.office.tell(merged.messages(first=3))
    await desk.office.settled()
    (fact,) = [each for each in (await desk.facts(kept))["facts"] if each["fact"] == "has_offended"]
    assert (fact["value"], [(each["value"], each["counts"]) for each in fact["said"]]) == (
        False,
        [(False, True), (True, False)],
    )


async def test_of_a_deleted_person_no_evidence_stays(desk: Desk) -> None:
    story = await desk.resident()
    made = await desk.give(desk.of(INSURANCE), insurance(person_id=str(story.person_id)))
    answered(await desk.of(HALL).post(f"{DOOR}/{made['evidence_id']}/contest", {"reason": "不对"}), 201)
    story.deletion()
    await desk.office.tell(story.messages(first=3))
    await desk.office.settled()
    assert (await desk.of(HALL).get(f"{DOOR}/{made['evidence_id']}")).status_code == 404
    looking = Looking(desk.office.service.runtime.pool)
    for table in ("evidence", "evidence_contest", "person_key"):
        assert await looking.fetchval(f"SELECT count(*) FROM {table} WHERE person_id = $1", story.person_id) == 0
    assert kind(answered(await desk.of(INSURANCE).post(DOOR, insurance(person_id=str(story.person_id))), 404)) == "not-found"


async def test_each_door_needs_its_scope(desk: Desk) -> None:
    story = await desk.resident()
    made = await desk.give(desk.of(INSURANCE), insurance(person_id=str(story.person_id)))
    one = f"{DOOR}/{made['evidence_id']}"
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        DOOR: ("points.evidence.write", insurance(person_id=str(story.person_id))),
        f"{one}/withdraw": ("points.evidence.write", {"reason": "误报"}),
        f"{one}/contest": ("points.evidence.contest", {"reason": "有误"}),
        f"{one}/uphold": ("points.evidence.answer", {"answer": "无误"}),
        f"{DOOR}/search": ("points.evidence.read", {"person_id": str(story.person_id)}),
    }
    for path, (scope, body) in bodies.items():
        assert kind(answered(await desk.of(INSURANCE, scopes=SCOPES - {scope}).post(path, body), 403)) == "scope-missing"


async def test_the_vocabulary_is_that_of_the_rule_sets_the_city_approved_too(desk: Desk) -> None:
    story = await desk.resident()
    days = {"rule_set": "cixi-2026", "fact": "volunteer_days", "value": 25, "as_of": "2026-03-02", "reliability": "certificate"}
    body = days | {"person_id": str(story.person_id)}
    assert pointers(answered(await desk.of(HALL).post(DOOR, body), 422)) == [("/rule_set", "rule_set_unknown")]
    await approved(desk.office, county())
    made = await desk.give(desk.of(HALL), body)
    assert made["rule_set"] == "cixi-2026"
    general = await desk.give(desk.of(HALL), schooling(rule_set="cixi-2026", person_id=str(story.person_id)))
    assert general["rule_set"] == "zhejiang-common-2023", "kept under the rule set that declares the fact"
    values = {each["fact"]: each["value"] for each in (await desk.facts(story, rule_set="cixi-2026"))["facts"]}
    assert (values["volunteer_days"], values["education"]) == (25, ["junior_college"])
    city = {each["fact"]: each["value"] for each in (await desk.facts(story))["facts"]}
    assert "volunteer_days" not in city
    assert city["education"] == ["junior_college"]


TOWNS = (TOWN, NEXT_TOWN, "330281001")
ENDS = (None, date(2026, 3, 1), date(2020, 3, 1))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lived=st.lists(st.tuples(st.sampled_from(TOWNS), st.sampled_from(ENDS)), max_size=3))
async def test_evidence_is_seen_by_exactly_those_who_see_the_file(desk: Desk, lived: list[tuple[str, date | None]]) -> None:
    story = Story()
    story.person()
    for town, ended_on in lived:
        ends = {} if ended_on is None else {"status": "ended", "ended_on": ended_on, "end_reason": "moved"}
        story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, division_code=town, **ends)
    await desk.office.tell(story.messages())
    await desk.office.settled()
    places = (*TOWNS, CITY, "330281", "3302", "52")
    seen = [place for place in places if _sees(place, lived)]
    offence = {"rule_set": "ningbo-2022", "fact": "has_offended", "value": True, "as_of": "2026-03-02"}
    body = offence | {"person_id": str(story.person_id)}
    made = await desk.give(desk.of(POLICE, seen[0]), body) if seen else {"evidence_id": str(new_id())}
    for place in places:
        caller = desk.of(HALL, place)
        answers = [
            await caller.get(f"{DOOR}/{made['evidence_id']}"),
            await caller.get(f"{DOOR}/{made['evidence_id']}/history"),
            await caller.post(f"{DOOR}/search", {"person_id": str(story.person_id)}),
            await caller.get(f"/v1/points/files/{story.person_id}/facts?rule_set=ningbo-2022"),
        ]
        assert {each.status_code for each in answers} == {200 if place in seen else 404}, place


def _sees(place: str, lived: list[tuple[str, date | None]]) -> bool:
    """As the office's rule says it, worked out the plain way."""
    if not lived:
        return CITY.startswith(place)
    since = add_months(LawClock().today(), -24)
    return any(town.startswith(place) and (ended_on is None or ended_on > since) for town, ended_on in lived)


_SAID = st.lists(
    st.tuples(st.sampled_from(["2026-01-31", "2026-02-28", "2026-03-31"]), st.booleans()),
    max_size=4,
    unique_by=lambda each: each[0],
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=_SAID, data=st.data())
async def test_what_is_current_in_the_end_does_not_depend_on_the_order(
    desk: Desk, said: list[tuple[str, bool]], data: st.DataObject
) -> None:
    one, other = Story(), Story()
    for story in (one, other):
        story.person()
    await desk.office.tell([*one.messages(), *other.messages()])
    await desk.office.settled()
    shuffled = data.draw(st.permutations(said))
    police = desk.of(POLICE)
    for story, order in ((one, said), (other, shuffled)):
        for as_of, value in order:
            body = {"rule_set": "ningbo-2022", "fact": "has_offended", "value": value, "as_of": as_of}
            await desk.give(police, body | {"person_id": str(story.person_id)})
    ends = [[(each["as_of"], each["value"]) for each in await desk.search(story)] for story in (one, other)]
    assert ends[0] == ends[1] == ([max(said)] if said else [])


async def _counted_in(desk: Desk, story: Story, on: str) -> Any:
    path = f"/v1/points/files/{story.person_id}/facts?rule_set=ningbo-2022&on={on}"
    found = answered(await desk.of(HALL).get(path), 200)
    return next((each["value"] for each in found["facts"] if each["fact"] == "education"), None)


@pytest.mark.parametrize("is_late", [False, True])
async def test_what_counts_later_leaves_what_counts_until_then(desk: Desk, is_late: bool) -> None:
    story = await desk.resident()
    words = [
        schooling(as_of="2026-01-05", valid_from="2025-01-01"),
        schooling(as_of="2026-02-05", value=["bachelor_or_above"], valid_from="2026-06-01", valid_until="2026-09-01"),
    ]
    for word in reversed(words) if is_late else words:
        await desk.give(desk.of(HALL), word | {"person_id": str(story.person_id)})
    days = ("2024-12-31", "2026-05-31", "2026-06-01", "2026-09-01")
    counted = [await _counted_in(desk, story, each) for each in days]
    assert counted == [None, ["junior_college"], ["bachelor_or_above"], None], "what has ended does not bring back what was"


async def test_of_one_day_two_times_stand_beside_each_other_and_a_correction_does_not(desk: Desk) -> None:
    story = await desk.resident()
    until = schooling(valid_until="2026-06-01", person_id=str(story.person_id))
    since = until | {"valid_from": "2026-06-01", "valid_until": None, "value": ["bachelor_or_above"]}
    made = [await desk.give(desk.of(HALL), each) for each in (until, since)]
    again = [await desk.give(desk.of(HALL), each, 200) for each in (until, since)]
    assert [each["evidence_id"] for each in again] == [each["evidence_id"] for each in made]
    assert await _counted_in(desk, story, "2026-05-31") == ["junior_college"]
    assert await _counted_in(desk, story, "2026-06-01") == ["bachelor_or_above"]
    await desk.give(desk.of(HALL), since | {"valid_from": "2026-03-01"})
    assert await _counted_in(desk, story, "2026-02-28") is None
    assert await _counted_in(desk, story, "2026-03-01") == ["bachelor_or_above"]


async def test_what_was_withdrawn_brings_nothing_back(desk: Desk) -> None:
    story = await desk.resident()
    office, body = desk.of(HALL), schooling(person_id=str(story.person_id))
    await desk.give(office, body)
    later = await desk.give(office, body | {"as_of": "2026-04-02", "valid_from": "2026-04-01"})
    answered(await office.post(f"{DOOR}/{later['evidence_id']}/withdraw", {"reason": "误报"}), 200)
    assert await _counted_in(desk, story, "2026-03-31") == ["junior_college"]
    assert await _counted_in(desk, story, "2026-04-01") is None
