"""Persons: register, correct, read, search, resolve."""

from uuid import UUID

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.chassis.two_person import ProposalView
from services.registry.actions import (
    permits,
    person_deletion,
    person_proposals,
    person_reading,
    persons,
    registration_reading,
    relationships,
    shared_numbers,
)
from services.registry.api.proposals import PROPOSALS_PATH
from services.registry.schemas.deletion import PersonDeletion
from services.registry.schemas.permit_views import EntitlementsView, PermitView
from services.registry.schemas.person_views import FoundPersonView, PastPersonView, PersonView, ResolvedPersonView
from services.registry.schemas.persons import PersonCorrection, PersonRegistration, PersonResolution
from services.registry.schemas.registrations import RegistrationView
from services.registry.schemas.relationships import RelationshipView
from services.registry.schemas.searching import PersonSearch
from services.registry.schemas.shared_numbers import PersonSharingNumber

router = ServiceRouter(tags=["persons"])


@router.post(
    "/v1/persons",
    status_code=201,
    **write("registry.person.write", summary_zh="登记人员", problems=["person-exists"]),
)
async def register_person(work: CurrentWork, body: PersonRegistration) -> Answer[PersonView]:
    """Register a person.

    Sex and birth date may be left out when a citizen number gives them. Doubts, such as a repealed division code, come back
    as `warnings`. Somebody already on the register is 409: with `person_id` where this client may see the person, otherwise
    resolve first.
    """
    person = await persons.register_person(work, body)
    return Answer(person, version=person.version, location=f"/v1/persons/{person.person_id}")


@router.post("/v1/persons/search", **read("registry.person.read", summary_zh="查询人员"))
async def search_persons(work: CurrentWork, body: PersonSearch) -> Page[FoundPersonView]:
    """Search persons.

    Among those this client may see, by number, name, its beginning or its pinyin, or employer; all criteria must match. Results
    are masked, of minors more strictly. Every search is logged for supervisors, by field names.
    """
    return await person_reading.search_persons(work, body)


@router.post(
    "/v1/persons/resolve",
    **read(
        "registry.person.resolve",
        units=True,
        summary_zh="凭证件号码和姓名确认人员",
        problems=["person-unresolved", "number-shared", "too-many-requests"],
    ),
)
async def resolve_person(work: CurrentWork, body: PersonResolution) -> ResolvedPersonView:
    """Resolve a person registered elsewhere.

    The complete number and the name must belong together. For a day this client may then read masked data of the person and
    register the person's residence in its own division. Every attempt is evidence; attempts are limited per client.
    """
    return await person_reading.resolve_person(work, body)


@router.get(
    "/v1/persons/{person_id}",
    **read("registry.person.read", summary_zh="读取人员", problems=["person-not-found", "person-deleted"]),
)
async def read_person(work: CurrentWork, person_id: UUID) -> Answer[PersonView]:
    """Read a person.

    Numbers and phone are masked. A client that only resolved the person sees it masked altogether.
    """
    person = await person_reading.read_person(work, person_id)
    return Answer(person, version=person.version)


@router.patch(
    "/v1/persons/{person_id}",
    **write(
        "registry.person.write",
        if_match=True,
        summary_zh="更正人员信息",
        problems=[
            *("person-not-found", "person-merged", "person-not-held", "person-exists", "stale-version"),
            "two-officers-needed",
        ],
    ),
)
async def correct_person(work: CurrentWork, person_id: UUID, body: PersonCorrection) -> Answer[PersonView]:
    """Correct a person's data or add documents.

    Name, birth date, sex and citizen number of somebody who holds a permit need two officers: propose the correction instead.
    """
    person = await persons.correct_person(work, person_id, body)
    return Answer(person, version=person.version)


@router.post(
    "/v1/persons/{person_id}/correction",
    status_code=201,
    **write(
        "registry.person.write",
        actor=True,
        summary_zh="提出更正，由第二名经办人核准",
        problems=["person-not-found", "person-merged", "person-exists", "stale-version", "proposal-open"],
    ),
)
async def propose_correction(work: CurrentWork, person_id: UUID, body: PersonCorrection) -> Answer[ProposalView]:
    """Propose a correction that a second officer approves.

    Every error is told now. It happens when another officer of this organisation or of one above approves the proposal; by then
    the person must not have changed.
    """
    made = await person_proposals.propose_correction(work, person_id, body)
    return Answer(made, version=made.version, location=f"{PROPOSALS_PATH}/{made.proposal_id}")


