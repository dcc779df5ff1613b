"""What facts there are: those the rule sets at hand declare. Evidence is kept under the rule set that declares its fact, so
that it serves every rule set that extends it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from services.chassis.work import Work
from services.points_hukou.actions.rule_set_compiling import chain_named
from services.points_hukou.rules.compiling import RuleSetText, read_chain
from services.points_hukou.rules.document.facts import FactDeclaration


class Declared(NamedTuple):
    """A fact, and the rule set that declares it."""

    rule_set: str
    fact: FactDeclaration


Vocabulary = Mapping[str, Declared]


async def vocabulary(work: Work, rule_set: str) -> Vocabulary | None:
    """The facts a rule set asks for, with those of the rule sets it extends; `None` for one that is not held."""
    chain = await chain_named(work, rule_set)
    return None if chain is None else _declared(rule_set, tuple(sorted(chain.items())))


@lru_cache(maxsize=64)
def _declared(rule_set: str, chain: tuple[tuple[str, RuleSetText], ...]) -> Vocabulary:
    links = read_chain(rule_set, dict(chain))
    return {fact.id: Declared(link.document.id, fact) for link in links for fact in link.document.facts}
