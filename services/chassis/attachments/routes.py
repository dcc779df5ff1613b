"""`POST /v1/<service>/attachments`, `GET …/{id}`, `GET …/{id}/content`: the same for every service that keeps files."""

import base64
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import ConfigDict, Field

from services.chassis.attachments import rows
from services.chassis.attachments.kinds import KINDS, LARGEST_BYTES, MediaType
from services.chassis.attachments.receiving import ReceivedFile
from services.chassis.attachments.retention import AttachmentPurpose, RetentionClass
from services.chassis.errors import DomainError, FieldError
from services.chassis.operation import read, upload
from services.chassis.routing import SUPPLIED, Answer, CurrentWork, ServiceRouter
from services.chassis.schemas import View
from services.chassis.streaming import StreamedAnswer
from services.chassis.work import Work

DEADLINE_S = 600.0
RESOURCE = "attachment"

_SAFE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}
_BINARY: dict[str, Any] = {media_type.value: {"schema": {"type": "string", "format": "binary"}} for media_type in MediaType}


class AttachmentView(View):
    """What is known of a file without opening it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "attachment_id": "019ab0c2-1111-7000-8000-000000000003",
                    "media_type": "application/pdf",
                    "size_bytes": 48213,
                    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "purpose": "evidence",
                    "retention_class": "case_file",
                    "kept_until": "2026-07-01",
                    "is_referenced": False,
                    "person_id": None,
                    "created_at": "2026-06-01T01:00:00Z",
                }
            ]
        }
    )

    attachment_id: UUID
    media_type: MediaType = Field(description="By content.")
    size_bytes: int
    sha256: str = Field(description="Of the file as it was sent, in hex.")
    purpose: AttachmentPurpose
    retention_class: RetentionClass
    kept_until: date = Field(description="Law date; after it the file is deleted unless something refers to it.")
    is_referenced: bool = Field(description="Whether a case refers to it.")
    person_id: UUID | None = Field(description="Whose file it is, if that was said.")
    created_at: datetime

    @classmethod
    def of(cls, record: rows.AttachmentRecord) -> Self:
        """The view of an attachment."""
        return cls(
            attachment_id=record.attachment_id,
            media_type=record.media_type,
            size_bytes=record.size_bytes,
            sha256=record.sha256.hex(),
            purpose=record.purpose,
            retention_class=record.retention_class,
            kept_until=record.kept_until,
            is_referenced=bool(record.referring_person_ids),
            person_id=record.person_id,
            created_at=record.recorded_at,
        )


def attachments_router(path: str, *, write_scope: str, read_scope: str, units: bool = False) -> ServiceRouter:
    """The routes below `path`, for a service whose definition says `attachments=`. `units`: clients that act for one unit
    upload tables to be imported, and see the files that are their own.
    """
    router = ServiceRouter(tags=["attachments"])

    @router.post(
        path,
        status_code=201,
        **upload(
            write_scope,
            media_types=tuple(MediaType),
            body_limit_bytes=LARGEST_BYTES,
            deadline_s=DEADLINE_S,
            units=units,
            summary_zh="上传附件",
            problems=(
                "attachment-type",
                "attachment-refused",
                "person-not-found",
                "attachment-store-full",
                "attachment-store-unavailable",
            ),
        ),
    )
    async def upload_attachment(
        work: CurrentWork,
        file: Annotated[ReceivedFile, SUPPLIED],
        purpose: Annotated[AttachmentPurpose, Query(description="What the file is for.")],
        retention_class: Annotated[
            RetentionClass,
            Query(description="Kept how long when nothing refers to it: 7 days, 30 days, 3 years from the upload."),
        ] = RetentionClass.CASE_FILE,
        person_id: Annotated[UUID | None, Query(description="Whose file it is; must be visible to the caller.")] = None,
    ) -> Answer[AttachmentView]:
        """Upload a file.

        The body is the file itself, under its own `Content-Type` (`application/octet-stream` when the sender does not know);
        its name is not taken. What it is is told by its content: PDF (20 MiB), JPEG and PNG (10 MiB), CSV in UTF-8 or GB 18030
        (500 MiB) and XLSX without macros (50 MiB). Name the `attachment_id` wherever evidence is asked for.
        """
        _require_offices(work, purpose)
        await _require_visible(work, person_id)
        record = await rows.insert(work, file.taken, purpose=purpose, retention_class=retention_class, person_id=person_id)
        work.audit("upload", RESOURCE, record.attachment_id, person_id=person_id, fields=["content"])
        return Answer(AttachmentView.of(record), location=f"{path}/{record.attachment_id}")

    @router.get(
        f"{path}/{{attachment_id}}",
        **read(read_scope, units=units, summary_zh="读取附件信息", problems=["attachment-not-found"]),
    )
    async def read_attachment(work: CurrentWork, attachment_id: UUID) -> AttachmentView:
        """Read what is known of a file."""
        record = await _visible(work, attachment_id)
        _audit(work, "read", record)
        return AttachmentView.of(record)

    @router.get(f"{path}/{{attachment_id}}/content", **_content(read_scope, units=units))
    async def read_content(work: CurrentWork, attachment_id: UUID) -> StreamedAnswer:
        """Download a file.

        Always as a file to be saved. `Content-Digest` (RFC 9530) is that of the whole file; when a stored file turns out to be
        damaged on the way, the answer ends before its announced length.
        """
        record = await _visible(work, attachment_id)
        _audit(work, "download", record)
        return _answer(work, record)

    return router


def _content(scope: str, *, units: bool) -> dict[str, Any]:
    problems = ("attachment-not-found", "attachment-damaged", "attachment-store-unavailable")
    declared = read(scope, deadline_s=DEADLINE_S, units=units, summary_zh="下载附件", problems=problems)
    declared["responses"][200] = {"description": "The file", "content": _BINARY}
    return declared


async def _visible(work: Work, attachment_id: UUID) -> rows.AttachmentRecord:
    record = await rows.find(work, attachment_id)
    if record is None:
        work.audit("read", RESOURCE, attachment_id, outcome="not_found")
        raise DomainError("attachment-not-found")
    return record


def _require_offices(work: Work, purpose: AttachmentPurpose) -> None:
    """Evidence is handed in at an office. Raises `DomainError('offices-only')`."""
    if work.principal.unit is not None and purpose is not AttachmentPurpose.IMPORT:
        raise DomainError("offices-only")


async def _require_visible(work: Work, person_id: UUID | None) -> None:
    assert work.attachments is not None
    if person_id is not None and not await work.attachments.sees_any_of(work, [person_id]):
        error = FieldError("?person_id", "person_not_found", "没有找到该人员", "there is no such person")
        raise DomainError("person-not-found", errors=[error])


def _audit(work: Work, operation: str, record: rows.AttachmentRecord) -> None:
    """A line for every person whose file it is, so that each finds it in the evidence about herself."""
    persons: Sequence[UUID | None] = record.persons or (None,)
    for person_id in persons:
        work.audit(operation, RESOURCE, record.attachment_id, person_id=person_id)


def _answer(work: Work, record: rows.AttachmentRecord) -> StreamedAnswer:
    assert work.attachments is not None
    digest = base64.b64encode(record.sha256).decode()
    name = f"{record.attachment_id}.{KINDS[record.media_type].suffix}"
    return StreamedAnswer(
        media_type=record.media_type,
        length=record.size_bytes,
        headers={
            **_SAFE_HEADERS,
            "content-digest": f"sha-256=:{digest}:",
            "content-disposition": f'attachment; filename="{name}"',
        },
        parts=work.attachments.plaintext(record.opener, record.attachment_id, record.address, record.size_bytes),
    )
