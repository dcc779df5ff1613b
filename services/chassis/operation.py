"""What an operation demands of its caller, declared at the route and visible in the OpenAPI as `x-xinshimin`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.chassis.errors import DomainError
from services.chassis.principal import Principal

EXTENSION = "x-xinshimin"

# Name, description, pattern, example.
_HEADERS: Mapping[str, tuple[str, str, str, str]] = {
    "idempotency": (
        "Idempotency-Key",
        "The client's own key of this act; a retry with the same key gets the same answer and has no second effect.",
        r"^[!#-\[\]-~]{1,128}$",
        "4f6d2c1e-registration-0001",
    ),
    "purpose": (
        "X-Purpose",
        "Why personal data are used; one of the client's allowed purposes.",
        "^[a-z][a-z_]{1,40}$",
        "residence_registration",
    ),
    "actor": ("X-Actor", "The officer who acts (sandbox; elsewhere X-Actor-Assertion).", "^[!-~]{1,64}$", "officer-0017"),
    "if_match": ("If-Match", "ETag of the version this change is based on.", '^"[1-9][0-9]{0,8}"$', '"1"'),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """Scope, purpose, actor, key and version an operation needs, and whether it writes. `units`: open to clients that act for
    one outside unit, such as an employer; everything else is for offices alone.

    `body_limit_bytes` and `deadline_s` are given by operations whose bodies are streamed, `deadline_s` also by a rare act on
    thousands at once; the settings hold for all others.
    """

    scope: str
    purpose: bool = True
    actor: bool = False
    writes: bool = True
    idempotency: bool = True
    if_match: bool = False
    body_limit_bytes: int | None = None
    deadline_s: float | None = None
    units: bool = False

    @classmethod
    def of(cls, openapi_extra: Mapping[str, Any]) -> "Operation":
        """Read back what `operation()` declared; a route without it does not start."""
        return cls(**openapi_extra[EXTENSION])

    def admit(self, principal: Principal) -> None:
        """Raise a `DomainError` unless `principal` may call this operation."""
        if self.scope not in principal.scopes:
            raise DomainError("scope-missing", extra={"scope": self.scope})
        if principal.unit is not None and not self.units:
            raise DomainError("offices-only")
        if self.purpose and principal.purpose is None:
            raise DomainError("purpose-required")
        if self.actor and principal.actor is None:
            raise DomainError("actor-required")


def read(
    scope: str,
    *,
    purpose: bool = True,
    deadline_s: float | None = None,
    units: bool = False,
    summary_zh: str = "",
    problems: Sequence[str] = (),
) -> dict[str, Any]:
    """Declare a route that only reads, whatever its method; no transaction, no key."""
    operation = Operation(scope, purpose=purpose, writes=False, idempotency=False, deadline_s=deadline_s, units=units)
    return _declare(operation, summary_zh, problems)


def write(
    scope: str,
    *,
    actor: bool = False,
    if_match: bool = False,
    deadline_s: float | None = None,
    units: bool = False,
    summary_zh: str = "",
    problems: Sequence[str] = (),
) -> dict[str, Any]:
    """Declare a route that changes business state: one transaction under an `Idempotency-Key`."""
    operation = Operation(scope, actor=actor, if_match=if_match, deadline_s=deadline_s, units=units)
    return _declare(operation, summary_zh, problems)


def upload(
    scope: str,
    *,
    media_types: Sequence[str],
    body_limit_bytes: int,
    deadline_s: float,
    units: bool = False,
    summary_zh: str = "",
    problems: Sequence[str] = (),
) -> dict[str, Any]:
    """Declare a route whose body is streamed in; otherwise like `write`."""
    operation = Operation(scope, body_limit_bytes=body_limit_bytes, deadline_s=deadline_s, units=units)
    declared = _declare(operation, summary_zh, problems)
    content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}
    declared["openapi_extra"]["requestBody"] = {"required": True, "content": content}
    return declared


def _declare(operation: Operation, summary_zh: str, problems: Sequence[str]) -> dict[str, Any]:
    needed = [name for name in _HEADERS if getattr(operation, name)]
    parameters = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": text,
            "schema": {"type": "string", "pattern": pattern},
            "example": example,
        }
        for name, text, pattern, example in (_HEADERS[item] for item in needed)
    ]
    extra = {EXTENSION: asdict(operation), "x-summary-zh": summary_zh, "x-problems": list(problems), "parameters": parameters}
    return {
        "openapi_extra": extra,
        "responses": {"default": {"description": "Problem document (RFC 9457)", "content": _PROBLEM}},
    }


_PROBLEM: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
