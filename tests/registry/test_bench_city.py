"""The city of the benchmarks: what its loader writes is what the service would have written."""

from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from bench import city, imports, residents
from tests.conftest import Database
from tests.registry.conftest import Office, expect
from tests.running import Caller
from tests.servers import Servers


async def test_persons_of_the_city_are_read_like_any_other(
    office: Office, cixi: Caller, servers: Servers, registry_database: Database, key_file: Path
) -> None:
    superuser_url = servers.postgres_url(urlsplit(registry_database.application_url).path[1:])
    await city.prepare(superuser_url)
    await city.write_share(registry_database.application_url, superuser_url, key_file, range(4))
    connection = await asyncpg.connect(superuser_url)
    written = await connection.fetch("SELECT person_id, is_registered, answer FROM bench.person")
    await connection.execute("DROP SCHEMA bench CASCADE")
    await connection.close()

    assert sorted(row["is_registered"] for row in written) == [False, False, True, True]
    for row in written:
        person_id = row["person_id"]
        answer = await cixi.get(f"/v1/persons/{person_id}")
        assert answer.content == row["answer"], "the very bytes that the limit answers"
        versions = expect(await cixi.get(f"/v1/persons/{person_id}/history"), 200)["items"]
        assert [version["state"]["hukou_division_code"] for version in versions] == [answer.json()["hukou_division_code"]]
        registered = expect(await cixi.get(f"/v1/persons/{person_id}/residence-registrations"), 200)["items"]
        assert len(registered) == row["is_registered"]
        events = await office.events_about(str(person_id))
        assert [event["sequence"] for event in events] == list(range(1, 2 + len(registered)))


async def test_residents_are_found_and_read_like_any_other(
    cixi: Caller, servers: Servers, registry_database: Database, key_file: Path
) -> None:
    superuser_url = servers.postgres_url(urlsplit(registry_database.application_url).path[1:])
    await residents.write_share(registry_database.application_url, superuser_url, key_file, range(60), of=120)
    everybody = [residents.resident(number, of=120) for number in range(60)]
    for who in everybody[:5]:
        number = {"type": "citizen_id", "number": who.number}
        for criteria in ({"name": who.name}, {"name_prefix": who.name[:2], "born_from": who.born.isoformat()}):
            body = {"identity_document": number, **criteria}
            (found,) = expect(await cixi.post("/v1/persons/search", body), 200)["items"]
            read = expect(await cixi.get(f"/v1/persons/{found['person_id']}"), 200)
            assert (read["name"], read["birth_date"]) == (who.name, who.born.isoformat())
        for suffix, is_there in (("residence-registrations", bool(who.town)), ("employments", who.employer is not None)):
            assert len(expect(await cixi.get(f"/v1/persons/{found['person_id']}/{suffix}"), 200)["items"]) == is_there
    employer = next(who.employer for who in everybody if who.employer is not None)
    by_employer = {"employer": {"credit_code": residents.credit_code(employer)}, "limit": 200}
    workers = expect(await cixi.post("/v1/persons/search", by_employer), 200)["items"]
    assert len(workers) == sum(who.employer == employer for who in everybody)


def test_no_two_people_of_the_benchmarks_share_a_citizen_number() -> None:
    """A city, a roster and 1,200,000 residents stand in one register; all three take numbers of the same home divisions."""
    keys = {residents.birth_and_sequence(number) for number in range(1_200_000)}
    assert len(keys) == 1_200_000
    given_to_residents = {sequence for _, sequence in keys}
    city_numbers = {city.registration_of(number).identity_documents[0].number for number in range(0, 1_000_000, 9_973)}
    roster = [row.split(",")[1] for row in imports.roster(300)]
    others = {int(number[14:17]) for number in city_numbers} | {int(number[14:17]) for number in roster[1:]}
    assert not given_to_residents & others
