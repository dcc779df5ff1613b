"""Strict parsing of requests, and validation failures in the words of a problem document."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.chassis.errors import DomainError, FieldError

# Possessive, and an unclosed string runs to the end: the pattern never goes back, so time grows with length and no faster.
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_ERRORS_MAX = 50
_ERRORS_LOOKED_AT_MAX = 1000
_QUERY_FIELDS_MAX = 50
# What a field may be called. Another name may be anything a caller typed, a person's number among it, and is not said back.
_FIELD_NAME = re.compile(r"(?=\D*(?:\d\D*){0,3}$)[A-Za-z]\w{0,65}", re.ASCII)

# Messages by pydantic error type; a context value is named in braces. The input itself is never quoted.
MESSAGES: Mapping[str, tuple[str, str]] = {
    "missing": ("必填", "this field is required"),
    "extra_forbidden": ("没有这个字段", "there is no such field"),
    "string_type": ("应为文本", "a string is expected"),
    "string_too_short": ("至少 {min_length} 个字符", "at least {min_length} characters"),
    "string_too_long": ("至多 {max_length} 个字符", "at most {max_length} characters"),
    "string_pattern_mismatch": ("格式不符，应匹配 {pattern}", "must match {pattern}"),
    "string_unicode": ("不是有效的 Unicode 文本", "not valid Unicode text"),
    "int_type": ("应为整数", "an integer is expected"),
    "int_from_float": ("应为整数", "an integer is expected"),
    "int_parsing": ("应为整数", "an integer is expected"),
    "float_type": ("应为数字", "a number is expected"),
    "float_parsing": ("应为数字", "a number is expected"),
    "finite_number": ("应为有限的数字", "a finite number is expected"),
    "int_parsing_size": ("数字过大", "this number is too large"),
    "bool_type": ("应为 true 或 false", "true or false is expected"),
    "bool_parsing": ("应为 true 或 false", "true or false is expected"),
    "date_type": ("应为日期 YYYY-MM-DD", "a date YYYY-MM-DD is expected"),
    "date_parsing": ("应为日期 YYYY-MM-DD", "a date YYYY-MM-DD is expected"),
    "date_from_datetime_parsing": ("应为日期 YYYY-MM-DD", "a date YYYY-MM-DD is expected"),
    "date_from_datetime_inexact": ("应为日期，不带时间", "a date without a time is expected"),
    "datetime_type": ("应为 RFC 3339 时间", "an RFC 3339 instant is expected"),
    "datetime_parsing": ("应为 RFC 3339 时间", "an RFC 3339 instant is expected"),
    "datetime_from_date_parsing": ("应为 RFC 3339 时间", "an RFC 3339 instant is expected"),
    "timezone_aware": ("时间必须带时区", "the instant needs an offset"),
    "uuid_type": ("应为 UUID", "a UUID is expected"),
    "uuid_parsing": ("应为 UUID", "a UUID is expected"),
    "enum": ("可选值：{expected}", "must be one of {expected}"),
    "literal_error": ("可选值：{expected}", "must be one of {expected}"),
    "greater_than_equal": ("不得小于 {ge}", "at least {ge}"),
    "greater_than": ("必须大于 {gt}", "greater than {gt}"),
    "less_than_equal": ("不得大于 {le}", "at most {le}"),
    "less_than": ("必须小于 {lt}", "less than {lt}"),
    "list_type": ("应为数组", "an array is expected"),
    "tuple_type": ("应为数组", "an array is expected"),
    "too_short": ("至少 {min_length} 项", "at least {min_length} items"),
    "too_long": ("至多 {max_length} 项", "at most {max_length} items"),
    "model_type": ("应为对象", "an object is expected"),
    "model_attributes_type": ("应为对象", "an object is expected"),
    "dict_type": ("应为对象", "an object is expected"),
}
_TOO_MANY_ERRORS = FieldError(
    "", "too_many_errors", f"错误超过 {_ERRORS_LOOKED_AT_MAX} 处", f"more than {_ERRORS_LOOKED_AT_MAX} errors"
)
_OTHERWISE = ("不符合要求", "this value is not acceptable")


def parse_body(model: type[BaseModel], raw: bytes, depth_limit: int) -> BaseModel:
    """`raw` as `model`, strictly. An empty body is an empty object, so that missing fields are named.

    Raises `DomainError` `malformed-body` (also when an object names a member twice: which of the two was meant?),
    `body-too-deep` or `invalid-request`.
    """
    raw = raw if raw.strip() else b"{}"
    if _depth_exceeds(raw, depth_limit):
        raise DomainError("body-too-deep", extra={"limit": depth_limit})
    try:
        body = model.model_validate_json(raw)
    except ValidationError as error:
        details = _details(error)
        if details and details[0]["type"] in {"json_invalid", "json_type"}:
            raise DomainError("malformed-body") from None
        raise DomainError("invalid-request", errors=body_errors(error)) from None
    _refuse_repeated_members(raw)
    return body


def body_errors(error: ValidationError) -> list[FieldError]:
    """Every broken rule of a body, at its pointer."""
    return [_body_error(item) for item in _details(error)] or [_TOO_MANY_ERRORS]


def check_media_type(content_type: str) -> None:
    """Raise `DomainError('unsupported-media-type')` unless `content_type` is JSON in UTF-8, which it is without a charset.

    A body in GBK is sometimes valid UTF-8 by chance, and would be kept as other characters.
    """
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [value.strip('"') for name, _, value in (item.partition("=") for item in parameters) if name == "charset"]
    if media_type != "application/json" or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise DomainError("unsupported-media-type")


def parse_query(raw: bytes) -> list[tuple[str, str]]:
    """Names and values of a query string; raises `DomainError('invalid-request')` for what is not one."""
    if not raw:
        return []
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError:  # a broken UTF-8 sequence is one
        wanted = FieldError(
            "?",
            "query",
            f"至多 {_QUERY_FIELDS_MAX} 个参数，须为 UTF-8 百分号编码",
            f"at most {_QUERY_FIELDS_MAX} parameters in percent-encoded UTF-8",
        )
        raise DomainError("invalid-request", errors=[wanted]) from None


def parse_parameters(model: type[BaseModel], path: Mapping[str, str], query: list[tuple[str, str]]) -> dict[str, Any]:
    """Path and query parameters as `model`, strictly; unknown and repeated ones are errors."""
    if query:
        _refuse_ambiguous(path, query)
    values = {**dict(query), **path}
    errors = [
        FieldError(_parameter_pointer(name, path), "control_character", "不得含控制字符", "control characters are not allowed")
        for name, value in values.items()
        if not value.isprintable()
    ]
    if errors:
        raise DomainError("invalid-request", errors=errors)
    try:
        parsed = model.model_validate_strings(values, strict=True)
    except ValidationError as error:
        found = [_field_error(item, _parameter_pointer(str(item["loc"][0]), path)) for item in _details(error)]
        raise DomainError("invalid-request", errors=found) from None
    return parsed.__dict__


def _refuse_ambiguous(path: Mapping[str, str], query: list[tuple[str, str]]) -> None:
    """Names that are given twice, in the query or in the path as well."""
    names = [name for name, _ in query]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise DomainError(
            "invalid-request",
            errors=[
                FieldError(_parameter_pointer(name, path), "repeated", "参数重复", "given more than once")
                for name in sorted(repeated)
            ],
        )
    if hidden := sorted(path.keys() & set(names)):
        raise DomainError(
            "invalid-request",
            errors=[FieldError(f"?{name}", "extra_forbidden", *MESSAGES["extra_forbidden"]) for name in hidden],
        )


def _depth_exceeds(raw: bytes, limit: int) -> bool:
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    depth = 0
    for match in _BRACKETS.finditer(raw):
        token = match.group()
        if token in b"[{":
            depth += 1
            if depth > limit:
                return True
        elif token in b"]}":
            depth -= 1
    return False


def _refuse_repeated_members(raw: bytes) -> None:
    def members(pairs: list[tuple[str, Any]]) -> None:
        if len(pairs) != len(dict(pairs)):
            raise DomainError(
                "malformed-body", detail_zh="同一对象中有重复的成员名", detail_en="an object names the same member twice"
            )

    json.loads(raw, object_pairs_hook=members)


def _details(error: ValidationError) -> list[ErrorDetails]:
    """The first errors; where there are very many, none, because pydantic tells all or nothing and that takes seconds."""
    if error.error_count() > _ERRORS_LOOKED_AT_MAX:
        return []
    return error.errors(include_url=False, include_input=False)[:_ERRORS_MAX]


def _parameter_pointer(name: str, path: Mapping[str, str]) -> str:
    if name in path:
        return f"{{{name}}}"
    return f"?{name}" if _FIELD_NAME.fullmatch(name) else "?"


def _body_error(item: ErrorDetails) -> FieldError:
    """An unknown member is named when it could be a field's name; otherwise the object it is in is pointed at."""
    places = [str(part) for part in item["loc"]]
    if item["type"] == "extra_forbidden" and not _FIELD_NAME.fullmatch(places[-1]):
        places.pop()
    parts = (part.replace("~", "~0").replace("/", "~1") for part in places)
    return _field_error(item, "".join(f"/{part}" for part in parts))


def _field_error(item: ErrorDetails, pointer: str) -> FieldError:
    context = item.get("ctx", {})
    if item["type"] == "rule":
        return FieldError(pointer, context["code"], context["message_zh"], context["message_en"], context["rule"] or None)
    kind = item["type"]
    if context.get("field_type") == "Value":  # a length bound added to a text type that has a validator of its own
        kind = f"string_{kind}"
    zh, en = MESSAGES.get(kind, _OTHERWISE)
    try:
        return FieldError(pointer, kind, zh.format(**context), en.format(**context))
    except (KeyError, IndexError):
        return FieldError(pointer, kind, *_OTHERWISE)
