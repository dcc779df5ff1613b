"""Every rule of the policy pages is proved by a case, by a test that `cases/rules.toml` names, or says why not."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.registry.case_files import CASES

RULES = {f"RR-{number:02d}" for number in range(1, 85)} | {f"V-{number}" for number in range(16, 27)}
TABLES = {
    "rules.toml",
    "retention_paths.toml",
    "deadlines.toml",
    "officer_acts.toml",
    "never_set.toml",
    "field_visibility.toml",
}
ROWS: list[dict[str, Any]] = tomllib.loads((CASES / "rules.toml").read_text("utf-8"))["rule"]
LISTED = Counter(rule for row in ROWS for rule in row["rules"])


def named_by_cases() -> Iterator[str]:
    for file in CASES.glob("*.toml"):
        if file.name in TABLES:
            continue
        for topic in tomllib.loads(file.read_text("utf-8")).values():
            for case in topic if isinstance(topic, list) else ():
                yield from re.findall(r"[A-Z]+-\d+", str(case.get("rule", "")))


def test_every_rule_is_in_a_case_or_in_the_table() -> None:
    assert RULES - set(named_by_cases()) - set(LISTED) == set()


def test_the_table_lists_once_what_no_case_names() -> None:
    assert {rule for rule, times in LISTED.items() if times > 1} == set()
    assert set(LISTED) & set(named_by_cases()) == set()
    assert set(LISTED) <= RULES


def test_what_the_table_names_is_there() -> None:
    for row in ROWS:
        assert row.get("tests") or (row.get("why_zh") and row.get("why_en")), row
        for name in row.get("tests", ()):
            file, _, function = name.partition("::")
            text = (Path(__file__).parent / file).read_text("utf-8")
            assert re.search(rf"^(async )?def {function}\(", text, re.MULTILINE), name
