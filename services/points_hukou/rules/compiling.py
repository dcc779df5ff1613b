"""A rule set ready to count with: its document, those it extends, and the city's choices, checked and put together.

Whatever is not sound is loaded as the choice says, or not at all (P-38): a missing choice is an error, never a default.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from services.points_hukou.rules.document.conditions import Condition
from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.document.lines import Bundle
from services.points_hukou.rules.document.rule_set import (
    Choice,
    Choices,
    Clause,
    ClauseReading,
    Family,
    Giving,
    Group,
    Item,
    ItemReading,
    Lawful,
    Percentage,
    Ranking,
    ReferenceDay,
    RuleSetDocument,
    ScalePart,
    Service,
)
from services.points_hukou.rules.exact import Exact, Rounding
from services.points_hukou.rules.soundness import unsoundnesses
from services.points_hukou.rules.walking import facts_of_condition, facts_of_line

M = TypeVar("M", bound=BaseModel)

_EXTENDS_MAX = 5


class RuleSetError(ValueError):
    """A rule set that cannot be used; every problem names its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class NotCoveredError(LookupError):
    """The rule set, or one it extends, was not in force on the day."""

    def __init__(self, message_zh: str, message_en: str) -> None:
        super().__init__(message_en)
        self.message_zh, self.message_en = message_zh, message_en


class RuleSetText(NamedTuple):
    """A rule set as it is written, and the choices kept beside it."""

    rule_set: str
    choices: str = ""


class Link(NamedTuple):
    """One rule set of a chain, and the choices kept beside it."""

    document: RuleSetDocument
    choices: Mapping[str, Choice]


@dataclass(frozen=True, slots=True)
class CountedItem:
    """An item as it is read here. `origin` is the rule set that brought it; its points are valid within `valid_within`."""

    law: Item
    bundle: Bundle
    origin: str
    valid_within: str
    choice: Choice | None
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgedClause:
    """A clause as it is read here."""

    law: Clause
    when: Condition
    choice: Choice | None
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something the city chose to leave out."""

    law: Lawful
    choice: Choice


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until before when one rule set of a chain holds."""

    id: str
    name_zh: str
    name_en: str
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True)
class RuleSet:
    """What counts points: every item with its lines, in the order in which it is counted."""

    document: RuleSetDocument
    validities: tuple[Validity, ...]
    digest: str
    rounding: Rounding
    cap: Exact | None
    floor: Exact | None
    days: Mapping[str, ReferenceDay]
    facts: Mapping[str, FactDeclaration]
    parts: tuple[ScalePart, ...]
    items: tuple[CountedItem, ...]
    groups: tuple[Group, ...]
    clauses: tuple[JudgedClause, ...]
    percentages: tuple[Percentage, ...]
    services: tuple[Service, ...]
    left_out: tuple[LeftOut, ...]
    ranking: Ranking | None
    family: Family | None

    @property
    def id(self) -> str:
        """The id of the rule set that extends all others of the chain."""
        return self.document.id

    @cached_property
    def rules_of_facts(self) -> Mapping[str, tuple[str, ...]]:
        """Which items and clauses need a fact, as `rule id (name)`."""
        found: dict[str, list[str]] = {name: [] for name in self.facts}
        needing: list[CountedItem | JudgedClause] = [*self.items, *self.clauses]
        for each in needing:
            for name in each.facts:
                found[name].append(f"{each.law.id} ({each.law.rule})")
        return {name: tuple(rules) for name, rules in found.items()}

    def covering(self, day: date) -> "RuleSet":
        """The rule set itself, if it and all it extends were in force on that day. Raises NotCoveredError."""
        for each in self.validities:
            if day < each.valid_from or (each.valid_until is not None and day >= each.valid_until):
                until_zh = "" if each.valid_until is None else f"至{each.valid_until.isoformat()}前"
                until_en = "" if each.valid_until is None else f" until before {each.valid_until.isoformat()}"
                start = each.valid_from.isoformat()
                raise NotCoveredError(
                    f"{each.name_zh}({each.id})自{start}起{until_zh}有效,不适用于{day.isoformat()}。",
                    f"{each.name_en} ({each.id}) holds from {start}{until_en}, not on {day.isoformat()}.",
                )
        return self

    def service(self, name: str | None) -> Service:
        """The service of that id; the only one when none is named. Raises LookupError."""
        if name is None and len(self.services) == 1:
            return self.services[0]
        for each in self.services:
            if each.id == name:
                return each
        raise LookupError(", ".join(each.id for each in self.services))

    def day(self, name: str, applied_on: date) -> date:
        """A reference day of an application."""
        if name == "application":
            return applied_on
        day = self.days[name]
        return date(applied_on.year - day.years_before, day.month, day.day)


