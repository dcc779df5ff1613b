"""An assessment as documents: the score in bare figures, which a replay must reach again, and the explanation for a reader."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from services.points_hukou.rules.advising import Advice, advice_for
from services.points_hukou.rules.assessment import Assessment, Component, Judged
from services.points_hukou.rules.compiling import CountedItem, JudgedClause, LeftOut, RuleSet
from services.points_hukou.rules.document.rule_set import Choice, Lawful
from services.points_hukou.rules.exact import written
from services.points_hukou.rules.facts import written_value
from services.points_hukou.rules.wording import NOT_COUNTED, Words, arithmetic, more_of

Document = dict[str, object]


def score_of(assessment: Assessment) -> Document:
    """The figures: every component, part and clause, and the total."""
    return {
        "components": {each.item.law.id: _figure(each.counted, assessment.rule_set) for each in assessment.components},
        "parts": {each.part.id: _figure(each.points, assessment.rule_set) for each in assessment.parts},
        "percentages": {each.percentage.id: _figure(each.points, assessment.rule_set) for each in assessment.percentages},
        "clauses": {each.clause.law.id: each.holds for each in assessment.judged},
        "tie_breaks": {name: _tie_break(value) for name, value in assessment.tie_breaks.items()},
        "total": _figure(assessment.total, assessment.rule_set),
        "vetoed": assessment.is_vetoed,
        "frozen": assessment.is_frozen,
        "eligible": not assessment.not_eligible,
        "passes": assessment.passes,
    }


def explanation_of(assessment: Assessment) -> Document:
    """Every component with its facts, rule, article and arithmetic; clauses; what was chosen, left out and not known."""
    rule_set, facts = assessment.rule_set, assessment.facts
    return {
        "rule_set": rule_set_of(rule_set),
        "service": {"id": assessment.service.id, "name_zh": assessment.service.name_zh, "name_en": assessment.service.name_en},
        "applied_on": facts.applied_on.isoformat(),
        "use_in": assessment.use_in,
        "components": [_component(each, assessment) for each in assessment.components],
        "parts": [
            {
                "id": each.part.id,
                "name_zh": each.part.name_zh,
                "name_en": each.part.name_en,
                "sum": _figure(each.uncapped, rule_set),
                "cap": None if each.part.cap is None else written(each.part.cap),
                "points": _figure(each.points, rule_set),
            }
            for each in assessment.parts
        ],
        "percentages": [
            _law(each.percentage)
            | {
                "percent": written(each.percentage.percent),
                "of": _figure(each.of, rule_set),
                "points": _figure(each.points, rule_set),
            }
            for each in assessment.percentages
        ],
        "clauses": [_clause(each, assessment) for each in assessment.judged],
        "left_out": [_left_out(each) for each in rule_set.left_out],
        "facts_not_given": [
            {"id": name, "name_zh": fact.name_zh, "name_en": fact.name_en}
            for name, fact in rule_set.facts.items()
            if name not in facts.values
        ],
        "pass_mark": None if assessment.service.pass_mark is None else written(assessment.service.pass_mark),
        "total": _figure(assessment.total, rule_set),
    }


def rule_set_of(rule_set: RuleSet) -> Document:
    """Which rule set it is, down to the text."""
    document = rule_set.document
    return {
        "id": document.id,
        "version": document.version,
        "name_zh": document.name_zh,
        "name_en": document.name_en,
        "doc_no": document.doc_no,
        "digest": rule_set.digest,
    }


def _figure(points: Fraction, rule_set: RuleSet) -> str:
    return written(points, rule_set.rounding.places)


def _tie_break(value: Fraction | date | None) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, date) else written(value)


def _component(component: Component, assessment: Assessment) -> Document:
    rule_set, item = assessment.rule_set, component.item
    why_not = None if component.not_counted is None else NOT_COUNTED[component.not_counted]
    return _law(item.law) | {
        "part": item.law.part,
        "of_rule_set": item.origin,
        "on": component.on.isoformat(),
        "points": _figure(component.points, rule_set),
        "counted": _figure(component.counted, rule_set),
        "not_counted_zh": None if why_not is None else why_not["zh"],
        "not_counted_en": None if why_not is None else why_not["en"],
        "arithmetic_zh": arithmetic(component, Words("zh", rule_set.facts), rule_set.rounding.places),
        "arithmetic_en": arithmetic(component, Words("en", rule_set.facts), rule_set.rounding.places),
        "facts": _facts_of(item, assessment),
        "choice": _choice(item.law, item.choice),
    }


def _clause(judged: Judged, assessment: Assessment) -> Document:
    clause = judged.clause
    return _law(clause.law) | {
        "effect": clause.law.effect,
        "holds": judged.holds,
        "facts": _facts_of(clause, assessment),
        "choice": _choice(clause.law, clause.choice),
    }


def _left_out(left: LeftOut) -> Document:
    return _law(left.law) | {"choice": _choice(left.law, left.choice)}


def advice_of(assessment: Assessment) -> list[Document]:
    """What would help. It is no part of the decision, and is not frozen with it."""
    return [_advice(each, assessment) for each in advice_for(assessment)]


def _advice(advice: Advice, assessment: Assessment) -> Document:
    """`缴纳社保:再有3个月,+1.5` · `Social insurance: 3 more months, +1.5`."""
    declared, gain = assessment.rule_set.facts[advice.fact], written(advice.gain)
    law = advice.item.law
    option = next((each for each in declared.options if each.key == advice.option), None)
    if option is not None:
        told = f"{law.name_zh}:{option.name_zh},+{gain}", f"{law.name_en}: {option.name_en}, +{gain}"
    else:
        assert advice.measure is not None
        zh, en = more_of(advice.measure, declared, advice.more or 0)
        told = f"{law.name_zh}:{zh},+{gain}", f"{law.name_en}: {en}, +{gain}"
    return {
        "item": law.id,
        "fact": advice.fact,
        "option": advice.option,
        "more": advice.more,
        "gain": gain,
        "text_zh": told[0],
        "text_en": told[1],
    }


def _law(law: Lawful) -> Document:
    return {
        "id": law.id,
        "name_zh": law.name_zh,
        "name_en": law.name_en,
        "article": law.article,
        "rule": law.rule,
        "confidence": law.confidence,
    }


def _choice(law: Lawful, choice: Choice | None) -> Document | None:
    """What was doubtful, and what was chosen why."""
    if choice is None:
        return None
    return {
        "status": law.status,
        "doubt_zh": law.doubt_zh,
        "doubt_en": law.doubt_en,
        "reading": choice.reading or "leave_out",
        "reason_zh": choice.reason_zh,
        "reason_en": choice.reason_en,
        "decided_by": choice.decided_by,
    }


def _facts_of(counted: CountedItem | JudgedClause, assessment: Assessment) -> Mapping[str, Document]:
    """The facts used, with their names and where they come from; those not given are not there."""
    used: dict[str, Document] = {}
    for name in counted.facts:
        if name in assessment.facts.values:
            declared, source = assessment.rule_set.facts[name], assessment.facts.sources.get(name)
            used[name] = {
                "name_zh": declared.name_zh,
                "name_en": declared.name_en,
                "value": written_value(assessment.facts.values[name]),
                "source": None if source is None else source.source,
                "as_of": None if source is None else source.as_of.isoformat(),
            }
    return used
