"""Pairs who may be one human: the queue, decisions, and the pass over everybody."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.long_work.views import OperationView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions import duplicate_passes, duplicates
from services.registry.api.imports import OPERATIONS_PATH
from services.registry.rules.duplicates import CandidateLevel
from services.registry.schemas.duplicates import (
    CandidateDecision,
    CandidateStatus,
    DuplicateCandidateView,
    PastCandidateView,
)

router = ServiceRouter(tags=["duplicates"])


@router.get("/v1/duplicate-candidates", **read("registry.duplicate.read", summary_zh="列出疑似重复的人员对"))
async def list_candidates(
    work: CurrentWork,
    status: Annotated[
        CandidateStatus, Query(description="`open` are those that wait for somebody; those that are `unlike` are not listed.")
    ] = CandidateStatus.OPEN,
    level: Annotated[CandidateLevel | None, Query(description="`likely` leaves out what is only possible.")] = None,
    person_id: Annotated[UUID | None, Query(description="Only pairs this person is in.")] = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[DuplicateCandidateView]:
    """List pairs of persons whose records look like one human's, the most alike first.

    Pairs are found when a person is entered or corrected, by roster too, and by `POST /v1/duplicate-passes`; both persons must
    be visible to the client. Each is masked as in a search.
    """
    return await duplicates.list_candidates(work, status, level, person_id, cursor, limit)


@router.get(
    "/v1/duplicate-candidates/{candidate_id}",
    **read("registry.duplicate.read", summary_zh="读取疑似重复的人员对", problems=["duplicate-candidate-not-found"]),
)
async def read_candidate(work: CurrentWork, candidate_id: UUID) -> Answer[DuplicateCandidateView]:
    """Read a pair, with everything that agrees and that does not."""
    found = await duplicates.read_candidate(work, candidate_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/duplicate-candidates/{candidate_id}/history",
    **read("registry.duplicate.read", summary_zh="疑似重复的处理记录", problems=["duplicate-candidate-not-found"]),
)
async def read_candidate_history(
    work: CurrentWork, candidate_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastCandidateView]]:
    """Read who decided what about a pair, newest first."""
    return await duplicates.read_candidate_history(work, candidate_id, cursor, limit)


@router.post(
    "/v1/duplicate-candidates/{candidate_id}/decide",
    **write(
        "registry.duplicate.decide",
        actor=True,
        summary_zh="裁定疑似重复",
        problems=[
            *("duplicate-candidate-not-found", "duplicate-candidate-decided", "person-not-held", "stale-version"),
            *("person-not-found", "merge-chain", "persons-related", "proposal-open", "scope-missing"),
        ],
    ),
)
async def decide_candidate(work: CurrentWork, candidate_id: UUID, body: CandidateDecision) -> Answer[DuplicateCandidateView]:
    """Decide what a pair is.

    `same_person` proposes their merge in the same act (scope `registry.person.merge`), which a second officer approves.
    `different_persons` takes the pair out of the queue for as long as the two records agree in the same way; it can be decided
    otherwise. `later` shows it again after some weeks.
    """
    decided = await duplicates.decide_candidate(work, candidate_id, body)
    return Answer(decided, version=decided.version)


@router.post(
    "/v1/duplicate-passes",
    status_code=202,
    **write("registry.duplicate.write", actor=True, summary_zh="全面比对疑似重复人员"),
)
async def request_pass(work: CurrentWork) -> Answer[OperationView]:
    """Compare everybody the client's division sees with everybody who shares a phone, the initials and birth date, or the name
    and home county.

    A million take less than a minute. `done` counts parts; `counts` tell the pairs compared, those found anew, and groups that
    were too large to be compared. The operation is read, and cancelled, like an import.
    """
    made = await duplicate_passes.request_pass(work)
    return Answer(made, location=f"{OPERATIONS_PATH}/{made.operation_id}")
