"""One spelling per value: what pydantic takes from text too generously, even when it is strict.

Left to itself it reads the text `"1704067200"` as a day in 2024 and `"0"` as 1970-01-01, `"urn:uuid:…"` and `"{…}"` as UUIDs,
and in a query `"1_0"` as ten and `"on"` as true. A law date that came from a number somebody put into the wrong field is worse
than an error, so texts are matched against their one form before pydantic sees them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic_core import PydanticKnownError, core_schema

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_NO_REASON = {"error": ""}  # pydantic's messages are not shown: parsing.py has them in both languages


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(_form(_DATE, value))
    except ValueError:
        raise PydanticKnownError("date_parsing", _NO_REASON) from None


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(_form(_INSTANT, value.upper()))
    except ValueError:
        raise PydanticKnownError("datetime_parsing", _NO_REASON) from None


def _uuid(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return UUID(_form(_UUID, value.lower()))
    except ValueError:
        raise PydanticKnownError("uuid_parsing", _NO_REASON) from None


def _integer(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not _INTEGER.fullmatch(value):
        raise PydanticKnownError("int_parsing")
    return int(value)


def _boolean(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in _BOOLEANS:
        raise PydanticKnownError("bool_parsing")
    return _BOOLEANS[value]


def _form(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError("not in its one form")
    return value


_Check = Callable[[Any], Any]
IN_JSON: Mapping[str, _Check] = {"date": _date, "datetime": _instant, "uuid": _uuid}
"""Core schema types that JSON has only texts for."""
IN_TEXT: Mapping[str, _Check] = {**IN_JSON, "int": _integer, "bool": _boolean}
"""The same where everything is text: path and query."""


def one_spelling(schema: core_schema.CoreSchema, owner: type, checks: Mapping[str, _Check]) -> core_schema.CoreSchema:
    """The core schema of the model `owner` with `checks` before its fields; nested models see to themselves."""
    return _walk(schema, owner, checks)  # type: ignore[no-any-return]


def _walk(node: Any, owner: type, checks: Mapping[str, _Check]) -> Any:
    if isinstance(node, list | tuple):
        return type(node)(_walk(item, owner, checks) for item in node)
    if not isinstance(node, dict):
        return node
    kind = node.get("type")
    if kind == "model" and node["cls"] is not owner:
        return node
    if isinstance(kind, str) and kind in checks:
        # A field may itself be called `type`; its value is a schema then, not a text.
        return core_schema.no_info_before_validator_function(checks[kind], node)
    return {
        name: value if name in {"metadata", "serialization"} else _walk(value, owner, checks) for name, value in node.items()
    }
