"""Cases of rule sets that an official can read, `cases/<rule set>.toml`, and what comes of them under some text of the rules.

`usual` holds the facts a case does not name. `expected` names items by their id, and may name `total`, `parts`, `passes`,
`vetoed`, `frozen`, `not_eligible`, `tie_breaks`; where nothing is counted, `not_covered` (a rule set) or `refused` (fields).
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.compiling import (
    Link,
    NotCoveredError,
    RuleSet,
    RuleSetText,
    compile_rule_set,
    put_together,
    read_chain,
)
from services.points_hukou.rules.document.rule_set import Choice
from services.points_hukou.rules.facts import FactsError, read_facts
from services.points_hukou.rules.scoring import score

RULE_SETS = Path(__file__).parents[2] / "services" / "points_hukou" / "rule_sets"
CASES = Path(__file__).parent / "cases"

Case = Mapping[str, Any]


@cache
def texts() -> Mapping[str, RuleSetText]:
    """Every rule set as it ships."""
    return {
        folder.name: RuleSetText(
            (folder / "rule_set.toml").read_text("utf-8"),
            (folder / "choices.toml").read_text("utf-8") if (folder / "choices.toml").exists() else "",
        )
        for folder in sorted(RULE_SETS.iterdir())
        if folder.is_dir()
    }


@cache
def shipped(name: str) -> RuleSet:
    """A rule set as it ships."""
    return compile_rule_set(name, texts())


@cache
def cases_of(name: str) -> tuple[Case, ...]:
    """The cases of a rule set."""
    document = _cases_file(name)
    usual = document.get("usual", {})
    return tuple(
        {"applied_on": document["applied_on"], **case, "facts": _given({**usual, **case["facts"]})}
        for case in document["cases"]
    )


def never_binding(name: str) -> Sequence[Mapping[str, str]]:
    """Figures the law states which no person can notice, each with the reason: a cap that the items below it never reach."""
    found: Sequence[Mapping[str, str]] = _cases_file(name).get("never_binding", ())
    return found


def rounds_of(name: str) -> Sequence[Case]:
    """The rounds of a rule set: who stands with what, for how many places, and what comes of it."""
    found: Sequence[Case] = _cases_file(name).get("rounds", ())
    return found


@cache
def _cases_file(name: str) -> dict[str, Any]:
    return tomllib.loads((CASES / f"{name}.toml").read_text("utf-8"), parse_float=Decimal)


def _given(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as JSON has them; `"unknown"` takes a usual fact away."""
    return {name: _plain(value) for name, value in facts.items() if value != "unknown"}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


class RuleBook:
    """A chain of rule sets by the choices a case asks for, each put together once."""

    def __init__(self, chain: Sequence[Link]) -> None:
        self._chain = chain
        self._ready: dict[str, RuleSet] = {}

    def chosen(self, case: Case) -> RuleSet:
        choices = case.get("choices", {})
        key = repr(choices)
        if key not in self._ready:
            self._ready[key] = put_together(self._chain, {name: _choice(wanted) for name, wanted in choices.items()}, "")
        return self._ready[key]


@cache
def chain_of(name: str) -> Sequence[Link]:
    """A rule set as it ships, with those it extends."""
    return read_chain(name, texts())


@cache
def book_of(name: str) -> RuleBook:
    """A rule set as it ships, under whatever choices."""
    return RuleBook(chain_of(name))


def _choice(wanted: str) -> Choice:
    how: dict[str, Any] = {"leave_out": True} if wanted == "leave_out" else {"reading": wanted}
    return Choice(**how, reason_zh="案例", reason_en="a case", decided_by="a case")


def assessed(case: Case, rule_set: RuleSet) -> Assessment:
    """The person of a case, counted."""
    document = {"applied_on": case["applied_on"].isoformat(), "facts": case["facts"]}
    facts = read_facts(document, rule_set.facts, rule_set.rules_of_facts)
    return score(rule_set, facts, service=case.get("service"), use_in=case.get("use_in"))


def outcome(case: Case, rule_set: RuleSet) -> dict[str, Any]:
    """What comes of a case, under the names it expects."""
    try:
        assessment = assessed(case, rule_set)
    except NotCoveredError as error:
        return {"not_covered": next(each.id for each in rule_set.validities if f"({each.id})" in str(error))}
    except FactsError as error:
        return {"refused": [problem.field for problem in error.problems]}
    found: dict[str, Any] = {component.item.law.id: component.counted for component in assessment.components}
    found |= {
        "total": assessment.total,
        "parts": {each.part.id: each.points for each in assessment.parts},
        "passes": assessment.passes,
        "vetoed": assessment.is_vetoed,
        "frozen": assessment.is_frozen,
        "not_eligible": [each.clause.law.id for each in assessment.not_eligible],
        "tie_breaks": dict(assessment.tie_breaks),
    }
    return _asked(found, case["expected"])


def _asked(found: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _asked(found[name], wanted) if isinstance(wanted, dict) else found[name]
        for name, wanted in expected.items()
        if name in found
    }


def expected(case: Case) -> dict[str, Any]:
    """What a case expects, exactly."""
    return {name: _exact(each) for name, each in case["expected"].items()}


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    return Fraction(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
