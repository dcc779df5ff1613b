"""What is known of one person, read strictly against what a rule set asks; the order in which evidence is given is irrelevant.

    {"applied_on": "2026-11-30",
     "facts": {"birth_date": "1990-05-01", "education": ["junior_college"],
               "insurance": [{"from": "2019-01", "to": "2024-12", "kind": "pension"}]},
     "sources": {"insurance": {"source": "社保中心", "as_of": "2026-11-01"}}}

Every problem is told at once, with the field, the rules that need it, in Chinese and English.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TypeVar

from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.document.measures import Measure

T = TypeVar("T")
Key = str | None

_ROWS_MAX = 2000
_UNKNOWN = ("本规则没有此项", "this rule set asks for no such thing")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_DIVISION = re.compile(r"\d{6}(\d{3}){0,2}")
_FIELD_NAME = re.compile(r"(?!(?:.*[0-9]){5})[A-Za-z_][A-Za-z0-9_]{0,59}", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


@dataclass(frozen=True, slots=True, order=True)
class MonthRange:
    """Calendar months from the first to the last, both included, as `year * 12 + month - 1`."""

    first: int
    last: int
    kind: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From a day until before another one; `date.max` while it lasts."""

    start: date
    until: date
    kind: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something of a day. `amount` where amounts count; `holders` and `is_first` where it is shared."""

    on: date
    kind: str = ""
    amount: int = 0
    holders: int = 1
    is_first: bool = True


@dataclass(frozen=True, slots=True)
class Yearly:
    """Amounts of calendar years, the earliest first."""

    amounts: tuple[tuple[int, int], ...]


Value = date | bool | int | str | frozenset[str] | tuple[MonthRange, ...] | tuple[Period, ...] | tuple[Event, ...] | Yearly


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a fact comes from, and as of which day (P-37)."""

    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one person in their normal form. A fact that is not there is unknown: it gives nothing."""

    applied_on: date
    values: Mapping[str, Value]
    sources: Mapping[str, Provenance] = field(default_factory=dict)
    supposed: Mapping[Measure, int] = field(default_factory=dict)
    """What a measure would give on top: for asking "and with three more months?"."""

    def get(self, name: str, kind: type[T]) -> T | None:
        """A fact of that type; `None` when it is unknown."""
        value = self.values.get(name)
        assert value is None or isinstance(value, kind)
        return value


@dataclass(frozen=True, slots=True)
class FactProblem:
    """Something wrong in the facts: at which field, needed by which rules, in both languages."""

    field: str
    rules: tuple[str, ...]
    message_zh: str
    message_en: str


class FactsError(ValueError):
    """Facts that cannot be used."""

    def __init__(self, problems: Sequence[FactProblem]) -> None:
        super().__init__("; ".join(f"{each.field}: {each.message_en}" for each in problems))
        self.problems = tuple(problems)


class _Wrong(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, where: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.where, self.zh, self.en = where, zh, en


def read_facts(raw: object, declared: Mapping[str, FactDeclaration], rules_of: Mapping[str, tuple[str, ...]]) -> Facts:
    """The facts in a document; `rules_of` tells which rules need a fact. Raises FactsError with every problem at once."""
    problems: list[FactProblem] = []

    def attempt(name: str, where: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except _Wrong as wrong:
            problems.append(FactProblem(where + wrong.where, rules_of.get(name, ()), wrong.zh, wrong.en))
            return None

    document = attempt("", "", partial(_table, raw, {"applied_on", "facts", "sources"}, ("applied_on", "facts")))
    if document is None:
        raise FactsError(problems)
    applied_on = attempt("", "/applied_on", partial(_day, document["applied_on"]))
    values: dict[str, Value] = {}
    given = attempt("", "/facts", partial(_object, document["facts"])) or {}
    for name, content in given.items():
        if name not in declared:
            problems.append(FactProblem(f"/facts/{_said_back(name)}", (), *_UNKNOWN))
            continue
        value = attempt(name, f"/facts/{name}", partial(_READERS[declared[name].kind], content, declared[name]))
        if value is not None:
            values[name] = value
    for name, declaration in declared.items():
        if declaration.required and name not in given:
            needed = f"缺少必填项:{declaration.name_zh}", f"is missing: {declaration.name_en}"
            problems.append(FactProblem(f"/facts/{name}", rules_of.get(name, ()), *needed))
    sources = attempt("", "/sources", partial(_sources, document.get("sources", {}), given.keys())) or {}
    if problems or applied_on is None:
        raise FactsError(problems)
    return Facts(applied_on, values, sources)


def read_value(raw: object, declaration: FactDeclaration, *, where: str = "") -> Value:
    """One fact by itself; the fields of problems begin with `where`. Raises FactsError."""
    try:
        return _READERS[declaration.kind](raw, declaration)
    except _Wrong as wrong:
        raise FactsError([FactProblem(where + wrong.where, (), wrong.zh, wrong.en)]) from None


def _object(raw: object) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise _Wrong("", "须为对象(键与值)", "must be an object")
    return raw


def _table(raw: object, known: Collection[str], needed: Collection[str] = ()) -> dict[str, object]:
    table = _object(raw)
    for name in table:
        if name not in known:
            raise _Wrong(f"/{_said_back(name)}", *_UNKNOWN)
    for name in needed:
        if name not in table:
            raise _Wrong(f"/{name}", "缺少必填项", "is missing")
    return table


def _said_back(name: object) -> str:
    """A name as far as it can be one of ours; anything else might be a person's number typed in the wrong place."""
    return name if isinstance(name, str) and _FIELD_NAME.fullmatch(name) else "…"


