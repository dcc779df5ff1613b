"""Base models of the edge: what comes in is strict, what goes out is a view."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from services.chassis.spelling import IN_JSON, IN_TEXT, one_spelling

# C0 and C1 controls; line and paragraph separators; marks, embeddings, overrides and isolates of text direction; the byte
# order mark; lone surrogates, which are no text at all.
_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")


def rule_error(code: str, *, zh: str, en: str, rule: str | None = None) -> PydanticCustomError:
    """What a validator of a request model raises: a stable code, both languages, and the rule it rests on.

    It becomes one entry of the problem document's `errors[]`; the text must not quote the value.
    """
    context = {"code": code, "message_zh": zh, "message_en": en, "rule": rule or ""}
    return PydanticCustomError("rule", "{message_en}", context)


def _refuse_control_characters(value: str) -> str:
    """Refuse what no form field holds and PostgreSQL text partly cannot."""
    if _REFUSED.search(value):
        raise rule_error("control_character", zh="不得含控制字符", en="control characters are not allowed")
    return value


class _IsNotBlank:
    """Tells in the OpenAPI that a text of spaces alone is none; a pattern of the field's own tells more."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # ECMA-262, whose pattern this is, does not take NEL (U+0085) for space; stripping does.
        return {"pattern": r"[^\s\u0085]"} | handler(schema)


PlainText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_refuse_control_characters), _IsNotBlank
]
"""One line of text without control characters; bound its length with `StringConstraints(max_length=…)`."""


def _refuse_masked(value: str) -> str:
    """Refuse what an answer showed instead of a value: written back, it would destroy the value (privacy.md V-60)."""
    if "**" in value:
        raise rule_error("masked", zh="不得写回脱敏后的内容", en="a masked value cannot be written back", rule="V-60")
    return value


UnmaskedText = Annotated[PlainText, AfterValidator(_refuse_masked)]
"""Text of a kind that answers may mask."""


def pattern_field(pattern: str, **more: Any) -> Any:
    """A `Field` of a `PlainText` that matches `pattern`, told in the OpenAPI as well: behind a text's own validator pydantic
    checks a pattern and leaves it out of the schema.
    """
    return Field(pattern=pattern, json_schema_extra={"pattern": pattern}, **more)


class Command(BaseModel):
    """Base of every request body: unknown fields, conversions, second spellings of a value, NaN and infinity are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Dates, instants and UUIDs have one spelling (`spelling.py`)."""
        return one_spelling(handler(source), cls, IN_JSON)


class Parameters(BaseModel):
    """Base of the path and query parameters of a route; the route class makes one from the handler's signature."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Here numbers and truth values are texts, too."""
        return one_spelling(handler(source), cls, IN_TEXT)


class View(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True)


class Notice(View):
    """Something the caller should know though the act went through: a warning, never a rejection."""

    code: str
    rule: str | None = None
    message_zh: str
    message_en: str
