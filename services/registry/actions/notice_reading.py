"""Notices: what was asked to be told, to whom and about what; and the texts."""

from uuid import UUID

from services.chassis.pages import Page, after, page_of
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.law import LAW
from services.registry.actions.notices import RESOURCE
from services.registry.actions.person_reading import require_visible
from services.registry.rules.notice_templates import Addressee
from services.registry.schemas.notices import NoticeRecord, NoticeTemplatesView, NoticeTemplateView, NoticeView
from services.registry.store import notices as store


async def list_notices(
    work: Work, person_id: UUID | None, division_code: str | None, cursor: str | None, limit: int
) -> Page[NoticeView]:
    """Notices to a person, or of the offices in a division; without either, in the client's whole division. Oldest first."""
    prefix = listed_prefix(work, division_code)
    if person_id is not None:
        await require_visible(work, person_id)
        scope = f"notices of {person_id}"
        rows = await store.notices_of(work, person_id, after=after(work.keyring, scope, cursor), limit=limit)
    else:
        scope = f"notices {prefix}"
        rows = await store.list_notices(work, division_prefix=prefix, after=after(work.keyring, scope, cursor), limit=limit)
    page = page_of(work.keyring, scope, rows, limit, lambda row: _view(store.notice_of(row)), id_column="notice_id")
    for item in page.items:
        of_person = item.addressee_id if item.addressee_kind is Addressee.PERSON else None
        work.audit("read", RESOURCE, item.notice_id, person_id=of_person)
    return page


async def read_templates(work: Work) -> NoticeTemplatesView:
    """The templates in force today, for whoever renders them."""
    return NoticeTemplatesView(
        on=work.today, items=[NoticeTemplateView.of(template) for template in LAW.notices.templates.on(work.today)]
    )


def _view(record: NoticeRecord) -> NoticeView:
    return NoticeView.of(record, LAW.notices.template(record.template, record.requested_on))
