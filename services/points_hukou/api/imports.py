"""The bulk door: files of evidence, and papers; their operations are those of the office (`simulations`)."""

from collections.abc import AsyncGenerator
from typing import Any

from services.chassis.attachments.routes import attachments_router
from services.chassis.long_work.tables.columns import template
from services.chassis.long_work.views import OperationView
from services.chassis.operation import read, write
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.chassis.streaming import StreamedAnswer
from services.points_hukou.actions.evidence import imports
from services.points_hukou.api.simulations import OPERATIONS_PATH
from services.points_hukou.schemas.evidence_imports import COLUMNS, EvidenceImport

_BYTE_ORDER_MARK = "\ufeff"

router = ServiceRouter(tags=["evidence"])
attachments = attachments_router(
    "/v1/points/attachments", write_scope="points.attachment.write", read_scope="points.attachment.read"
)


@router.post(
    "/v1/points/evidence-imports",
    status_code=202,
    **write("points.evidence.write", summary_zh="批量提供证据", problems=["attachment-not-found", "actor-required"]),
)
async def request_import(work: CurrentWork, body: EvidenceImport) -> Answer[OperationView]:
    """Import a file of evidence.

    The file is an attachment uploaded with the purpose `import`: CSV in UTF-8 or GB 18030 (500 MiB), or the first sheet of an
    XLSX workbook (50 MiB, 200,000 rows); one fact of one person to a row, the person by identity document. A value is JSON, or
    short: `2022-01/2024-06; pension:2024-07/2024-12` for months, `2022-01-05/` for a period that lasts, `2023=120000` for
    years, options by key or name. Each row is held to the rules of the single door and taken or refused by itself; what was
    refused is in the file `errors_attachment_id` names, with every reason, and can be sent in again. The same again changes
    nothing.
    """
    made = await imports.request_import(work, body)
    return Answer(made, location=f"{OPERATIONS_PATH}/{made.operation_id}")


def _template_read() -> dict[str, Any]:
    declared = read("points.evidence.read", purpose=False, summary_zh="下载证据表模板")
    declared["responses"][200] = {"description": "The file", "content": {"text/csv": {"schema": {"type": "string"}}}}
    return declared


@router.get("/v1/points/evidence-imports/template", **_template_read())
async def read_template(work: CurrentWork) -> StreamedAnswer:  # noqa: ARG001 - nothing is looked up
    """Download a file to begin with.

    A CSV with the Chinese headers and one example.
    """
    content = (_BYTE_ORDER_MARK + template(COLUMNS)).encode()

    async def parts() -> AsyncGenerator[bytes, None]:
        yield content

    headers = {"content-disposition": 'attachment; filename="evidence.csv"', "x-content-type-options": "nosniff"}
    return StreamedAnswer("text/csv; charset=utf-8", len(content), headers, parts())
