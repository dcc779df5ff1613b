"""A child as a document of JSON: `born_on`, `doses`, and what else is known. Whatever cannot be used is told by field and rule.

`doses`: `vaccine` and `given_on`, if known `id`, `paid`, `campaign`. Also `sex`, `birth_weight_g`, `gestation_weeks`,
`mother_hbsag`, `immunoglobulins` (days), `skin_tests` (`on`, `negative`), `contraindications` and `deferrals` (`since`,
`until`, `vaccines`), `conditions` (`condition`, `since`, `until`), `choices` (series such as JE-I). Days are `2022-05-31`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.health.rules.child import Barred, Child, Dose, Hbsag, Sex
from services.health.rules.compiling import Programme

_DOSES_MAX = 300
_Day = Annotated[date, Field(ge=date(1980, 1, 1), le=date(2200, 12, 31))]
_SAID = {
    "missing": "缺少必填项",
    "extra_forbidden": "未知字段",
    "literal_error": "不在允许值之内",
    "greater_than_equal": "小于允许值",
    "less_than_equal": "大于允许值",
    "too_long": "项数过多",
    "json_type": "类型不符",
}


@dataclass(frozen=True, slots=True)
class ChildProblem:
    """One thing that cannot be used: where, why, and the rules that ask for it."""

    field: str
    message_zh: str
    message_en: str
    rules: tuple[str, ...] = ()


class ChildError(ValueError):
    """A document that cannot be used; `problems` names every field."""

    def __init__(self, *problems: ChildProblem) -> None:
        super().__init__("; ".join(f"{each.field}: {each.message_en}" for each in problems))
        self.problems = problems


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class _DoseEntry(_Part):
    vaccine: str
    given_on: _Day
    id: str | None = None
    paid: bool = False
    campaign: bool = False


class _SkinTest(_Part):
    on: _Day
    negative: bool


class _Span(_Part):
    since: _Day
    until: _Day | None = None
    vaccines: list[str] = Field(default_factory=list)


class _ConditionEntry(_Part):
    condition: str
    since: _Day
    until: _Day | None = None


class ChildDocument(_Part):
    """The format; see the module."""

    born_on: _Day
    doses: list[_DoseEntry] = Field(default_factory=list, max_length=_DOSES_MAX)
    sex: Sex | None = None
    birth_weight_g: Annotated[int, Field(ge=200, le=9000)] | None = None
    gestation_weeks: Annotated[int, Field(ge=20, le=45)] | None = None
    mother_hbsag: Hbsag | None = None
    immunoglobulins: list[_Day] = Field(default_factory=list)
    skin_tests: list[_SkinTest] = Field(default_factory=list)
    contraindications: list[_Span] = Field(default_factory=list)
    conditions: list[_ConditionEntry] = Field(default_factory=list)
    deferrals: list[_Span] = Field(default_factory=list)
    choices: list[str] = Field(default_factory=list)


def read_child(content: object, programme: Programme) -> Child:
    """The child in a document. Raises ChildError with everything that is wrong."""
    try:
        document = ChildDocument.model_validate_json(json.dumps(content))
    except ValidationError as error:
        raise ChildError(*_problems(error)) from None
    if problems := list(_unusable(document, programme)):
        raise ChildError(*problems)
    return Child(
        born_on=document.born_on,
        doses=tuple(
            Dose(each.id or f"{number}", each.vaccine, each.given_on, campaign=each.campaign, paid=each.paid)
            for number, each in enumerate(document.doses, start=1)
        ),
        sex=document.sex,
        birth_weight_g=document.birth_weight_g,
        gestation_weeks=document.gestation_weeks,
        mother_hbsag=document.mother_hbsag,
        immunoglobulins=tuple(document.immunoglobulins),
        skin_tests=tuple((each.on, each.negative) for each in document.skin_tests),
        contraindications=_barred(document.contraindications),
        conditions=tuple(Barred(each.since, each.until, frozenset({each.condition})) for each in document.conditions),
        deferrals=_barred(document.deferrals),
        choices=frozenset(document.choices),
    )


def _barred(entries: list[_Span]) -> tuple[Barred, ...]:
    return tuple(Barred(each.since, each.until, frozenset(each.vaccines)) for each in entries)


def _problems(error: ValidationError) -> Iterator[ChildProblem]:
    for each in error.errors(include_url=False):
        kind = str(each["type"])
        said = "须为日期,如 2022-05-31" if kind.startswith("date") else _SAID.get(kind, "格式不符")
        yield ChildProblem("/" + "/".join(map(str, each["loc"])), said, str(each["msg"]))


def _unusable(document: ChildDocument, programme: Programme) -> Iterator[ChildProblem]:
    yield from _unusable_doses(document, programme)
    tags = {tag for each in programme.vaccines.values() for tag in each.tags}
    for kind in ("contraindications", "deferrals"):
        for number, span in enumerate(getattr(document, kind)):
            yield from (
                _unknown(f"/{kind}/{number}/vaccines", "疫苗", "vaccine", each, tags)
                for each in span.vaccines
                if each not in tags
            )
            yield from _backwards(f"/{kind}/{number}", span.since, span.until)
    for number, entry in enumerate(document.conditions):
        if entry.condition not in programme.conditions:
            yield _unknown(f"/conditions/{number}/condition", "情况", "condition", entry.condition, set(programme.conditions))
        yield from _backwards(f"/conditions/{number}", entry.since, entry.until)
    series = {name for edition in programme.editions for name in edition.series}
    for number, name in enumerate(document.choices):
        if name not in series:
            yield _unknown(f"/choices/{number}", "程序", "series", name, series)


def _unusable_doses(document: ChildDocument, programme: Programme) -> Iterator[ChildProblem]:
    seen: set[str] = set()
    for number, each in enumerate(document.doses):
        where = f"/doses/{number}"
        if each.vaccine not in programme.vaccines:
            yield _unknown(f"{where}/vaccine", "疫苗", "vaccine", each.vaccine, set(programme.vaccines))
        if each.given_on < document.born_on:
            yield ChildProblem(f"{where}/given_on", "早于出生日期", "is before the day of birth", ("IMM-01",))
        if each.id is not None and each.id in seen:
            yield ChildProblem(f"{where}/id", "编号重复", "is the id of another dose, too", ("X-35",))
        seen.add(each.id or f"{number + 1}")


def _unknown(field: str, what_zh: str, what_en: str, name: str, known: set[str]) -> ChildProblem:
    held = ", ".join(sorted(known))
    return ChildProblem(field, f"没有{what_zh} {name};可用:{held}", f"there is no {what_en} {name}; held: {held}", ("P8",))


def _backwards(field: str, since: date, until: date | None) -> Iterator[ChildProblem]:
    if until is not None and until <= since:
        yield ChildProblem(f"{field}/until", "须晚于 since", "must be later than since", ("K6",))
