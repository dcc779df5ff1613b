"""What ships with the release: conditions of eligibility and season calendars, read from their files once."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from services.chassis.parameters import Document
from services.education.rules.class_sizes import ClassSizeLaw, read_class_sizes
from services.education.rules.eligibility.document import EligibilityRules
from services.education.rules.placement.shipped_rules import ShippedRules, read_shipped_rules
from services.education.rules.reserved_groups import ReservedGroup
from services.education.rules.season.template import SeasonTemplate

_SERVICE = Path(__file__).parents[1]


@cache
def eligibility() -> Mapping[str, EligibilityRules]:
    """Every set of conditions by its id. Raises pydantic's ValidationError when a file is none."""
    found = {}
    for file in sorted((_SERVICE / "eligibility").glob("*/rules.toml")):
        rules = EligibilityRules.model_validate(tomllib.loads(file.read_text("utf-8")))
        if rules.id != file.parent.name:
            raise ValueError(f"{file.parent.name}: id is {rules.id}")
        found[rules.id] = rules
    return found


@cache
def seasons() -> Mapping[str, SeasonTemplate]:
    """Every template of a season by its id. Raises pydantic's ValidationError when a file is none."""
    found = {}
    for file in sorted((_SERVICE / "seasons").glob("*.toml")):
        template = SeasonTemplate.model_validate(tomllib.loads(file.read_text("utf-8")))
        if template.id != file.stem:
            raise ValueError(f"{file.name}: id is {template.id}")
        found[template.id] = template
    return found


@cache
def class_sizes() -> ClassSizeLaw:
    """The law of class sizes. Raises ParameterError when the file is none."""
    file = _SERVICE / "parameters" / "classes.toml"
    return read_class_sizes(Document.parse(file.name, file.read_text("utf-8")))


@cache
def reserved_groups() -> Mapping[str, ReservedGroup]:
    """The groups places may be held back for, by id. Raises pydantic's ValidationError when the file is none."""
    file = _SERVICE / "parameters" / "reserved_groups.toml"
    listed = [ReservedGroup.model_validate(each) for each in tomllib.loads(file.read_text("utf-8"))["groups"]]
    found = {each.id: each for each in listed}
    if len(found) != len(listed):
        raise ValueError(f"{file.name}: a group stands twice")
    return found


@cache
def placement_rules() -> Mapping[str, ShippedRules]:
    """Every set of rules of placement by its id. Raises pydantic's ValidationError, UnsoundProblemError."""
    found = {}
    for file in sorted((_SERVICE / "placement_rules").glob("*.toml")):
        rules = read_shipped_rules(tomllib.loads(file.read_text("utf-8")))
        if rules.id != file.stem:
            raise ValueError(f"{file.name}: id is {rules.id}")
        found[rules.id] = rules
    return found
