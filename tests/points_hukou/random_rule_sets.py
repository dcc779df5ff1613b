"""Rule sets and people made at random over the whole closed algebra: every measure, condition, line, part, group, clause.

By a seed, because a whole rule set is more than Hypothesis draws at once; the seed says which one it was.
"""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

from services.points_hukou.rules.compiling import Link, RuleSet, RuleSetError, put_together
from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.document.rule_set import RuleSetDocument
from services.points_hukou.rules.facts import Facts, read_facts

Document = dict[str, Any]

_POINTS = ["1", "0.5", "0.25", "10", "7/24", "1/12", "1/24", "12.005", "-3", "-7/24", "0", "0.333333", "9/7"]
_HUGE = ["9999999999.999999", "-1234567890.654321", "1/9999999967", "9999999999/9999999967"]
_CAPS = ["5", "7.5", "20/3", "100", "0", "12.345"]
_KINDS = ["a", "b", "c"]
_OPTIONS = [{"key": key, "name_zh": key, "name_en": key} for key in _KINDS]
_PARTS = {"main": False, "more": False, "minus": True}
_UNITS = {"unit_zh": "元", "unit_en": "yuan", "at_most": 10**12}
_FACTS: list[Document] = [
    {"id": "born", "kind": "day"},
    {"id": "since", "kind": "day"},
    {"id": "flag_a", "kind": "flag"},
    {"id": "flag_b", "kind": "flag"},
    {"id": "number_a", "kind": "number", **_UNITS},
    {"id": "papers", "kind": "held", "options": _OPTIONS},
    {"id": "home", "kind": "division"},
    {"id": "paid", "kind": "months", "options": _OPTIONS},
    {"id": "lived", "kind": "months"},
    {"id": "worked", "kind": "periods", "options": _OPTIONS},
    {"id": "stayed", "kind": "periods"},
    {"id": "patents", "kind": "events", "options": _OPTIONS},
    {"id": "gifts", "kind": "events", "at_most": 10**6},
    {"id": "tax", "kind": "yearly", **_UNITS},
]
_SPANS_OF = {"paid": True, "lived": False, "worked": True, "stayed": False}


