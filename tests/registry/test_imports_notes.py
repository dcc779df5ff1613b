"""What stops nothing is told of a row as the single door tells it: counted, and in a file of its own."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.chassis.long_work.rows import Leavings
from services.chassis.work import Work
from services.registry.actions.persons import register_person
from services.registry.actions.registrations import register_residence
from services.registry.app import DEFINITION
from services.registry.imports import residents
from services.registry.schemas.persons import PersonRegistration
from services.registry.schemas.registrations import ResidenceRegistrationEntry
from tests.conftest import Database, MakeDatabase
from tests.registry.factories import a_person, a_residence, citizen_number
from tests.registry.roster_model import parsed
from tests.registry.rosters import TODAY, Importer, a_row, importer_on
from tests.running import InsideKeys

EXPIRED = "identity_document_expired"


@pytest.fixture(scope="module")
def registry(make_database: MakeDatabase) -> Database:
    """A register of this module's own."""
    return make_database("registry", DEFINITION.migrations)


@pytest.fixture
async def importer(
    registry: Database, key_file: Path, inside_keys: InsideKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Importer]:
    """Four rows to a transaction: what a file tells comes from several."""
    monkeypatch.setattr(residents, "CHUNK", 4)
    async with importer_on(registry, key_file, inside_keys, tmp_path) as found:
        yield found


async def somebody(importer: Importer, valid_until: date | None) -> tuple[str, UUID]:
    """Number and id of a person that the register knows, with a document valid until that day, registered nowhere."""
    number = citizen_number()
    document: dict[str, Any] = {"type": "citizen_id", "number": number}
    if valid_until is not None:
        document["valid_until"] = valid_until.isoformat()
    body = parsed(PersonRegistration, a_person(identity_documents=[document]))
    return number, (await importer.call(lambda work: register_person(work, body))).person_id


async def test_documents_out_of_date_on_the_day_of_registration_are_told_of_the_row(importer: Importer) -> None:
    ends = {"yesterday": TODAY - timedelta(days=1), "today": TODAY, "never": None}
    numbers = {name: (await somebody(importer, day))[0] for name, day in ends.items()}
    rows = [a_row(证件号码=number) for number in numbers.values()] + [a_row(), a_row(姓名="")]
    for dry_run in (True, False):
        ended = await importer.run(rows, dry_run=dry_run)
        assert ended.counts == {"registered": 3, "entered": 1, "refused": 1, "with_note": 1}
        (told,) = await importer.noted(ended)
        assert (told["原行号"], told["提示列"], told["提示代码"]) == ("2", "", EXPIRED)
        assert "过期" in told["提示内容"]
        assert "out of date" in told["提示内容英文"]
        assert told["证件号码"] == numbers["yesterday"]
        assert [line["原行号"] for line in await importer.refused(ended)] == ["6"]
    # The file of notes is no roster of refusals: sent in again it changes nothing.
    again = await importer.run(await importer.noted(ended))
    assert again.counts == {"unchanged": 1}
    assert again.result == {}


async def test_the_same_is_told_as_at_the_single_door(importer: Importer) -> None:
    (number, _), (_, person_id) = [await somebody(importer, TODAY - timedelta(days=400)) for _ in range(2)]
    ended = await importer.run([a_row(证件号码=number)])

    async def registered(work: Work) -> list[str]:
        body = a_residence(str(person_id), started_on="2026-03-01")
        return [each.code for each in (await register_residence(work, parsed(ResidenceRegistrationEntry, body))).notes]

    told = await importer.call(registered)
    assert [line["提示代码"] for line in await importer.noted(ended)] == told == [EXPIRED]


async def test_of_a_new_person_what_the_row_says_is_told(importer: Importer) -> None:
    """Who is of this city's hukou needs no registration (RR-01), and is told so; one row of many parts."""
    rows = (
        [a_row() for _ in range(5)] + [a_row(户籍地代码="330282")] + [a_row() for _ in range(3)] + [a_row(户籍地代码="330282")]
    )
    ended = await importer.run(rows)
    assert ended.counts == {"entered": 10, "with_note": 2}
    assert [(line["原行号"], line["提示代码"]) for line in await importer.noted(ended)] == [
        ("7", "local_hukou"),
        ("11", "local_hukou"),
    ]
    assert await importer.refused(ended) == []


@pytest.mark.parametrize(
    "leavings", [Leavings(b"", b""), Leavings(b"2,x\r\n", b""), Leavings(b"", b"n"), Leavings(b"3,y", b"\x00n")]
)
def test_what_a_part_leaves_is_told_apart_again(leavings: Leavings) -> None:
    assert Leavings.unpacked(leavings.packed()) == leavings
