"""Merging persons, and taking it back."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.chassis.two_person import ProposalView
from services.registry.actions import citizen_numbers, merging
from services.registry.api.proposals import PROPOSALS_PATH
from services.registry.schemas.merging import (
    ConflictStatus,
    ConflictView,
    MergeView,
    NumberSettlement,
    PersonMerge,
    PersonUnmerge,
)

router = ServiceRouter(tags=["merging"])
_PROBLEMS = ["person-not-found", "person-deleted", "person-not-held", "stale-version", "proposal-open"]


@router.post(
    "/v1/persons/{person_id}/merge",
    status_code=201,
    **write(
        merging.SCOPE,
        actor=True,
        summary_zh="提出合并重复人员，由第二名经办人核准",
        problems=[*_PROBLEMS, "person-merged", "merge-chain", "persons-related"],
    ),
)
async def propose_merge(work: CurrentWork, person_id: UUID, body: PersonMerge) -> Answer[ProposalView]:
    """Propose that another person on the register is the same human.

    The person in the path is kept as the canonical one, the duplicate's id becomes its alias when a second officer approves:
    reads of the alias answer with the canonical person, writes under it are refused naming that person. No row changes its
    id, and the merge can be taken back exactly. Where both have a current registration, an open permit or a citizen number of
    their own, nothing is chosen: see `GET /v1/merge-conflicts`. Who is the other's relative or ward is somebody else: 409
    names the relationships.
    """
    made = await merging.propose_merge(work, person_id, body)
    return Answer(made, version=made.version, location=f"{PROPOSALS_PATH}/{made.proposal_id}")


@router.post(
    "/v1/persons/{person_id}/unmerge",
    status_code=201,
    **write(
        merging.SCOPE,
        actor=True,
        summary_zh="提出撤销合并，由第二名经办人核准",
        problems=[*_PROBLEMS, "merge-not-found"],
    ),
)
async def propose_unmerge(work: CurrentWork, person_id: UUID, body: PersonUnmerge) -> Answer[ProposalView]:
    """Propose to take a merge back.

    When a second officer approves, the two ids are two humans again, each with what was recorded under it.
    """
    made = await merging.propose_unmerge(work, person_id, body)
    return Answer(made, version=made.version, location=f"{PROPOSALS_PATH}/{made.proposal_id}")


@router.post(
    "/v1/persons/{person_id}/citizen-number",
    status_code=201,
    **write(
        citizen_numbers.SCOPE,
        actor=True,
        summary_zh="提出认定合并后的公民身份号码，由第二名经办人核准",
        problems=[*_PROBLEMS, "person-merged", "citizen-number-settled"],
    ),
)
async def propose_settlement(work: CurrentWork, person_id: UUID, body: NumberSettlement) -> Answer[ProposalView]:
    """Propose which of two citizen numbers is the human's.

    A merge that brought two numbers together opened a conflict of the kind `citizen_number`, whose `thing_ids` are the
    documents; `…/history` of each id shows them. When a second officer approves, the number stands with this person, and every
    other one goes out of use under whichever id it came in.
    """
    made = await citizen_numbers.propose_settlement(work, person_id, body)
    return Answer(made, version=made.version, location=f"{PROPOSALS_PATH}/{made.proposal_id}")


@router.get(
    "/v1/persons/{person_id}/merges",
    **read("registry.person.read", summary_zh="人员的合并记录", problems=["person-not-found", "person-deleted"]),
)
async def read_merges(
    work: CurrentWork, person_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[MergeView]:
    """Read the merges an id was in, as alias or as canonical person, newest first; those taken back, too."""
    return await merging.read_merges(work, person_id, cursor, limit)


@router.get("/v1/merge-conflicts", **read("registry.person.read", summary_zh="合并后待处理的冲突"))
async def list_conflicts(
    work: CurrentWork,
    status: Annotated[ConflictStatus | None, Query(description="`open` are those that wait for somebody.")] = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[ConflictView]:
    """List what merges left twice although a human has it once: current registrations, open permits, citizen numbers and so on.
    Oldest first.
    """
    return await merging.list_conflicts(work, status, cursor, limit)
