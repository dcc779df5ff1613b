"""The bulk door: a file of evidence is many single calls; what is refused comes back with its reasons."""

import asyncio
import csv
import io
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.chassis.ids import new_id
from services.chassis.long_work.tables.columns import template
from services.chassis.long_work.tables.layout import Layout
from services.points_hukou.imports.cells import value_in
from services.points_hukou.rules.facts import read_value, written_value
from services.points_hukou.schemas.evidence_imports import COLUMNS
from tests.points_hukou.conftest import PointsOffice
from tests.points_hukou.evidence_desk import HALL, INSURANCE, SCOPES, Desk, answered, insurance, pointers
from tests.points_hukou.rule_cases import shipped
from tests.points_hukou.story import NEXT_TOWN
from tests.running import Caller

BULK = SCOPES | {"points.operation.read", "points.attachment.write", "points.attachment.read"}
IMPORTS = "/v1/points/evidence-imports"
SHARED = {"rule_set": "ningbo-2022", "fact": "insurance_in_province", "as_of": "2026-03-02"}
WAIT_S = 60.0
Row = Mapping[str, str]


@pytest.fixture
def desk(office: PointsOffice) -> Desk:
    """The door."""
    return Desk(office)


def number() -> str:
    """A citizen number nobody else has."""
    return f"3412041977{new_id().int % 90000000 + 10000000}"


def as_csv(rows: Sequence[Row]) -> bytes:
    """The rows as a spreadsheet would save them."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(dict.fromkeys(name for row in rows for name in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


async def asked(caller: Caller, content: bytes, **body: Any) -> dict[str, Any]:
    """An operation for a file."""
    sent = {"authorization": f"Bearer {caller.token}", "content-type": "text/csv", "idempotency-key": str(new_id())}
    stored = answered(await caller.http.post("/v1/points/attachments?purpose=import", content=content, headers=sent), 201)
    return answered(await caller.post(IMPORTS, {"attachment_id": stored["attachment_id"]} | SHARED | body), 202)


async def ended(caller: Caller, operation_id: str) -> dict[str, Any]:
    """The operation, once its worker is done."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = answered(await caller.get(f"/v1/points/operations/{operation_id}"), 200)
            if found["state"] not in {"accepted", "running"}:
                return found
            await asyncio.sleep(0.2)


async def imported(caller: Caller, rows: Sequence[Row], **body: Any) -> dict[str, Any]:
    """What became of a file of these rows."""
    return await ended(caller, (await asked(caller, as_csv(rows), **body))["operation_id"])


