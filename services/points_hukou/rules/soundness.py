"""What makes a rule set hang together beyond its form: every name means something, and fits where it stands."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from services.points_hukou.rules.document.conditions import (
    Condition,
    DayWithin,
    Flagged,
    Held,
    ItemScored,
    Reached,
    WithinDivision,
)
from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.document.lines import AnyLine, Bundle, Points
from services.points_hukou.rules.document.measures import Age, Amount, Count, Measure, Months, Shares, fact_of
from services.points_hukou.rules.document.rule_set import Lawful, RuleSetDocument, Service, TieBreak
from services.points_hukou.rules.walking import conditions_in, items_of_line, lines_in, measures_of

if TYPE_CHECKING:
    from services.points_hukou.rules.compiling import CountedItem, JudgedClause

_MEASURABLE: Mapping[type, frozenset[str]] = {
    Age: frozenset({"day"}),
    Months: frozenset({"months", "periods", "day"}),
    Count: frozenset({"events", "yearly"}),
    Amount: frozenset({"events", "yearly", "number"}),
    Shares: frozenset({"events"}),
}


def unsoundnesses(
    documents: Sequence[RuleSetDocument],
    items: Sequence["CountedItem"],
    clauses: Sequence["JudgedClause"],
    services: Sequence[Service],
) -> Iterator[str]:
    """Everything that does not hang together, each naming its place."""
    facts = {fact.id: fact for document in documents for fact in document.facts}
    yield from _repeated(documents)
    yield from _unknown_names(documents, services)
    named: set[str] = {fact for clause in clauses for fact in clause.facts}
    for number, item in enumerate(items):
        where = f"{item.origin}: {item.law.id}"
        named |= set(item.facts)
        yield from (f"{where}: {problem}" for problem in _of_line(item.bundle, facts))
        earlier = {each.law.id for each in items[:number]}
        yield from (
            f"{where}: the item {name} does not stand before it" for name in items_of_line(item.bundle) if name not in earlier
        )
    yield from _signs(documents, items)
    for clause in clauses:
        for condition in conditions_in(clause.when):
            if isinstance(condition, ItemScored):
                yield f"{clause.law.id}: a clause cannot ask for the points of {condition.item}"
            yield from (f"{clause.law.id}: {problem}" for problem in _of_condition(condition, facts))
    for document in documents:
        for name, when in _judged(document):
            named |= {fact for condition in conditions_in(when) for fact in _named_by(condition)}
            yield from (f"{name}: {problem}" for problem in _of_plain_condition(when, facts))
        for tie_break in _tie_breaks(document):
            named |= _facts_of_tie_break(tie_break)
    yield from (
        f"the fact {name} is declared, but nothing loaded asks for it"
        for name in sorted(facts.keys() - named - _doubted(documents))
    )


def _judged(document: RuleSetDocument) -> Iterator[tuple[str, Condition | None]]:
    """What is asked of people besides their items: for percentages, and for their place in a ranking."""
    yield from ((each.id, each.when) for each in document.percentages)
    yield from ((each.id, each.when) for each in _tie_breaks(document))


def _of_plain_condition(when: Condition | None, facts: Mapping[str, FactDeclaration]) -> Iterator[str]:
    for condition in conditions_in(when):
        if isinstance(condition, ItemScored):
            yield f"neither a percentage nor a ranking can ask for the points of {condition.item}"
        yield from _of_condition(condition, facts)


def _signs(documents: Sequence[RuleSetDocument], items: Sequence["CountedItem"]) -> Iterator[str]:
    deducting = {part.id for document in documents for part in document.parts if part.deducts}
    for item in items:
        rises = any(line.points > 0 for line in lines_in(item.bundle) if isinstance(line, Points))
        if item.law.part in deducting and rises:
            yield f"{item.origin}: {item.law.id} deducts, so its points are written below zero"


def _doubted(documents: Sequence[RuleSetDocument]) -> set[str]:
    """Facts of readings that were not chosen are declared all the same."""
    found: set[str] = set()
    for document in documents:
        for item in document.items:
            for reading in item.readings:
                for line in reading.lines:
                    for each in lines_in(line):
                        found |= {fact_of(measure) for measure in measures_of(each)}
                        found |= {name for condition in conditions_in(each.when) for name in _named_by(condition)}
        for clause in document.clauses:
            for read in clause.readings:
                found |= {name for condition in conditions_in(read.when) for name in _named_by(condition)}
    return found


def _repeated(documents: Sequence[RuleSetDocument]) -> Iterator[str]:
    for kind in ("facts", "days", "parts", "services"):
        ids = Counter(each.id for document in documents for each in getattr(document, kind))
        yield from (f"two {kind} have the id {name}" for name, number in ids.items() if number > 1 and kind != "services")
    lawful = Counter(each.id for document in documents for each in _lawful(document))
    yield from (
        f"two items, groups, clauses or percentages have the id {name}" for name, number in lawful.items() if number > 1
    )


def _lawful(document: RuleSetDocument) -> Iterator[Lawful]:
    yield from document.items
    yield from document.groups
    yield from document.clauses
    yield from document.percentages


def _unknown_names(documents: Sequence[RuleSetDocument], services: Sequence[Service]) -> Iterator[str]:
    """Sources, services, parts, days and items that are named and not there."""
    parts = {part.id for document in documents for part in document.parts}
    days = {day.id for document in documents for day in document.days} | {"application"}
    part_of = {item.id: item.part for document in documents for item in document.items}
    for document in documents:
        sources = {source.ref for source in document.sources}
        for law in _lawful(document):
            yield from _missing(f"{document.id}: {law.id}: source", law.sources, sources)
            yield from _missing(f"{document.id}: {law.id}: service", law.only_for, {service.id for service in services})
        for item in document.items:
            yield from _missing(f"{document.id}: {item.id}: part", [item.part], parts)
        for dated in (*document.items, *document.clauses):
            yield from _missing(f"{document.id}: {dated.id}: day", [dated.on], days)
        for tie_break in _tie_breaks(document):
            yield from _missing(f"{document.id}: {tie_break.id}: item", tie_break.items, part_of)
        if document.ranking is not None and document.ranking.second_round is not None:
            wanted = document.ranking.second_round.only_for
            yield from _missing(f"{document.id}: second_round: service", wanted, {service.id for service in services})
        yield from _unfit_groups(document, part_of)
    for service in services:
        yield from _missing(f"service {service.id}: part", service.parts, parts)
    if part_of and not services:
        yield "items without any part"


def _unfit_groups(document: RuleSetDocument, part_of: Mapping[str, str]) -> Iterator[str]:
    for group in document.groups:
        yield from _missing(f"{document.id}: {group.id}: item", group.items, part_of)
        if len({part_of.get(name) for name in group.items}) > 1:
            yield f"{document.id}: {group.id}: its items lie in different parts"
    for without_readings in (*document.groups, *document.percentages):
        if without_readings.status != "sound":
            yield f"{document.id}: {without_readings.id}: a group or percentage is sound, or it is not written"


def _missing(where: str, names: Iterable[str], known: Container[str]) -> Iterator[str]:
    yield from (f"{where} {name} does not exist" for name in names if name not in known)


def _tie_breaks(document: RuleSetDocument) -> tuple[TieBreak, ...]:
    if document.ranking is None:
        return ()
    return document.ranking.decided_by


def _facts_of_tie_break(tie_break: TieBreak) -> set[str]:
    measured = set() if tie_break.most is None else {fact_of(tie_break.most)}
    return measured | (set() if tie_break.earliest is None else {tie_break.earliest})


def _of_line(line: AnyLine, facts: Mapping[str, FactDeclaration]) -> Iterator[str]:
    for each in lines_in(line):
        for measure in measures_of(each):
            yield from _of_measure(measure, facts)
        for condition in conditions_in(each.when):
            yield from _of_condition(condition, facts)
        if isinstance(each, Bundle) and each.units_at_most:
            shared = [inner for inner in each.lines if isinstance(inner, Points) and inner.units is not None]
            if len(shared) != len(each.lines) or any(getattr(inner.units, "by", None) for inner in shared):
                yield "units_at_most is shared among lines of points per unit, each in one piece"


def _of_measure(measure: Measure, facts: Mapping[str, FactDeclaration]) -> Iterator[str]:
    name = fact_of(measure)
    fact = facts.get(name)
    if fact is None:
        yield f"there is no fact {name}"
        return
    if fact.kind not in _MEASURABLE[type(measure)]:
        yield f"the fact {name} is of kind {fact.kind} and cannot be counted like this"
    yield from _unknown_options(name, fact, getattr(measure, "kinds", ()))
    if isinstance(measure, Months) and fact.kind == "day" and (measure.by or measure.unbroken or measure.last_months):
        yield f"months since {name} come in one piece"
    if isinstance(measure, Months) and measure.since is not None and (fact.kind == "months") != isinstance(measure.since, str):
        yield f"{name}: since is a month for calendar months, a day for anything else"
    if fact.kind == "yearly" and getattr(measure, "years", None):
        yield f"{name} is yearly: calendar_years, not years"
    if isinstance(measure, Count) and (fact.kind == "yearly") != (measure.at_least is not None):
        yield f"{name}: years are counted with at_least, events without"


def _of_condition(condition: Condition, facts: Mapping[str, FactDeclaration]) -> Iterator[str]:
    if isinstance(condition, Reached):
        yield from _of_measure(condition.of, facts)
    kinds: Mapping[type, tuple[str, str]] = {
        Flagged: ("flag", "flag"),
        Held: ("held", "held"),
        DayWithin: ("day", "day"),
        WithinDivision: ("division", "division"),
    }
    if type(condition) in kinds:
        attribute, kind = kinds[type(condition)]
        name = getattr(condition, attribute)
        fact = facts.get(name)
        if fact is None or fact.kind != kind:
            yield f"there is no fact {name} of kind {kind}"
        elif isinstance(condition, Held):
            yield from _unknown_options(name, fact, condition.any_of)


def _named_by(condition: Condition) -> Iterator[str]:
    if isinstance(condition, Reached):
        yield fact_of(condition.of)
    for attribute in ("flag", "held", "day", "division"):
        if hasattr(condition, attribute):
            yield getattr(condition, attribute)


def _unknown_options(name: str, fact: FactDeclaration, options: Sequence[str]) -> Iterator[str]:
    yield from (f"the fact {name} has no option {option}" for option in options if option not in fact.keys)
