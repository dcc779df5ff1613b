"""What facts there are: those the rule sets at hand declare. Evidence is kept under the rule set that declares its fact, so
that it serves every rule set that extends it.
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from services.points_hukou.actions.rule_sets import released
from services.points_hukou.rules.compiling import RuleSet, compile_rule_set, read_chain
from services.points_hukou.rules.document.facts import FactDeclaration


class Declared(NamedTuple):
    """A fact, and the rule set that declares it."""

    rule_set: str
    fact: FactDeclaration


@cache
def vocabulary(rule_set: str) -> Mapping[str, Declared] | None:
    """The facts a rule set asks for, with those of the rule sets it extends; `None` for one that is not held."""
    if rule_set not in released():
        return None
    chain = read_chain(rule_set, released())
    return {fact.id: Declared(link.document.id, fact) for link in chain for fact in link.document.facts}


@cache
def compiled(rule_set: str) -> RuleSet | None:
    """A rule set ready to count with; `None` for one that is not held."""
    return compile_rule_set(rule_set, released()) if rule_set in released() else None