def parse(model: type[M], where: str, text: str) -> M:
    """A document from TOML with exact decimals. Raises RuleSetError."""
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:  # also numbers no one can hold
        raise RuleSetError([f"{where}: not TOML: {error}"]) from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RuleSetError(
            [f"{where}: {'/'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False)]
        ) from None


def compile_rule_set(name: str, texts: Mapping[str, RuleSetText], own_choices: str = "") -> RuleSet:
    """The rule set of that id with all it extends; `own_choices` replace those kept beside them. Raises RuleSetError."""
    own = parse(Choices, "own choices", own_choices).choices if own_choices else {}
    chain = read_chain(name, texts)
    written = [text for link in chain for text in texts[link.document.id]]
    return put_together(chain, own, _digest([*written, own_choices]))


def put_together(chain: Sequence[Link], own: Mapping[str, Choice], digest: str) -> RuleSet:
    """What a chain of documents, the most basic one first, comes to with the choices. Raises RuleSetError."""
    problems: list[str] = []
    chosen = [_Chosen(link, own, problems) for link in chain]
    top = chain[-1].document
    items = tuple(item for each in chosen for item in each.items())
    clauses = tuple(clause for each in chosen for clause in each.clauses())
    documents = [link.document for link in chain]
    parts = tuple(part for each in documents for part in each.parts)
    rounding = next((each.rounding for each in reversed(documents) if each.rounding is not None), None)
    if rounding is None:
        problems.append(f"{top.id}: rounding is missing")
    services = next((each.services for each in reversed(documents) if each.services), _whole_score(parts))
    problems.extend(unsoundnesses(documents, items, clauses, services))
    validities = tuple(each.validity() for each in chosen)
    problems.extend(problem for each in chosen for problem in each.unused())
    used_by_some = {choice for each in chosen for choice in each.used}
    problems.extend(f"own choices: {choice} needs no choice" for choice in sorted(own.keys() - used_by_some))
    if problems or rounding is None:
        raise RuleSetError(problems)
    return RuleSet(
        document=top,
        validities=tuple(each for each in validities if each is not None),
        digest=digest,
        rounding=Rounding(rounding.places, rounding.mode),
        cap=next((each.cap for each in reversed(documents) if each.cap is not None), None),
        floor=next((each.floor for each in reversed(documents) if each.floor is not None), None),
        days={day.id: day for each in documents for day in each.days},
        facts={fact.id: fact for each in documents for fact in each.facts},
        parts=parts,
        items=items,
        groups=tuple(group for each in documents for group in each.groups),
        clauses=clauses,
        percentages=tuple(percentage for each in documents for percentage in each.percentages),
        services=services,
        left_out=tuple(left for each in chosen for left in each.left_out),
        ranking=next((each.ranking for each in reversed(documents) if each.ranking is not None), None),
        family=next((each.family for each in reversed(documents) if each.family is not None), None),
    )


def _whole_score(parts: Sequence[ScalePart]) -> tuple[Service, ...]:
    if not parts:
        return ()
    return (Service(id="score", name_zh="积分", name_en="Score", parts=tuple(part.id for part in parts)),)


def read_chain(name: str, texts: Mapping[str, RuleSetText]) -> list[Link]:
    """The rule set and those it extends, the most basic one first. Raises RuleSetError."""
    chain: list[Link] = []
    wanted: str | None = name
    while wanted is not None:
        if wanted not in texts:
            raise RuleSetError([f"{name}: the rule set {wanted} is not held"])
        if len(chain) == _EXTENDS_MAX:
            raise RuleSetError([f"{name}: extends more than {_EXTENDS_MAX - 1} rule sets, or itself"])
        document = parse(RuleSetDocument, wanted, texts[wanted].rule_set)
        choices = texts[wanted].choices
        if document.id != wanted:
            raise RuleSetError([f"{wanted}: its id is {document.id}"])
        chain.insert(0, Link(document, parse(Choices, f"{wanted}, choices", choices).choices if choices else {}))
        wanted = document.extends
    return chain


def _digest(texts: Sequence[str]) -> str:
    """SHA-256 over every text of the chain, each with its length."""
    digest = hashlib.sha256()
    for text in texts:
        content = text.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


class _Chosen:
    """One document with its choices; what cannot be decided is added to `problems`."""

    def __init__(self, link: Link, own: Mapping[str, Choice], problems: list[str]) -> None:
        self._document, self._beside = link
        self._choices = {**self._beside, **own}
        self._problems = problems
        self.used: set[str] = set()
        self.left_out: list[LeftOut] = []

    def items(self) -> Iterator[CountedItem]:
        for item in self._document.items:
            taken, choice = self._reading(item, item.readings)
            if not taken:
                continue
            reading = None if choice is None else next(each for each in item.readings if each.key == choice.reading)
            bundle = _bundle(item if reading is None else reading)
            yield CountedItem(
                law=item,
                bundle=bundle,
                origin=self._document.id,
                valid_within=within(self._document.jurisdiction),
                choice=choice,
                facts=facts_of_line(bundle),
            )

    def clauses(self) -> Iterator[JudgedClause]:
        for clause in self._document.clauses:
            taken, choice = self._reading(clause, clause.readings)
            if not taken:
                continue
            when = clause.when
            if choice is not None:
                when = next(each.when for each in clause.readings if each.key == choice.reading)
            assert when is not None
            yield JudgedClause(clause, when, choice, tuple(dict.fromkeys(facts_of_condition(when))))

    def validity(self) -> Validity | None:
        document = self._document
        valid_from = self._day("valid_from", document.valid_from)
        valid_until = None if document.valid_until is None else self._day("valid_until", document.valid_until)
        if valid_from is None:
            return None
        return Validity(document.id, document.name_zh, document.name_en, valid_from, valid_until)

    def unused(self) -> Iterator[str]:
        for name in sorted(self._beside.keys() - self.used):
            yield f"{self._document.id}, choices: {name} needs no choice"

    def _day(self, name: str, written: date | str) -> date | None:
        if isinstance(written, date):
            return written
        choice = self._choices.get(name)
        self.used.add(name)
        if choice is None or choice.day is None:
            self._problems.append(f"{self._document.id}: {name} is known as {written} only; a choice with a day is needed")
            return None
        if not choice.day.isoformat().startswith(written):
            self._problems.append(f"{self._document.id}, choices: {name} lies outside {written}")
        return choice.day

    def _reading(self, law: Item | Clause, readings: Sequence[ItemReading | ClauseReading]) -> tuple[bool, Choice | None]:
        """Whether it is loaded, and by which choice."""
        if law.status == "sound":
            return True, None
        choice = self._choices.get(law.id)
        self.used.add(law.id)
        keys = [each.key for each in readings]
        if choice is None or (not choice.leave_out and choice.reading not in keys):
            ways = ", ".join([*keys, "leave_out"])
            self._problems.append(
                f"{self._document.id}: {law.id} ({law.name_zh}) is {law.status} and needs a choice, one of: {ways}. "
                f"{law.doubt_zh} {law.doubt_en}"
            )
            return False, None
        if choice.leave_out:
            self.left_out.append(LeftOut(law, choice))
            return False, choice
        return True, choice


def _bundle(giving: Giving) -> Bundle:
    return Bundle(lines=giving.lines, take=giving.take, when=giving.when, cap=giving.cap, units_at_most=giving.units_at_most)


def within(division: str) -> str:
    """A division's code without the zeros that only fill it up: 330000 is 33, 330200 is 3302."""
    county = division[:6]
    if len(division) > 6:
        return division
    return county[:2] if county.endswith("0000") else county[:4] if county.endswith("00") else county
