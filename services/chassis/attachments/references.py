"""Cases that refer to files: what a service's actions use. Who sees a file is decided by the policies of its table."""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.attachments import rows
from services.chassis.attachments.retention import AttachmentPurpose
from services.chassis.errors import DomainError, FieldError
from services.chassis.work import Work


async def refer(
    work: Work, named: Sequence[tuple[str, UUID]], *, resource: str, resource_id: UUID, person_ids: Sequence[UUID]
) -> None:
    """Let a case of `person_ids` refer to files as its evidence; they are kept as long as it does.

    `named` holds, for each file, the JSON pointer that names it in the body. Raises `DomainError('invalid-request')` naming
    every pointer whose file is not there (any more), not one the caller sees, another person's, or not meant as evidence.
    """
    if not named:
        return
    found = await rows.hold(work, [attachment_id for _, attachment_id in named])
    errors = [
        error
        for pointer, attachment_id in named
        if (error := _error(pointer, found.get(attachment_id), person_ids)) is not None
    ]
    if errors:
        raise DomainError("invalid-request", errors=errors)
    await rows.insert_references(work, sorted(found), resource, resource_id, person_ids)


async def release(work: Work, person_id: UUID) -> None:
    """The person is being erased: its files go, and those that only its cases needed. They open no more from the commit on."""
    for attachment_id in await rows.release(work, person_id):
        work.audit("delete", "attachment", attachment_id, person_id=person_id)


def _error(pointer: str, record: rows.AttachmentRecord | None, person_ids: Sequence[UUID]) -> FieldError | None:
    if record is None:
        return FieldError(pointer, "attachment_not_found", "没有找到该附件", "there is no such attachment")
    if record.person_id is not None and record.person_id not in person_ids:
        return FieldError(pointer, "attachment_of_another_person", "附件属于其他人员", "the attachment is another person's")
    if record.purpose is not AttachmentPurpose.EVIDENCE:
        return FieldError(pointer, "attachment_not_evidence", "该附件不是作为证明材料上传的", "it was not uploaded as evidence")
    return None
