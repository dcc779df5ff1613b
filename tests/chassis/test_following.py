"""Following a service by its changes, the sandbox's clock, jobs, probes, metrics and the OpenAPI."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.chassis import changes
from services.chassis.clock import LawClock, utc_now
from services.chassis.evidence.checkpoint import SigningKeys
from services.chassis.jobs import Job, Scheduler
from services.chassis.work import Work
from tests.chassis.conftest import ALL_SCOPES
from tests.chassis.office.app import DEFINITION
from tests.chassis.test_routing import NOTES, problem, written
from tests.conftest import Database, MakeDatabase
from tests.looking import Looking, as_service
from tests.running import Caller, InsideKeys, RunningService, running_service
from tests.servers import Servers

CHANGES = "/v1/office/changes"
CHECKPOINTS = "/v1/office/audit/checkpoints"


async def settled(clerk: Caller) -> None:
    for _ in range(200):
        if (await clerk.get("/internal/sandbox/settled")).json()["settled"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the office did not settle")


async def follow(caller: Caller, token: str | None = None, limit: int = 3) -> tuple[list[dict[str, Any]], str]:
    seen: list[dict[str, Any]] = []
    while True:
        query = f"?limit={limit}" + (f"&after={token}" if token else "")
        answer = (await caller.get(CHANGES + query)).json()
        seen += answer["items"]
        token = answer["next"]
        if not answer["items"]:
            return seen, token


async def test_changes_miss_nothing_and_go_on_where_they_stopped(clerk: Caller) -> None:
    _, start = await follow(clerk)
    made = [(await written(clerk))["note_id"] for _ in range(10)]
    await settled(clerk)
    events, token = await follow(clerk, start)
    assert [event["data"]["note_id"] for event in events] == made
    assert {event["type"] for event in events} == {"office.note.changed.v1"}
    assert all(event["sequence"] == 1 and event["partitionkey"] == event["data"]["note_id"] for event in events)
    one = (await written(clerk))["note_id"]
    await settled(clerk)
    more, _ = await follow(clerk, token)
    assert [event["data"]["note_id"] for event in more] == [one]


async def test_the_signed_heads_are_read_by_whoever_keeps_them_elsewhere(office: RunningService, clerk: Caller) -> None:
    keys = SigningKeys.load("office", office.runtime.settings.audit_key_file).public
    auditor = office.caller(["office.audit_checkpoint.read"], division="99", purpose=None)
    kept: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while len(kept) < 2:
            await written(clerk)
            after = kept[-1]["size"] if kept else 0
            answer = await auditor.get(f"{CHECKPOINTS}?after={after}&limit=1")
            assert answer.status_code == 200, answer.text
            kept += answer.json()["items"]
            await asyncio.sleep(0.1)
    first, second = (keys.open(each["signed"]) for each in kept)
    assert [first.size, second.size] == [each["size"] for each in kept]
    assert first.size < second.size
    assert (await auditor.get(f"{CHECKPOINTS}?after={(1 << 53) - 1}")).json()["items"] == []
    problem(await auditor.get(f"{CHECKPOINTS}?after=-1"), 422, "invalid-request")
    problem(await office.caller(["office.note.read"]).get(CHECKPOINTS), 403, "scope-missing")
    sql = "SELECT line FROM audit_line WHERE CAST(line AS jsonb) ->> 'resource' = 'audit_checkpoint' LIMIT 1"
    assert '"operation":"read"' in await Looking(office.runtime.pool).fetchval(sql)


async def test_followers_see_their_division_and_their_scopes_only(office: RunningService, clerk: Caller) -> None:
    _, start = await follow(clerk)
    elsewhere = office.caller(ALL_SCOPES, division="330281")
    theirs = (await written(elsewhere))["note_id"]
    await settled(clerk)
    assert (await follow(clerk, start))[0] == []
    seen, _ = await follow(elsewhere)
    assert theirs in [event["data"]["note_id"] for event in seen]
    above = office.caller(ALL_SCOPES, division="330000")
    assert theirs in [event["data"]["note_id"] for event in (await follow(above, limit=200))[0]]
    blind = office.caller(["office.changes.read"])
    assert (await follow(blind))[0] == []


async def test_a_position_past_its_retention_is_gone(clerk: Caller, office_database: Database) -> None:
    await written(clerk)
    await written(clerk)
    await settled(clerk)
    first = (await clerk.get(CHANGES + "?limit=1")).json()["next"]
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    await connection.execute("UPDATE relay_state SET first_position_kept = last_position + 1")
    problem(await clerk.get(f"{CHANGES}?after={first}"), 410, "position-gone")
    await connection.execute("UPDATE relay_state SET first_position_kept = 1")
    await connection.close()
    refused = problem(await clerk.get(f"{CHANGES}?after=abc"), 400, "cursor-invalid")
    assert refused["errors"][0]["pointer"] == "?after"
    of_another_list = (await clerk.get(f"{NOTES}?limit=1")).json()["next_cursor"]
    problem(await clerk.get(f"{CHANGES}?after={of_another_list}"), 400, "cursor-invalid")


async def test_an_empty_token_is_the_beginning(clerk: Caller) -> None:
    """A follower that has no token yet may still send the parameter: `GET …/changes?after=`."""
    await written(clerk)
    await settled(clerk)
    from_the_start, said_empty = await clerk.get(f"{CHANGES}?limit=1"), await clerk.get(f"{CHANGES}?after=&limit=1")
    assert said_empty.status_code == 200
    assert said_empty.json() == from_the_start.json()


async def test_old_partitions_go_only_when_everything_in_them_was_published(office_database: Database) -> None:
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    await connection.execute(
        "CREATE TABLE outbox_20200101 PARTITION OF outbox FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')"
    )
    await connection.execute(
        """
        INSERT INTO outbox (recorded_on, event_id, event_type, partition_key, sequence, division_codes, data,
                            published_position, published_at)
        VALUES ('2020-01-01', gen_random_uuid(), 'office.note.changed.v1', gen_random_uuid(), 1, '{}', '{}', -5, now()),
               ('2020-01-01', gen_random_uuid(), 'x', gen_random_uuid(), 1, '{}', '{}', NULL, NULL)
        """
    )
    assert await connection.fetchval("SELECT maintain_outbox_partitions(35)") == 0
    await connection.execute("DELETE FROM outbox WHERE recorded_on = '2020-01-01' AND published_at IS NULL")
    assert await connection.fetchval("SELECT maintain_outbox_partitions(35)") == 1
    assert await connection.fetchval("SELECT to_regclass('outbox_20200101')") is None
    await connection.close()


async def test_the_sandbox_moves_the_law_clock_only_and_remembers_it(clerk: Caller, office: RunningService) -> None:
    before = utc_now()
    response = await clerk.call("PUT", "/internal/sandbox/clock", json={"now": "2031-02-03T04:05:06+08:00"})
    assert response.json()["now"].startswith("2031-02-03T04:05:")
    assert office.runtime.law_clock.today().isoformat() == "2031-02-03"
    note = await written(clerk)
    row = await Looking(office.runtime.pool).fetchrow("SELECT created_at FROM note WHERE note_id = $1", note["note_id"])
    assert row is not None
    assert before <= row["created_at"] <= utc_now()
    assert await Looking(office.runtime.pool).fetchval("SELECT offset_seconds FROM sandbox_clock") > 3e7
    await clerk.call("PUT", "/internal/sandbox/clock", json={"now": None})
    assert office.runtime.law_clock.offset.total_seconds() == 0
    problem(await clerk.call("PUT", "/internal/sandbox/clock", json={"now": "2031-02-03T04:05:06"}), 422, "invalid-request")
    stranger = office.caller(["office.note.read"])
    problem(await stranger.call("PUT", "/internal/sandbox/clock", json={"now": None}), 403, "scope-missing")


def test_the_law_day_is_shanghais() -> None:
    clock = LawClock()
    clock.set(datetime(2026, 1, 1, 16, 30, tzinfo=UTC))
    assert clock.today().isoformat() == "2026-01-02"


async def test_jobs_finish_their_chunks_once_a_day_and_again_when_the_sandbox_says_so(clerk: Caller) -> None:
    notes = [await written(clerk, f"due {uuid4()}") for _ in range(5)]
    await clerk.call("POST", "/internal/sandbox/jobs")
    closed = [(await clerk.get(f"{NOTES}/{note['note_id']}")).json()["closed"] for note in notes]
    assert closed == [True] * 5


async def test_probes_and_metrics(office: RunningService, clerk: Caller) -> None:
    assert (await office.http.get("/livez")).json() == {"alive": True}
    ready = await office.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "not_ready": {}, "warnings": {}})
    await clerk.get(NOTES)
    text = (await office.http.get("/metrics")).text
    assert 'xinshimin_requests_total{operation="GET /v1/notes",process="office",status="200"}' in text


async def test_the_openapi_tells_what_an_operation_demands(office: RunningService) -> None:
    document = (await office.http.get("/openapi.json")).json()
    close = document["paths"]["/v1/notes/{note_id}/close"]["post"]
    assert close["x-xinshimin"] == {
        "scope": "office.note.close",
        "purpose": True,
        "actor": True,
        "writes": True,
        "idempotency": True,
        "if_match": False,
        "units": False,
    }
    headers = {parameter["name"] for parameter in close["parameters"] if parameter["in"] == "header"}
    assert headers == {"Idempotency-Key", "X-Purpose", "X-Actor"}
    assert "note-closed" in close["description"]
    assert document["paths"]["/v1/notes"]["post"]["summary"] == "写记录 · Write a note"
    assert "Problem" in document["components"]["schemas"]
    assert not [path for path in document["paths"] if path.startswith("/internal")]


async def test_a_service_whose_schema_is_behind_does_not_start(
    servers: Servers, key_file: Path, inside_keys: InsideKeys
) -> None:
    url = servers.postgres_url("postgres")
    with pytest.raises(RuntimeError, match="xinshimin migrate"):
        async with running_service(
            DEFINITION, database_url=url, nats_url=servers.nats_url_of("office"), key_file=key_file, keys=inside_keys
        ):
            pass


async def test_a_position_of_a_past_that_was_undone_is_gone(clerk: Caller, office_database: Database) -> None:
    await written(clerk)
    await settled(clerk)
    _, token = await follow(clerk)
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    try:
        await connection.execute("UPDATE relay_state SET last_position = last_position - 1")  # a restore lost the last one
        problem(await clerk.get(f"{CHANGES}?after={token}"), 410, "position-gone")
        await connection.execute("UPDATE relay_state SET last_position = last_position + 1, epoch = epoch + 1")
        problem(await clerk.get(f"{CHANGES}?after={token}"), 410, "position-gone")
    finally:
        await connection.execute("UPDATE relay_state SET epoch = 1")
        await connection.close()
    assert (await clerk.get(f"{CHANGES}?after={token}")).json()["items"] == []


async def test_types_that_are_no_longer_published_are_not_shown(clerk: Caller, office_database: Database) -> None:
    _, start = await follow(clerk)
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    await connection.execute(
        """
        INSERT INTO outbox (event_id, event_type, partition_key, sequence, division_codes, data)
        VALUES (gen_random_uuid(), 'office.note.retired.v1', gen_random_uuid(), 1, '{330282}', '{"secret": 1}')
        """
    )
    await connection.close()
    await settled(clerk)
    seen, _ = await follow(clerk, start)
    assert seen == []


async def test_a_job_that_fails_keeps_no_other_from_running(office: RunningService) -> None:
    ran = []

    async def fails(_: Work) -> bool:
        raise RuntimeError("made up")

    async def works(_: Work) -> bool:
        ran.append(True)
        return False

    jobs = [Job("fails", fails), Job("works", works)]
    assert await Scheduler(office.runtime, jobs).run_due() == ["fails"]
    assert await Scheduler(office.runtime, jobs).run_due() == ["fails"]  # the other is done for today
    assert ran == [True]


@pytest.mark.parametrize("now", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+08:00", "4102444800"])
async def test_a_clock_at_the_end_of_time_is_refused_and_harms_nothing(clerk: Caller, office: RunningService, now: str) -> None:
    problem(await clerk.call("PUT", "/internal/sandbox/clock", json={"now": now}), 422, "invalid-request")
    assert abs(office.runtime.law_clock.offset.total_seconds()) < 1
    assert (await clerk.get(NOTES)).status_code == 200


async def test_the_retention_that_is_set_is_the_relays(
    make_database: MakeDatabase, servers: Servers, key_file: Path, inside_keys: InsideKeys
) -> None:
    database = await asyncio.to_thread(make_database, "office", DEFINITION.migrations)
    connection = await asyncpg.connect(as_service(database.owner_url))
    await connection.execute(
        "CREATE TABLE outbox_20200303 PARTITION OF outbox FOR VALUES FROM ('2020-03-03') TO ('2020-03-04')"
    )
    ahead = await connection.fetchval("SELECT 'outbox_' || to_char((now() AT TIME ZONE 'UTC')::date + 7, 'YYYYMMDD')")
    for days, kept in ((20_000, True), (35, False)):
        await connection.execute(f"DROP TABLE {ahead}")  # made again when the relay looks after the partitions
        async with running_service(
            DEFINITION,
            database_url=database.application_url,
            nats_url=servers.nats_url_of("office"),
            key_file=key_file,
            keys=inside_keys,
            changes_retention_days=days,
        ):
            for _ in range(500):
                if await connection.fetchval("SELECT to_regclass($1)", ahead) is not None:
                    break
                await asyncio.sleep(0.02)
        assert (await connection.fetchval("SELECT to_regclass('outbox_20200303')") is not None) is kept
    await connection.close()


async def test_a_follower_of_few_events_among_many_gets_on(
    clerk: Caller, monkeypatch: pytest.MonkeyPatch, office: RunningService
) -> None:
    monkeypatch.setattr(changes, "_WINDOW", 3)
    monkeypatch.setattr(changes, "_WINDOWS_MAX", 2)
    _, token = await follow(clerk)
    elsewhere = office.caller(ALL_SCOPES, division="330281")
    for _ in range(10):
        await written(elsewhere)
    mine = (await written(clerk))["note_id"]
    await settled(clerk)
    answers: list[dict[str, Any]] = []
    while not answers or answers[-1]["more"]:
        answers.append((await clerk.get(f"{CHANGES}?after={token}")).json())
        token = answers[-1]["next"]
    assert [[event["data"]["note_id"] for event in answer["items"]] for answer in answers] == [[], [mine]]
    assert (await clerk.get(f"{CHANGES}?after={token}")).json() == {"items": [], "more": False, "next": token}
