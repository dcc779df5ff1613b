"""Plain SQL as the application role, without a WHERE: what each context sees, and what it can change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from tests.conftest import Database
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import a_residence, citizen_number
from tests.registry.test_permits import leave

TOWN, NEIGHBOUR, COUNTY, FOREIGN = "330282107", "330282109", "330282", "330281"
NOW = date(2024, 6, 1)
# Tables of people, with the column that says whose a row is.
TABLES = {
    "person": "person_id",
    "identity_document": "person_id",
    "person_division": "person_id",
    "relationship": "person_id",
    "residence_registration": "person_id",
    "residence_permit": "person_id",
    "endorsement": "person_id",
    "history": "person_id",
}
SERVICE_ONLY = (
    "audit_line",
    "audit_seal",
    "audit_checkpoint",
    "inbox_held",
    "inbox_dead",
    "job_run",
    "sandbox_clock",
    "data_key",
)


@dataclass(frozen=True, slots=True)
class People:
    """`here`: lives in the town, with a permit endorsed once; `gone`: lived in the town until a year ago, and lives next door;
    `long_gone`: left the town three years ago; `asked`: lives in the town, resolved by a client of the foreign county.
    """

    here: str
    gone: str
    long_gone: str
    asked: str

    @property
    def names(self) -> dict[str, str]:
        """Names by id."""
        return {self.here: "here", self.gone: "gone", self.long_gone: "long_gone", self.asked: "asked"}


@pytest.fixture(scope="module")
async def people(office: Office) -> People:
    """The four, entered through the public door on the days when it happened."""
    province = office.caller("330000")

    async def entered(on: date, number: str | None = None) -> Resident:
        with office.on(on):
            resident = await Resident(office, province).register_person(number=number or citizen_number(), name="诸葛孔明")
        return await resident.register_residence(on, division_code=f"{TOWN}201")

    here = await entered(date(2022, 3, 15))
    await here.apply(date(2022, 9, 15))
    await here.act("issue", date(2022, 9, 15), {"card_number": "33028222000123"})
    await here.act("endorse", date(2023, 3, 1))
    gone = await entered(date(2022, 3, 15))
    with office.on(date(2023, 6, 1)):
        body = a_residence(gone.person_id, division_code=f"{NEIGHBOUR}201", started_on="2023-06-01")
        expect(await province.post("/v1/residence-registrations", body), 201)
        relation = {"person_id": here.person_id, "related_person_id": gone.person_id, "kind": "sibling", "evidence": []}
        expect(await province.post("/v1/relationships", relation | {"valid_from": "2000-01-01"}), 201)
    long_gone = await entered(date(2020, 3, 15))
    await leave(long_gone, date(2021, 5, 1))
    number = citizen_number()
    asked = await entered(date(2022, 3, 15), number)
    foreign = office.caller(FOREIGN, client="foreign-asked")
    document = {"identity_document": {"type": "citizen_id", "number": number}, "name": "诸葛孔明"}
    expect(await foreign.post("/v1/persons/resolve", document), 200)
    return People(here.person_id, gone.person_id, long_gone.person_id, asked.person_id)


@asynccontextmanager
async def plain_sql(
    database: Database, kind: str, division: str = "", client: str = "somebody"
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The application role in a context, in a transaction that is taken back."""
    settings = {"xinshimin.kind": kind, "xinshimin.division": division, "xinshimin.client": client}
    settings["xinshimin.law_date"] = NOW.isoformat()
    connection = await asyncpg.connect(
        database.application_url, server_settings={name: value for name, value in settings.items() if value and kind}
    )
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


def context(name: str) -> dict[str, str]:
    """The contexts of the tables below, by name."""
    if name in {"service", "none"}:
        return {"kind": "service" if name == "service" else ""}
    if name == "asked":
        return {"kind": "client", "division": FOREIGN, "client": "foreign-asked"}
    return {"kind": "client", "division": {"town": TOWN, "neighbour": NEIGHBOUR, "county": COUNTY, "foreign": FOREIGN}[name]}