async def refused(caller: Caller, operation: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows that came back."""
    content = await caller.get(f"/v1/points/attachments/{operation['errors_attachment_id']}/content")
    assert content.status_code == 200
    return list(csv.DictReader(io.StringIO(content.content.decode("utf-8-sig"))))


async def test_a_file_is_many_single_calls(desk: Desk) -> None:
    """The same evidence, row for row or call for call; sent in again, nothing is new."""
    numbers = [number(), number()]
    by_file, by_call = [await desk.resident(each) for each in numbers]
    office = desk.of(INSURANCE, scopes=BULK)
    said = [("2022-01/2024-06", "2026-03-02"), ("2022-01/2024-05", "2026-02-02"), ("2022-01/2024-07", "2026-03-02")]
    rows = [{"证件号码": numbers[0], "值": value, "数据截止日": as_of} for value, as_of in said]
    done = await imported(office, rows)
    assert (done["state"], done["counts"], done["errors_attachment_id"]) == ("succeeded", {"given": 3}, None)
    for value, as_of in said:
        first, last = value.split("/")
        months = [{"from": first, "to": last}]
        await desk.give(office, insurance(person_id=str(by_call.person_id), value=months, as_of=as_of))
    kept = [await desk.search(story, include_closed=True) for story in (by_file, by_call)]
    compared = [[(each["value"], each["as_of"], each["status"], each["version"]) for each in items] for items in kept]
    assert compared[0] == compared[1]
    for one in kept[0]:
        assert (await desk.left(one["evidence_id"]))[0].count("points_hukou.evidence.recorded.v1") >= 1
    again = await imported(office, [*rows[1:], rows[1]])
    assert again["counts"] == {"unchanged": 3}
    same = await asked(office, as_csv(rows))
    assert same["operation_id"] == done["operation_id"]


async def test_what_is_wrong_comes_back_with_its_reasons_and_the_rest_is_taken(desk: Desk) -> None:
    known, shared, far = number(), number(), number()
    story = await desk.resident(known)
    await desk.resident(shared)
    await desk.resident(shared)
    await desk.resident(far, division=NEXT_TOWN)
    rows = [
        {"证件号码": known, "值": "2022-01/2024-06"},
        {"证件号码": shared, "值": "2022-01/2024-06"},
        {"证件号码": number(), "值": "2022-01/2024-06"},
        {"证件号码": known, "值": "2022-13"},
        {"证件号码": known, "值": "2022-01", "数据截止日": "昨天"},
        {"证件号码": known, "值": "是", "事实": "has_offended"},
        {"证件号码": known, "值": "2022-01", "事实": "nothing"},
        {"证件号码": "", "值": "2022-01"},
    ]
    office = desk.of(INSURANCE, scopes=BULK)
    rehearsed = await imported(office, rows, dry_run=True)
    assert (rehearsed["counts"], await desk.search(story)) == ({"given": 1, "refused": 7}, [])
    done = await imported(office, rows)
    assert (done["counts"], done["done"], done["total"]) == ({"given": 1, "refused": 7}, 8, 8)
    back = await refused(office, done)
    assert [(line["原行号"], line["错误列"], line["错误代码"]) for line in back] == [
        ("3", "证件号码", "number_shared"),
        ("4", "证件号码", "person_unknown"),
        ("5", "值", "fact_value"),
        ("6", "数据截止日", "date"),
        ("7", "事实", "not_own_duty"),
        ("8", "事实", "fact_unknown"),
        ("9", "证件号码", "string_too_short"),
    ]
    assert all(line["错误原因"] and line["错误原因英文"] for line in back)
    assert len(await desk.search(story)) == 1
    town = desk.of(HALL, "330282107", scopes=BULK)
    elsewhere = await imported(town, [{"证件号码": far, "值": "大专(高职)"}], fact="education", reliability="certificate")
    assert [line["错误代码"] for line in await refused(town, elsewhere)] == ["person_unknown"]


async def test_a_file_that_is_no_such_table_fails_and_says_which_columns(desk: Desk) -> None:
    office = desk.of(INSURANCE, scopes=BULK)
    failed = await imported(office, [{"证件号码": number(), "月份": "2022-01"}])
    assert (failed["state"], failed["problem"]) == ("failed", "import-columns")
    assert [each["code"] for each in failed["errors"]] == ["column_missing"]
    mapped = await imported(office, [{"证件号码": number(), "月份": "2022-01"}], mapping={"月份": "value"})
    assert mapped["counts"] == {"refused": 1}


async def test_only_an_uploaded_table_is_imported_by_whoever_may(desk: Desk) -> None:
    office = desk.of(INSURANCE, scopes=BULK)
    unknown = answered(await office.post(IMPORTS, {"attachment_id": str(new_id())}), 404)
    assert unknown["type"].endswith("attachment-not-found")
    sent = {"authorization": f"Bearer {office.token}", "content-type": "text/csv", "idempotency-key": str(new_id())}
    paper = await office.http.post("/v1/points/attachments?purpose=evidence", content=b"a,b\n1,2\n", headers=sent)
    wrong = answered(await office.post(IMPORTS, {"attachment_id": answered(paper, 201)["attachment_id"]}), 422)
    assert pointers(wrong) == [("/attachment_id", "attachment_not_roster")]
    alone = desk.of(HALL, scopes=BULK, actor=None)
    body = {"attachment_id": str(new_id()), "reliability": "certificate"}
    assert answered(await alone.post(IMPORTS, body), 403)["type"].endswith("actor-required")


async def test_evidence_names_its_paper(desk: Desk) -> None:
    story = await desk.resident()
    hall = desk.of(HALL, scopes=BULK)
    sent = {"authorization": f"Bearer {hall.token}", "content-type": "application/pdf", "idempotency-key": str(new_id())}
    path = f"/v1/points/attachments?purpose=evidence&person_id={story.person_id}"
    paper = answered(await hall.http.post(path, content=b"%PDF-1.4\n%%EOF\n", headers=sent), 201)
    body = insurance(person_id=str(story.person_id), reliability="certificate", attachment_id=paper["attachment_id"])
    made = await desk.give(hall, body)
    assert made["attachment_id"] == paper["attachment_id"]
    shown = f"/v1/points/attachments/{paper['attachment_id']}"
    assert answered(await hall.get(shown), 200)["is_referenced"] is True
    assert (await desk.of(HALL, NEXT_TOWN, scopes=BULK).get(shown)).status_code == 404
    story.deletion()
    await desk.office.tell(story.messages(first=3))
    await desk.office.settled()
    assert (await hall.get(shown)).status_code == 404


def test_the_template_has_the_columns_that_are_needed() -> None:
    headers, example, *_ = csv.reader(io.StringIO(template(COLUMNS)))
    fields = Layout.of(COLUMNS, headers, {}).fields(example)
    assert fields["document_number"]
    assert fields["value"]


_CELLS = tomllib.loads((Path(__file__).parent / "cases" / "facts" / "cells.toml").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", _CELLS, ids=lambda case: f"{case['fact']} {case['cell']}")
def test_what_a_cell_says(case: Mapping[str, Any]) -> None:
    fact = shipped(case["rule_set"]).facts[case["fact"]]
    assert written_value(read_value(value_in(case["cell"], fact), fact)) == case["value"]
