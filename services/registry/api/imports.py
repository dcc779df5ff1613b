"""The bulk door: rosters, and the operations that work them off."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Query

from services.chassis.long_work.routes import operations_router
from services.chassis.long_work.tables.columns import template
from services.chassis.long_work.views import OperationView
from services.chassis.operation import read, write
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.chassis.streaming import StreamedAnswer
from services.registry.actions import import_requests
from services.registry.schemas.imports import ImportRequest
from services.registry.schemas.rosters.kinds import COLUMNS, RosterKind

OPERATIONS_PATH = "/v1/registry/operations"
_BYTE_ORDER_MARK = "\ufeff"

KindParameter = Annotated[RosterKind, Query(description="What the roster is about.")]

router = ServiceRouter(tags=["imports"])
operations = operations_router(
    OPERATIONS_PATH, read_scope="registry.import.read", write_scope="registry.import.write", units=True
)


@router.post(
    "/v1/imports",
    status_code=202,
    **write(
        "registry.import.write", units=True, summary_zh="批量导入名册", problems=["attachment-not-found", "actor-required"]
    ),
)
async def request_import(work: CurrentWork, body: ImportRequest) -> Answer[OperationView]:
    """Import a roster.

    The file is an attachment uploaded with the purpose `import`: CSV in UTF-8 or GB 18030 with commas, semicolons or tabs
    (500 MiB), or the first sheet of an XLSX workbook (50 MiB, 200,000 rows). Each row is held to the rules of the single
    door, and is taken or refused by itself. What was refused is in the file `errors_attachment_id` names: each row as it was,
    with every reason; corrected, that file can be sent in again. Rows that change nothing are counted as `unchanged`, and the
    same content asked for again is the same operation.

    `residents` are persons with where they live; `employments` who was taken on and who left, of persons who are registered;
    `stays` who checked in to a room of a registered home and who checked out; `field_visits` what the officer who acts found
    as a coordinator. A kind other than `residents` also needs the scope of its single door. An employer's own client brings its
    own `employments`, a landlord's the `stays` in its own homes, and neither anything else.
    """
    made = await import_requests.request_import(work, body)
    return Answer(made, location=f"{OPERATIONS_PATH}/{made.operation_id}")


def _template_read() -> dict[str, Any]:
    declared = read("registry.import.read", purpose=False, units=True, summary_zh="下载名册模板")
    declared["responses"][200] = {"description": "The file", "content": {"text/csv": {"schema": {"type": "string"}}}}
    return declared


@router.get("/v1/imports/template", **_template_read())
async def read_template(work: CurrentWork, kind: KindParameter) -> StreamedAnswer:  # noqa: ARG001 - nothing is looked up
    """Download a roster to begin with.

    A CSV with the Chinese headers and one example.
    """
    content = (_BYTE_ORDER_MARK + template(COLUMNS[kind])).encode()

    async def parts() -> AsyncGenerator[bytes, None]:
        yield content

    headers = {"content-disposition": f'attachment; filename="{kind}.csv"', "x-content-type-options": "nosniff"}
    return StreamedAnswer("text/csv; charset=utf-8", len(content), headers, parts())