ALL = {"here", "gone", "long_gone", "asked"}
SEEN: dict[str, dict[str, set[str]]] = {
    "town": {
        "person": {"here", "gone", "asked"},
        "identity_document": {"here", "gone", "asked"},
        "person_division": {"here", "gone", "asked"},
        "relationship": {"here"},
        "residence_registration": {"here", "gone", "asked"},
        "residence_permit": {"here"},
        "endorsement": {"here"},
        "history": {"here", "gone", "asked"},
    },
    "neighbour": {
        "person": {"gone"},
        "identity_document": {"gone"},
        "person_division": {"gone"},
        "relationship": {"here"},  # a relationship of `here` with `gone`, seen from the side of `gone`
        "residence_registration": {"gone"},
        "history": {"gone", "here"},
    },
    "county": {
        "person": {"here", "gone", "asked"},
        "identity_document": {"here", "gone", "asked"},
        "person_division": {"here", "gone", "asked"},
        "relationship": {"here"},
        "residence_registration": {"here", "gone", "asked"},
        "residence_permit": {"here"},
        "endorsement": {"here"},
        "history": {"here", "gone", "asked"},
    },
    "foreign": {},
    "none": {},
    "asked": {"person": {"asked"}, "identity_document": {"asked"}},
    "service": dict.fromkeys(TABLES, ALL) | {"relationship": {"here"}, "residence_permit": {"here"}, "endorsement": {"here"}},
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("who", SEEN)
async def test_a_query_without_a_where_shows_what_the_context_may_see(
    registry_database: Database, people: People, who: str, table: str
) -> None:
    async with plain_sql(registry_database, **context(who)) as connection:
        rows = await connection.fetch(f"SELECT {TABLES[table]} FROM {table}")
    found = {people.names[str(row[0])] for row in rows if str(row[0]) in people.names}
    assert found == SEEN[who].get(table, set())
    if who in {"foreign", "none"}:
        assert {str(row[0]) for row in rows}.isdisjoint(people.names)
    if who == "none":
        assert rows == []


# Whose rows an UPDATE of everything reaches: who holds the person now. Nobody changes an endorsement or a version.
CHANGED: dict[str, dict[str, set[str]]] = {
    "town": {
        "person": {"here", "asked"},
        "identity_document": {"here", "asked"},
        "relationship": {"here"},
        "residence_registration": {"here", "asked"},
        "residence_permit": {"here"},
    },
    "neighbour": {
        "person": {"gone"},
        "identity_document": {"gone"},
        "relationship": {"here"},
        "residence_registration": {"gone"},
    },
    "county": {
        "person": {"here", "gone", "asked"},
        "identity_document": {"here", "gone", "asked"},
        "relationship": {"here"},
        "residence_registration": {"here", "gone", "asked"},
        "residence_permit": {"here"},
    },
    "foreign": {},
    "none": {},
    "asked": {},
}
_CHANGES = {
    "person": "UPDATE person SET version = version RETURNING person_id",
    "identity_document": "UPDATE identity_document SET type = type RETURNING person_id",
    "person_division": "UPDATE person_division SET until = until RETURNING person_id",
    "relationship": "UPDATE relationship SET version = version RETURNING person_id",
    "residence_registration": "UPDATE residence_registration SET version = version RETURNING person_id",
    "residence_permit": "UPDATE residence_permit SET version = version RETURNING person_id",
    "person_resolution": "UPDATE person_resolution SET expires_at = expires_at RETURNING person_id",
}


@pytest.mark.parametrize("table", _CHANGES)
@pytest.mark.parametrize("who", CHANGED)
async def test_an_update_of_everything_changes_what_the_context_holds(
    registry_database: Database, people: People, who: str, table: str
) -> None:
    async with plain_sql(registry_database, **context(who)) as connection:
        rows = await connection.fetch(_CHANGES[table])
    assert {people.names[str(row[0])] for row in rows if str(row[0]) in people.names} == CHANGED[who].get(table, set())


@pytest.mark.parametrize("who", CHANGED)
async def test_no_client_deletes_anything(registry_database: Database, people: People, who: str) -> None:
    async with plain_sql(registry_database, **context(who)) as connection:
        for table in (*_CHANGES, "outbox", "event_sequence", "person_key", "idempotency_key"):
            assert await connection.execute(f"DELETE FROM {table}") == "DELETE 0", table


@pytest.mark.parametrize("who", ["town", "county", "none"])
async def test_what_is_the_service_s_is_nobody_else_s(registry_database: Database, people: People, who: str) -> None:
    async with plain_sql(registry_database, **context(who)) as connection:
        for table in SERVICE_ONLY:
            assert await connection.fetch(f"SELECT FROM {table} LIMIT 1") == [], table
    async with plain_sql(registry_database, "service") as connection:
        assert await connection.fetch("SELECT FROM audit_line LIMIT 1") != []


_HOLD = """INSERT INTO person_division (person_division_id, person_id, division_code, source, since)
    VALUES (gen_random_uuid(), $1, $2, $3, date '2024-05-01')"""


@pytest.mark.parametrize("source", ["intake", "residence_registration", "residence_permit"])
@pytest.mark.parametrize("who", ["foreign", "neighbour", "asked", "none"])
async def test_nobody_gives_itself_sight_of_a_person(
    registry_database: Database, people: People, who: str, source: str
) -> None:
    division = context(who).get("division") or TOWN
    async with plain_sql(registry_database, **context(who)) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(_HOLD, people.here, division, source)


_ENTER = """
    SELECT enter_residents($1, $2, now(), ARRAY[jsonb_populate_record(CAST(NULL AS new_resident), jsonb_build_object(
        'person_id', uuidv7(), 'sealed_person', '', 'name_index', sha256('n'), 'birth_date', date '1990-01-01', 'sex_code', '1',
        'warnings', '[]', 'document_id', uuidv7(), 'document_type', 'passport', 'number_index', sha256(convert_to($3, 'UTF8')),
        'sealed_document', '', 'registration_id', uuidv7(), 'division_code', CAST($3 AS text), 'sealed_registration', '',
        'residence_kind', 'rented', 'reported_by', 'self', 'started_on', CAST($2 AS date), 'reported_late', false,
        'pinyin', 1))])
"""


async def test_the_door_for_many_asks_of_all_what_the_policies_ask_of_each(registry_database: Database) -> None:
    async with plain_sql(registry_database, "client", COUNTY) as connection:
        await connection.execute(_ENTER, COUNTY, NOW, TOWN)
        assert await connection.fetchval("SELECT count(*) FROM person_search_key WHERE pinyin = 1") == 1
    for intake, day, home in ((TOWN, NOW, NEIGHBOUR), (NEIGHBOUR, NOW, TOWN), (TOWN, NOW - timedelta(days=1), TOWN)):
        async with plain_sql(registry_database, "client", TOWN) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(_ENTER, intake, day, home)
    async with plain_sql(registry_database, "") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(_ENTER, TOWN, NOW, TOWN)


async def test_a_document_elsewhere_is_told_its_owner_is_not(registry_database: Database, people: People) -> None:
    async with plain_sql(registry_database, "service") as connection:
        digest = await connection.fetchval("SELECT number_index FROM identity_document WHERE person_id = $1", people.here)
    told: dict[str, Any] = {}
    for who in ("town", "foreign"):
        async with plain_sql(registry_database, **context(who)) as connection:
            (row,) = await connection.fetch("SELECT number_index, person_id FROM claim_documents($1)", [digest])
            told[who] = row["person_id"]
            assert row["number_index"] == digest
    assert (str(told["town"]), told["foreign"]) == (people.here, None)
    async with plain_sql(registry_database, "") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT number_index FROM claim_documents($1)", [digest])


@pytest.mark.parametrize(("who", "seen"), [("town", True), ("county", True), ("foreign", False), ("asked", True)])
async def test_registrations_in_other_towns_are_told_only_of_persons_in_sight(
    registry_database: Database, people: People, who: str, seen: bool
) -> None:
    async with plain_sql(registry_database, **context(who)) as connection:
        rows = await connection.fetch("SELECT registration_id FROM registrations_of($1)", people.asked)
        assert bool(rows) is seen
        # The door is closed again: what was out of sight still is.
        assert (await connection.fetchval("SELECT current_setting('xinshimin.kind')")) == "client"


ACTS = [
    ("PATCH", "/v1/persons/{gone}", {"phone": None}),
    ("POST", "/v1/residence-registrations/{registration}/address-change", None),
    ("POST", "/v1/residence-permits/{permit}/report-loss", {}),
]


async def test_who_let_go_reads_and_is_told_why_it_cannot_change(office: Office) -> None:
    """Registered in the town, moved to the foreign county, and back again."""
    number = citizen_number()
    resident = Resident(office, office.caller(TOWN))
    await resident.register_person(number=number, name="诸葛孔明")
    await resident.register_residence(office.today - timedelta(days=30), division_code=f"{TOWN}201")
    foreign = office.caller(FOREIGN, client="foreign-moving")
    document = {"identity_document": {"type": "citizen_id", "number": number}, "name": "诸葛孔明"}
    expect(await foreign.post("/v1/persons/resolve", document), 200)
    body = a_residence(resident.person_id, division_code="330281001", started_on=office.today.isoformat())
    moved = expect(await foreign.post("/v1/residence-registrations", body), 201)
    path = f"/v1/persons/{resident.person_id}"
    version = expect(await resident.caller.get(path), 200)["version"]
    refused = expect(await resident.caller.patch(path, {"phone": "13805740001"}, version=version), 403)
    assert refused["type"].endswith("person-not-held")
    assert "两年" in refused["detail"] or "two years" in refused["detail"]
    english = await resident.caller.call(
        "PATCH", path, json={"phone": None}, headers={"if-match": f'"{version}"', "accept-language": "en"}
    )
    assert "reads for two years" in english.json()["detail"]
    relation = {"person_id": resident.person_id, "kind": "sibling", "valid_from": "2000-01-01", "evidence": []}
    other = await Resident(office, resident.caller).register_person()
    expect(await resident.caller.post("/v1/relationships", relation | {"related_person_id": other.person_id}), 201)
    # Who holds the person now changes it; and moving back always works.
    changed = expect(await foreign.patch(path, {"phone": "13805740002"}, version=version), 200)
    assert changed["version"] == version + 1
    assert (await foreign.get(f"/v1/residence-registrations/{moved['registration_id']}")).status_code == 200
    back = a_residence(resident.person_id, division_code=f"{TOWN}202", started_on=office.today.isoformat())
    expect(await resident.caller.post("/v1/residence-registrations", back), 201)
    expect(await resident.caller.patch(path, {"phone": "13805740003"}, version=version + 1), 200)
    assert expect(await foreign.patch(path, {"phone": None}, version=version + 2), 403)["type"].endswith("person-not-held")
