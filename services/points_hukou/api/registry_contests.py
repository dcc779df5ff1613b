"""Contests of what the registry says of a person."""

from uuid import UUID

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.points_hukou.actions.evidence import registry_contests
from services.points_hukou.schemas.registry_contests import (
    RegistryContestOpening,
    RegistryContestsView,
    RegistryContestView,
)

router = ServiceRouter(tags=["evidence"])
_OF_PERSON = "/v1/points/files/{person_id}/registry-contests"
_ALL = "/v1/points/registry-contests"
_ONE = f"{_ALL}/{{contest_id}}"


@router.post(
    _OF_PERSON,
    status_code=201,
    **write(
        "points.evidence.contest", actor=True, summary_zh="对登记系统供给的事实提出异议", problems=("not-found", "contest-open")
    ),
)
async def contest_register(work: CurrentWork, person_id: UUID, body: RegistryContestOpening) -> Answer[RegistryContestView]:
    """Contest a fact that the registry's events feed: residence, permits, employment, the home, the birth date.

    The registry opens a correction case and answers within thirty days (a parameter); until then the fact counts and is marked.
    """
    view = await registry_contests.contest_register(work, person_id, body)
    return Answer(view, version=view.version, location=f"{_ALL}/{view.contest_id}")


@router.get(_OF_PERSON, **read("points.evidence.read", summary_zh="列出对登记事实的异议", problems=("not-found",)))
async def list_contests(work: CurrentWork, person_id: UUID) -> RegistryContestsView:
    """List the contests of a person, under whatever id, the newest first, at most 50."""
    return await registry_contests.read_contests(work, person_id)


@router.get(
    _ONE,
    **read("points.evidence.read", summary_zh="读取对登记事实的异议", problems=("registry-contest-not-found", "not-found")),
)
async def read_contest(work: CurrentWork, contest_id: UUID) -> Answer[RegistryContestView]:
    """Read a contest and where it stands."""
    view = await registry_contests.read_contest(work, contest_id)
    return Answer(view, version=view.version)


@router.get(
    f"{_ONE}/history",
    **read("points.evidence.read", summary_zh="登记事实异议的历次版本", problems=("registry-contest-not-found", "not-found")),
)
async def read_versions(
    work: CurrentWork, contest_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[RegistryContestView]]:
    """Read the versions of a contest, newest first."""
    return await registry_contests.read_versions(work, contest_id, cursor, limit)
