"""The rule sets at hand: those of the release, and a city's own."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from services.points_hukou.rules.compiling import RuleSetText

_RELEASED = Path(__file__).parents[1] / "rule_sets"


@cache
def released() -> Mapping[str, RuleSetText]:
    """The rule sets that ship, by id."""
    return read_folder(_RELEASED)


@cache
def released_cases(name: str) -> str:
    """The cases that ship with a rule set."""
    return (_RELEASED / name / "cases.toml").read_text("utf-8")


def read_folder(folder: Path) -> Mapping[str, RuleSetText]:
    """Every rule set in a folder, each in a folder of its own that has its id as its name. Raises OSError, UnicodeError."""
    return {
        each.name: RuleSetText((each / "rule_set.toml").read_text("utf-8"), _choices(each / "choices.toml"))
        for each in sorted(folder.iterdir())
        if (each / "rule_set.toml").is_file()
    }


def _choices(file: Path) -> str:
    return file.read_text("utf-8") if file.is_file() else ""
