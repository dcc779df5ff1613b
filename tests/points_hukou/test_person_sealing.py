"""What is said and scored of a person lies under the person's own key: with the key it is gone (decision 0008)."""

import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from services.chassis import data_keys, person_keys
from services.chassis.db import create_pool
from services.chassis.keyring import Keyring
from services.chassis.rotation import Rotation
from services.chassis.sealing import KeyKind, Suite, is_of
from services.points_hukou.app import DEFINITION
from tests.conftest import Database
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import expect
from tests.points_hukou.window import ALL, assessment_of, counter, couple, resident, run_job, scored, tell
from tests.running import Caller

TABLES = ("application", "assessment")


async def spoken_of(office: PointsOffice, window: Caller) -> dict[str, Any]:
    """An application with words and a score."""
    application = await scored(window, await resident(office))
    one = f"{ALL}/{application['application_id']}"
    expect(await window.post(f"{one}/confirm", {"note": "已与社保中心核对"}), 200)
    found: dict[str, Any] = expect(await window.get(one), 200)
    return found


async def sealed_of(office: PointsOffice, application: dict[str, Any]) -> dict[str, bytes]:
    looking = Looking(office.service.runtime.pool)
    return {
        table: await looking.fetchval(
            f"SELECT sealed FROM {table} WHERE application_id = $1", UUID(application["application_id"])
        )
        for table in TABLES
    }


async def put_back(office: PointsOffice, application: dict[str, Any]) -> None:
    """Under the service's key, as it lay before revision 0017."""
    looking, keyring = Looking(office.service.runtime.pool), office.service.runtime.keyring
    for table in TABLES:
        row = await looking.fetchrow(
            f"SELECT t.{table}_id AS id, t.person_id, t.sealed, {person_keys.COLUMNS} FROM {table} t"
            " JOIN person_key k ON k.person_id = t.person_id WHERE t.application_id = $1",
            UUID(application["application_id"]),
        )
        assert row is not None
        context = f"{table}|sealed|{row['id']}"
        opened = person_keys.opened(keyring, row, row["sealed"], context)
        assert opened is not None
        await looking.fetch(f"UPDATE {table} SET sealed = $2 WHERE {table}_id = $1", row["id"], keyring.seal(opened, context))


async def test_without_the_key_nothing_is_left_of_words_and_scores(office: PointsOffice, open_window: Caller) -> None:
    application = await spoken_of(office, open_window)
    assert all(is_of(KeyKind.PERSON, sealed) for sealed in (await sealed_of(office, application)).values())
    looking = Looking(office.service.runtime.pool)
    await looking.fetch("DELETE FROM person_key WHERE person_id = $1", UUID(application["person_id"]))
    found = expect(await open_window.get(f"{ALL}/{application['application_id']}"), 200)
    assert found["words"] is None
    assert (await assessment_of(open_window, application))["is_erased"] is True


async def test_what_lay_under_the_services_key_is_read_and_sealed_again(office: PointsOffice, open_window: Caller) -> None:
    made = [await spoken_of(office, open_window) for _ in range(3)]
    totals = [(await assessment_of(open_window, each))["total"] for each in made]
    for each in made:
        await put_back(office, each)
        assert (await assessment_of(open_window, each))["total"] is not None
    await run_job(office, "seal-under-person-keys")
    looking = Looking(office.service.runtime.pool)
    for table in TABLES:
        assert await looking.fetchval(f"SELECT count(*) FROM {table} WHERE get_byte(sealed, 0) & 192 = 0") == 0
    assert [(await assessment_of(open_window, each))["total"] for each in made] == totals
    assert [expect(await open_window.get(f"{ALL}/{each['application_id']}"), 200)["words"] for each in made] == [
        ["已与社保中心核对"]
    ] * 3
    before = await sealed_of(office, made[0])
    await run_job(office, "seal-under-person-keys")
    assert await sealed_of(office, made[0]) == before, "nothing is done twice"


