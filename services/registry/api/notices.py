"""Notices: what somebody was asked to be told. They come from acts and jobs; nobody posts one."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.operation import read
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import CurrentWork, ServiceRouter
from services.registry.actions import notice_reading
from services.registry.schemas.notices import NoticeTemplatesView, NoticeView

router = ServiceRouter(tags=["notices"])

PersonParameter = Annotated[
    UUID | None, Query(description="Only notices to this person; `division_code` is then not looked at.")
]
DivisionParameter = Annotated[
    str | None,
    Query(max_length=12, description="County, township or village within the client's own division; left out: all of it."),
]


@router.get(
    "/v1/notices",
    **read(
        "registry.notice.read", summary_zh="列出通知", problems=["person-not-found", "person-deleted", "division-out-of-scope"]
    ),
)
async def list_notices(
    work: CurrentWork,
    person_id: PersonParameter = None,
    division_code: DivisionParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[NoticeView]:
    """List notices to a person or of a division's offices, oldest first.

    Delivery is with whoever owns SMS and letters, who follows `registry.notice.requested.v1`.
    """
    return await notice_reading.list_notices(work, person_id, division_code, cursor, limit)


@router.get("/v1/notice-templates", **read("registry.notice.read", purpose=False, summary_zh="通知模板"))
async def read_templates(work: CurrentWork) -> NoticeTemplatesView:
    """Read the templates in force today, with their parameters, in both languages."""
    return await notice_reading.read_templates(work)