@router.post(
    "/v1/persons/{person_id}/deletion",
    status_code=201,
    **write(
        "registry.person.delete",
        actor=True,
        summary_zh="提出删除人员信息，由第二名经办人核准",
        problems=["person-not-found", "person-merged", "stale-version", "proposal-open"],
    ),
)
async def propose_deletion(work: CurrentWork, person_id: UUID, body: PersonDeletion) -> Answer[ProposalView]:
    """Propose to delete everything that is kept of a person.

    Lawfully refused, with every reason, while the person is registered as resident or has an open permit or case. When a
    second officer approves, values, document tokens and the key of the person's history are destroyed; ids and evidence
    remain, and the person is answered with 410.
    """
    made = await person_deletion.propose_deletion(work, person_id, body)
    return Answer(made, version=made.version, location=f"{PROPOSALS_PATH}/{made.proposal_id}")


@router.post(
    "/v1/persons/{person_id}/shared-number",
    status_code=201,
    **write(
        shared_numbers.SCOPE,
        actor=True,
        summary_zh="提出登记或更正与该人员证件号码相同的另一人（重号），由第二名经办人核准",
        problems=[
            *("person-not-found", "person-deleted", "person-merged", "person-not-held", "person-exists", "stale-version"),
            "proposal-open",
        ],
    ),
)
async def propose_sharing(work: CurrentWork, person_id: UUID, body: PersonSharingNumber) -> Answer[ProposalView]:
    """Propose that another living person has the same document number.

    Old records gave some numbers twice. The other person is entered with it, or, on the register already, corrected to it. The
    proposal's `content.person_id` is the id of the other person once another officer approves; from then on a search by the
    number finds both, and rosters leave out rows with it. Whoever has the number must be in this client's sight: otherwise ask
    the office above.
    """
    made = await shared_numbers.propose_sharing(work, person_id, body)
    return Answer(made, version=made.version, location=f"{PROPOSALS_PATH}/{made.proposal_id}")


@router.get(
    "/v1/persons/{person_id}/history",
    **read("registry.person.read", summary_zh="人员信息的历次版本", problems=["person-not-found", "person-deleted"]),
)
async def read_person_history(
    work: CurrentWork, person_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastPersonView]]:
    """Read the versions of a person, newest first, masked."""
    return await person_reading.read_person_history(work, person_id, cursor, limit)


@router.get(
    "/v1/persons/{person_id}/relationships",
    **read("registry.person.read", summary_zh="人员的亲属与监护关系", problems=["person-not-found", "person-deleted"]),
)
async def read_relationships(
    work: CurrentWork, person_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[RelationshipView]:
    """Read the relationships of a person, on either side, current and ended."""
    return await relationships.read_relationships(work, person_id, cursor, limit)


@router.get(
    "/v1/persons/{person_id}/residence-registrations",
    **read("registry.registration.read", summary_zh="人员的居住登记", problems=["person-not-found", "person-deleted"]),
)
async def read_registrations(
    work: CurrentWork, person_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[RegistrationView]:
    """Read a person's residence registrations within this client's division, newest first."""
    return await registration_reading.read_registrations_of(work, person_id, cursor, limit)


@router.get(
    "/v1/persons/{person_id}/residence-permits",
    **read("registry.permit.read", summary_zh="人员的居住证", problems=["person-not-found", "person-deleted"]),
)
async def read_permits(
    work: CurrentWork, person_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[PermitView]:
    """Read a person's residence permits and refused applications, newest first."""
    return await permits.read_permits_of(work, person_id, cursor, limit)


@router.get(
    "/v1/persons/{person_id}/entitlements",
    **read(
        "registry.permit.read",
        summary_zh="居住证持有人享有的权利、服务和便利",
        problems=["person-not-found", "regime-not-held"],
    ),
)
async def read_entitlements(work: CurrentWork, person_id: UUID) -> EntitlementsView:
    """Read what the person's permit gives today, or why it gives nothing."""
    return await permits.read_entitlements(work, person_id)
