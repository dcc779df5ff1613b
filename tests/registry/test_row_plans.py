"""With a hundred thousand persons the policies leave reading by key, searching and listing their indexes."""

import asyncio
import re
from datetime import date

import asyncpg
import pytest

from services.chassis.db import Prepared
from services.chassis.rows import RowContext
from services.registry.app import DEFINITION
from services.registry.store import permits, person_search, persons, registrations
from tests.conftest import Database, MakeDatabase
from tests.looking import as_service

PERSONS = 100_000
TOWN, COUNTY = "330282105", "330282"
_FILL = f"""
    INSERT INTO person (person_id, sealed, name_index, birth_date, sex_code, warnings, version, created_at)
    SELECT gen_random_uuid(), '', sha256(convert_to('name ' || n % 5000, 'UTF8')), date '1970-01-01' + n % 15000, '1', '[]', 1,
        now() - interval '1 second' * ({PERSONS} - n)
    FROM generate_series(1, {PERSONS}) AS n;
    INSERT INTO identity_document (document_id, person_id, type, number_index, sealed)
    SELECT gen_random_uuid(), person_id, 'citizen_id', sha256(convert_to(person_id::text, 'UTF8')), '' FROM person;
    INSERT INTO residence_registration (registration_id, person_id, status, division_code, sealed, residence_kind, reported_by,
        registered_on, started_on, residence_since, reported_late, version, created_at)
    SELECT gen_random_uuid(), person_id, 'current',
        CASE WHEN hashtext(person_id::text) % 10 = 0 THEN '330281' ELSE '330282' END
            || 101 + abs(hashtext(person_id::text)) % 20 || 201 + abs(hashtext(person_id::text || 'v')) % 30,
        '', 'rented', 'self', date '2024-01-02', date '2024-01-02', date '2024-01-02', false, 1, created_at FROM person;
    INSERT INTO residence_permit (permit_id, person_id, status, ground, regime, applicant, applied_on, accepted_on, issued_on,
        division_code, reasons, sealed, version)
    SELECT gen_random_uuid(), person_id, 'valid', 'home', 'zj-2016', 'self', date '2024-07-03', date '2024-07-03',
        date '2024-07-03', division_code, '[]', '', 1 FROM residence_registration WHERE hashtext(person_id::text) % 3 = 0;
    INSERT INTO person_search_key (person_id, name_prefix_2, name_prefix_3, pinyin, initials)
    SELECT person_id, abs(hashtext(person_id::text)) % 500, abs(hashtext(person_id::text)) % 20000,
        abs(hashtext(person_id::text)) % 5000, abs(hashtext(person_id::text)) % 1000 FROM person;
    INSERT INTO employer (employer_id, credit_code, status, division_code, industry_code, sealed, registered_on, version)
    SELECT gen_random_uuid(), 'E' || lpad(n::text, 17, '0'), 'registered', '330282107', 'C', '', date '2024-01-02', 1
    FROM generate_series(1, 200) AS n;
    INSERT INTO employment (employment_id, person_id, employer_id, division_code, industry_code, occupation_code, sealed,
        started_on, start_reported_on, version)
    SELECT gen_random_uuid(), p.person_id, e.employer_id, e.division_code, 'C', '6', '', date '2024-01-02', date '2024-01-02', 1
    FROM person p
        JOIN (SELECT *, row_number() OVER () AS n FROM employer) e ON e.n = 1 + abs(hashtext(p.person_id::text)) % 200;
    ANALYZE;
"""
_SPELLED = frozenset({"pinyin", "initials"})
STATEMENTS: dict[str, tuple[Prepared, dict[str, str]]] = {
    "read by key": (persons._FIND, {"person_id": "person_id"}),
    "permits of a person": (permits._OF_PERSON, {"person_id": "person_id"}),
    "registrations of a person": (registrations._OF_PERSON, {"person_id": "person_id"}),
    "search by number": (person_search._search(frozenset({"number_index"}), "number_index"), {"number_index": "number_index"}),
    "search by name": (person_search._search(frozenset({"name_index"}), "name_index"), {"name_index": "name_index"}),
    "search by beginning": (person_search._search(frozenset({"prefix_2"}), "prefix_2"), {"prefix_2": "7"}),
    "search by pinyin": (person_search._search(_SPELLED, "pinyin"), {"pinyin": "7", "initials": "7"}),
    "search by initials": (person_search._search(_SPELLED, "initials"), {"pinyin": "7", "initials": "7"}),
    "search by employer": (person_search._search(frozenset({"employer_id"}), "employer_id"), {"employer_id": "employer_id"}),
    "list of a county": (registrations._LIST_WIDE, {"prefix": COUNTY}),
    "list of a town": (registrations._LIST, {"division_from": TOWN, "division_to": f"{TOWN}:"}),
}


@pytest.fixture(scope="module")
def city(make_database: MakeDatabase) -> Database:
    """A registry's database with its persons, filled by sets."""
    database = make_database("registry", DEFINITION.migrations)

    async def fill() -> None:
        owner = await asyncpg.connect(as_service(database.owner_url))
        try:
            await owner.execute(_FILL)
        finally:
            await owner.close()

    asyncio.run(fill())
    return database


async def plan_of(connection: "asyncpg.Connection[asyncpg.Record]", statement: Prepared, values: dict[str, object]) -> str:
    """The plan as executed, with the generic plan that a pooled connection ends up with."""
    given: dict[str, object] = dict.fromkeys(statement.names) | {"limit": 51} | values
    arguments = statement.arguments({name: given[name] for name in statement.names if name not in statement.constants})
    literals = []
    for value in arguments:
        text = await connection.fetchval("SELECT quote_nullable($1::text)", None if value is None else as_text(value))
        literals.append(text)
    await connection.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE asked AS {statement.sql}")
    rows = await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF) EXECUTE asked ({', '.join(literals)})")
    return "\n".join(row[0] for row in rows)


def as_text(value: object) -> str:
    """A value as PostgreSQL reads it."""
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)


@pytest.mark.long
@pytest.mark.parametrize("asked", STATEMENTS)
async def test_no_statement_reads_a_whole_table(city: Database, asked: str) -> None:
    statement, wanted = STATEMENTS[asked]
    kind, division, client, law_date = RowContext("client", COUNTY, "somebody", date(2026, 3, 1)).values
    settings = dict(
        zip(
            ("xinshimin.kind", "xinshimin.division", "xinshimin.client", "xinshimin.law_date"),
            (kind, division, client, law_date),
            strict=True,
        )
    )
    connection = await asyncpg.connect(city.application_url, server_settings=settings)
    try:
        row = await connection.fetchrow(
            """SELECT person_id, name_index, number_index, employer_id FROM person JOIN identity_document USING (person_id)
            JOIN employment USING (person_id) LIMIT 1"""
        )
        assert row is not None
        known = dict(row.items())
        values = {name: known.get(column, column) for name, column in wanted.items()}
        plan = await plan_of(connection, statement, values)
    finally:
        await connection.close()
    # Four tables are empty here, and a plan over nothing may be anything.
    read_whole = [
        line
        for line in plan.splitlines()
        if "Seq Scan" in line
        and not any(empty in line for empty in ("person_resolution", "endorsement", "person_alias", "restricted_id"))
        and "never executed" not in line
    ]
    assert read_whole == [], plan
    milliseconds = float(re.findall(r"Execution Time: ([\d.]+) ms", plan)[0])
    assert milliseconds < 500, plan
