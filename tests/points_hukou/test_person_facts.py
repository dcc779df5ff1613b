"""The facts of a person from what this service has heard and been given."""

from datetime import date
from uuid import UUID

import pytest

from services.chassis.db import without_transaction
from services.chassis.errors import DomainError
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE
from services.contracts import registry
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.gathering.gathering import GatheredFacts
from services.points_hukou.store.person_facts import REGISTRY_ZH, facts_of
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.rule_cases import shipped
from tests.points_hukou.story import Story

ON = date(2026, 11, 30)


async def gathered(office: PointsOffice, person_id: UUID, rule_set: RuleSet | None = None, on: date = ON) -> GatheredFacts:
    """What `facts_of` says in the service's own rows."""
    runtime = office.service.runtime
    async with without_transaction(runtime.pool, rows=SERVICE) as tx:
        work = runtime.own_work(tx)
        return (await facts_of(work, person_id, rule_set or shipped("ningbo-2022"), on))[0]


def settled_story() -> Story:
    """Somebody who lives in a rented home, works and holds a permit."""
    story = Story()
    story.person()
    story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1)
    story.employment(registry.EmploymentStarted, new_id(), 1)
    story.permit(registry.ResidencePermitIssued, new_id(), 1)
    return story


async def test_the_registry_supplies_what_it_knows(office: PointsOffice) -> None:
    story = settled_story()
    await office.tell(story.messages())
    await office.settled()
    found = await gathered(office, story.person_id)
    assert found.document["facts"] == {
        "birth_date": "1990-05-01",
        "registered_in_province_since": "2025-03-01",
        "work_in_city": [{"from": "2025-03-03", "kind": "registered_contract"}],
        "home_in_city": ["lawful_rental"],
        "has_valid_permit": True,
        "lives_and_works_in_city": True,
    }
    assert found.missing == ("education", "skill", "insurance_in_province")
    assert {each["source"] for each in found.document["sources"].values()} == {REGISTRY_ZH}  # type: ignore[attr-defined]
    before = await gathered(office, story.person_id, on=date(2025, 3, 2))
    assert "work_in_city" not in before.document["facts"]  # type: ignore[operator]


async def test_a_merged_human_has_the_facts_of_all_its_ids(office: PointsOffice) -> None:
    kept, alias = Story(), settled_story()
    kept.person(birth_date=date(1991, 5, 1))
    alias.merge(registry.PersonMerged, 1, kept.person_id)
    await office.tell([*kept.messages(), *alias.messages()])
    await office.settled()
    for person_id in (kept.person_id, alias.person_id):
        found = await gathered(office, person_id)
        assert found.person_id == kept.person_id
        assert found.document["facts"]["birth_date"] == "1991-05-01"  # type: ignore[index]
        assert found.document["facts"]["has_valid_permit"]  # type: ignore[index]
        assert [(each.fact, [said.raw for said in each.others]) for each in found.conflicts] == [("birth_date", ["1990-05-01"])]


async def test_nobody_has_no_facts(office: PointsOffice) -> None:
    with pytest.raises(DomainError, match="not-found"):
        await gathered(office, new_id())
