"""Changed rules tried on everybody a client sees, by the worker: the numbers are those of counting everybody one by one."""

import asyncio
import subprocess
import sys
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from services.chassis.db import Transaction, in_transaction, without_transaction
from services.chassis.ids import new_id
from services.chassis.leadership import leadership
from services.chassis.long_work.rows import OperationState, find, insert
from services.chassis.long_work.worker import TASK, work_off
from services.chassis.principal import Principal
from services.chassis.rows import SERVICE
from services.contracts import registry
from services.points_hukou.actions import simulations
from services.points_hukou.rules.exact import exact
from services.points_hukou.rules.facts import read_facts
from services.points_hukou.rules.scoring import score
from services.points_hukou.schemas.simulations import SimulationRequest
from services.points_hukou.store import simulations as store
from services.points_hukou.store.person_facts import facts_of
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.evidence_desk import INSURANCE, Desk, insurance
from tests.points_hukou.rule_cases import shipped
from tests.points_hukou.rule_sets import approved, code_of, drafted, expect
from tests.points_hukou.story import NEXT_TOWN, TOWN, Story
from tests.running import Caller

DOOR = "/v1/points/simulations"
SCOPES = frozenset({"points.simulation.write", "points.simulation.read", "points.operation.read", "points.operation.cancel"})
NOW, LATER = date(2026, 11, 30), date(2029, 11, 30)
IN_TOWN, ELSEWHERE = 9, 6


@pytest.fixture(scope="module")
async def city(office: PointsOffice) -> tuple[PointsOffice, list[Story], str]:
    """People in two towns, one of whom has a second id, one with insured months; and a rule set two officers approved."""
    everybody = [_resident(number) for number in range(IN_TOWN + ELSEWHERE)]
    second = Story()
    second.person(birth_date=date(1969, 1, 1))
    second.merge(registry.PersonMerged, 1, everybody[0].person_id)
    await office.tell([message for story in (*everybody, second) for message in story.messages()])
    await office.settled()
    desk = Desk(office)
    await desk.give(desk.of(INSURANCE), insurance(person_id=str(everybody[1].person_id)))
    return office, everybody, (await approved(office))["rule_set_id"]


def _resident(number: int) -> Story:
    story = Story()
    story.person(birth_date=date(1965, 1, 15) + timedelta(days=900 * number))
    town = TOWN if number < IN_TOWN else NEXT_TOWN
    story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, division_code=town)
    if number % 2:
        story.employment(registry.EmploymentStarted, new_id(), 1)
        story.permit(registry.ResidencePermitIssued, new_id(), 1)
    return story


def asker(office: PointsOffice, division: str = CITY, *more: str) -> Caller:
    return office.service.caller(SCOPES.union(more), division=division, client=f"client-{division}")


def variants(rule_set_id: str, /, **changed: Any) -> dict[str, Any]:
    before = {"rule_set_id": rule_set_id, "applied_on": NOW.isoformat()}
    return {"before": before, "after": {**before, **changed}}


