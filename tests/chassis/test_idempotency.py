"""One key, one effect, one answer – under repetition, races and failed commits."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from services.chassis.errors import DomainError
from services.chassis.idempotency import parse_key
from tests.chassis.test_routing import NOTES, problem, written
from tests.conftest import Database
from tests.looking import Looking, as_service
from tests.running import Caller, RunningService


def key(value: str | None = None) -> dict[str, str]:
    return {"idempotency-key": value or f"key-{uuid4()}"}


async def test_a_change_without_a_key_is_refused(clerk: Caller) -> None:
    problem(await clerk.post(NOTES, {"content": "x"}, headers={"idempotency-key": ""}), 400, "idempotency-key-required")


@pytest.mark.parametrize(
    ("given", "expected"), [("abc", "abc"), ('"abc"', "abc"), (" abc ", "abc"), ('"', None), ("a b", None)]
)
def test_quoted_and_bare_keys_are_the_same(given: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(DomainError):
            parse_key(given)
    else:
        assert parse_key(given) == expected


@pytest.mark.parametrize("bad", ["", " ", '""', "x" * 129, "käse", 'a"b', "a\\b"])
def test_bad_keys_are_refused(bad: str) -> None:
    with pytest.raises(DomainError):
        parse_key(bad)


async def test_the_same_request_gets_the_same_bytes_and_has_one_effect(clerk: Caller, office_database: Database) -> None:
    content = {"content": f"once {uuid4()}"}
    given = key()
    first = await clerk.post(NOTES, content, headers=given)
    again = await clerk.post(NOTES, content, headers={"idempotency-key": f'"{given["idempotency-key"]}"'})
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    note_id = first.json()["note_id"]
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    for table, column in (("outbox", "partition_key"), ("history", "resource_id"), ("note", "note_id")):
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", first.json()["note_id"]) == 1
    assert await connection.fetchval("SELECT count(*) FROM audit_line WHERE line LIKE $1", f"%{note_id}%") == 1
    stored = await connection.fetchval("SELECT body FROM idempotency_key WHERE key = $1", given["idempotency-key"])
    assert content["content"].encode() not in stored
    await connection.close()


async def test_another_payload_under_the_key_is_refused(clerk: Caller) -> None:
    given = key()
    assert (await clerk.post(NOTES, {"content": f"a {uuid4()}"}, headers=given)).status_code == 201
    problem(await clerk.post(NOTES, {"content": f"b {uuid4()}"}, headers=given), 422, "idempotency-key-reused")


async def test_another_client_may_use_the_same_key(office: RunningService, clerk: Caller) -> None:
    given = key()
    other = office.caller(["office.note.write"], client="another")
    assert (await clerk.post(NOTES, {"content": f"a {uuid4()}"}, headers=given)).status_code == 201
    assert (await other.post(NOTES, {"content": f"b {uuid4()}"}, headers=given)).status_code == 201


async def test_an_error_is_not_kept_and_the_key_may_be_used_again(clerk: Caller) -> None:
    note = await written(clerk)
    path, given = f"{NOTES}/{note['note_id']}/close", key()
    problem(await clerk.post(path, {"fail": True}, headers=given), 500, "internal-error")
    assert (await clerk.post(path, headers=given)).status_code == 200


async def test_a_commit_that_fails_gives_no_success_and_no_trace(clerk: Caller, office_database: Database) -> None:
    note = await written(clerk)
    given = key()
    response = await clerk.post(NOTES, {"content": note["content"]}, headers=given)  # the constraint fires at COMMIT
    problem(response, 500, "internal-error")
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    assert await connection.fetchval("SELECT count(*) FROM note WHERE content = $1", note["content"]) == 1
    assert await connection.fetchval("SELECT count(*) FROM idempotency_key WHERE key = $1", given["idempotency-key"]) == 0
    await connection.close()


async def test_racing_requests_under_one_key_have_one_effect(clerk: Caller, office_database: Database) -> None:
    for _ in range(10):
        content, given = {"content": f"race {uuid4()}"}, key()
        answers = await asyncio.gather(*(clerk.post(NOTES, content, headers=given) for _ in range(12)))
        done = [answer for answer in answers if answer.status_code == 201]
        assert done
        assert len({answer.content for answer in done}) == 1
        for answer in answers:
            if answer.status_code != 201:
                assert answer.status_code in {409, 503}
                assert answer.headers["retry-after"]
        connection = await asyncpg.connect(as_service(office_database.owner_url))
        assert await connection.fetchval("SELECT count(*) FROM note WHERE content = $1", content["content"]) == 1
        await connection.close()


async def test_a_key_is_forgotten_after_its_retention(clerk: Caller, office_database: Database) -> None:
    given = key()
    assert (await clerk.post(NOTES, {"content": f"old {uuid4()}"}, headers=given)).status_code == 201
    connection = await asyncpg.connect(as_service(office_database.owner_url))
    await connection.execute(
        "UPDATE idempotency_key SET recorded_at = now() - interval '73 hours' WHERE key = $1", given["idempotency-key"]
    )
    await connection.close()
    assert (await clerk.post(NOTES, {"content": f"new {uuid4()}"}, headers=given)).status_code == 201


async def test_cancelled_requests_leave_no_connection_and_no_half_change(clerk: Caller, office: RunningService) -> None:
    note = await written(clerk)
    path = f"{NOTES}/{note['note_id']}/close"
    tasks = [asyncio.create_task(clerk.post(path, {"delay_s": 0.5})) for _ in range(40)]
    for index, task in enumerate(tasks):
        await asyncio.sleep(0.002 * (index % 5))
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.2)
    assert (await clerk.get(f"{NOTES}/{note['note_id']}")).json()["closed"] is False
    idle = await Looking(office.runtime.pool).fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    )
    assert idle == 0
    assert office.runtime.pool.get_size() <= 4


async def test_an_exhausted_pool_answers_503_with_retry_after(clerk: Caller, office: RunningService) -> None:
    held = [await office.runtime.pool.acquire() for _ in range(4)]
    try:
        response = await clerk.post(NOTES, {"content": f"x {uuid4()}"})
    finally:
        for connection in held:
            await office.runtime.pool.release(connection)
    problem(response, 503, "busy")
    assert response.headers["retry-after"] == "1"
