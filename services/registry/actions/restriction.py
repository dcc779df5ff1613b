"""Restriction (V-16, V-20): somebody's data are stored and protected, and nothing else is done with them.

While a registration is current, a permit or a case open, the office has a statutory duty to use them (V-02): it is refused,
by the same obstacles as a deletion. Afterwards readers are told that the person is restricted, and see nothing. Somebody who
comes to live here again is registered anew, for that new purpose.
"""

from services.chassis.errors import DomainError
from services.chassis.work import Work
from services.contracts.registry import RestrictionImposed, RestrictionLifted
from services.registry.schemas.rights import RightsRequestRecord
from services.registry.store import rights as store
from services.registry.store.deletion import obstacles
from services.registry.store.visibility import divisions_of


async def impose(work: Work, request: RightsRequestRecord) -> None:
    """Restrict the person from now on. Raises `DomainError('restriction-not-lawful')` with what stands against it."""
    if found := await obstacles(work, request.person_id, but=None):
        raise DomainError("restriction-not-lawful", extra={"obstacles": [each.value for each in found]})
    divisions = await divisions_of(work, request.person_id)
    await store.restrict_person(work, request.rights_request_id)
    imposed = RestrictionImposed(
        person_id=request.person_id,
        version=1,
        rights_request_id=request.rights_request_id,
        restricted_on=work.today,
        lifted_on=None,
    )
    work.emit(imposed, division_codes=divisions)
    work.audit("restrict", "person", request.person_id, person_id=request.person_id)


async def lift(work: Work, request: RightsRequestRecord) -> None:
    """End it. Raises `DomainError('restriction-not-in-force')`."""
    if not await store.lift_restriction(work, request.rights_request_id):
        raise DomainError("restriction-not-in-force")
    assert request.decided_on is not None
    lifted = RestrictionLifted(
        person_id=request.person_id,
        version=2,
        rights_request_id=request.rights_request_id,
        restricted_on=request.decided_on,
        lifted_on=work.today,
    )
    work.emit(lifted, division_codes=await divisions_of(work, request.person_id))
    work.audit("lift_restriction", "person", request.person_id, person_id=request.person_id)