class RuleSetMaker:
    """Makes rule sets. `huge`: with figures that no 64 bits hold once they are brought to one denominator."""

    def __init__(self, random: Random, *, huge: bool = False) -> None:
        self._random = random
        self._figures = _POINTS + _HUGE * huge

    def document(self) -> Document:
        """A rule set as a document."""
        items = self._items()
        return self._some(cap=self._one(_CAPS), floor=self._one(["0", "-5"])) | {
            "format": 1, "id": "random", "version": 1, "name_zh": "随机", "name_en": "Random", "jurisdiction": "330200",
            "valid_from": date(2000, 1, 1), "confidence": "design",
            "rounding": {"places": self._up_to(4), "mode": self._one(["half_up", "down"]), "confidence": "design"},
            "sources": [{"ref": "made_up", "title_zh": "测试", "kind": "test", "confidence": "design"}],
            "days": [
                self._named("year_end") | {"month": 12, "day": 31, "years_before": 1},
                self._named("new_year") | {"month": 1, "day": 1, "years_before": self._up_to(1)},
            ],
            "facts": [self._named(each["id"]) | each for each in _FACTS],
            "parts": [
                self._named(id_) | {"deducts": deducts} | self._some(cap=self._one(_CAPS)) for id_, deducts in _PARTS.items()
            ],
            "items": items, "groups": self._groups(items), "clauses": self._clauses(), "percentages": self._percentages(),
            "services": [
                self._named(id_) | {"parts": self._several(list(_PARTS), least=0)} | self._some(pass_mark=self._one(_CAPS))
                for id_ in ("school", "home")
            ],
            "ranking": {"cut": "refuse", "rule": "x", "tie_breaks": self._tie_breaks(items)} | self._first_by(items),
        }  # fmt: skip

    def _up_to(self, most: int, least: int = 0) -> int:
        return self._random.randint(least, most)

    def _one(self, of: list[Any]) -> Any:
        return self._random.choice(of)

    def _several(self, of: list[Any], least: int = 1) -> list[Any]:
        return self._random.sample(of, self._up_to(len(of), least))

    def _some(self, **given: Any) -> Document:
        return {name: value for name, value in given.items() if self._random.random() < 0.4}

    def _is_now_and_then(self) -> bool:
        return self._random.random() < 0.3

    def _named(self, id_: str) -> Document:
        return {"id": id_, "name_zh": id_, "name_en": id_}

    def _law(self, id_: str) -> Document:
        return self._named(id_) | {"article": "x", "rule": "x", "sources": ["made_up"], "confidence": "design"}

    def _on(self) -> Document:
        return {"on": self._one(["application", "year_end", "new_year"])}

    def _only_for(self) -> Document:
        return {"only_for": self._several(["school", "home"], 0) if self._is_now_and_then() else []}

    def _day(self) -> date:
        return date(1950, 1, 1) + timedelta(self._up_to(28_000))

    def _month(self) -> str:
        return f"{self._up_to(2027, 1990)}-{self._up_to(12, 1):02d}"

    def measure(self, *, in_one_piece: bool = False) -> Document:
        """Any measure."""
        window = self._some(since=self._day(), calendar_years=self._up_to(8, 1))
        dated = window | self._some(years=self._up_to(12, 1))
        by_year = {} if in_one_piece else self._some(by="year")
        kinds = self._some(kinds=self._several(_KINDS))
        name = self._one(list(_SPANS_OF))
        since = self._month() if name in {"paid", "lived"} else self._day()
        spans = self._some(last_months=self._up_to(200, 1), unbroken=True, gap_months=self._up_to(24), since=since)
        by = {} if in_one_piece else self._some(by=self._one(["kind", "run"]))
        ways: list[Document] = [
            {"age": "born"} | self._some(short_of=self._up_to(60, 1)),
            {"months": "since"} | self._some(since=self._day()),
            {"count": "gifts"} | dated | by_year,
            {"count": "patents"} | dated | by_year | kinds,
            {"count": "tax", "at_least": 50_000} | window | by_year,
            {"amount": "gifts"} | dated | by_year,
            {"amount": "tax"} | window | by_year,
            {"amount": "number_a"},
            {"shares": "patents"} | dated | kinds,
        ]
        months = {"months": name} | spans | by | (kinds if _SPANS_OF[name] else {})
        return months if self._random.random() < 0.5 else self._one(ways)

    def condition(self, items: list[str], depth: int = 2) -> Document:
        """Any condition; it may ask for the points of the items before it."""
        if depth and self._is_now_and_then():
            within = [self.condition(items, depth - 1) for _ in range(self._up_to(3, 1))]
            return {self._one(["all", "any", "none"]): within}
        ways: list[Document] = [
            {"flag": self._one(["flag_a", "flag_b"])},
            {"held": "papers", "any_of": self._several(_KINDS)},
            {"day": "born"} | self._some(**{"from": self._bound(), "until": self._bound(), "before": self._bound()}),
            {"division": "home", "within": self._several(["33", "3302", "110105"])},
            {"of": self.measure()} | self._some(at_least=self._up_to(40), at_most=self._up_to(400), below=self._up_to(400)),
        ]
        if items:
            ways.append({"item": self._one(items), "points": self._several([*_POINTS, *_CAPS])})
        return dict(self._one(ways))

    def _bound(self) -> Any:
        return self._day() if self._is_now_and_then() else {"years_before": self._up_to(80)}

    def _line(self, items: list[str], *, deducts: bool, is_shared: bool = False) -> Document:
        line: Document = {"points": self._figure(deducts=deducts)}
        if is_shared or self._random.random() < 0.7:
            line["units"] = self.measure(in_one_piece=is_shared)
            line |= self._some(
                per=self._up_to(14, 1), after=self._up_to(9), most=self._up_to(40, 1), most_each=self._up_to(9, 1)
            )
            if line.get("after") and self._is_now_and_then():
                line["counts_back"] = True
        return line | self._frame(items)

    def _figure(self, *, deducts: bool) -> str:
        return str(self._one([each for each in self._figures if not deducts or each == "0" or each.startswith("-")]))

    def _frame(self, items: list[str]) -> Document:
        return self._some(when=self.condition(items), cap=self._one(_CAPS), rounded=True)

    def _bundle(self, items: list[str], *, deducts: bool, depth: int) -> Document:
        take = {"take": self._one(["sum", "best"])}
        if self._random.random() < 0.35:
            lines = [self._line(items, deducts=deducts, is_shared=True) for _ in range(self._up_to(3, 1))]
            shared = {"months": self._one(list(_SPANS_OF))} if self._random.random() < 0.7 else self.measure()
            both = [shared, {"months": self._one(list(_SPANS_OF))}]
            return take | {"lines": lines, "units_at_most": both if self._is_now_and_then() else shared}
        lines = []
        for _ in range(self._up_to(4, 1)):
            if depth and self._is_now_and_then():
                lines.append(self._bundle(items, deducts=deducts, depth=depth - 1) | self._frame(items))
            else:
                lines.append(self._line(items, deducts=deducts))
        return take | {"lines": lines}

    def _items(self) -> list[Document]:
        items: list[Document] = []
        for number in range(self._up_to(6, 1)):
            part, earlier = self._one(list(_PARTS)), [each["id"] for each in items]
            giving = self._bundle(earlier, deducts=_PARTS[part], depth=2)
            giving |= self._some(when=self.condition(earlier), cap=self._one(_CAPS))
            items.append(self._law(f"item_{number}") | giving | {"part": part} | self._on() | self._only_for())
        return items

    def _groups(self, items: list[Document]) -> list[Document]:
        groups = []
        for part in _PARTS:
            names = [each["id"] for each in items if each["part"] == part]
            if len(names) > 1:
                groups.append(self._law(f"group_{part}") | {"items": self._several(names, 2)})
        return groups

    def _clauses(self) -> list[Document]:
        return [
            self._law(f"clause_{number}") | {"effect": self._one(["eligibility", "veto", "freeze"]), "when": self.condition([])}
            | self._on() | self._only_for()
            for number in range(self._up_to(3))
        ]  # fmt: skip

    def _percentages(self) -> list[Document]:
        return [
            self._law(f"percentage_{number}") | {"percent": self._one(["30", "12.5", "1/3"]), "when": self.condition([])}
            | {"of": self._one(["before_deductions", "after_deductions"])} | self._only_for()
            for number in range(self._up_to(2))
        ]  # fmt: skip

    def _tie_breaks(self, items: list[Document]) -> list[Document]:
        return [self._tie_break(f"tie_{number}", items) for number in range(self._up_to(3))]

    def _first_by(self, items: list[Document]) -> Document:
        return {"first_by": self._tie_break("first", items)} if self._is_now_and_then() else {}

    def _tie_break(self, id_: str, items: list[Document]) -> Document:
        names = [each["id"] for each in items]
        ways: list[Document] = [
            {"items": self._several(names)},
            {"most": self.measure()},
            {"earliest": "born"},
            {"applied": "earlier"},
        ]
        return self._named(id_) | dict(self._one(ways))


