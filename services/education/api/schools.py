"""Schools and the sizes of their classes."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.education.actions import classes, schools
from services.education.rules.schools import SchoolKind
from services.education.schemas.classes import ClassReportEntry, ClassReportView
from services.education.schemas.schools import SchoolChange, SchoolClosing, SchoolEntry, SchoolView

router = ServiceRouter(tags=["schools"])
_ALL = "/v1/education/schools"
_ONE = f"{_ALL}/{{school_id}}"
_FOUND = ["school-not-found"]
_ACT = [*_FOUND, "school-closed"]

KindParameter = Annotated[SchoolKind | None, Query(description="Only schools of this kind.")]


@router.post(
    _ALL,
    status_code=201,
    **write(
        "education.school.write",
        actor=True,
        summary_zh="登记学校",
        problems=["division-out-of-scope", "school-code-taken"],
    ),
)
async def register_school(work: CurrentWork, body: SchoolEntry) -> Answer[SchoolView]:
    """Register a school of compulsory education."""
    made = await schools.register_school(work, body)
    return Answer(made, version=made.version, location=f"{_ALL}/{made.school_id}")


@router.get(_ALL, **read("education.school.read", purpose=False, summary_zh="列出学校"))
async def list_schools(
    work: CurrentWork, kind: KindParameter = None, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[SchoolView]:
    """List schools, oldest first: those of the client's own division, and whichever published places anywhere."""
    return await schools.list_schools(work, kind, cursor, limit)


@router.get(_ONE, **read("education.school.read", purpose=False, summary_zh="读取学校", problems=_FOUND))
async def read_school(work: CurrentWork, school_id: UUID) -> Answer[SchoolView]:
    """Read a school."""
    found = await schools.read_school(work, school_id)
    return Answer(found, version=found.version)


@router.get(f"{_ONE}/history", **read("education.school.read", purpose=False, summary_zh="学校的变更历史", problems=_FOUND))
async def read_versions(
    work: CurrentWork, school_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[SchoolView]]:
    """Read the versions of a school, newest first; another office's are not shown."""
    return await schools.read_versions(work, school_id, cursor, limit)


@router.put(
    _ONE,
    **write(
        "education.school.write",
        actor=True,
        if_match=True,
        summary_zh="变更学校信息",
        problems=[*_ACT, "school-offers-places"],
    ),
)
async def change_school(work: CurrentWork, school_id: UUID, body: SchoolChange) -> Answer[SchoolView]:
    """Change a school's name or grades; a grade whose places are published stays."""
    changed = await schools.change_school(work, school_id, body)
    return Answer(changed, version=changed.version)


@router.post(
    f"{_ONE}/close",
    **write("education.school.write", actor=True, summary_zh="撤并学校", problems=[*_ACT, "school-offers-places"]),
)
async def close_school(work: CurrentWork, school_id: UUID, body: SchoolClosing) -> Answer[SchoolView]:
    """Close a school from a day on; places published for that year are corrected to none before."""
    closed = await schools.close_school(work, school_id, body)
    return Answer(closed, version=closed.version)


@router.put(
    f"{_ONE}/classes",
    **write("education.class.report", actor=True, summary_zh="上报班额", problems=_ACT),
)
async def report_classes(work: CurrentWork, school_id: UUID, body: ClassReportEntry) -> Answer[ClassReportView]:
    """Report every class of a school with its number of pupils, in the place of the report before."""
    kept = await classes.report_classes(work, school_id, body)
    return Answer(kept, version=kept.version)


@router.get(
    f"{_ONE}/classes",
    **read("education.class.read", purpose=False, summary_zh="读取班额", problems=["class-report-not-found"]),
)
async def read_classes(work: CurrentWork, school_id: UUID) -> Answer[ClassReportView]:
    """Read a school's classes with the band of each, and which grades take transfers (EDU-16, EDU-18)."""
    found = await classes.read_classes(work, school_id)
    return Answer(found, version=found.version)


@router.get(
    f"{_ONE}/classes/history",
    **read("education.class.read", purpose=False, summary_zh="班额上报历史", problems=["class-report-not-found"]),
)
async def read_reports(
    work: CurrentWork, school_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[ClassReportView]]:
    """Read every report of a school's classes, newest first."""
    return await classes.read_versions(work, school_id, cursor, limit)
