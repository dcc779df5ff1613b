"""Rules of placement as an official writes them: the rules of `problem.py` with source, confidence and how a doubt is read."""

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from services.education.rules.placement.problem import PlacementRules
from services.education.rules.placement.soundness import require_sound_rules

_RULES = TypeAdapter(PlacementRules)


class _Head(BaseModel):
    """What stands beside the rules; `rules` are read as they are published, from JSON."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: str
    name_zh: str
    name_en: str
    source: str
    confidence: Literal["H", "M", "L", "G", "design"]
    doubt_zh: str
    doubt_en: str


class ShippedRules(_Head):
    """One city's rules."""

    rules: PlacementRules


def read_shipped_rules(document: Mapping[str, object]) -> ShippedRules:
    """From a parsed TOML document. Raises pydantic's ValidationError; UnsoundProblemError where names do not fit."""
    head = _Head.model_validate({name: each for name, each in document.items() if name != "rules"})
    rules = _RULES.validate_json(json.dumps(document.get("rules")))
    require_sound_rules(rules)
    return ShippedRules.model_construct(**dict(head), rules=rules)
