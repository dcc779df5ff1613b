"""The format of `vaccines.toml` (what is injected or swallowed, and against what) and of `rules.toml` (the rules in words)."""

from typing import Literal

from services.health.rules.document.reading import Many, Name, Part, Sourced, Text

Kind = Literal["inactivated", "live_injected", "live_oral"]


class VaccineEntry(Sourced):
    """One vaccine; `counts_as` are the programme vaccines in whose place it counts by its label (P8)."""

    code: Name
    name_zh: Text
    name_en: Text
    kind: Kind
    antigens: Many[Name] = ()
    counts_as: Many[Name] = ()


class Line(Part):
    """What is protected against, by one series or by one of several. `once_only`: nothing is given after any dose of it,
    valid or not. `follows`: the line this one carries on; a dose counted there is not looked at here.
    """

    id: Name
    name_zh: Text
    name_en: Text
    once_only: bool = False
    follows: Name | None = None


class Condition(Sourced):
    """A condition of a child and what it does to vaccines."""

    id: Name
    name_zh: Text
    name_en: Text
    rules: Many[Name]
    bars: Many[Name] = ()
    defers: Many[Name] = ()
    refers: Many[Name] = ()


class CatalogueDocument(Part):
    """Everything in `vaccines.toml`; the order of vaccines decides which of two doses of one day is looked at first."""

    vaccines: Many[VaccineEntry] = ()
    lines: Many[Line] = ()
    conditions: Many[Condition] = ()


class RuleText(Sourced):
    """A rule in words."""

    zh: Text
    en: Text
