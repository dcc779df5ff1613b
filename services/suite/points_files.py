"""Rule sets, facts and assessments as files, for `xinshimin points`: whatever cannot be used is told in both languages."""

import json
import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from services.points_hukou.actions.rule_sets import read_folder, released
from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.compiling import NotCoveredError, RuleSet, RuleSetError, RuleSetText, compile_rule_set
from services.points_hukou.rules.facts import FactProblem, FactsError, read_facts
from services.points_hukou.rules.replaying import FrozenAssessment
from services.points_hukou.rules.scoring import score
from services.suite.exits import ExitCode, SuiteError

Texts = Mapping[str, RuleSetText]


def texts(folder: Path | None) -> Texts:
    """The rule sets of the release and, in their place or beside them, those of a folder."""
    return released() if folder is None else {**released(), **_own(folder)}


def _own(folder: Path) -> Texts:
    try:
        own = read_folder(folder)
    except (OSError, UnicodeError) as error:
        raise _refused(f"{folder}: 无法读取 · cannot be read: {error}") from None
    if not own:
        raise _refused(f"{folder}: 没有规则集 · holds no rule set (<id>/rule_set.toml)")
    return own


def compiled(name: str, held: Texts, own_choices: str = "") -> RuleSet:
    """A rule set, ready to count with."""
    if name not in held:
        raise _refused(f"没有规则集 {name} · there is no rule set {name}; held: {', '.join(held)}")
    try:
        return compile_rule_set(name, held, own_choices)
    except RuleSetError as error:
        raise _refused("\n".join(error.problems)) from None


def problems_in(folder: Path | None) -> Mapping[str, list[str]]:
    """What is wrong with each rule set of the folder, or of the release."""
    names = released() if folder is None else _own(folder)
    held = texts(folder)
    found: dict[str, list[str]] = {}
    for name in names:
        try:
            compile_rule_set(name, held)
            found[name] = []
        except RuleSetError as error:
            found[name] = list(error.problems)
    return found


def assess(name: str, held: Texts, own_choices: str, content: object, *, service: str | None, use_in: str | None) -> Assessment:
    """One person's score."""
    rule_set = compiled(name, held, own_choices)
    if use_in is not None and not re.fullmatch(r"\d{6}(\d{3}){0,2}", use_in, re.ASCII):
        raise _refused("--use-in: 须为行政区划代码,如 330282 · must be a division code such as 330282")
    try:
        facts = read_facts(content, rule_set.facts, rule_set.rules_of_facts)
        return score(rule_set, facts, service=service, use_in=use_in)
    except FactsError as error:
        raise _refused("\n".join(_told(each) for each in error.problems)) from None
    except NotCoveredError as error:
        raise _refused(f"{error.message_zh} · {error.message_en}") from None
    except LookupError as error:
        raise _refused(f"请用 --service 指明服务 · name the service with --service: {error}") from None


def is_released(frozen: FrozenAssessment) -> bool:
    """Whether the rules in an assessment are, to the letter, those of this release."""
    try:
        return compile_rule_set(frozen.rule_set, released(), frozen.own_choices).digest == frozen.digest
    except RuleSetError:
        return False


def read(file: Path) -> str:
    """A text file."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise _refused(f"{file}: 无法读取 · cannot be read: {error}") from None


def read_json(file: Path) -> object:
    """JSON without members given twice: which of the two was meant?"""
    try:
        return json.loads(read(file), object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        raise _refused(f"{file}: 不是有效的 JSON · not valid JSON: {error}") from None


def write_new(file: Path, content: str) -> None:
    """Never over a file that exists; readable by its owner alone."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(content + "\n")
    except OSError as error:
        raise _refused(f"{file}: 无法写入 · cannot be written: {error}") from None


def day(written: str, option: str) -> date:
    """A day given on the command line."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", written, re.ASCII):
            return date.fromisoformat(written)
    except ValueError:
        pass
    raise _refused(f"{option}: 须为日期,如 2026-11-30 · must be a day such as 2026-11-30")


def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose members is given twice. Raises ValueError."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("重复的成员 · a member is given twice")
    return found


def _told(problem: FactProblem) -> str:
    rules = f" [{', '.join(problem.rules)}]" if problem.rules else ""
    return f"{problem.field or '/'}: {problem.message_zh} · {problem.message_en}{rules}"


def _refused(message: str) -> SuiteError:
    return SuiteError(ExitCode.INPUT_REFUSED, message)
