"""The bulk door: what a roster does, what it refuses, and that the same again changes nothing."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from services.chassis.long_work.rows import OperationState
from services.chassis.long_work.tables.columns import template
from services.chassis.long_work.tables.layout import Layout
from services.registry.app import DEFINITION
from services.registry.schemas.rosters.kinds import COLUMNS, RosterKind
from tests.conftest import Database, MakeDatabase
from tests.registry.factories import citizen_number
from tests.registry.rosters import Importer, a_row, as_csv, importer_on
from tests.running import InsideKeys


@pytest.fixture(scope="module")
def database(make_database: MakeDatabase) -> Database:
    """A register of the module's own."""
    return make_database("registry", DEFINITION.migrations)


@pytest.fixture(scope="module")
async def importer(
    database: Database, key_file: Path, inside_keys: InsideKeys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Importer]:
    """One for the module; tests use persons of their own."""
    async with importer_on(database, key_file, inside_keys, tmp_path_factory.mktemp("imports")) as found:
        yield found


async def test_new_persons_come_in_with_all_that_the_single_door_leaves(importer: Importer) -> None:
    numbers = [citizen_number() for _ in range(3)]
    ended = await importer.run([a_row(证件号码=number) for number in numbers])
    assert (ended.state, ended.done, ended.total, ended.counts) == (OperationState.SUCCEEDED, 3, 3, {"entered": 3})
    assert await importer.refused(ended) == []
    persons = await importer.rows(
        "SELECT DISTINCT person_id FROM history WHERE request_id = $1 AND resource = 'person'", ended.request_id
    )
    for row in persons:
        events = await importer.rows(
            "SELECT event_type, sequence, division_codes FROM outbox WHERE partition_key = $1 ORDER BY sequence",
            row["person_id"],
        )
        assert [tuple(event) for event in events] == [
            ("registry.person.registered.v1", 1, ["330282"]),
            ("registry.residence_registration.registered.v1", 2, ["330282", "330282107"]),
        ]
        holds = await importer.rows(
            "SELECT source, division_code, until FROM person_division WHERE person_id = $1 ORDER BY source", row["person_id"]
        )
        assert [tuple(hold) for hold in holds] == [
            ("intake", "330282", date(2026, 6, 1)),
            ("residence_registration", "330282107", None),
        ]
    assert len(persons) == 3


async def test_the_same_again_changes_nothing(importer: Importer) -> None:
    rows = [a_row() for _ in range(2)]
    assert (await importer.run(rows)).counts == {"entered": 2}
    before = await importer.rows("SELECT count(*) FROM outbox")
    assert (await importer.run(rows)).counts == {"unchanged": 2}
    assert await importer.rows("SELECT count(*) FROM outbox") == before


async def test_every_reason_stands_beside_the_row_and_the_file_can_be_sent_in_again(importer: Importer) -> None:
    number = citizen_number()
    wrong = number[:17] + ("0" if number[17] != "0" else "1")
    rows = [a_row(), a_row(证件号码=wrong, 居住地代码="330281001", 性别="男"), a_row(入住日期="昨天", 姓名="")]
    ended = await importer.run(rows)
    assert ended.counts == {"entered": 1, "refused": 2}
    refused = await importer.refused(ended)
    assert [line["原行号"] for line in refused] == ["3", "4"]
    assert refused[0]["错误代码"] == "out_of_scope；check_character"
    assert refused[0]["错误列"] == "居住地代码；证件号码"
    assert "校验码不符" in refused[0]["错误原因"]
    assert "check character" in refused[0]["错误原因英文"]
    assert refused[0]["证件号码"] == wrong
    assert set(refused[1]["错误列"].split("；")) == {"姓名", "入住日期"}
    corrected = [
        refused[0] | {"证件号码": number, "居住地代码": "330282107"},
        refused[1] | {"姓名": "李四", "入住日期": "2026/3/1"},
    ]
    assert (await importer.run(corrected)).counts == {"entered": 2}


async def test_known_persons_go_on(importer: Importer) -> None:
    number = citizen_number()
    assert (await importer.run([a_row(证件号码=number, 入住日期="2026-01-01")])).counts == {"entered": 1}
    later = a_row(证件号码=number, 入住日期="2026-02-01")
    assert (await importer.run([later | {"姓名": "李四"}])).counts == {"refused": 1}
    assert (await importer.run([later | {"居住地址": "别处", "入住日期": "2026-01-01"}])).counts == {"refused": 1}
    assert (await importer.run([later | {"居住地址": "西路1号"}])).counts == {"address_changed": 1}
    moved = later | {"居住地代码": "330282108", "入住日期": "2026-03-01"}
    assert (await importer.run([moved, moved, later | {"居住地址": "西路1号"}])).counts == {
        "registered": 1,
        "unchanged": 1,
        "refused": 1,
    }


