"""People on the boundaries of a rule set: birthdays, month ends, full years, amounts one below and one above."""

from collections.abc import Mapping, Sequence
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
    return {
        "day": lambda: _days(on, in_months=declared.id != "birth_date"),
        "flag": st.booleans,
        "number": lambda: st.sampled_from(declared.among) if declared.among else numbers,
        "held": lambda: st.sets(st.sampled_from(sorted(declared.keys)), max_size=3).map(sorted),
        "division": lambda: st.sampled_from(["330282", "350203", "350206", "350205", "110105"]),
        "months": lambda: _months(kind, sorted({month, december, month - 1, month + 1})),
        "periods": lambda: _periods(kind, on),
        "events": lambda: _events(kind, on, numbers),
        "yearly": lambda: st.dictionaries(st.integers(on.year - 6, on.year + 1).map(str), numbers, max_size=5),
    }[declared.kind]()


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


@st.composite
def boundary_people(draw: st.DrawFn, rule_set: RuleSet) -> dict[str, Any]:
    """A facts document of somebody on the boundaries."""
    on = draw(days_of_application(rule_set))
    facts = {
        name: draw(value_of(declared, on))
        for name, declared in rule_set.facts.items()
        if declared.required or draw(st.booleans())
    }
    return {"applied_on": on.isoformat(), "facts": facts}
