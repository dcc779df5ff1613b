"""Texts made ready to count with. What is approved never changes, so every process may keep what it compiled."""

from collections.abc import Mapping
from functools import cache, lru_cache

from services.chassis.errors import DomainError, FieldError
from services.chassis.work import Work
from services.points_hukou.actions.rule_sets import released
from services.points_hukou.rules.compiling import RuleSet, RuleSetError, RuleSetText, compile_rule_set, parse
from services.points_hukou.rules.document.rule_set import RuleSetDocument
from services.points_hukou.schemas.rule_sets import RuleSetRecord
from services.points_hukou.store import rule_sets as store

_TOLD_MAX = 100


def compiled(record: RuleSetRecord) -> RuleSet:
    """A checked or approved rule set, ready. Raises RuleSetError for a draft that does not compile."""
    return _compiled(record.name, tuple(sorted(record.chain.items())), record.own_choices)


@lru_cache(maxsize=32)
def _compiled(name: str, chain: tuple[tuple[str, RuleSetText], ...], own_choices: str) -> RuleSet:
    return compile_rule_set(name, dict(chain), own_choices)


async def chain_of(work: Work, text: RuleSetText) -> tuple[RuleSetDocument, dict[str, RuleSetText]]:
    """A text with those of everything it extends: the newest approved of that name, else the one that ships.

    Raises `DomainError('rule-set-unreadable')` with every problem.
    """
    document = _document("rule_set", text.rule_set)
    chain = {document.id: text}
    if document.extends is not None:
        base = await chain_named(work, document.extends)
        if base is None:
            raise unreadable([f"{document.id}: the rule set {document.extends} is not held"])
        if document.id in base:
            raise unreadable([f"{document.id}: extends itself"])
        chain |= base
    return document, chain


async def named(work: Work, name: str) -> RuleSet | None:
    """The newest approved rule set of that name, else the one that ships, ready; `None` when there is none."""
    if (approved := await store.approved_named(work, name)) is not None:
        return compiled(approved)
    return _compiled(name, tuple(sorted(released_chain(name).items())), "") if name in released() else None


async def chain_named(work: Work, name: str) -> Mapping[str, RuleSetText] | None:
    """The texts of the newest approved rule set of that name, else of the one that ships, with those it extends."""
    if (approved := await store.approved_named(work, name)) is not None:
        return approved.chain
    return released_chain(name) if name in released() else None


@cache
def released_chain(name: str) -> Mapping[str, RuleSetText]:
    """A rule set that ships, with those it extends. Told once: reading the texts takes longer than all else of a request."""
    chain: dict[str, RuleSetText] = {}
    wanted: str | None = name
    while wanted is not None:
        chain[wanted] = released()[wanted]
        wanted = _document(wanted, chain[wanted].rule_set).extends
    return chain


def _document(where: str, text: str) -> RuleSetDocument:
    try:
        return parse(RuleSetDocument, where, text)
    except RuleSetError as error:
        raise unreadable(error.problems) from None


def unreadable(problems: tuple[str, ...] | list[str]) -> DomainError:
    """A text that is no rule set; every problem begins with its place."""
    told = [FieldError("/rule_set", "unreadable", problem, problem) for problem in problems[:_TOLD_MAX]]
    return DomainError("rule-set-unreadable", errors=told)
