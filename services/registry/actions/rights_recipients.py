"""To whom somebody's data were given, and who of them hears of a correction or a deletion by itself (V-18)."""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.db import Record
from services.chassis.errors import DomainError
from services.chassis.principal import division_prefix, unit_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.registry.schemas.rights import RecipientsView, RecipientView
from services.registry.store import rights as store
from services.registry.store.person_copy import divisions_told, recipients


async def read_recipients(work: Work, rights_request_id: UUID) -> RecipientsView:
    """Every client that was shown data of the person a request is about; also after the person was deleted."""
    request = await store.find_request(work, rights_request_id)
    if request is None:
        raise not_found("rights-request")
    work.audit("read", "rights_recipients", rights_request_id, person_id=request.person_id, fields=["recipients"])
    return RecipientsView(rights_request_id=rights_request_id, recipients=await _recipients(work, rights_request_id))


async def require_told(work: Work, rights_request_id: UUID) -> None:
    """Raises `DomainError('rights-recipients-not-told')` when somebody was shown the data and follows no events."""
    untold = [each for each in await _recipients(work, rights_request_id) if not each.is_told]
    if untold:
        raise DomainError("rights-recipients-not-told", extra={"recipients": len(untold)})


async def _recipients(work: Work, rights_request_id: UUID) -> list[RecipientView]:
    told = await divisions_told(work, rights_request_id)
    return [
        RecipientView(**dict(row.items()), is_told=_follows(row, told)) for row in await recipients(work, rights_request_id)
    ]


def _follows(row: Record, told: Sequence[str]) -> bool:
    """Whether events reach the client: an employer's own client has no division to follow."""
    prefix = division_prefix(row["division"])
    return unit_of(row["organisation"]) is None and any(code.startswith(prefix) for code in told)
