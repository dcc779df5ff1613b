"""What a school offers in a year, and everything that stands against a plan (EDU-05, EDU-13, EDU-16 to EDU-18)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil

from services.chassis.errors import FieldError
from services.education.rules.class_sizes import ClassSizeLaw, SizeBand
from services.education.rules.placement.problem import Offer, Reserve, Source
from services.education.rules.placement.soundness import problems_of_reserves
from services.education.rules.reserved_groups import ReservedGroup
from services.education.rules.schools import ENTRY_GRADES, SchoolFacts, SchoolKind

_Found = Iterator[FieldError]
_SOURCES = {
    SchoolKind.PUBLIC: frozenset({Source.PUBLIC}),
    SchoolKind.PRIVATE: frozenset({Source.BOUGHT, Source.SUBSIDISED}),
}


class PlanStatus(StrEnum):
    """Where a plan stands. What was published is corrected, never taken back."""

    DRAFT = "draft"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """Places of one grade from one source. `fen_per_place`: what the government pays for a place a year, where it pays."""

    source: Source
    places: int
    fen_per_place: int | None
    reserves: tuple[Reserve, ...]


@dataclass(frozen=True, slots=True)
class PlannedGrade:
    """One grade: so many new classes, and places by source."""

    grade: int
    classes: int
    sources: tuple[PlannedSource, ...]

    @property
    def places(self) -> int:
        """Places of all sources."""
        return sum(each.places for each in self.sources)

    def band(self, law: ClassSizeLaw, on: date) -> SizeBand | None:
        """How large its largest new class is when every place is taken; `None` without new classes."""
        return law.band(ceil(self.places / self.classes), on) if self.classes else None


@dataclass(frozen=True, slots=True)
class PlannedPlaces:
    """A plan: its catchment (学区), as divisions, and its grades."""

    areas: tuple[str, ...]
    grades: tuple[PlannedGrade, ...]


def vacancies(school: SchoolFacts, grade: int, law: ClassSizeLaw, on: date) -> int:
    """How many pupils the classes of a grade can take until each has what is planned; none where EDU-18 forbids it."""
    of_grade = school.sizes.get(grade, ())
    if any(law.against_transfer(grade, of_grade, school.all_sizes, on)):
        return 0
    planned = law.planned_places(grade, 1, on)
    return sum(max(0, planned - size) for size in of_grade)


def problems_of_plan(
    plan: PlannedPlaces, school: SchoolFacts, groups: Mapping[str, ReservedGroup], law: ClassSizeLaw, on: date
) -> _Found:
    """Everything that stands against a plan, by the law of the day on which the school year begins."""
    yield from _of_areas(plan, school)
    grades = [each.grade for each in plan.grades]
    if len(set(grades)) != len(grades):
        yield FieldError("/grades", "repeated", "同一年级不得重复", "no grade twice", "EDU-05")
    for place, grade in enumerate(plan.grades):
        at = f"/grades/{place}"
        yield from _of_grade(at, grade, school, law, on)
        for number, source in enumerate(grade.sources):
            yield from _of_source(f"{at}/sources/{number}", grade, source, school, groups)


def _of_areas(plan: PlannedPlaces, school: SchoolFacts) -> _Found:
    if school.kind is SchoolKind.PUBLIC and not plan.areas:
        zh, en = "公办学校须划定学区", "a public school has a catchment"
        yield FieldError("/areas", "missing", zh, en, "EDU-05")
    if school.kind is SchoolKind.PRIVATE and plan.areas:
        zh, en = "民办学校不划学区", "a private school has no catchment"
        yield FieldError("/areas", "not_allowed", zh, en, "EDU-05")
    for place, code in enumerate(plan.areas):
        if not code.startswith(school.county):
            zh, en = "不在本县(市、区)内", "outside the school's county"
            yield FieldError(f"/areas/{place}", "out_of_scope", zh, en, "EDU-05")
        if any(other != code and code.startswith(other) for other in plan.areas) or code in plan.areas[:place]:
            zh, en = "已包含在另一学区内", "another one holds it already"
            yield FieldError(f"/areas/{place}", "repeated", zh, en, "EDU-05")


def _of_grade(at: str, grade: PlannedGrade, school: SchoolFacts, law: ClassSizeLaw, on: date) -> _Found:
    if not school.first_grade <= grade.grade <= school.last_grade:
        yield FieldError(f"{at}/grade", "not_at_school", "该校不设此年级", "the school does not have it", "EDU-05")
    given = [each.source for each in grade.sources]
    if len(set(given)) != len(given):
        yield FieldError(f"{at}/sources", "repeated", "同一来源不得重复", "no source twice", "EDU-13")
    if grade.grade in ENTRY_GRADES:
        most = law.most_places(grade.classes, on)
        if grade.places > most:
            zh = f"{grade.classes}个班最多{most}个学位,计划了{grade.places}个"
            en = f"{grade.classes} classes hold {most} pupils at most; {grade.places} are planned"
            yield FieldError(f"{at}/classes", "too_few", zh, en, "EDU-17")
        return
    if grade.classes:
        zh, en = "非起始年级不新设班级", "new classes are those of entry grades"
        yield FieldError(f"{at}/classes", "not_allowed", zh, en, "EDU-18")
    free = vacancies(school, grade.grade, law, on)
    if grade.places > free:
        zh, en = f"按上报班额空余{free}个学位", f"by the classes reported {free} places are vacant"
        yield FieldError(f"{at}/sources", "no_vacancy", zh, en, "EDU-18")


def _of_source(
    at: str, grade: PlannedGrade, source: PlannedSource, school: SchoolFacts, groups: Mapping[str, ReservedGroup]
) -> _Found:
    if source.source not in _SOURCES[school.kind]:
        zh = "公办学校只有公办学位,民办学校只有购买学位和补贴学位"
        en = "places of a public school are public; of a private one they are bought or subsidised"
        yield FieldError(f"{at}/source", "not_of_this_school", zh, en, "EDU-13, EDU-52")
    if (source.source is Source.PUBLIC) != (source.fen_per_place is None):
        zh = "购买、补贴学位须写明每个学位每年的金额,公办学位不写"
        en = "bought and subsidised places say what a place costs the government a year, public ones do not"
        yield FieldError(f"{at}/fen_per_place", "money", zh, en, "EDU-13, EDU-54")
    offer = Offer("", school.school_id, grade.grade, source.source, source.places, "", source.reserves)
    yield from problems_of_reserves(at, offer, set(groups))
    for place, reserve in enumerate(source.reserves):
        group = groups.get(reserve.group)
        if group is not None and reserve.places > group.most_of(source.places):
            most = group.most_of(source.places)
            zh, en = f"最多可留{most}个", f"{most} may be held back at most"
            yield FieldError(f"{at}/reserves/{place}/places", "cap", zh, en, group.rule)
