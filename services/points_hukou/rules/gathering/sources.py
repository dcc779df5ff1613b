"""Where facts come from, as dated data: what the registry feeds, how sources rank, what is never asked of the applicant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.parameters import Document, Fields, History, ParameterError, Register, flag, list_of, one_of, text
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.document.facts import FactDeclaration, FactKind

_ANY = "*"


class Reliability(StrEnum):
    """Who stands for what is said of a person."""

    REGISTRY = "registry"
    """the registry's own events"""
    OFFICE = "office"
    """the office whose business the fact is"""
    CERTIFICATE = "certificate"
    """a paper that an officer has seen"""
    DECLARED = "declared"
    """the applicant's word"""


class RegistryField(StrEnum):
    """What of the registry's events can feed a fact."""

    BIRTH_DATE = "birth_date"
    RESIDENCE_SINCE = "residence_since"
    """first day of the unbroken registered residence in the city that lasts"""
    RESIDENCES = "residences"
    """when residence was registered in the city"""
    HOME = "home"
    """on what footing the person lives where it is registered now"""
    EMPLOYMENTS = "employments"
    """when employment in the city was registered"""
    PRESENT_EMPLOYER = "present_employer"
    """the same, with who employs the person now"""
    LIVES_AND_WORKS = "lives_and_works"
    """registered and employed in the city now"""
    PERMITS = "permits"
    """when a permit of the city was valid"""
    HOLDS_PERMIT = "holds_permit"
    """a permit of the city is valid now"""


FITS: Mapping[RegistryField, FactKind] = {
    RegistryField.BIRTH_DATE: "day",
    RegistryField.RESIDENCE_SINCE: "day",
    RegistryField.RESIDENCES: "periods",
    RegistryField.HOME: "held",
    RegistryField.EMPLOYMENTS: "periods",
    RegistryField.PRESENT_EMPLOYER: "periods",
    RegistryField.LIVES_AND_WORKS: "flag",
    RegistryField.PERMITS: "periods",
    RegistryField.HOLDS_PERMIT: "flag",
}
"""The kind of fact a field can feed."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One field of the registry feeds one fact. `kinds`: the registry's codes as options of the fact, where it has options.

    `is_partial`: the fact asks about more than the registry can know, such as the whole province. `declared`: codes that the
    registry wrote down as somebody said them and nobody proved, so they stand on the rung of the person's word (P-10).
    """

    rule_set: str
    fact: str
    field: RegistryField
    kinds: Mapping[str, str]
    is_partial: bool = False
    declared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OfficeFacts:
    """Facts of a rule set that only offices tell."""

    rule_set: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceLaw:
    """Everything about where facts come from."""

    feeds: Register[Feed]
    ladder: History[tuple[Reliability, ...]]
    counting: History[tuple[Reliability, ...]]
    office_facts: Register[OfficeFacts]

    def feeds_of(self, rule_set: RuleSet, on: date) -> Mapping[str, Feed]:
        """The feeds of the facts a rule set asks for; one that names a rule set of its chain goes first."""
        chain = _chain(rule_set)
        found: dict[str, Feed] = {}
        for feed in sorted(self.feeds.on(on), key=lambda each: each.rule_set != _ANY):
            declaration = rule_set.facts.get(feed.fact)
            if declaration is not None and feed.rule_set in chain and fits(feed, declaration):
                found[feed.fact] = feed
        return found

    def told_by_offices(self, rule_set: RuleSet, on: date) -> frozenset[str]:
        """The facts of a rule set that are never asked of the applicant."""
        chain = _chain(rule_set)
        rows = (row for row in self.office_facts.on(on) if row.rule_set in chain)
        return frozenset(fact for row in rows for fact in row.facts if fact in rule_set.facts)


def fits(feed: Feed, declaration: FactDeclaration) -> bool:
    """Whether what a field gives can be read as the fact."""
    return FITS[feed.field] == declaration.kind and declaration.keys.issuperset(feed.kinds.values())


def _chain(rule_set: RuleSet) -> frozenset[str]:
    return frozenset((_ANY, *(each.id for each in rule_set.validities)))


def read_sources(document: Document) -> SourceLaw:
    """What `facts.toml` says. Raises ParameterError."""
    rungs = list_of(one_of(Reliability))
    law = SourceLaw(
        feeds=document.register("feeds", _read_feed),
        ladder=document.history("ladder", rungs),
        counting=document.history("counting", rungs),
        office_facts=document.register("office_facts", _read_office_facts),
    )
    document.finish()
    for entry in law.ladder.entries:
        if set(entry.value) != set(Reliability):
            raise ParameterError("facts, ladder: every reliability stands on one rung")
    return law


def _read_feed(fields: Fields) -> Feed:
    feed = Feed(
        rule_set=fields.take("rule_set", text),
        fact=fields.take("fact", text),
        field=fields.take("from", one_of(RegistryField)),
        kinds=fields.take_optional("kinds", _kinds) or {},
        is_partial=fields.take_optional("is_partial", flag) or False,
        declared=frozenset(fields.take_optional("declared", list_of(text)) or ()),
    )
    if not feed.declared <= feed.kinds.keys() or (feed.declared and feed.field is not RegistryField.HOME):
        raise ParameterError(f"feeds, {feed.fact}: declared are codes of kinds, of how somebody lives alone")
    return feed


def _kinds(raw: object) -> Mapping[str, str]:
    if not isinstance(raw, dict) or not all(isinstance(each, str) for each in raw.values()):
        raise TypeError("the registry's codes with the options they are, such as { owned = 'own_home' }")
    return raw


def _read_office_facts(fields: Fields) -> OfficeFacts:
    return OfficeFacts(fields.take("rule_set", text), fields.take("facts", list_of(text)))
