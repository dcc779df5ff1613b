"""What a requester is told: the decision, and that the office is late (V-23, V-24)."""

from services.chassis.work import Work
from services.registry.actions.notices import About, request_notice
from services.registry.actions.rights_standing import RESOURCE
from services.registry.rules.notice_templates import Addressee, ParameterValue
from services.registry.schemas.rights import RightsRequestRecord
from services.registry.store.rights import lock_untold_overdue


async def tell_decided(work: Work, record: RightsRequestRecord) -> None:
    """Tell the requester how it was decided."""
    assert record.outcome is not None
    parameters: dict[str, ParameterValue] = {"rights_request_id": record.rights_request_id, "outcome": record.outcome.value}
    await _tell(work, "rights_request_decided", record, parameters, record.outcome)


async def tell_incomplete(work: Work, record: RightsRequestRecord) -> None:
    """Tell until when what is missing may come in (OGI 30); what is missing is in the office's letter."""
    await _tell_supplement(work, "rights_request_incomplete", record)


async def tell_abandoned(work: Work, record: RightsRequestRecord) -> None:
    """Tell that the request counts as given up (OGI 30)."""
    await _tell_supplement(work, "rights_request_abandoned", record)


async def tell_extended(work: Work, record: RightsRequestRecord, reason_code: str) -> None:
    """Tell until when it will be answered, and why so late (OGI 33)."""
    parameters: dict[str, ParameterValue] = {"rights_request_id": record.rights_request_id, "due_on": record.due_on}
    await _tell(work, "rights_request_extended", record, parameters | {"reason": reason_code}, record.due_on)


async def tell_overdue(work: Work, *, limit: int) -> int:
    """Tell those whose request was not decided in time, once; how many."""
    late = await lock_untold_overdue(work, limit=limit)
    for record in late:
        parameters: dict[str, ParameterValue] = {"rights_request_id": record.rights_request_id, "due_on": record.due_on}
        await _tell(work, "rights_request_overdue", record, parameters, record.due_on)
    return len(late)


async def _tell_supplement(work: Work, template: str, record: RightsRequestRecord) -> None:
    assert record.supplement_due_on is not None
    parameters: dict[str, ParameterValue] = {
        "rights_request_id": record.rights_request_id,
        "supplement_due_on": record.supplement_due_on,
    }
    await _tell(work, template, record, parameters, record.supplement_due_on)


async def _tell(
    work: Work, template: str, record: RightsRequestRecord, parameters: dict[str, ParameterValue], occasion: object
) -> None:
    await request_notice(
        work,
        template,
        addressee=Addressee.PERSON,
        addressee_id=record.person_id,
        division_code=record.division_code,
        about=About(RESOURCE, record.rights_request_id, occasion),
        parameters=parameters,
    )
