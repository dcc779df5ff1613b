"""Why a command cannot be carried out, in words of the office; the edge turns them into problem documents.

Pure: no web, database, bus or settings. A lawful refusal is *not* an error: it is a stored decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Category(StrEnum):
    """The kind of failure; `problems.py` gives each exactly one HTTP status."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    GONE = "gone"
    STALE = "stale"
    PRECONDITION_REQUIRED = "precondition_required"
    TOO_LARGE = "too_large"
    URI_TOO_LONG = "uri_too_long"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    NO_ROOM = "no_room"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that breaks one rule.

    `pointer` is a JSON pointer into the request body (`/identity_documents/0/number`), or `?name` for a query
    parameter, `{name}` for a path parameter, or a header's name. `rule` is the id of the policy page or the article
    the rule rests on, where there is one.
    """

    pointer: str
    code: str
    message_zh: str
    message_en: str
    rule: str | None = None


@dataclass(eq=False)
class DomainError(Exception):
    """A command that cannot be carried out; `code` names an entry of the problem catalogue.

    `errors` name the fields; `extra` are further members of the problem document (ids only, never values of personal
    data); `retry_after` is in seconds.
    """

    code: str
    detail_zh: str = ""
    detail_en: str = ""
    errors: Sequence[FieldError] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    retry_after: int | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.detail_en}" if self.detail_en else self.code
