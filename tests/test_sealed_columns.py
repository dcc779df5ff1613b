"""No column of sealed values is forgotten: the catalogue of every service's database against what is declared."""

import asyncpg
import pytest

from services.chassis.sealed_columns import CHASSIS, NOT_SEALED, WRAPPED, SealedColumn
from services.suite.catalogue import SERVICES, Process
from tests.conftest import MakeDatabase

_BYTES = """
    SELECT c.relname AS "table", a.attname AS "column" FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.atttypid IN ('bytea'::regtype, 'bytea[]'::regtype) AND NOT a.attisdropped
"""


async def undeclared(url: str, declared: set[tuple[str, str]]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Columns of bytes that are neither digests nor declared, and declarations without a column."""
    connection = await asyncpg.connect(url)
    try:
        found = {(row["table"], row["column"]) for row in await connection.fetch(_BYTES)}
    finally:
        await connection.close()
    sealed = {(table, column) for table, column in found if not column.endswith("_index") and column not in NOT_SEALED}
    return sealed - declared, declared - sealed


@pytest.fixture(params=SERVICES, ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Process:
    """Each service."""
    found: Process = request.param
    return found


@pytest.fixture
def url(service: Process, make_database: MakeDatabase) -> str:
    """Its migrated database."""
    return make_database(service.name, service.migrations).owner_url


async def test_every_sealed_column_is_declared(service: Process, url: str) -> None:
    own = service.definition().sealed
    declared = {(each.table, each.column) for each in (*CHASSIS, *WRAPPED, *own)}
    assert await undeclared(url, declared) == (set(), set())
    # Planted bug: a column that somebody forgot, and one that is gone.
    last = CHASSIS[0]
    assert await undeclared(url, declared - {(last.table, last.column)}) == ({(last.table, last.column)}, set())
    assert await undeclared(url, declared | {("gone", "sealed")}) == (set(), {("gone", "sealed")})


async def test_the_key_columns_are_the_primary_key(service: Process, url: str) -> None:
    """Paging and writing back by anything else would miss rows or hit several."""
    connection = await asyncpg.connect(url)
    try:
        for column in (*CHASSIS, *WRAPPED, *service.definition().sealed):
            rows = await connection.fetch(
                "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
                " WHERE i.indrelid = to_regclass($1) AND i.indisprimary",
                column.table,
            )
            assert {row["attname"] for row in rows} == set(column.key), column.label
    finally:
        await connection.close()


def test_the_usual_declaration() -> None:
    column = SealedColumn.of("person", "person_id")
    assert column.context_of({"person_id": 5, "sealed": b""}) == "person|sealed|5"
    assert column.label == "person.sealed"
