"""How a component came about, in words and figures, in Chinese and English."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from services.points_hukou.rules.assessment import Component, Counting, NotCounted
from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.document.lines import Bundle, Points
from services.points_hukou.rules.document.measures import Age, Amount, Count, Measure, Months, fact_of
from services.points_hukou.rules.exact import written

Language = Literal["zh", "en"]

NOT_COUNTED: Mapping[NotCounted, Mapping[Language, str]] = {
    NotCounted.BETTER_OF_GROUP: {"zh": "同组指标只计最高的一项", "en": "of its group a better item counts"},
    NotCounted.NOT_VALID_THERE: {"zh": "在该地不通用", "en": "not valid in that place"},
    NotCounted.OTHER_SERVICE: {"zh": "不计入该项服务", "en": "does not count for this service"},
}
_NOTHING = {"zh": "没有符合条件的事实", "en": "nothing proved that gives points"}


@dataclass(frozen=True, slots=True)
class Words:
    """One language, and what the facts are called."""

    language: Language
    facts: Mapping[str, FactDeclaration]

    def pick(self, zh: str, en: str) -> str:
        """The text of this language."""
        return zh if self.language == "zh" else en


def arithmetic(component: Component, words: Words, places: int) -> str:
    """`0.5 × 61 months = 30.5, cap 30 → 30.00`."""
    counting = component.counting
    if not counting.holds or not counting.taken:
        return words.pick(f"{_NOTHING['zh']}:0", f"{_NOTHING['en']}: 0")
    parts = [_bundle(counting, words)]
    if counting.points != counting.uncapped:
        cap = written(counting.line.cap or Fraction(0))
        parts.append(words.pick(f"上限{cap}", f"cap {cap}"))
    return words.pick(",", ", ").join(parts) + f" → {written(component.points, places)}"


def _counting(counting: Counting, words: Words) -> str:
    line = counting.line
    name = words.pick(line.name_zh or "", line.name_en or "")
    text = _bundle(counting, words) if isinstance(line, Bundle) else _points(line, counting, words)
    if counting.points != counting.uncapped and line.cap is not None and abs(counting.uncapped) > line.cap:
        text += words.pick(f",上限{written(line.cap)}", f", cap {written(line.cap)}")
    if line.rounded:
        text += f" → {written(counting.points, 2)}"
    return words.pick(f"{name}:{text}", f"{name}: {text}") if name else text


def _bundle(counting: Counting, words: Words) -> str:
    taken = [counting.lines[index] for index in counting.taken]
    told = words.pick(";", "; ").join(_counting(each, words) for each in taken if each.uncapped or len(taken) == 1)
    if len(taken) > 1:
        total = written(counting.uncapped)
        told = words.pick(f"{told};合计{total}", f"{told}; together {total}") if told else "0"
    return told


def _points(line: Points, counting: Counting, words: Words) -> str:
    if line.units is None:
        return written(line.points)
    units = _units(line, line.units, counting, words)
    return f"{written(line.points)} × {units} = {written(counting.uncapped)}"


def _units(line: Points, measure: Measure, counting: Counting, words: Words) -> str:
    """The units counted, and how they came from what was measured."""
    unit = _unit(measure, words)
    measured = " + ".join(written(piece) for piece in counting.pieces) or "0"
    if counting.pieces == (counting.units,):
        return f"{measured}{unit}"
    how = [f"{measured}{unit}"]
    if line.per != 1:
        how.append(words.pick(f"每满{line.per}{unit.strip()}计一", f"one per full {line.per}"))
    if line.after and line.counts_back:
        how.append(words.pick(f"满{line.after}后全部计", f"all of them once {line.after} are complete"))
    elif line.after:
        how.append(words.pick(f"超过{line.after}的部分", f"beyond {line.after}"))
    if line.most_each is not None:
        how.append(words.pick(f"每份最多{line.most_each}", f"at most {line.most_each} each"))
    if line.most is not None:
        how.append(words.pick(f"最多{line.most}", f"at most {line.most}"))
    return f"{written(counting.units)} ({words.pick(',', ', ').join(how)})"


def _unit(measure: Measure, words: Words) -> str:
    if isinstance(measure, Months):
        return words.pick("个月", " months")
    fact = words.facts[fact_of(measure)]
    if isinstance(measure, Age) or (isinstance(measure, Count) and fact.kind == "yearly"):
        return words.pick("岁" if isinstance(measure, Age) else "年", " years")
    if isinstance(measure, Amount):
        return words.pick(fact.unit_zh or "", f" {fact.unit_en or ''}".rstrip())
    return words.pick("次" if isinstance(measure, Count) else "份", " times" if isinstance(measure, Count) else " shares")


def more_of(measure: Measure, fact: FactDeclaration, more: int) -> tuple[str, str]:
    """So much more of what a measure counts, in both languages."""
    if isinstance(measure, Months):
        return f"再有{more}个月", f"{more} more months"
    if isinstance(measure, Amount):
        return f"{fact.name_zh}再多{more}{fact.unit_zh or ''}", f"{fact.name_en}: {more} {fact.unit_en or ''} more"
    if fact.kind == "yearly":
        return f"再有{more}年达到要求", f"{more} more such years"
    return f"{fact.name_zh}再有{more}次", f"{fact.name_en}: {more} more"