def _day(raw: object) -> date:
    if isinstance(raw, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw, re.ASCII):
        try:
            day = date.fromisoformat(raw)
        except ValueError:
            pass
        else:
            if _FIRST_YEAR <= day.year <= _LAST_YEAR:
                return day
    raise _Wrong("", "须为日期,如 2019-05-31", "must be a day such as 2019-05-31")


def _flag(raw: object, _: FactDeclaration) -> bool:
    if not isinstance(raw, bool):
        raise _Wrong("", "须为 true 或 false", "must be true or false")
    return raw


def _whole(raw: object, at_most: int | None, at_least: int = 0) -> int:
    highest = 10**12 if at_most is None else at_most
    if isinstance(raw, bool) or not isinstance(raw, int) or not at_least <= raw <= highest:
        raise _Wrong("", f"须为{at_least}至{highest}的整数", f"must be a whole number from {at_least} to {highest}")
    return raw


def _number(raw: object, declaration: FactDeclaration) -> int:
    number = _whole(raw, declaration.at_most)
    if declaration.among and number not in declaration.among:
        numbers = "、".join(map(str, declaration.among))
        raise _Wrong("", f"须为其中之一:{numbers}", f"must be one of: {numbers}")
    return number


def _kind(raw: object, declaration: FactDeclaration) -> str:
    if not isinstance(raw, str) or raw not in declaration.keys:
        options = "、".join(sorted(declaration.keys))
        raise _Wrong("", f"须为其中之一:{options}", f"must be one of: {options}")
    return raw


def _held(raw: object, declaration: FactDeclaration) -> frozenset[str]:
    return frozenset(_rows(raw, lambda row: _kind(row, declaration)))


def _rows(raw: object, read: Callable[[object], T]) -> tuple[T, ...]:
    if not isinstance(raw, list) or len(raw) > _ROWS_MAX:
        raise _Wrong("", f"须为不超过{_ROWS_MAX}项的列表", f"must be a list of at most {_ROWS_MAX}")
    return tuple(_at(f"/{number}", row, read) for number, row in enumerate(raw))


def _at(where: str, raw: object, read: Callable[[object], T]) -> T:
    try:
        return read(raw)
    except _Wrong as wrong:
        raise _Wrong(where + wrong.where, wrong.zh, wrong.en) from None


def _row(raw: object, declaration: FactDeclaration, known: set[str], needed: set[str]) -> dict[str, object]:
    kind = {"kind"} if declaration.options else set()
    return _table(raw, known | kind, sorted(needed | kind))


def _kind_in(row: Mapping[str, object], declaration: FactDeclaration) -> str:
    return _at("/kind", row["kind"], lambda raw: _kind(raw, declaration)) if declaration.options else ""


def _month(raw: object) -> int:
    matched = _MONTH.fullmatch(raw) if isinstance(raw, str) else None
    if matched is None or not _FIRST_YEAR <= int(matched[1]) <= _LAST_YEAR:
        raise _Wrong("", "须为月份,如 2019-05", "must be a month such as 2019-05")
    return month_index(matched[0])


def month_index(written: str) -> int:
    """A month such as `2019-05` as a number; the next month is one more."""
    return int(written[:4]) * 12 + int(written[5:]) - 1


def _months(raw: object, declaration: FactDeclaration) -> tuple[MonthRange, ...]:
    def read(raw_row: object) -> MonthRange:
        row = _row(raw_row, declaration, {"from", "to"}, {"from", "to"})
        first, last = _at("/from", row["from"], _month), _at("/to", row["to"], _month)
        if last < first:
            raise _Wrong("/to", "早于起始月份", "is before the first month")
        return MonthRange(first, last, _kind_in(row, declaration))

    return tuple(sorted(set(_rows(raw, read))))


