"""What the registry may ask to be told to somebody: templates as data (`notices.toml`), and nothing outside them.

Whoever owns SMS and letters renders a template with the parameters of a notice (architecture §1). A parameter is an id, a day,
a number or a code, never a name, a document number, a phone or an address: the kinds below are all there are.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.chassis.parameters import Document, Fields, History, ParameterError, Register, one_of, text, whole_number

_CODE = re.compile(r"[a-z][a-z0-9_]{0,60}")

ParameterValue = UUID | date | int | str


class Addressee(StrEnum):
    """Who is to be told."""

    PERSON = "person"
    EMPLOYER = "employer"
    LANDLORD = "landlord"


class ParameterKind(StrEnum):
    """What a parameter of a notice may be."""

    ID = "id"
    DAY = "day"
    NUMBER = "number"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class NoticeTemplate:
    """One text in both languages with the parameters it needs, and the rule for whose sake it is sent."""

    code: str
    rule: str
    addressees: tuple[Addressee, ...]
    parameters: Mapping[str, ParameterKind]
    text_zh: str
    text_en: str

    def written(self, values: Mapping[str, ParameterValue]) -> dict[str, str | int]:
        """The parameters as they are stored and published. Raises ValueError unless they are exactly those declared."""
        if values.keys() != self.parameters.keys():
            raise ValueError(f"{self.code} takes {', '.join(sorted(self.parameters))}")
        return {name: _written(self.parameters[name], name, value) for name, value in values.items()}

    def rendered(self, parameters: Mapping[str, str | int]) -> tuple[str, str]:
        """The text in Chinese and in English."""
        return self.text_zh.format(**parameters), self.text_en.format(**parameters)


@dataclass(frozen=True, slots=True)
class Notices:
    """The templates by day, and when reminders go out."""

    templates: Register[NoticeTemplate]
    endorsement_reminder_days: History[int]
    """Days before the endorsement window opens on which its holder is reminded (RR-30, RR-38)."""
    letter_reminder_days: History[int]
    """Days before a landlord's letter runs out on which the landlord is reminded (RR-74)."""
    finding_reminder_days: History[int]
    """Days before the deadline of what an inspection found on which the landlord is reminded (COM-70)."""

    def template(self, code: str, on: date) -> NoticeTemplate:
        """The template in force on that day. Raises LookupError."""
        for template in self.templates.on(on):
            if template.code == code:
                return template
        raise LookupError(f"no notice {code} on {on.isoformat()}")


def read_notices(document: Document) -> Notices:
    """The templates in `notices.toml`. Raises ParameterError, also when two of the same code are in force on one day."""
    templates = document.register("templates", _read_template)
    reminder_days = document.history("endorsement_reminder_days", whole_number(0, 60))
    letter_days = document.history("letter_reminder_days", whole_number(0, 180))
    finding_days = document.history("finding_reminder_days", whole_number(0, 60))
    document.finish()
    for position, row in enumerate(templates.rows):
        for earlier in templates.rows[:position]:
            begins = max(row.valid_from or date.min, earlier.valid_from or date.min)
            if earlier.value.code == row.value.code and row.is_in_force(begins) and earlier.is_in_force(begins):
                raise ParameterError(f"{document.name}, templates: {row.value.code} is in force twice")
    return Notices(templates, reminder_days, letter_days, finding_days)


def _read_template(fields: Fields) -> NoticeTemplate:
    template = NoticeTemplate(
        code=fields.take("code", text),
        rule=fields.peek("rule", text),
        addressees=fields.take("addressees", _addressees),
        parameters=fields.take("parameters", _kinds),
        text_zh=fields.take("zh", text),
        text_en=fields.take("en", text),
    )
    for content in (template.text_zh, template.text_en):
        named = {name for _, name, _, _ in string.Formatter().parse(content) if name is not None}
        if not named <= template.parameters.keys():
            raise ParameterError(f"{fields.where}: {', '.join(sorted(named - template.parameters.keys()))} is no parameter")
    return template


def _addressees(raw: object) -> tuple[Addressee, ...]:
    if not isinstance(raw, list) or not raw:
        raise ValueError("a list of addressees")
    return tuple(one_of(Addressee)(item) for item in raw)


def _kinds(raw: object) -> dict[str, ParameterKind]:
    if not isinstance(raw, dict):
        raise TypeError("a table of parameters with their kinds")
    return {name: one_of(ParameterKind)(kind) for name, kind in raw.items()}


def _written(kind: ParameterKind, name: str, value: ParameterValue) -> str | int:
    match kind, value:
        case ParameterKind.ID, UUID():
            return str(value)
        case ParameterKind.DAY, date():
            return value.isoformat()
        case ParameterKind.NUMBER, int():
            return value
        case ParameterKind.CODE, str() if _CODE.fullmatch(value):
            return str(value)
    raise ValueError(f"{name} must be of kind {kind}")
