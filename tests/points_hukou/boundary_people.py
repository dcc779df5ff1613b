"""People on the boundaries of a rule set: birthdays, month ends, full years, amounts one below and one above."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from services.chassis.months import add_months
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.document.facts import FactDeclaration

Drawn = st.SearchStrategy[Any]

_NUMBERS = (
    0,
    1,
    2,
    3,
    5,
    8,
    9,
    24,
    25,
    26,
    49,
    50,
    51,
    99,
    100,
    180,
    181,
    199,
    200,
    500,
    999,
    1000,
    1001,
    1999,
    2000,
    5000,
    5001,
    10_000,
)
_AMOUNTS = (33_333, 33_334, 66_667, 99_999, 100_000, 199_999, 200_000, 300_000, 4_999_999, 5_000_000, 20_000_000, 40_000_000)
_LENGTHS = (1, 5, 6, 11, 12, 13, 23, 24, 35, 36, 37, 47, 48, 59, 60, 61, 83, 84, 85, 119, 120, 180)
_AGES = (1, 17, 18, 20, 35, 36, 40, 41, 43, 44, 45, 46, 47, 49, 50, 55, 56, 60, 61)
_ROWS = 3
_ADVERSE = {
    "bad_credit",
    "breached_family_planning",
    "gave_false_information",
    "gave_false_material",
    "has_criminal_record",
    "has_offended",
    "has_serious_crime",
    "has_tax_offence",
    "is_dishonest",
    "is_illegal_building",
    "is_past_retirement_age",
    "was_sentenced",
}
"""Flags that speak against a person."""


def about(day: date) -> Drawn:
    """That day, the day before or after, or the end of its month."""
    end = add_months(day.replace(day=1), 1) - timedelta(days=1)
    return st.sampled_from((day, day - timedelta(days=1), day + timedelta(days=1), end))


def days_of_application(rule_set: RuleSet) -> Drawn:
    """Days on which the rule set holds: its first and last, any, the turn of a year or month, the leap day."""
    first = max(each.valid_from for each in rule_set.validities)
    ends = [each.valid_until for each in rule_set.validities if each.valid_until is not None]
    last = min(ends, default=date(2029, 1, 1)) - timedelta(days=1)
    any_day = st.dates(first, last)
    turns = [
        day for year in range(first.year, last.year + 1) for day in (date(year, 1, 1), date(year, 12, 31), date(year, 2, 28))
    ]
    leap_days = [date(year, 2, 29) for year in range(first.year, last.year + 1) if year % 4 == 0]
    return st.sampled_from([day for day in (first, last, *turns, *leap_days) if first <= day <= last]) | any_day


def value_of(declared: FactDeclaration, on: date) -> Drawn:
    """A value of a fact, near what may matter on that day."""
    month = on.year * 12 + on.month - 1
    december = on.year * 12 - 1
    kind = {"kind": st.sampled_from(sorted(declared.keys))} if declared.options and declared.kind != "held" else {}
    small = min(declared.at_most if declared.at_most is not None else 10**7, 10**8)
    numbers = st.sampled_from([each for each in (*_NUMBERS, *_AMOUNTS) if each <= small]) | st.integers(0, small)
    values: Mapping[str, Callable[[], Drawn]] = {
        "day": lambda: _days(on, in_months=declared.id != "birth_date"),
        "flag": st.booleans,
        "number": lambda: st.sampled_from(declared.among) if declared.among else numbers,
        "held": lambda: st.sets(st.sampled_from(sorted(declared.keys)), max_size=3).map(sorted),
        "division": lambda: st.sampled_from(["330282", "350203", "350206", "350205", "110105"]),
        "months": lambda: _months(kind, sorted({month, december, month - 1, month + 1})),
        "periods": lambda: _periods(kind, on),
        "events": lambda: _events(kind, on, numbers),
        "yearly": lambda: st.dictionaries(st.integers(on.year - 6, on.year + 1).map(str), numbers, max_size=5),
    }
    return values[declared.kind]()


def _days(on: date, *, in_months: bool) -> Drawn:
    """So many years ago, or months where those are counted."""
    ago = st.sampled_from([12 * years for years in _AGES]) | (st.sampled_from(_LENGTHS) if in_months else st.nothing())
    leap_day = st.sampled_from([date(year, 2, 29) for year in range(1956, on.year, 4)]) if not in_months else st.nothing()
    return (ago.flatmap(lambda months: about(add_months(on, -months))) | leap_day).map(date.isoformat)


def _named(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _months(kind: Mapping[str, Drawn], last_months: Sequence[int]) -> Drawn:
    """Ranges that end near the day and have telling lengths, some of them with a gap between."""
    last = st.sampled_from(last_months) | st.integers(last_months[0] - 100, last_months[-1])
    length = st.sampled_from(_LENGTHS) | st.integers(1, 150)
    row = st.fixed_dictionaries({"last": last, "length": length, **kind})
    return st.lists(row.map(_month_row), max_size=_ROWS + 5 * bool(kind))


def _month_row(drawn: Mapping[str, Any]) -> dict[str, Any]:
    kind = {"kind": drawn["kind"]} if "kind" in drawn else {}
    return {"from": _named(drawn["last"] - drawn["length"] + 1), "to": _named(drawn["last"]), **kind}


def _periods(kind: Mapping[str, Drawn], on: date) -> Drawn:
    edges = st.tuples(st.sampled_from(_LENGTHS), st.integers(-1, 1), st.integers(-40, 40), st.booleans())

    def row(drawn: tuple[tuple[int, int, int, bool], Mapping[str, Any]]) -> dict[str, Any]:
        (months, off, end, is_open), named = drawn
        start = add_months(on, -months) + timedelta(days=off)
        until = max(on + timedelta(days=end), start + timedelta(days=1))
        return {"from": start.isoformat(), **({} if is_open else {"until": until.isoformat()}), **named}

    return st.lists(st.tuples(edges, st.fixed_dictionaries(dict(kind))).map(row), max_size=_ROWS)


def _events(kind: Mapping[str, Drawn], on: date, amounts: Drawn) -> Drawn:
    """Near the ends of windows of three and five years, and of calendar years."""
    near = st.sampled_from([add_months(on, -12 * years) for years in (0, 1, 2, 3, 4, 5)]).flatmap(about)
    turns = st.sampled_from([day for year in range(on.year - 6, on.year + 1) for day in (date(year, 1, 1), date(year, 12, 31))])
    row = st.fixed_dictionaries({"on": (near | turns).map(date.isoformat), **kind}, optional={"amount": amounts})
    shared = st.fixed_dictionaries({"holders": st.integers(2, 4), "is_first": st.booleans()})
    return st.lists(st.builds(lambda one, more: {**one, **more}, row, shared | st.just({})), max_size=_ROWS + 2)


def _long_months(declared: FactDeclaration, gap: tuple[int, int], last: int) -> Drawn:
    """Months of all kinds alike, or of each by itself."""
    if not declared.options:
        return _around(gap, last)
    kinds = sorted(declared.keys)
    alike = _around(gap, last).map(lambda rows: [row | {"kind": kind} for kind in kinds for row in rows])
    each = st.tuples(*(_around(gap, last) for _ in kinds)).map(
        lambda drawn: [row | {"kind": kind} for kind, rows in zip(kinds, drawn, strict=True) for row in rows]
    )
    return alike | each


def _around(gap: tuple[int, int], last: int) -> Drawn:
    """Months up to a last one: unbroken; with a gap; or what lies in the gap alone."""
    ago, length = gap
    before = st.sampled_from((12, 24, 36, 48, 60, 84, 85, 86, 89, 90, 120)).map(lambda months: last - months + 1)
    in_gap = st.sampled_from(((last - ago, last - ago + length - 1), (last - ago + 1, last - ago + length - 1)))

    def rows(*ranges: tuple[int, int]) -> list[dict[str, Any]]:
        return [{"from": _named(first), "to": _named(until)} for first, until in ranges if first <= until]

    return (
        before.map(lambda first: rows((first, last)))
        | before.map(lambda first: rows((first, last - ago - 1), (last - ago + length, last)))
        | in_gap.map(rows)
    )


@st.composite
def _whole_people(draw: st.DrawFn, rule_set: RuleSet, on: date) -> dict[str, Any]:
    """Nearly everything is known and favourable, and months are long: those whose conditions are about to hold."""
    gap = draw(st.tuples(st.integers(7, 30), st.integers(0, 6)))
    last = draw(st.sampled_from((on.year * 12 - 1, on.year * 12 + on.month - 1, on.year * 12 + on.month - 2)))
    flags = sorted(name for name, declared in rule_set.facts.items() if declared.kind == "flag")
    turned = draw(st.sets(st.sampled_from(flags), max_size=2)) if flags else set()
    facts = {}
    for name, declared in rule_set.facts.items():
        facts[name] = draw(value_of(declared, on))
        if declared.kind == "flag":
            facts[name] = (name in _ADVERSE) == (name in turned)
        if declared.kind == "months":
            facts[name] = draw(_long_months(declared, gap, last))
    for name in draw(st.sets(st.sampled_from(sorted(facts)), max_size=2)):
        if not rule_set.facts[name].required:
            del facts[name]
    return facts


def _without_contradiction(facts: dict[str, Any]) -> dict[str, Any]:
    """No month of insurance is both paid in time and paid back: the facts are defined so."""
    in_time = facts.get("insurance", [])
    if "back_paid" in facts:
        facts["back_paid"] = [
            row for row in facts["back_paid"] if all(row["to"] < paid["from"] or paid["to"] < row["from"] for paid in in_time)
        ]
    return facts


@st.composite
def boundary_people(draw: st.DrawFn, rule_set: RuleSet) -> dict[str, Any]:
    """A facts document of somebody on the boundaries."""
    on = draw(days_of_application(rule_set))
    if draw(st.booleans()):
        return {"applied_on": on.isoformat(), "facts": _without_contradiction(draw(_whole_people(rule_set, on)))}
    facts = {
        name: draw(value_of(declared, on))
        for name, declared in rule_set.facts.items()
        if declared.required or draw(st.booleans())
    }
    return {"applied_on": on.isoformat(), "facts": _without_contradiction(facts)}