async def test_of_somebody_deleted_meanwhile_the_old_value_goes(office: PointsOffice, open_window: Caller) -> None:
    application = await spoken_of(office, open_window)
    looking = Looking(office.service.runtime.pool)
    await put_back(office, application)
    person_id = UUID(application["person_id"])
    await looking.fetch(
        "INSERT INTO mirror_person_deleted (person_id, deleted_on, version, sequence, updated_at) VALUES ($1, $2, 2, 9, now())",
        person_id,
        date(2026, 3, 2),
    )
    await run_job(office, "seal-under-person-keys")
    assert await sealed_of(office, application) == dict.fromkeys(TABLES)


async def test_a_rotation_of_the_services_key_takes_what_is_left_and_leaves_what_is_the_persons(
    office: PointsOffice, open_window: Caller, database: Database, key_file: Path
) -> None:
    old, new = await spoken_of(office, open_window), await spoken_of(office, open_window)
    await run_job(office, "seal-under-person-keys")
    await put_back(office, old)
    before, runtime = await sealed_of(office, new), office.service.runtime
    owner = await create_pool(database.owner_url, size=2, command_timeout=20, application="test")
    try:
        keyring: Keyring = await data_keys.open_keyring(runtime.pool, key_file, Suite.AES_256_GCM)
        rotation = Rotation(runtime.pool, owner, keyring, lambda _what, _done, _total: None, wait_s=20)
        report = await rotation.rotate(DEFINITION.sealed)
    finally:
        await owner.close()
    assert {table: report.resealed[f"{table}.sealed"] for table in TABLES} == dict.fromkeys(TABLES, 1)
    assert await sealed_of(office, new) == before
    assert (await assessment_of(open_window, old))["total"] is not None
    await run_job(office, "seal-under-person-keys")
    assert (await assessment_of(open_window, old))["total"] is not None


async def test_that_a_deletion_withdrew_an_application_is_told_remembered_and_evident(
    office: PointsOffice, open_window: Caller
) -> None:
    story = await resident(office)
    application = await scored(open_window, story)
    told = len(story.events)
    story.deletion()
    await tell(office, story, told)
    city, looking = counter(office, division=CITY), Looking(office.service.runtime.pool)
    versions = expect(await city.get(f"{ALL}/{application['application_id']}/history"), 200)["items"]
    assert "status" in versions[0]["changed"]
    assert (versions[0]["state"]["status"], versions[0]["version"]) == ("withdrawn", application["version"] + 1)
    assert [each["erased"] for each in versions] == [False, True, True]
    events = await looking.fetch(
        "SELECT event_type, data FROM outbox WHERE partition_key = $1 ORDER BY sequence", story.person_id
    )
    assert events[-1]["event_type"] == "points_hukou.application.withdrawn.v1"
    assert json.loads(events[-1]["data"])["version"] == application["version"] + 1
    lines = await looking.fetch("SELECT line FROM audit_line WHERE person_id = $1", story.person_id)
    (forgotten,) = [line for line in (json.loads(row["line"]) for row in lines) if line["operation"] == "forget"]
    assert forgotten["resource_id"] == application["application_id"]
    assert await looking.fetchval("SELECT count(*) FROM person_key WHERE person_id = $1", story.person_id) == 0


async def test_the_score_of_the_spouse_goes_with_the_spouse(office: PointsOffice, open_window: Caller) -> None:
    applicant, spouse = await couple(office, date(1970, 1, 1), date(1992, 1, 1))
    application = await scored(open_window, applicant, family_person_ids=[str(spouse.person_id)])
    told = len(spouse.events)
    spouse.deletion()
    await tell(office, spouse, told)
    items = expect(await open_window.get(f"{ALL}/{application['application_id']}/assessments"), 200)["items"]
    assert {each["person_id"]: each["is_erased"] for each in items} == {
        str(applicant.person_id): False,
        str(spouse.person_id): True,
    }
