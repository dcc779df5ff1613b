"""Cases an official can read: `cases/*.toml`, each with a name in both languages, the rule, the facts and what is expected."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.chassis.parameters import read_folder
from services.chassis.working_days import calendar
from services.registry.rules.law import RegistryLaw, compile_law

REGISTRY = Path(__file__).parents[2] / "services" / "registry"
PARAMETERS = REGISTRY / "parameters"
NATIONAL_DIVISIONS = (PARAMETERS / "divisions_national.tsv.xz").read_bytes()
CALENDAR = REGISTRY.parent / "chassis" / "working_days.toml"
CASES = Path(__file__).parent / "cases"

Case = dict[str, Any]


@cache
def law() -> RegistryLaw:
    """The law as it ships."""
    return compile_law(read_folder(PARAMETERS), NATIONAL_DIVISIONS, calendar())


def cases(file: str, topic: str) -> list[Any]:
    """The cases `[[topic]]` of a file, each a test named by its English name."""
    found = tomllib.loads((CASES / f"{file}.toml").read_text(encoding="utf-8"))[topic]
    return [pytest.param(case, id=case["name_en"].replace(" ", "-")) for case in found]
