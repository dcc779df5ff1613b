"""The classes of a school, as it reports them, and what follows from their sizes (EDU-16, EDU-18)."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from uuid import UUID

from services.chassis.errors import FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page
from services.chassis.records import changed_fields
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.education.actions import shipped
from services.education.actions.schools import take_open
from services.education.rules.place_plans import vacancies
from services.education.rules.schools import SchoolFacts
from services.education.schemas.classes import (
    ClassReportEntry,
    ClassReportRecord,
    ClassReportView,
    ClassState,
    ClassView,
    GradeVacancyView,
    RuleReasonView,
)
from services.education.schemas.schools import SchoolRecord
from services.education.store import schools as store

RESOURCE = "class_report"


async def report_classes(work: Work, school_id: UUID, body: ClassReportEntry) -> ClassReportView:
    """Keep what a school reports, in the place of what it reported before. Raises `DomainError('school-closed')`."""
    school = await take_open(work, school_id)
    before = await store.find_report(work, school_id)
    problems = list(_problems_of(body, school, before, work.today))
    if problems:
        raise invalid(problems)
    classes = sorted((each.model_dump() for each in body.classes), key=lambda each: (each["grade"], each["number"]))
    record = ClassReportRecord(
        school_id=school_id,
        division_code=school.division_code,
        as_of=body.as_of,
        classes=tuple(ClassState(**each) for each in classes),
        reported_by=work.require_actor(),
        version=1 if before is None else before.version + 1,
        created_at=work.now if before is None else before.created_at,
        updated_at=work.now,
    )
    await store.keep_report(work, record)
    changed = changed_fields(before, record)
    work.remember(RESOURCE, school_id, record.version, snapshot=record, changed=changed)
    work.audit("report", RESOURCE, school_id, fields=changed)
    return _view(record, school)


async def read_classes(work: Work, school_id: UUID) -> ClassReportView:
    """The classes of a school of this client's offices. Raises `DomainError('class-report-not-found')`."""
    school, record = await _found(work, school_id)
    return _view(record, school)


async def read_versions(work: Work, school_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[ClassReportView]]:
    """Every report of a school, newest first, with the bands of its own day."""
    school, _ = await _found(work, school_id)
    return await versions_of(
        work,
        RESOURCE,
        school_id,
        record=ClassReportRecord,
        view=lambda record: _view(record, school),
        cursor=cursor,
        limit=limit,
    )


def facts_of(school: SchoolRecord, report: ClassReportRecord | None) -> SchoolFacts:
    """What plans and transfers are checked against."""
    return SchoolFacts(
        str(school.school_id),
        school.kind,
        school.division_code,
        school.first_grade,
        school.last_grade,
        {} if report is None else report.sizes,
    )


async def _found(work: Work, school_id: UUID) -> tuple[SchoolRecord, ClassReportRecord]:
    school, record = await store.find_school(work, school_id), await store.find_report(work, school_id)
    if school is None or record is None:
        raise not_found("class-report")
    return school, record


def _problems_of(
    body: ClassReportEntry, school: SchoolRecord, before: ClassReportRecord | None, today: date
) -> Iterator[FieldError]:
    if body.as_of > today:
        yield FieldError("/as_of", "future", "不得晚于今日", "not later than today")
    if before is not None and body.as_of < before.as_of:
        zh, en = f"已有{before.as_of}的班额", f"classes as of {before.as_of} are known already"
        yield FieldError("/as_of", "older", zh, en)
    named = Counter((each.grade, each.number) for each in body.classes)
    for place, each in enumerate(body.classes):
        if not school.first_grade <= each.grade <= school.last_grade:
            zh, en = "该校不设此年级", "the school does not have it"
            yield FieldError(f"/classes/{place}/grade", "not_at_school", zh, en)
        if named[each.grade, each.number] > 1:
            yield FieldError(f"/classes/{place}/number", "repeated", "同一班级不得重复", "no class twice")


def _view(record: ClassReportRecord, school: SchoolRecord) -> ClassReportView:
    law, on, facts = shipped.class_sizes(), record.as_of, facts_of(school, record)
    grades = []
    for grade, sizes in sorted(record.sizes.items()):
        against = [
            RuleReasonView(code=each.code, rule=each.rule, message_zh=each.message_zh, message_en=each.message_en)
            for each in law.against_transfer(grade, sizes, facts.all_sizes, on)
        ]
        free = vacancies(facts, grade, law, on)
        grades.append(GradeVacancyView(grade=grade, vacancies=free, against_transfer=against))
    return ClassReportView(
        school_id=record.school_id,
        version=record.version,
        as_of=record.as_of,
        classes=[ClassView(**each.model_dump(), band=law.band(each.pupils, on)) for each in record.classes],
        grades=grades,
        reported_by=record.reported_by,
        updated_at=record.updated_at,
    )
