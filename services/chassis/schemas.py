"""Base models of the edge: what comes in is strict, what goes out is a view."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError


def rule_error(code: str, *, zh: str, en: str, rule: str | None = None) -> PydanticCustomError:
    """What a validator of a request model raises: a stable code, both languages, and the rule it rests on.

    It becomes one entry of the problem document's `errors[]`; the text must not quote the value.
    """
    context = {"code": code, "message_zh": zh, "message_en": en, "rule": rule or ""}
    return PydanticCustomError("rule", "{message_en}", context)


def _refuse_control_characters(value: str) -> str:
    """Refuse what no form field holds and PostgreSQL text partly cannot: C0/C1 controls, NUL, bidirectional overrides."""
    for character in value:
        code = ord(character)
        if code < 32 or 127 <= code < 160 or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or 0xD800 <= code <= 0xDFFF:
            raise rule_error("control_character", zh="不得含控制字符", en="control characters are not allowed")
    return value


PlainText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_refuse_control_characters)]
"""One line of text without control characters; bound its length with `StringConstraints(max_length=…)`."""


class Command(BaseModel):
    """Base of every request body: unknown fields and implicit conversions are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class View(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True)


class Notice(View):
    """Something the caller should know though the act went through: a warning, never a rejection."""

    code: str
    rule: str | None = None
    message_zh: str
    message_en: str
