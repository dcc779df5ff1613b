"""Settings and their documentation."""

import re

from services.chassis.settings import PREFIX
from services.suite.catalogue import PROCESSES
from services.suite.environment import SuiteSettings
from tests.suite.launching import ROOT


def test_every_setting_is_explained_in_the_example() -> None:
    explained = set(re.findall(r"^#(XINSHIMIN_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    missing = {f"{PREFIX}{name}".upper() for name in SuiteSettings.model_fields} - explained
    for process in PROCESSES:
        for name in type_of(process.package, process.settings_class):
            choices = {f"{PREFIX}{process.name}__{name}".upper(), f"{PREFIX}{name}".upper()}
            if not choices & explained:
                missing.add(f"{PREFIX}{process.name}__{name}".upper())
    assert missing == set()


def type_of(package: str, settings_class: str) -> set[str]:
    """Names of the settings a process reads."""
    module = __import__(f"{package}.settings", fromlist=[settings_class])
    return set(getattr(module, settings_class).model_fields)
