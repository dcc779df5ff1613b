"""What a rule set asks of a person: the name, kind and bounds of every fact."""

from typing import Literal, Self

from pydantic import model_validator

from services.points_hukou.rules.document.reading import Many, Name, Part, Text

FactKind = Literal["day", "flag", "number", "held", "division", "months", "periods", "events", "yearly"]
_UNDATED = frozenset({"flag", "number", "held", "division"})
_WITH_OPTIONS = {"held": True, "months": False, "periods": False, "events": False}


class Option(Part):
    """Something that can be held, or a kind of month, period or event."""

    key: Name
    name_zh: Text
    name_en: Text


class FactDeclaration(Part):
    """One fact. `options` name what may be held, or the kinds of months, periods, events; `at_most` catches a slipped digit,
    `among` names the only numbers there are.

    `day` a date · `flag` yes or no · `number` a whole number in `unit` · `held` which of the options are proved · `division` a
    code of GB/T 2260 · `months` calendar months, as ranges · `periods` from a day until before another · `events` things of a
    day, with an amount where the law counts amounts · `yearly` an amount per calendar year.
    """

    id: Name
    kind: FactKind
    name_zh: Text
    name_en: Text
    unit_zh: Text | None = None
    unit_en: Text | None = None
    options: Many[Option] = ()
    at_most: int | None = None
    among: Many[int] = ()
    required: bool = False

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.options and self.kind not in _WITH_OPTIONS:
            raise ValueError(f"a fact of kind {self.kind} has no options")
        if not self.options and _WITH_OPTIONS.get(self.kind, False):
            raise ValueError("a fact of kind held needs options")
        if len(self.keys) != len(self.options):
            raise ValueError("two options have the same key")
        if self.kind in {"number", "yearly"} and (self.at_most is None or self.unit_zh is None or self.unit_en is None):
            raise ValueError(f"a fact of kind {self.kind} needs at_most, unit_zh and unit_en")
        return self

    @property
    def is_undated(self) -> bool:
        """Whether no day is in the value, so that only the evidence can tell since when it is so."""
        return self.kind in _UNDATED

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the options."""
        return frozenset(option.key for option in self.options)
