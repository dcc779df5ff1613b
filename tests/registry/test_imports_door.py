"""The bulk door as a client uses it: upload, ask, follow, fetch what was refused; the work is done by a process of its own."""

import asyncio
import csv
import io
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from tests.registry.conftest import Office, expect
from tests.registry.factories import EVERY_SCOPE
from tests.registry.rosters import CSV, a_row, as_csv
from tests.registry.uploads import download, uploaded
from tests.running import Caller

_WITHIN_S = 60.0


async def ended(caller: Caller, operation: dict[str, Any]) -> dict[str, Any]:
    """The operation, once it has ended."""
    async with asyncio.timeout(_WITHIN_S):
        while operation["state"] in {"accepted", "running"}:
            await asyncio.sleep(0.1)
            operation = expect(await caller.get(f"/v1/registry/operations/{operation['operation_id']}"), 200)
    return operation


async def test_a_roster_goes_in_without_anybody_retyping(office: Office, cixi: Caller) -> None:
    started = office.today.isoformat()
    rows = [a_row(入住日期=started), a_row(入住日期=started), a_row(入住日期="")]
    file = await uploaded(cixi, as_csv(rows, encoding="gb18030"), CSV, purpose="import", retention_class="working_file")
    body = {"attachment_id": file["attachment_id"], "kind": "residents"}
    answer = await cixi.post("/v1/imports", body)
    asked = expect(answer, 202)
    assert answer.headers["location"] == f"/v1/registry/operations/{asked['operation_id']}"

    done = await ended(cixi, asked)
    assert (done["state"], done["done"], done["total"]) == ("succeeded", 3, 3)
    assert done["counts"] == {"entered": 2, "refused": 1}
    refused = await download(cixi, done["errors_attachment_id"])
    lines = list(csv.DictReader(io.StringIO(refused.content.decode("utf-8-sig"), newline="")))
    assert [(line["原行号"], line["错误列"]) for line in lines] == [("4", "入住日期")]

    again = expect(await cixi.post("/v1/imports", body), 202)
    assert again["operation_id"] == done["operation_id"], "the same content is the same operation"
    problem = expect(await cixi.post(f"/v1/registry/operations/{done['operation_id']}/cancel"), 409)
    assert problem["type"].endswith("operation-ended")
    elsewhere = office.caller("330281")
    expect(await elsewhere.get(f"/v1/registry/operations/{done['operation_id']}"), 404)
    expect(await elsewhere.post("/v1/imports", body), 404)


async def test_a_file_without_its_columns_says_which_in_both_languages(cixi: Caller) -> None:
    file = await uploaded(cixi, "姓名,备注\n王小明,x\n".encode(), CSV, purpose="import")
    asked = expect(await cixi.post("/v1/imports", {"attachment_id": file["attachment_id"], "kind": "residents"}), 202)
    done = await ended(cixi, asked)
    assert (done["state"], done["problem"]) == ("failed", "import-columns")
    assert done["errors"][0] == {
        "pointer": "/identity_documents/0/number",
        "code": "column_missing",
        "message_zh": "缺少必需的列“证件号码”",
        "message_en": "the column document_number (证件号码) is needed and missing",
        "rule": "RR-03",
    }


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        ("employments", "registry.employment.write"),
        ("stays", "registry.stay.write"),
        ("field_visits", "registry.field.visit"),
    ],
)
async def test_a_list_needs_the_scope_of_its_single_door(office: Office, cixi: Caller, kind: str, scope: str) -> None:
    file = await uploaded(cixi, as_csv([a_row()]), CSV, purpose="import")
    body = {"attachment_id": file["attachment_id"], "kind": kind}
    without = office.caller(scopes=EVERY_SCOPE - {scope}, actor="officer-1")
    problem = expect(await without.post("/v1/imports", body), 403)
    assert (problem["type"].rpartition(":")[2], problem["scope"]) == ("scope-missing", scope)


async def test_visits_are_the_acting_officers(office: Office, cixi: Caller) -> None:
    file = await uploaded(cixi, as_csv([a_row()]), CSV, purpose="import")
    body = {"attachment_id": file["attachment_id"], "kind": "field_visits"}
    problem = expect(await office.caller(actor=None).post("/v1/imports", body), 403)
    assert problem["type"].endswith("actor-required")
    one, other = [
        expect(await office.caller(actor=officer).post("/v1/imports", body), 202) for officer in ("officer-1", "officer-2")
    ]
    assert one["operation_id"] != other["operation_id"], "another officer's day"


def test_a_worker_loads_nothing_of_the_web() -> None:
    """Loading the routes and tables took a worker longer than a short roster; whoever waits for it waits for that, too."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys, services.registry.__main__; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    unused = {"fastapi", "starlette", "alembic", "sqlmodel", "services.registry.api", "services.registry.tables"}
    assert unused.isdisjoint(told.stdout.split())


async def test_only_a_table_brought_as_a_roster_is_taken(cixi: Caller) -> None:
    expect(await cixi.post("/v1/imports", {"attachment_id": str(uuid4()), "kind": "residents"}), 404)
    file = await uploaded(cixi, as_csv([a_row()]), CSV)
    problem = expect(await cixi.post("/v1/imports", {"attachment_id": file["attachment_id"], "kind": "residents"}), 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/attachment_id"]


async def test_the_template_is_a_roster(office: Office, cixi: Caller) -> None:
    template = await cixi.get("/v1/imports/template?kind=residents")
    assert template.status_code == 200
    file = await uploaded(cixi, template.content, CSV, purpose="import")
    body = {"attachment_id": file["attachment_id"], "kind": "residents", "dry_run": True}
    done = await ended(cixi, expect(await cixi.post("/v1/imports", body), 202))
    assert (done["state"], done["total"]) == ("succeeded", 1), done
