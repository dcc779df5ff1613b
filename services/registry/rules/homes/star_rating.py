"""Star management (星级管理式, RR-73) and what an inspection finds wrong with a home (COM-64, COM-70): never about people.

The grading items of this city were not found: the checklist is data with weights and a version. An item answered "not
applicable" leaves the sum; every other one is answered, or there is no grade.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.months import add_months
from services.chassis.parameters import Document, Fields, History, Register, list_of, one_of, text, whole_number
from services.registry.rules.findings import Finding

_PERCENT = 100


class ItemAnswer(StrEnum):
    """How a home stands to an item of the checklist."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_APPLICABLE = "not_applicable"


class FindingCategory(StrEnum):
    """What a finding endangers."""

    FIRE = "fire"
    OVERCROWDING = "overcrowding"


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One item and its weight in points."""

    code: str
    category: str
    weight: int
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class FindingKind:
    """Something that can be wrong with a home."""

    code: str
    category: FindingCategory
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Grade:
    """Score in percent, rounded down; 1 to 5 stars; `valid_until` is the first day on which the grade holds no more."""

    score: int
    stars: int
    valid_until: date


@dataclass(frozen=True, slots=True)
class LastGrade:
    """The stars of a home's last graded inspection, whichever they were before."""

    stars: int
    valid_until: date


@dataclass(frozen=True, slots=True)
class InspectionParameters:
    """The dated values in `inspections.toml`. `stars_from_score`: the least score for 2, 3, 4 and 5 stars."""

    checklist_version: History[str]
    items: Register[ChecklistItem]
    stars_from_score: History[tuple[int, ...]]
    stars_valid_months: History[int]
    kinds: Register[FindingKind]


def read_inspection_parameters(document: Document) -> InspectionParameters:
    """The values in `inspections.toml`. Raises ParameterError."""
    parameters = InspectionParameters(
        checklist_version=document.history("checklist_version", text),
        items=document.register("items", _read_item),
        stars_from_score=document.history("stars_from_score", list_of(whole_number(1, _PERCENT))),
        stars_valid_months=document.history("stars_valid_months", whole_number(1, 60)),
        kinds=document.register("kinds", _read_kind),
    )
    document.finish()
    return parameters


def checklist_problems(answers: Mapping[str, ItemAnswer], on: date, parameters: InspectionParameters) -> tuple[Finding, ...]:
    """Why answers give no grade: an item of that day's checklist is missing, one is not on it, or none applies."""
    asked = {item.code for item in parameters.items.on(on)}
    problems = []
    if asked - answers.keys():
        problems.append(_MISSING)
    if answers.keys() - asked:
        problems.append(_UNKNOWN)
    if not problems and all(answer is ItemAnswer.NOT_APPLICABLE for answer in answers.values()):
        problems.append(_NOTHING_APPLIES)
    return tuple(problems)


def grade(answers: Mapping[str, ItemAnswer], on: date, parameters: InspectionParameters) -> Grade:
    """The grade that answers without problems give: points of items met out of those of items that apply."""
    weights = {item.code: item.weight for item in parameters.items.on(on)}
    applying = sum(weights[code] for code, answer in answers.items() if answer is not ItemAnswer.NOT_APPLICABLE)
    met = sum(weights[code] for code, answer in answers.items() if answer is ItemAnswer.MET)
    score = met * _PERCENT // applying
    stars = 1 + sum(score >= least for least in parameters.stars_from_score.on(on))
    return Grade(score, stars, add_months(on, parameters.stars_valid_months.on(on)))


def in_force(last: LastGrade | None, on: date) -> LastGrade | None:
    """The grade a home has on that day: the last one given, while it holds."""
    return last if last is not None and on < last.valid_until else None


def _read_item(fields: Fields) -> ChecklistItem:
    return ChecklistItem(
        code=fields.take("code", text),
        category=fields.take("category", text),
        weight=fields.take("weight", whole_number(1, 100)),
        name_zh=fields.take("name_zh", text),
        name_en=fields.take("name_en", text),
    )


def _read_kind(fields: Fields) -> FindingKind:
    return FindingKind(
        code=fields.take("code", text),
        category=fields.take("category", one_of(FindingCategory)),
        name_zh=fields.take("name_zh", text),
        name_en=fields.take("name_en", text),
    )


_MISSING = Finding(
    "items_missing", "RR-73", "星级评定须逐项填写检查表。", "A grade needs an answer to every item of the checklist."
)
_UNKNOWN = Finding("items_unknown", "RR-73", "检查表中没有此项。", "There is no such item on the checklist.")
_NOTHING_APPLIES = Finding(
    "nothing_applies", "RR-73", "没有适用的检查项目，不能评定。", "No item applies, so there is nothing to grade."
)
