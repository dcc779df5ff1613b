"""Bugs planted into the policies: the checker of `test_row_model.py` finds each, and nothing once they are taken back."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.conftest import Database
from tests.looking import as_service
from tests.registry.row_city import City
from tests.registry.test_row_model import Checker, DifferenceError, city, database

__all__ = ["city", "database"]

_HOLD = "is_in_row_division(division_code) AND NOT is_restricted AND (until IS NULL OR until {})"
_HERE = "is_in_row_division(division_code)"
# A table, what its clients' SELECT policies say instead, and a question that has to do with it (none: all of them).
PLANTED = [
    ("person_division", _HOLD.format("> row_seen_since() - 1"), "GET /v1/persons/{person_id}"),
    ("person_division", _HOLD.format("> row_seen_since() + 1"), "GET /v1/persons/{person_id}"),
    ("person_division", _HOLD.format("IS NOT NULL"), "GET /v1/persons/{person_id}"),
    ("person_division", "true", ""),
    ("person", "true", "GET /v1/persons/{person_id}"),
    ("relationship", "true", "GET /v1/relationships/{relationship_id}"),
    ("residence_registration", "true", "GET /v1/residence-registrations/{registration_id}"),
    ("residence_registration", _HERE, "GET /v1/residence-registrations"),
    ("residence_permit", "true", "GET /v1/residence-permits/{permit_id}"),
    ("historical_permit", "true", "GET /v1/historical-permits/{historical_permit_id}"),
    ("attachment", _HERE, "GET /v1/registry/attachments/{attachment_id}"),
    ("notice", "true", "GET /v1/notices"),
    ("operation", "true", "GET /v1/registry/operations/{operation_id}"),
    ("proposal", "true", "GET /v1/registry/proposals/{proposal_id}"),
    ("proposal", "true", "GET /v1/registry/proposals"),
    ("merge_conflict", "true", "GET /v1/merge-conflicts"),
    ("landlord", "true", "GET /v1/landlords/{landlord_id}"),
    ("responsibility_letter", "true", "GET /v1/responsibility-letters/{letter_id}"),
    ("premises", "true", "GET /v1/premises/{premises_id}"),
    ("stay", "true", "GET /v1/stays/{stay_id}"),
    ("stay", f"{_HERE} AND (ended_at IS NULL OR ended_at > row_seen_since())", "GET /v1/stays/{stay_id}"),
    ("field_visit", _HERE, "GET /v1/field-visits/{visit_id}"),
    ("coordinator_assignment", "true", "GET /v1/coordinator-assignments/{assignment_id}"),
    ("field_visit_conflict", "true", "GET /v1/field-visit-conflicts/{visit_conflict_id}"),
    ("employer", "true", "GET /v1/employers/{employer_id}"),
    ("employment", "true", "GET /v1/employments/{employment_id}"),
    ("employment", _HERE, "GET /v1/employments/{employment_id}"),
    ("rights_request", "true", "GET /v1/rights-requests/{rights_request_id}"),
    ("person_resolution", "true", "GET /v1/persons/{person_id}"),
    ("landlord", "false", "GET /v1/landlords/{landlord_id}"),
]
_CLIENTS_SELECT = """SELECT policyname, qual FROM pg_policies
    WHERE tablename = $1 AND cmd = 'SELECT' AND permissive = 'PERMISSIVE' AND policyname <> 'units_see'"""


async def asked(checker: Checker, times: int, route: str = "") -> None:
    """So many questions, of one kind or of all."""
    for _ in range(times):
        await checker.check(route or None)


@asynccontextmanager
async def planted(database: Database, table: str, condition: str) -> AsyncIterator[None]:
    """The table's policies say `condition` meanwhile."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        before = await owner.fetch(_CLIENTS_SELECT, table)
        assert before, table
        for policy in before:
            await owner.execute(f"ALTER POLICY {policy['policyname']} ON {table} USING ({condition})")
        yield
        for policy in before:
            await owner.execute(f"ALTER POLICY {policy['policyname']} ON {table} USING ({policy['qual']})")
    finally:
        await owner.close()


@pytest.mark.long
@pytest.mark.parametrize(("table", "condition", "route"), PLANTED)
async def test_a_planted_bug_is_found(city: City, database: Database, table: str, condition: str, route: str) -> None:
    checker = Checker(city, random.Random(23))
    async with planted(database, table, condition):
        with pytest.raises(DifferenceError):
            await asked(checker, 600, route)
    await asked(checker, 40, route)


@pytest.mark.long
@pytest.mark.parametrize("whom", ["true", "person_id NOT IN (SELECT person_id FROM person_restriction)"])
async def test_a_restriction_of_nobody_or_of_one_id_is_found(city: City, database: Database, whom: str) -> None:
    owner = await asyncpg.connect(as_service(database.owner_url))
    try:
        forgotten = await owner.fetch(f"DELETE FROM restricted_id WHERE {whom} RETURNING person_id")
        assert forgotten
        with pytest.raises(DifferenceError):
            await asked(Checker(city, random.Random(31)), 3000)
        await owner.executemany("INSERT INTO restricted_id VALUES ($1)", [(row["person_id"],) for row in forgotten])
    finally:
        await owner.close()


@pytest.mark.long
async def test_a_table_without_row_security_is_found(city: City, database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute("ALTER TABLE landlord DISABLE ROW LEVEL SECURITY")
        checker = Checker(city, random.Random(29))
        with pytest.raises(DifferenceError):
            await asked(checker, 2000)
        await owner.execute("ALTER TABLE landlord ENABLE ROW LEVEL SECURITY")
    finally:
        await owner.close()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 105))
async def test_a_thousand_triples_more(city: City, seed: int) -> None:
    await asked(Checker(city, random.Random(seed)), 1000)
