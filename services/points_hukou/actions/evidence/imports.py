"""Asking for a file of evidence to be imported; the work itself is an operation (`imports/`, another process)."""

from services.chassis.attachments import rows as attachments
from services.chassis.attachments.kinds import MediaType
from services.chassis.attachments.retention import AttachmentPurpose
from services.chassis.errors import DomainError, FieldError
from services.chassis.long_work.asking import ask
from services.chassis.long_work.views import OperationView
from services.chassis.work import Work
from services.points_hukou.schemas.evidence_imports import EvidenceImport

KIND = "import.evidence"
_TABLES = frozenset({MediaType.CSV, MediaType.XLSX})


async def request_import(work: Work, body: EvidenceImport) -> OperationView:
    """Have a file of evidence imported in the name of the caller. The same content asked for again is the same operation.

    Raises `DomainError` `attachment-not-found`, `actor-required`, and `invalid-request` for a file that is no table.
    """
    if body.reliability == "certificate":
        work.require_actor()
    found = (await attachments.hold(work, [body.attachment_id])).get(body.attachment_id)
    if found is None:
        raise DomainError("attachment-not-found")
    if found.purpose is not AttachmentPurpose.IMPORT or found.media_type not in _TABLES:
        zh, en = "该附件不是作为待导入的表格上传的", "it was not uploaded as a table to be imported"
        raise DomainError("invalid-request", errors=[FieldError("/attachment_id", "attachment_not_roster", zh, en)])
    parameters = body.model_dump(mode="json")
    return await ask(work, KIND, parameters, same=None if body.dry_run else _sameness(work, body, found))


def _sameness(work: Work, body: EvidenceImport, found: attachments.AttachmentRecord) -> bytes:
    """Equal for equal content brought by the same client in the same columns, saying the same of all rows."""
    shared = repr((body.rule_set, body.fact, body.as_of, body.reliability, sorted(body.mapping.items())))
    who = work.principal
    officer = who.actor or "" if body.reliability == "certificate" else ""
    parts = (who.client_id, who.organisation, who.division_code, officer, shared)
    return work.keyring.fingerprint(b"import", found.sha256, *(part.encode() for part in parts))