async def finished(office: PointsOffice, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """The operation at its end, worked off by a process of its own."""
    made = expect(await caller.post(DOOR, body), 202)
    async with asyncio.timeout(90):
        while made["state"] in {"accepted", "running"}:
            await asyncio.sleep(0.2)
            made = expect(await caller.get(f"/v1/points/operations/{made['operation_id']}"), 200)
    return dict(made)


async def totals(office: PointsOffice, everybody: list[Story], on: date) -> list[Fraction]:
    """Everybody's total by the engine that counts one person, from the facts that are read of one person."""
    runtime, rule_set, found = office.service.runtime, shipped("ningbo-2022"), []
    async with without_transaction(runtime.pool, rows=SERVICE) as tx:
        for story in everybody:
            gathered, _ = await facts_of(runtime.own_work(tx), story.person_id, rule_set, on)
            found.append(score(rule_set, read_facts(gathered.document, rule_set.facts, {})).total)
    return found


async def test_it_is_what_counting_everybody_comes_to(city: tuple[PointsOffice, list[Story], str]) -> None:
    office, everybody, rule_set_id = city
    caller = asker(office)
    operation = await finished(office, caller, variants(rule_set_id, applied_on=LATER.isoformat(), quota=7))
    assert (operation["state"], operation["done"], operation["total"]) == ("succeeded", len(everybody), len(everybody)), (
        operation
    )
    view = expect(await caller.get(f"{DOOR}/{operation['operation_id']}"), 200)
    told, old, new = view["told"], await totals(office, everybody, NOW), await totals(office, everybody, LATER)
    changes = [other - one for one, other in zip(old, new, strict=True)]
    assert told["all"]["people"] == len(everybody)
    assert told["all"]["gain"] == sum(each > 0 for each in changes)
    assert told["all"]["lose"] == sum(each < 0 for each in changes)
    average = sum(changes, Fraction(0)) / len(changes)
    assert abs(exact(told["all"]["average_change"]) - average) <= Fraction(1, 200)
    standing = [total for number, total in enumerate(new) if number % 2]
    assert told["after"]["stand"] == len(standing) == told["before"]["within"]
    assert (told["after"]["highest"] is None) == (standing.count(max(standing)) < told["smallest_shown"])
    assert exact(told["after"]["cut_off"]) == sorted(standing, reverse=True)[6]
    assert [(each["label"], each["people"]) for each in told["by"]["town"]] == [(TOWN, IN_TOWN), (NEXT_TOWN, ELSEWHERE)]
    assert {each["label"] for each in told["by"]["origin"]} == {"52"}
    kept = str(await Looking(office.service.runtime.pool).fetch("SELECT asked, told FROM simulation"))
    assert not [story for story in everybody if str(story.person_id) in kept]


async def test_a_town_tries_it_on_those_it_sees_and_tells_nobody_else(city: tuple[PointsOffice, list[Story], str]) -> None:
    office, _, rule_set_id = city
    caller = asker(office, NEXT_TOWN)
    operation = await finished(office, caller, variants(rule_set_id, quota=1))
    where = f"{DOOR}/{operation['operation_id']}"
    told = expect(await caller.get(where), 200)["told"]
    assert told["all"]["people"] == ELSEWHERE
    assert told["before"]["stand"] is None  # three of six
    assert told["before"]["highest"] is None
    assert expect(await asker(office).get(where), 200)["told"] == told
    assert code_of(await asker(office, TOWN).get(where)) == "simulation-not-found"
    nobody = await finished(office, asker(office, "330203"), variants(rule_set_id))
    assert (nobody["state"], nobody["problem"]) == ("failed", "simulation-of-nobody")


async def test_what_cannot_be_tried_is_refused_with_its_place(city: tuple[PointsOffice, list[Story], str]) -> None:
    office, _, rule_set_id = city
    caller = asker(office)
    refused = await caller.post(DOOR, variants(rule_set_id, applied_on="1999-01-01"))
    assert expect(refused, 422)["errors"][0]["pointer"] == "/after/applied_on"
    refused = await caller.post(DOOR, variants(rule_set_id, service="school"))
    assert expect(refused, 422)["errors"][0]["pointer"] == "/after/service"
    assert code_of(await caller.post(DOOR, variants(str(new_id())))) == "rule-set-not-found"
    draft = (await drafted(office, {"released": "beijing-2020"}))["rule_set_id"]
    refused = await caller.post(DOOR, variants(rule_set_id, rule_set_id=draft))
    assert (code_of(refused), refused.json()["scope"]) == ("scope-missing", "points.field.sensitive")
    sees_persons = asker(office, CITY, "points.field.sensitive")
    expect(await sees_persons.post(DOOR, variants(rule_set_id, rule_set_id=draft)), 202)


async def test_a_worker_that_follows_another_reads_again_and_counts_nobody_twice(
    city: tuple[PointsOffice, list[Story], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, everybody, rule_set_id = city
    monkeypatch.setattr(simulations, "PAGE", 4)
    runtime = office.service.runtime
    principal = Principal(
        client_id="client", organisation="test", division_code=CITY, scopes=SCOPES, actor="officer-1", purpose="points"
    )
    body = SimulationRequest.model_validate(variants(rule_set_id), strict=False).model_dump(mode="json")

    async def stored(tx: Transaction) -> UUID:
        return await insert(runtime.work(tx, principal), simulations.KIND, body, fingerprint=None, kept_until=NOW)

    die_after, reads = 2, 0
    real = store.page_of_everybody

    async def dying(*given: Any, **named: Any) -> Any:
        nonlocal reads
        reads += 1
        if reads > die_after:
            raise RuntimeError("the machine is gone")
        return await real(*given, **named)

    # The running service starts workers, too: they wait while somebody else leads.
    async with leadership(runtime.settings.database_url.get_secret_value(), TASK, application="test"):
        operation_id = await in_transaction(runtime.pool, stored, rows=SERVICE)
        monkeypatch.setattr(store, "page_of_everybody", dying)
        with pytest.raises(RuntimeError, match="gone"):
            await work_off(runtime, simulations.ACTS, operation_id)
        monkeypatch.setattr(store, "page_of_everybody", real)
        await work_off(runtime, simulations.ACTS, operation_id)
    async with without_transaction(runtime.pool, rows=SERVICE) as tx:
        record = await find(tx, operation_id)
    assert record is not None
    assert (record.state, record.done) == (OperationState.SUCCEEDED, len(everybody))
    told = expect(await asker(office).get(f"{DOOR}/{operation_id}"), 200)["told"]
    assert told["all"]["people"] == len(everybody)


def test_no_request_pays_for_columns() -> None:
    loaded = "import sys, services.points_hukou.app; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
