"""The cases of the rule sets that ship (`rule_sets/<id>/cases.toml`), which an official can read, for tests."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from services.points_hukou.actions.rule_sets import released, released_cases
from services.points_hukou.rules import cases
from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.cases import CaseFile, RuleBook, RuleCase, expected
from services.points_hukou.rules.compiling import Link, RuleSet, RuleSetText, compile_rule_set, parse, read_chain

__all__ = ["RuleBook", "expected"]

Case = RuleCase


@cache
def texts() -> Mapping[str, RuleSetText]:
    """Every rule set as it ships."""
    return released()


@cache
def shipped(name: str) -> RuleSet:
    """A rule set as it ships."""
    return compile_rule_set(name, texts())


@cache
def case_file(name: str) -> CaseFile:
    """The cases of a rule set with what they share."""
    return parse(CaseFile, name, released_cases(name))


def cases_of(name: str) -> Sequence[Case]:
    """The cases of a rule set."""
    return case_file(name).cases


def facts_of(name: str, case: Case) -> dict[str, Any]:
    """The facts of a case, as JSON has them."""
    return case_file(name).facts_of(case)


def never_binding(name: str) -> Sequence[Mapping[str, str]]:
    """Figures the law states which no person can notice, each with the reason: a cap that the items below it never reach."""
    found: Sequence[Mapping[str, str]] = case_file(name).never_binding
    return found


def rounds_of(name: str) -> Sequence[Mapping[str, Any]]:
    """The rounds of a rule set: who stands with what, for how many places, and what comes of it."""
    found: Sequence[Mapping[str, Any]] = case_file(name).rounds
    return found


@cache
def chain_of(name: str) -> Sequence[Link]:
    """A rule set as it ships, with those it extends."""
    return read_chain(name, texts())


@cache
def book_of(name: str) -> RuleBook:
    """A rule set as it ships, under whatever choices."""
    return RuleBook(chain_of(name))


def assessed(name: str, case: Case, rule_set: RuleSet) -> Assessment:
    """The person of a case, counted."""
    return cases.assessed(case, facts_of(name, case), rule_set)


def outcome(name: str, case: Case, rule_set: RuleSet) -> dict[str, Any]:
    """What comes of a case, under the names it expects."""
    return cases.outcome(case, facts_of(name, case), rule_set)
