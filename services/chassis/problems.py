"""Problem documents (RFC 9457): the only place where a failure meets a status code.

A catalogue is TOML: `[code]` with `category`, `title_zh`, `title_en`. A document carries both languages; `title` and
`detail` follow `Accept-Language`, Chinese by default. Internal detail (SQL, paths, traces, values) never gets here.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from services.chassis.errors import Category, DomainError, FieldError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:xinshimin:problem:"

STATUS: Mapping[Category, HTTPStatus] = {
    Category.MALFORMED: HTTPStatus.BAD_REQUEST,
    Category.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Category.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Category.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Category.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Category.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    Category.CONFLICT: HTTPStatus.CONFLICT,
    Category.GONE: HTTPStatus.GONE,
    Category.STALE: HTTPStatus.PRECONDITION_FAILED,
    Category.PRECONDITION_REQUIRED: HTTPStatus.PRECONDITION_REQUIRED,
    Category.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Category.URI_TOO_LONG: HTTPStatus.REQUEST_URI_TOO_LONG,
    Category.UNSUPPORTED_MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Category.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Category.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Category.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Category.NO_ROOM: HTTPStatus.INSUFFICIENT_STORAGE,
    Category.DEADLINE: HTTPStatus.GATEWAY_TIMEOUT,
}

CHASSIS_CATALOGUE = Path(__file__).with_name("problems.toml")


@dataclass(frozen=True, slots=True)
class Definition:
    """One entry of the catalogue."""

    code: str
    category: Category
    title_zh: str
    title_en: str

    @property
    def status(self) -> HTTPStatus:
        """The one HTTP status of this problem."""
        return STATUS[self.category]


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer ready to send."""

    status: int
    body: bytes
    headers: dict[str, str]


class Catalogue:
    """The problems one process may answer with."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.definitions = definitions

    @classmethod
    def load(cls, *paths: Path) -> "Catalogue":
        """The chassis's own entries and those of `paths`; a code defined twice raises `ValueError`."""
        found: dict[str, Definition] = {}
        for path in (CHASSIS_CATALOGUE, *paths):
            for code, entry in tomllib.loads(path.read_text("utf-8")).items():
                if code in found:
                    raise ValueError(f"problem {code!r} is defined twice")
                found[code] = Definition(code, Category(entry["category"]), entry["title_zh"], entry["title_en"])
        return cls(found)

    def document(self, error: DomainError, *, language: str, request_id: str) -> Problem:
        """The problem document of `error`. An unknown code is a programming error and becomes `internal-error`."""
        definition = self.definitions.get(error.code)
        if definition is None:
            definition, error = self.definitions["internal-error"], DomainError("internal-error")
        chinese = not language.startswith("en")
        content: dict[str, Any] = {
            "type": TYPE_PREFIX + definition.code,
            "title": definition.title_zh if chinese else definition.title_en,
            "status": int(definition.status),
            "title_zh": definition.title_zh,
            "title_en": definition.title_en,
            "request_id": request_id,
        }
        if error.detail_zh or error.detail_en:
            content["detail"] = (error.detail_zh if chinese else error.detail_en) or error.detail_en
            content["detail_zh"] = error.detail_zh or error.detail_en
            content["detail_en"] = error.detail_en or error.detail_zh
        if error.errors:
            content["errors"] = [_field_error(item, chinese=chinese) for item in error.errors]
        content.update({key: value for key, value in error.extra.items() if key not in content})
        headers = {"content-type": MEDIA_TYPE, "content-language": "zh-CN" if chinese else "en"}
        if error.retry_after is not None:
            headers["retry-after"] = str(error.retry_after)
        if definition.category is Category.UNAUTHENTICATED:
            headers["www-authenticate"] = 'Bearer realm="xinshimin"'
        body = json.dumps(content, ensure_ascii=False, default=str).encode()  # `extra` may hold ids and dates
        return Problem(int(definition.status), body, headers)


def preferred_language(accept_language: str | None) -> str:
    """`zh` or `en`: the first of the two by weight in `Accept-Language` (RFC 9110 §12.5.4); Chinese when neither is
    asked for."""
    best, best_weight = "zh", 0.0
    for part in (accept_language or "").lower().split(",")[:20]:
        tag, _, parameter = part.strip().partition(";")
        name, _, number = parameter.strip().partition("=")
        try:
            weight = float(number) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        primary = tag.strip().partition("-")[0]
        if primary in {"zh", "en"} and weight > best_weight:
            best, best_weight = primary, weight
    return best


def _field_error(error: FieldError, *, chinese: bool) -> dict[str, str]:
    content = {
        "pointer": error.pointer,
        "code": error.code,
        "message": error.message_zh if chinese else error.message_en,
        "message_zh": error.message_zh,
        "message_en": error.message_en,
    }
    if error.rule:
        content["rule"] = error.rule
    return content
