"""What points are used for (P-11), where the law no longer lets them be (P-12), and what of a rule set serves which use."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.parameters import Document, Fields, Register, list_of, one_of, text
from services.points_hukou.rules.compiling import RuleSet, within
from services.points_hukou.rules.document.rule_set import Service
from services.points_hukou.rules.reasons import Reason


class Purpose(StrEnum):
    """What a score is asked for."""

    SCHOOL = "school"
    HOUSING = "housing"
    SETTLEMENT = "settlement"
    HEALTH_CHECK = "health_check"
    REST_LEAVE = "rest_leave"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Closed:
    """A use the law has closed within a division, but for some of it; codes without their trailing zeros."""

    purpose: Purpose
    within: str
    still_open_in: tuple[str, ...]
    reason: Reason


@dataclass(frozen=True, slots=True)
class PurposeLaw:
    """The dated values in `purposes.toml`."""

    closed: Register[Closed]

    def why_closed(self, purpose: Purpose, division_code: str, on: date) -> Reason | None:
        """Why nobody may be counted for it there on that day; `None` when they may."""
        for each in self.closed.on(on):
            covers = each.purpose is purpose and division_code.startswith(each.within)
            if covers and not division_code.startswith(each.still_open_in):
                return each.reason
        return None


def read_purposes(document: Document) -> PurposeLaw:
    """The law in `purposes.toml`. Raises ParameterError."""
    law = PurposeLaw(document.register("closed", _read_closed))
    document.finish()
    return law


def _read_closed(fields: Fields) -> Closed:
    return Closed(
        purpose=fields.take("purpose", one_of(Purpose)),
        within=fields.take("within", text),
        still_open_in=fields.take("still_open_in", list_of(text)),
        reason=Reason(
            code=fields.take("code", text),
            article=fields.take("article", text),
            rule="P-12",
            message_zh=fields.take("message_zh", text),
            message_en=fields.take("message_en", text),
        ),
    )


def service_for(rule_set: RuleSet, purpose: Purpose, named: str | None) -> Service:
    """The service of a rule set that a use is counted by: the one named, else that of the same name, else the only one.

    Raises LookupError with the ids there are.
    """
    ids = {each.id for each in rule_set.services}
    if named is None and purpose.value in ids:
        return rule_set.service(purpose.value)
    return rule_set.service(named)


def applies_in(rule_set: RuleSet, division_code: str) -> bool:
    """Whether a division lies within the jurisdiction of the rule set and of all it extends."""
    jurisdictions = {within(rule_set.document.jurisdiction), *(each.valid_within for each in rule_set.items)}
    return all(division_code.startswith(each) for each in jurisdictions)