async def test_a_person_of_another_town_is_resolved_by_number_and_name(importer: Importer) -> None:
    number = citizen_number()
    await importer.run([a_row(证件号码=number)], division="330282107")
    here = a_row(证件号码=number, 居住地代码="330282108", 入住日期="2026-05-01")
    guessed = await importer.run([here | {"姓名": "张三"}, here], division="330282108")
    assert guessed.counts == {"refused": 2}, "a roster tries one name to a number"
    lines = await importer.refused(guessed)
    assert {(line["错误列"], line["错误代码"]) for line in lines} == {("证件号码", "taken")}, "no word of the name"
    assert (await importer.run([here], division="330282108")).counts == {"registered": 1}
    attempts = (
        "SELECT line::jsonb ->> 'outcome' FROM audit_line WHERE line::jsonb ->> 'operation' = 'resolve' ORDER BY audit_id"
    )
    assert [row[0] for row in await importer.rows(attempts)] == ["not_found", "done"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_files_as_offices_write_them(importer: Importer, encoding: str, delimiter: str) -> None:
    rows = [a_row(居住地址='东路"1"号,\r\n二楼;\t东'), a_row(姓名="王·小明", 民族="汉", 学历="初中", 居住方式="员工宿舍")]
    rows[0]["居住地址"] = "东路1号"
    ended = await importer.work_off(await importer.ask(as_csv(rows, encoding=encoding, delimiter=delimiter)))
    assert ended.counts == {"entered": 2}, await importer.refused(ended)


async def test_a_file_without_its_columns_fails_and_says_so(importer: Importer) -> None:
    ended = await importer.run([{"姓名": "王小明", "name": "王小明", "备注": "x"}])
    assert (ended.state, ended.problem) == (OperationState.FAILED, "import-columns")
    told = [(error["pointer"], error["code"], error["rule"]) for error in ended.result["errors"]]
    assert told == [
        ("/name", "column_twice", None),
        ("/identity_documents/0/number", "column_missing", "RR-03"),
        ("/division_code", "column_missing", "RR-03"),
        ("/address", "column_missing", "RR-12"),
        ("/started_on", "column_missing", "RR-09"),
    ]
    assert "居住地址" in ended.result["errors"][3]["message_zh"]
    assert "address" in ended.result["errors"][3]["message_en"]
    renamed = [{("谁" if name == "姓名" else name): value for name, value in a_row().items()}]
    assert (await importer.run(renamed)).problem == "import-columns"
    assert (await importer.run(renamed, mapping={"谁": "name"})).counts == {"entered": 1}


@pytest.mark.parametrize("kind", RosterKind)
def test_every_template_has_the_columns_its_kind_needs(kind: RosterKind) -> None:
    headers, example, *_ = csv.reader(io.StringIO(template(COLUMNS[kind])))
    fields = Layout.of(COLUMNS[kind], headers, {}).fields(example)
    assert all(fields[column.field] == column.example for column in COLUMNS[kind])
    assert all(fields[column.field] for column in COLUMNS[kind] if column.needed_by)


async def test_a_dry_run_tells_and_changes_nothing(importer: Importer) -> None:
    before = await importer.rows("SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM outbox)")
    rows = [a_row(), a_row(姓名="")]
    rehearsed = await importer.run(rows, dry_run=True)
    assert (rehearsed.state, rehearsed.counts) == (OperationState.SUCCEEDED, {"entered": 1, "refused": 1})
    assert len(await importer.refused(rehearsed)) == 1
    assert await importer.rows("SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM outbox)") == before
    assert (await importer.run(rows)).counts == rehearsed.counts


@pytest.mark.parametrize("cell", ['"城东路', '城东路5"号', '"城东路"5号'])
async def test_a_lone_quotation_mark_swallows_no_rows(importer: Importer, cell: str) -> None:
    """It opens a cell that ends nowhere or somewhere else: what stands behind it would be lost without a word."""
    content = as_csv([a_row(), a_row(居住地址="@@"), a_row(), a_row(), a_row()]).replace(b"@@", cell.encode())
    done = await importer.work_off(await importer.ask(content))
    assert (done.state, done.problem) == (OperationState.FAILED, "import-file")
    assert done.counts == {}
