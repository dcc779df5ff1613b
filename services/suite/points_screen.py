"""What `xinshimin points` shows: Chinese first, English beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.points_hukou.rules.compiling import CountedItem, JudgedClause, RuleSet
from services.points_hukou.rules.explaining import rule_set_of
from services.points_hukou.rules.replaying import FrozenAssessment, Replay, sha256_of

Told = dict[str, Any]

_EFFECTS = {"eligibility": "不符合条件 · not eligible", "veto": "一票否决 · vetoed", "freeze": "积分冻结 · frozen"}
_INDENT = " " * 11


def overview(rule_set: RuleSet) -> Told:
    """One rule set in a line."""
    ends = [each.valid_until.isoformat() for each in rule_set.validities if each.valid_until is not None]
    return rule_set_of(rule_set) | {
        "valid_from": max(each.valid_from for each in rule_set.validities).isoformat(),
        "valid_until": min(ends, default=None),
        "extends": rule_set.document.extends,
        "items": len(rule_set.items),
        "chosen": sum(each.choice is not None for each in _all(rule_set)),
        "left_out": len(rule_set.left_out),
    }


def _all(rule_set: RuleSet) -> list[CountedItem | JudgedClause]:
    return [*rule_set.items, *rule_set.clauses]


def _names(each: Mapping[str, Any]) -> str:
    return f"{each['name_zh']} · {each['name_en']}"


def lines_of_list(held: Sequence[Told]) -> list[str]:
    """The list."""
    lines = []
    for each in held:
        lines.append(f"{each['id']} v{each['version']}  {each['valid_from']} – {each['valid_until'] or ''}  {_names(each)}")
        lines.append(f"    {each['items']} items, {each['chosen']} doubts chosen, {each['left_out']} left out")
    return lines


def whole(rule_set: RuleSet) -> Told:
    """Everything about one rule set that a reader needs."""
    return overview(rule_set) | {
        "services": [each.model_dump(mode="json") for each in rule_set.services],
        "parts": [each.model_dump(mode="json") for each in rule_set.parts],
        "rules": [_rule(each) for each in _all(rule_set)],
        "left_out": [
            {"id": left.law.id, "name_zh": left.law.name_zh, "name_en": left.law.name_en}
            | {"reason_zh": left.choice.reason_zh, "reason_en": left.choice.reason_en}
            for left in rule_set.left_out
        ],
        "facts": [
            each.model_dump(mode="json") | {"rules": rule_set.rules_of_facts[each.id]} for each in rule_set.facts.values()
        ],
    }


def _rule(each: CountedItem | JudgedClause) -> Told:
    law, choice = each.law, each.choice
    told: Told = law.model_dump(
        mode="json",
        include={"id", "name_zh", "name_en", "article", "rule", "sources", "confidence", "status", "doubt_zh", "doubt_en"},
    )
    told["kind"] = "item" if isinstance(each, CountedItem) else each.law.effect
    return told | {
        "reading": None if choice is None else choice.reading,
        "reason_zh": None if choice is None else choice.reason_zh,
        "reason_en": None if choice is None else choice.reason_en,
    }


def lines_of_rule_set(told: Told) -> list[str]:
    """One rule set for a reader."""
    lines = [f"{told['id']} v{told['version']}  {_names(told)}"]
    lines += [f"  {told['doc_no'] or ''}  {told['valid_from']} – {told['valid_until'] or ''}", ""]
    for rule in told["rules"]:
        lines.append(f"  {rule['id']}: {_names(rule)}  [{rule['article']}; {rule['rule']}; {rule['confidence']}]")
        if rule["reading"] is not None:
            lines.append(f"      {rule['status']}: {rule['doubt_zh']} · {rule['doubt_en']}")
            lines.append(f"      → {rule['reading']}: {rule['reason_zh']} · {rule['reason_en']}")
    lines += [f"  未载入 · left out {each['id']}: {_names(each)}" for each in told["left_out"]]
    lines += ["", "  事实 · facts"]
    for fact in told["facts"]:
        needed = ", 必填 · needed" if fact["required"] else ""
        lines.append(f"    {fact['id']} ({fact['kind']}{needed}): {_names(fact)}")
        lines += [f"        {option['key']}: {_names(option)}" for option in fact["options"]]
    return lines


def lines_of_explanation(frozen: FrozenAssessment, what_would_help: Sequence[Told]) -> list[str]:
    """The score with its explanation, and what would help."""
    told = frozen.explanation
    rule_set = told["rule_set"]
    lines = [f"{_names(rule_set)} ({rule_set['id']} v{rule_set['version']}), {told['applied_on']}", ""]
    for each in told["components"]:
        lines += _lines_of_component(each)
    lines += [f"{each['points']:>9}  +{each['percent']} %  {_names(each)}" for each in told["percentages"]]
    lines.append("")
    for part in told["parts"]:
        lines.append(f"{part['points']:>9}  {_names(part)}" + (f" (≤ {part['cap']})" if part["cap"] else ""))
    pass_mark = f" (分数线 · pass mark {told['pass_mark']})" if told["pass_mark"] else ""
    lines.append(f"{told['total']:>9}  总分 · total{pass_mark}")
    against = [each for each in told["clauses"] if each["holds"] == (each["effect"] != "eligibility")]
    lines += [f"{_INDENT}{_EFFECTS[each['effect']]}: {_names(each)}  [{each['article']}]" for each in against]
    if frozen.score["passes"] is not None:
        passes = frozen.score["passes"]
        lines.append(_INDENT + ("达到分数线 · reaches the pass mark" if passes else "未达到 · does not pass"))
    lines += [f"{_INDENT}{each['text_zh']} · {each['text_en']}" for each in what_would_help]
    if told["facts_not_given"]:
        names = ", ".join(each["id"] for each in told["facts_not_given"])
        lines.append(f"{_INDENT}未提供 · not given: {names}")
    return lines


def _lines_of_component(each: Told) -> list[str]:
    why_not = "" if each["not_counted_zh"] is None else f"  ({each['not_counted_zh']} · {each['not_counted_en']})"
    lines = [f"{each['counted']:>9}  {_names(each)}  [{each['article']}; {each['rule']}]{why_not}"]
    lines += [_INDENT + each["arithmetic_zh"], _INDENT + each["arithmetic_en"]]
    if each["choice"] is not None:
        choice = each["choice"]
        lines.append(f"{_INDENT}{choice['status']} → {choice['reading']}: {choice['reason_zh']} · {choice['reason_en']}")
    return lines


def told_of_replay(frozen: FrozenAssessment, replayed: Replay, *, is_released: bool) -> Told:
    """What counting again came to."""
    return {
        "same": replayed.is_same,
        "rule_set": frozen.rule_set,
        "total": frozen.score.get("total"),
        "document_sha256": sha256_of(frozen),
        "text_intact": replayed.is_text_intact,
        "text_is_of_this_release": is_released,
        "differences": [
            {"figure": each.figure, "frozen": each.frozen, "replayed": each.replayed} for each in replayed.differences
        ],
    }


def lines_of_replay(told: Told) -> list[str]:
    """The same for a reader."""
    verdict = "结果一致 · the same score" if told["same"] else "结果不一致 · NOT the same score"
    lines = [f"{verdict}: {told['rule_set']}, {told['total']}", f"  SHA-256 {told['document_sha256']}"]
    lines += [f"  {each['figure']}: {each['frozen']} → {each['replayed']}" for each in told["differences"]]
    if not told["text_intact"]:
        lines.append("  规则文本已被改动 · the text of the rules was altered")
    if told["text_is_of_this_release"]:
        lines.append("  规则文本与本版相同 · the rules are those of this release")
    else:
        lines.append("  规则文本与本版不同 · the rules are not those of this release")
    return lines
