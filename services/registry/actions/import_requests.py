"""Asking for a roster to be imported; the work itself is an operation (`imports/`, another process)."""

from services.chassis.attachments import rows as attachments
from services.chassis.attachments.kinds import MediaType
from services.chassis.attachments.retention import AttachmentPurpose
from services.chassis.errors import DomainError, FieldError
from services.chassis.long_work.asking import ask
from services.chassis.long_work.views import OperationView
from services.chassis.work import Work
from services.registry.schemas.imports import ImportRequest
from services.registry.schemas.rosters.kinds import RosterKind

_TABLES = frozenset({MediaType.CSV, MediaType.XLSX})
_OWN_SCOPES = {
    RosterKind.EMPLOYMENTS: "registry.employment.write",
    RosterKind.STAYS: "registry.stay.write",
    RosterKind.FIELD_VISITS: "registry.field.visit",
}
"""What the single door asks for as well: whoever may bring residents in may not for that reason report anything else."""
_OF_UNITS = frozenset({RosterKind.EMPLOYMENTS, RosterKind.STAYS})
"""What an employer's and a landlord's own client report at the single door; whose row is another's, it is refused."""
_ACTED = frozenset({RosterKind.FIELD_VISITS})
"""The rows are what the officer did who acts."""


async def request_import(work: Work, body: ImportRequest) -> OperationView:
    """Have a roster imported in the name of the caller. The same content asked for again is the same operation.

    Raises `DomainError('scope-missing')`, `('offices-only')`, `('actor-required')` and `('attachment-not-found')`, and
    `('invalid-request')` for a file that was not uploaded as a roster.
    """
    scope = _OWN_SCOPES.get(body.kind)
    if scope is not None and scope not in work.principal.scopes:
        raise DomainError("scope-missing", extra={"scope": scope})
    if work.principal.unit is not None and body.kind not in _OF_UNITS:
        raise DomainError("offices-only")
    if body.kind in _ACTED:
        work.require_actor()
    found = (await attachments.hold(work, [body.attachment_id])).get(body.attachment_id)
    if found is None:
        raise DomainError("attachment-not-found")
    if found.purpose is not AttachmentPurpose.IMPORT or found.media_type not in _TABLES:
        zh, en = "该附件不是作为待导入的表格上传的", "it was not uploaded as a table to be imported"
        raise DomainError("invalid-request", errors=[FieldError("/attachment_id", "attachment_not_roster", zh, en)])
    parameters = {
        "attachment_id": str(body.attachment_id),
        "dry_run": body.dry_run,
        "mapping": dict(body.mapping),
    }
    return await ask(work, f"import.{body.kind}", parameters, same=None if body.dry_run else _sameness(work, body, found))


def _sameness(work: Work, body: ImportRequest, found: attachments.AttachmentRecord) -> bytes:
    """Equal for equal content brought by the same client – where it matters, the same officer – as the same kind in the same
    columns.
    """
    columns = repr(sorted(body.mapping.items()))
    who = work.principal
    officer = who.actor or "" if body.kind in _ACTED else ""
    parts = (who.client_id, who.division_code, body.kind, columns, officer)
    return work.keyring.fingerprint(b"import", found.sha256, *(part.encode() for part in parts))
