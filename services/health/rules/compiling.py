"""Documents become a programme: every edition whole, every name known."""

import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from services.health.rules.document.schedule import (
    DaysFact,
    EditionDocument,
    GeneralDocument,
    LengthFact,
    OverlayDocument,
    Series,
    VaccinesFact,
    WaitFact,
)
from services.health.rules.document.vaccines import CatalogueDocument, Condition, Line, RuleText, VaccineEntry

M = TypeVar("M", bound=BaseModel)
_RULES = TypeAdapter(dict[str, RuleText])


class ScheduleError(ValueError):
    """Schedules that cannot be used; `problems` names every place."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class ScheduleTexts:
    """The files of a programme; `overlay` is what a city adds, `drafts` editions as they might be, already parsed."""

    vaccines: str
    rules: str
    editions: Mapping[str, str]
    overlay: str | None = None
    drafts: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A vaccine; `tags` are its code, the programme vaccines it counts as, and its antigens."""

    code: str
    name_zh: str
    name_en: str
    is_live_injected: bool
    tags: frozenset[str]
    lines: tuple[str, ...]
    rank: int


@dataclass(frozen=True, slots=True)
class General:
    """What holds of all series in an edition."""

    grace_days: DaysFact
    live_spacing: LengthFact
    spaced_not: frozenset[str]
    immunoglobulin: tuple[WaitFact, ...]
    overdue_after: LengthFact
    first_at_a_visit: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition of the schedule, whole: with what it keeps of its base."""

    id: str
    name_zh: str
    name_en: str
    valid_from: date
    general: General
    series: Mapping[str, Series]
    of_line: Mapping[str, tuple[Series, ...]]


@dataclass(frozen=True, slots=True)
class Programme:
    """Everything by which doses are judged and forecast. Editions are in the order of their days."""

    vaccines: Mapping[str, Vaccine]
    lines: Mapping[str, Line]
    conditions: Mapping[str, Condition]
    editions: tuple[Edition, ...]
    rules: Mapping[str, RuleText]

    def on(self, day: date) -> Edition:
        """The edition in force on a day (IMM-00); before the first one, the first: no older one is held."""
        return self.editions[max(bisect_right(self.editions, day, key=_valid_from) - 1, 0)]

    def named(self, name: str) -> Edition:
        """An edition by its id. Raises LookupError."""
        found = next((each for each in self.editions if each.id == name), None)
        if found is None:
            raise LookupError(f"no edition {name}; held: {', '.join(each.id for each in self.editions)}")
        return found


def _valid_from(edition: Edition) -> date:
    return edition.valid_from


def compile_programme(texts: ScheduleTexts) -> Programme:
    """The programme in these files. Raises ScheduleError with everything that is wrong."""
    catalogue = _parsed(CatalogueDocument, "vaccines.toml", texts.vaccines)
    rules = _rules(texts.rules)
    documents = [_parsed(EditionDocument, f"{name}.toml", text) for name, text in texts.editions.items()]
    documents += [_checked(EditionDocument, str(draft.get("id")), draft) for draft in texts.drafts]
    editions = _editions(sorted(documents, key=lambda each: each.valid_from))
    entries, lines = list(catalogue.vaccines), list(catalogue.lines)
    if texts.overlay is not None:
        overlay = _parsed(OverlayDocument, "overlay", texts.overlay)
        _refuse_redefinition(overlay, catalogue, editions)
        entries, lines, rules = [*entries, *overlay.vaccines], [*lines, *overlay.lines], {**rules, **overlay.rules}
        editions = list(_with_overlay(editions, overlay))
    programme = Programme(
        vaccines=_vaccines(entries, editions),
        lines={each.id: each for each in lines},
        conditions={each.id: each for each in catalogue.conditions},
        editions=tuple(editions),
        rules=rules,
    )
    if problems := list(_unknown(programme)):
        raise ScheduleError(*problems)
    return programme


@lru_cache(maxsize=64)
def _parsed(model: type[M], name: str, text: str) -> M:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScheduleError(f"{name}: not TOML: {error}") from None
    return _checked(model, name, content)


def _checked(model: type[M], name: str, content: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ScheduleError(*_places(name, error)) from None


def _rules(text: str) -> Mapping[str, RuleText]:
    try:
        return _RULES.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ScheduleError(f"rules.toml: not TOML: {error}") from None
    except ValidationError as error:
        raise ScheduleError(*_places("rules.toml", error)) from None


def _places(name: str, error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False):
        yield f"{name}: {'.'.join(map(str, each['loc']))}: {each['msg']}"


def _editions(documents: list[EditionDocument]) -> list[Edition]:
    """Every edition with what it keeps of its base, which must have come before it."""
    done: dict[str, tuple[Edition, dict[str, Any]]] = {}
    for document in documents:
        series: dict[str, Series] = {}
        general: dict[str, Any] = {}
        if document.base is not None:
            if document.base not in done:
                raise ScheduleError(f"{document.id}: its base {document.base} is not an earlier edition")
            series, general = dict(done[document.base][0].series), done[document.base][1]
        series |= {each.id: each for each in (*document.series, *_taken(document, documents))}
        general = {**general, **document.general.held()}
        edition = Edition(
            id=document.id,
            name_zh=document.name_zh,
            name_en=document.name_en,
            valid_from=document.valid_from,
            general=_general(document.id, general),
            series=series,
            of_line=_of_line(series),
        )
        done[document.id] = (edition, general)
    return [edition for edition, _ in done.values()]


def _taken(document: EditionDocument, documents: list[EditionDocument]) -> Iterator[Series]:
    for each in document.as_in:
        own = {series.id: series for other in documents if other.id == each.edition for series in other.series}
        for name in each.series:
            if name not in own:
                raise ScheduleError(f"{document.id}: {each.edition} has no series {name}")
            yield own[name] if each.offered is None else own[name].model_copy(update={"offered": each.offered})


def _general(name: str, values: Mapping[str, Any]) -> General:
    if missing := [each for each in GeneralDocument.model_fields if each not in values]:
        raise ScheduleError(f"{name}: general: {', '.join(missing)} missing")
    spaced_not: VaccinesFact = values["live_spacing_except"]
    return General(
        grace_days=values["grace_days"],
        live_spacing=values["live_spacing"],
        spaced_not=frozenset(spaced_not.value),
        immunoglobulin=values["immunoglobulin"],
        overdue_after=values["overdue_after"],
        first_at_a_visit=values["first_at_a_visit"].value,
    )


def _of_line(series: Mapping[str, Series]) -> Mapping[str, tuple[Series, ...]]:
    lines = dict.fromkeys(each.line for each in series.values())
    return {line: tuple(each for each in series.values() if each.line == line) for line in lines}


def _refuse_redefinition(overlay: OverlayDocument, catalogue: CatalogueDocument, editions: list[Edition]) -> None:
    held = {each.code for each in catalogue.vaccines} & {each.code for each in overlay.vaccines}
    held |= {each.id for each in catalogue.lines} & {each.id for each in overlay.lines}
    held |= {id_ for edition in editions for id_ in edition.series} & {each.id for each in overlay.series}
    held |= {each.line for each in overlay.series} - {each.id for each in overlay.lines}
    if held:
        raise ScheduleError(f"{overlay.id}: a city adds vaccines and lines of its own; not {', '.join(sorted(held))}")


def _with_overlay(editions: list[Edition], overlay: OverlayDocument) -> Iterator[Edition]:
    """Every edition with the city's series from the overlay's day on; an edition in which that day falls becomes two."""
    for number, edition in enumerate(editions):
        following = editions[number + 1].valid_from if number + 1 < len(editions) else None
        series = {**edition.series, **{each.id: each for each in overlay.series}}
        added = replace(edition, id=f"{edition.id}+{overlay.id}", series=series, of_line=_of_line(series))
        if overlay.valid_from <= edition.valid_from:
            yield added
        elif following is None or overlay.valid_from < following:
            yield edition
            yield replace(added, valid_from=overlay.valid_from)
        else:
            yield edition


def _vaccines(entries: list[VaccineEntry], editions: list[Edition]) -> dict[str, Vaccine]:
    roles: dict[str, set[str]] = {}
    for edition in editions:
        for line, every in edition.of_line.items():
            named = {each for series in every for course in series.courses for step in course.steps for each in step.give}
            named |= {each for series in every for course in series.courses for step in course.steps for each in step.accept}
            roles.setdefault(line, set()).update(named)
    return {
        each.code: Vaccine(
            code=each.code,
            name_zh=each.name_zh,
            name_en=each.name_en,
            is_live_injected=each.kind == "live_injected",
            tags=frozenset((each.code, *each.counts_as, *each.antigens)),
            lines=tuple(line for line, named in roles.items() if named & {each.code, *each.counts_as}),
            rank=rank,
        )
        for rank, each in enumerate(entries)
    }


def _unknown(programme: Programme) -> Iterator[str]:
    """Every name that names nothing."""
    tags = {tag for each in programme.vaccines.values() for tag in each.tags}
    for edition in programme.editions:
        for series in edition.series.values():
            where = f"{edition.id}, {series.id}"
            if series.line not in programme.lines:
                yield f"{where}: no line {series.line}"
            for name, rules in _names_of(series):
                if name not in tags:
                    yield f"{where}: no vaccine {name}"
                yield from (f"{where}: no rule {rule}" for rule in rules if rule not in programme.rules)
            for other in _others(series):
                if other not in edition.series:
                    yield f"{where}: no series {other}"


def _names_of(series: Series) -> Iterator[tuple[str, tuple[str, ...]]]:
    for course in series.courses:
        names = {*course.needs, *course.counts, *(each for had in course.when.had for each in had.of)}
        names |= {each for step in course.steps for each in (*step.give, *step.accept)}
        yield from ((name, course.rules) for name in names)
    yield from ((name, ()) for name in series.vaccine_until)


def _others(series: Series) -> Iterator[str]:
    for course in series.courses:
        yield from (had.series for had in course.when.had if had.series)
        yield from (step.after_other.series for step in course.steps if step.after_other)
