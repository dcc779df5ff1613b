"""Cases of a rule set, as an official writes them beside it (`cases.toml`), and what comes of them under some text of it.

`usual` holds the facts a case does not name; `"unknown"` takes one away. `expected` names items by their id, and may name
`total`, `parts`, `passes`, `vetoed`, `frozen`, `not_eligible`, `tie_breaks`; where nothing is counted, `not_covered` (a rule
set) or `refused` (fields). A case may make choices of its own: another reading, or `leave_out`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.compiling import Link, NotCoveredError, RuleSet, put_together
from services.points_hukou.rules.document.reading import Day, Many, Name, Part, Text
from services.points_hukou.rules.document.rule_set import Choice
from services.points_hukou.rules.exact import exact
from services.points_hukou.rules.facts import FactsError, read_facts
from services.points_hukou.rules.scoring import score

CASES_MAX = 300
_WAYS_MAX = 40
_UNKNOWN = "unknown"
_NOTHING_COUNTED = frozenset({"not_covered", "refused"})


class RuleCase(Part):
    """One person, and what the rules give; `rule` is what it rests on, `published` where the result was published."""

    name_zh: Text
    name_en: Text
    rule: Text
    applied_on: Day | None = None
    facts: dict[str, Any]
    expected: Annotated[dict[str, Any], Field(min_length=1)]
    choices: dict[Name, Name] = Field(default_factory=dict)
    service: Name | None = None
    use_in: Text | None = None
    published: Any = None

    @property
    def counts(self) -> bool:
        """Whether anything is counted in it."""
        return not _NOTHING_COUNTED & self.expected.keys()


class CaseFile(Part):
    """The cases of one rule set. `never_binding`: figures no person can ever notice; `rounds`: rankings of several."""

    applied_on: Day
    usual: dict[str, Any] = Field(default_factory=dict)
    cases: Annotated[Many[RuleCase], Field(min_length=1, max_length=CASES_MAX)]
    never_binding: Any = ()
    rounds: Any = ()

    def facts_of(self, case: RuleCase) -> dict[str, Any]:
        """The document of facts of a case, as `read_facts` takes it."""
        applied_on = case.applied_on or self.applied_on
        given = {name: _plain(value) for name, value in {**self.usual, **case.facts}.items() if value != _UNKNOWN}
        return {"applied_on": applied_on.isoformat(), "facts": given}


class RuleBook:
    """A chain of rule sets by the choices a case asks for, each put together once. `own` are the city's choices."""

    def __init__(self, chain: Sequence[Link], own: Mapping[str, Choice] | None = None) -> None:
        self._chain = chain
        self._own = own or {}
        self._ready: dict[str, RuleSet] = {}

    def chosen(self, choices: Mapping[str, str]) -> RuleSet:
        """The rule set with these choices in place of the usual ones. Raises RuleSetError, ValueError: too many ways."""
        key = repr(sorted(choices.items()))
        if key not in self._ready:
            if len(self._ready) == _WAYS_MAX:
                raise ValueError(f"the cases choose in more than {_WAYS_MAX} ways")
            chosen = {**self._own, **{name: _choice(wanted) for name, wanted in choices.items()}}
            self._ready[key] = put_together(self._chain, chosen, "")
        return self._ready[key]


def assessed(case: RuleCase, facts: object, rule_set: RuleSet) -> Assessment:
    """The person of a case, counted. Raises what reading facts and scoring raise."""
    read = read_facts(facts, rule_set.facts, rule_set.rules_of_facts)
    return score(rule_set, read, service=case.service, use_in=case.use_in)


def outcome(case: RuleCase, facts: object, rule_set: RuleSet) -> dict[str, Any]:
    """What comes of a case, under the names it expects. Raises LookupError for a service that is not there."""
    try:
        assessment = assessed(case, facts, rule_set)
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
    return _asked(found, case.expected)


def expected(case: RuleCase) -> dict[str, Any]:
    """What a case expects, exactly. Raises ValueError for a number that is none."""
    return {name: exactly(each) for name, each in case.expected.items()}


def exactly(value: Any) -> Any:
    """A value of a case with its numbers exact. Raises ValueError."""
    if isinstance(value, dict):
        return {name: exactly(each) for name, each in value.items()}
    if isinstance(value, list):
        return [exactly(each) for each in value]
    return exact(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def differences(case: RuleCase, facts: object, rule_set: RuleSet) -> Iterator[str]:
    """What came out otherwise than expected, each with both values. Raises LookupError, ValueError."""
    found, wanted = outcome(case, facts, rule_set), expected(case)
    for name, value in wanted.items():
        if (came := found.get(name)) != value:
            yield f"{name}: 应为 expected {_told(value)}, 实为 came to {_told(came)}"


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_told(each)}" for name, each in value.items()) + "}"
    return "–" if value is None else str(value)


def _asked(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _asked(found[name], value) if isinstance(value, dict) and isinstance(found[name], dict) else found[name]
        for name, value in wanted.items()
        if name in found
    }


def _choice(wanted: str) -> Choice:
    how: dict[str, Any] = {"leave_out": True} if wanted == "leave_out" else {"reading": wanted}
    return Choice(**how, reason_zh="案例", reason_en="a case", decided_by="a case")


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value
