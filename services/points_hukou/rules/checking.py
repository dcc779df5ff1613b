"""Whether a rule set may be put before two officers: it compiles, hangs together, its own cases hold and reach all of it."""

from collections.abc import Iterator, Mapping, Sequence

from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.cases import CaseFile, RuleBook, RuleCase, assessed, differences
from services.points_hukou.rules.compiling import RuleSetError, RuleSetText, compile_rule_set, parse, read_chain
from services.points_hukou.rules.document.rule_set import Choices


def problems_of(name: str, texts: Mapping[str, RuleSetText], own_choices: str, cases: str) -> tuple[str, ...]:
    """Everything that stands against the rule set, each beginning with its place; nothing when it may go on."""
    try:
        compile_rule_set(name, texts, own_choices)
        own = parse(Choices, "own choices", own_choices).choices if own_choices else {}
        book = RuleBook(read_chain(name, texts), own)
        file = parse(CaseFile, "cases", cases)
        return tuple(_of_cases(name, file, book))
    except RuleSetError as error:
        return error.problems


def _of_cases(name: str, file: CaseFile, book: RuleBook) -> Iterator[str]:
    counted: list[Assessment] = []
    for case in file.cases:
        yield from (f"cases: {case.name_zh} · {case.name_en}: {each}" for each in _of_case(case, file, book, counted))
    yield from _unreached(name, book, counted)


def _of_case(case: RuleCase, file: CaseFile, book: RuleBook, counted: list[Assessment]) -> Iterator[str]:
    """What a case shows to be otherwise; it never stops the check."""
    try:
        rule_set, facts = book.chosen(case.choices), file.facts_of(case)
        found = list(differences(case, facts, rule_set))
        yield from found
        if not found and case.counts:
            counted.append(assessed(case, facts, rule_set))
    except RuleSetError as error:
        yield from error.problems
    except (ValueError, LookupError, RecursionError) as error:
        yield f"无法计算 cannot be counted: {str(error)[:300]}"


def _unreached(name: str, book: RuleBook, counted: Sequence[Assessment]) -> Iterator[str]:
    """Items of this very document that give points in no case, and clauses that no case shows both ways."""
    rule_set = book.chosen({})
    scored = {each.item.law.id for one in counted for each in one.components if each.points}
    for item in rule_set.items:
        if item.origin == name and item.law.id not in scored:
            yield f"cases: {item.law.id} ({item.law.name_zh}): 没有得分的案例 no case in which it gives points"
    judged = {(each.clause.law.id, each.holds) for one in counted for each in one.judged}
    for clause in rule_set.clauses:
        for holds in (True, False):
            if (clause.law.id, holds) not in judged:
                way_zh, way_en = ("成立", "holds") if holds else ("不成立", "does not hold")
                yield f"cases: {clause.law.id} ({clause.law.name_zh}): 没有{way_zh}的案例 no case in which it {way_en}"