def random_rule_set(random: Random, *, huge: bool = False) -> RuleSet:
    """Any rule set there can be, within bounds that keep it small; facts nothing asks for are not declared."""
    document = RuleSetMaker(random, huge=huge).document()
    try:
        return _put_together(document)
    except RuleSetError as error:
        unused = {each.split()[2] for each in error.problems if "nothing loaded asks for it" in each}
        facts = [each for each in document["facts"] if each["id"] not in unused]
        return _put_together({**document, "facts": facts})


def _put_together(document: Document) -> RuleSet:
    return put_together([Link(RuleSetDocument.model_validate(document), {})], {}, "")


class PersonMaker:
    """Makes people for a rule set, who apply on one day."""

    def __init__(self, random: Random, rule_set: RuleSet, applied_on: date) -> None:
        self._random = random
        self._rule_set = rule_set
        self._applied_on = applied_on

    def person(self) -> Facts:
        """Anybody, read as any document of facts is."""
        facts = {
            name: self._value(declared)
            for name, declared in self._rule_set.facts.items()
            if declared.required or self._random.random() < 0.8
        }
        return read_facts({"applied_on": self._applied_on.isoformat(), "facts": facts}, self._rule_set.facts, {})

    def _value(self, declared: FactDeclaration) -> Any:
        random, kind = self._random, declared.kind
        if kind in {"months", "periods"}:
            return self._chain(declared)
        if kind == "events":
            return [self._event(declared) for _ in range(random.choice([0, 1, 1, 2, 3, 6]))]
        most = min(declared.at_most or 0, random.choice([3, 100, 10**6, 10**12]))
        ways: dict[str, Callable[[], Any]] = {
            "day": lambda: self._day().isoformat(),
            "flag": lambda: random.random() < 0.5,
            "number": lambda: random.choice(declared.among or [random.randint(0, most)]),
            "held": lambda: random.sample(sorted(declared.keys), random.randint(0, min(2, len(declared.keys)))),
            "division": lambda: random.choice(["330282", "330203", "350203", "110105", "110105001"]),
            "yearly": lambda: {str(random.randint(2005, 2027)): random.choice([0, most // 2, most]) for _ in range(4)},
        }
        return ways[kind]()

    def _chain(self, declared: FactDeclaration) -> list[Document]:
        """Stretches of time of which one often begins where another ends, or a few months later."""
        random, rows = self._random, list[Document]()
        first_day = self._day()
        for _ in range(random.choice([0, 1, 2, 3, 4, 6])):
            last_day = first_day + timedelta(random.choice([1, 20, 31, 59, 365, 366, 1000, 4000]))
            kind = {"kind": random.choice(sorted(declared.keys))} if declared.options else {}
            if declared.kind == "months":
                rows.append({"from": first_day.isoformat()[:7], "to": last_day.isoformat()[:7]} | kind)
            else:
                until = {} if random.random() < 0.1 else {"until": last_day.isoformat()}
                rows.append({"from": first_day.isoformat()} | until | kind)
            gap = random.choice([-200, 0, 1, 2, 30, 31, 32, 59, 62, 92, 200, 365])
            first_day = self._day() if random.random() < 0.2 else last_day + timedelta(gap)
        return rows

    def _event(self, declared: FactDeclaration) -> Document:
        kind = {"kind": self._random.choice(sorted(declared.keys))} if declared.options else {}
        holders = self._random.choice([1, 1, 2, 3, 5, 96])
        first = holders == 1 or self._random.random() < 0.5
        amount = self._random.randint(0, min(declared.at_most or 500, 10**6))
        return {"on": self._day().isoformat(), "amount": amount, "holders": holders, "is_first": first} | kind

    def _day(self) -> date:
        """Often near the end of a month or the day of application, where the calendar bites; now and then long ago."""
        random, on = self._random, self._applied_on
        ways = [
            on + timedelta(random.randint(-40, 40)),
            date(random.randint(2010, 2026), random.randint(1, 12), random.choice([1, 28])) + timedelta(random.randint(0, 3)),
            date(random.randint(1960, 2026), random.choice([1, 3, 5, 7, 8, 10, 12]), random.randint(29, 31)),
            date(1945, 1, 1) + timedelta(random.randint(0, 30_000)),
        ]
        return random.choice(ways)