def _periods(raw: object, declaration: FactDeclaration) -> tuple[Period, ...]:
    def read(raw_row: object) -> Period:
        row = _row(raw_row, declaration, {"from", "until"}, {"from"})
        start = _at("/from", row["from"], _day)
        until = _at("/until", row["until"], _day) if "until" in row else date.max
        if until <= start:
            raise _Wrong("/until", "须晚于起始日(不含当日)", "must be after the first day (it is not included)")
        return Period(start, until, _kind_in(row, declaration))

    return tuple(sorted(set(_rows(raw, read))))


def _events(raw: object, declaration: FactDeclaration) -> tuple[Event, ...]:
    """Two equal events are two events: nothing is dropped."""

    def read(raw_row: object) -> Event:
        row = _row(raw_row, declaration, {"on", "amount", "holders", "is_first"}, {"on"})
        holders = _at("/holders", row.get("holders", 1), lambda raw: _whole(raw, 100, 1))
        is_first = _at("/is_first", row.get("is_first", True), lambda raw: _flag(raw, declaration))
        if holders == 1 and not is_first:
            raise _Wrong("/is_first", "只有一人时即为第一人", "is true where there is one holder only")
        amount = _at("/amount", row.get("amount", 0), lambda raw: _whole(raw, declaration.at_most))
        return Event(_at("/on", row["on"], _day), _kind_in(row, declaration), amount, holders, is_first)

    return tuple(sorted(_rows(raw, read)))


def _yearly(raw: object, declaration: FactDeclaration) -> Yearly:
    if not isinstance(raw, dict):
        raise _Wrong("", '须为年份与数额,如 {"2023": 100000}', 'must be years and amounts such as {"2023": 100000}')
    years = {}
    for year, amount in raw.items():
        if not isinstance(year, str) or not re.fullmatch(r"(19|20|21)\d{2}", year, re.ASCII):
            raise _Wrong(f"/{_said_back(year)}", "须为年份,如 2023", "must be a year such as 2023")
        years[int(year)] = _at(f"/{year}", amount, lambda raw: _whole(raw, declaration.at_most))
    return Yearly(tuple(sorted(years.items())))


def _division(raw: object, _: FactDeclaration) -> str:
    if not isinstance(raw, str) or not _DIVISION.fullmatch(raw):
        raise _Wrong("", "须为行政区划代码,如 330282", "must be a division code such as 330282")
    return raw


def _sources(raw: object, given: Collection[str]) -> dict[str, Provenance]:
    def read(row: object) -> Provenance:
        table = _table(row, {"source", "as_of"}, {"source", "as_of"})
        source = table["source"]
        if not isinstance(source, str) or not 0 < len(source.strip()) <= 200:
            raise _Wrong("/source", "须为不超过200字的来源", "must be a text of at most 200 characters")
        return Provenance(source, _at("/as_of", table["as_of"], _day))

    return {name: _at(f"/{name}", row, read) for name, row in _table(raw, given).items()}


_READERS: Mapping[str, Callable[[object, FactDeclaration], Value]] = {
    "day": lambda raw, _: _day(raw),
    "flag": _flag,
    "number": _number,
    "held": _held,
    "division": _division,
    "months": _months,
    "periods": _periods,
    "events": _events,
    "yearly": _yearly,
}


def written_facts(facts: Facts) -> dict[str, object]:
    """The facts as a document again, in their normal form: reading it gives the same facts."""
    written: dict[str, object] = {
        "applied_on": facts.applied_on.isoformat(),
        "facts": {name: written_value(value) for name, value in sorted(facts.values.items())},
    }
    if facts.sources:
        written["sources"] = {
            name: {"source": each.source, "as_of": each.as_of.isoformat()} for name, each in sorted(facts.sources.items())
        }
    return written


def written_value(value: Value) -> object:
    """One fact as it stands in a document."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Yearly):
        return {str(year): amount for year, amount in value.amounts}
    return [_written_row(row) for row in value]


def _written_row(row: object) -> dict[str, object]:
    kind: dict[str, object] = {"kind": row.kind} if getattr(row, "kind", "") else {}  # type: ignore[attr-defined]
    if isinstance(row, MonthRange):
        return {"from": _written_month(row.first), "to": _written_month(row.last)} | kind
    if isinstance(row, Period):
        until: dict[str, object] = {} if row.until == date.max else {"until": row.until.isoformat()}
        return {"from": row.start.isoformat()} | until | kind
    assert isinstance(row, Event)
    written: dict[str, object] = {"on": row.on.isoformat()} | kind
    if row.amount:
        written["amount"] = row.amount
    if row.holders != 1:
        written["holders"] = row.holders
    if not row.is_first:
        written["is_first"] = False
    return written


def _written_month(index: int) -> str:
    return f"{index // 12:04d}-{index % 12 + 1:02d}"
