"""The route table: read from `routes.toml`, matched segment by segment. Whatever is not in it does not exist."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.chassis.errors import DomainError

ROUTES_FILE = Path(__file__).with_name("routes.toml")
SANDBOX_CLOCK_SCOPE = "sandbox.clock"

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_LITERAL = re.compile(r"[a-z0-9][a-z0-9_-]*")
_PARAMETER = re.compile(r"\{[a-z][a-z0-9_]*\}")
_SCOPE = re.compile(r"[a-z_]+(\.[a-z_]+)+")

# No address of ours needs percent-encoding, so whatever two parsers could read differently (`%2F`, `%2e`, `;`, `\`, NUL) is
# refused.
_PLAIN_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
_LONGEST_PARAMETER = 128


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the public door."""

    method: str
    path: str
    service: str
    scope: str
    purpose: bool = True
    actor: bool = False
    field_scopes: tuple[str, ...] = ()
    """Scopes that no operation asks for: they decide how much of a person the service's answers show."""

    @property
    def name(self) -> str:
        """Method and template, for logs and metrics: never an id."""
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class _Node:
    literals: dict[bytes, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    methods: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """Finds the route of a request in time that depends on the path's depth only.

    A literal segment always wins over a parameter, and there is no way back: `GET /v1/persons/search` is a wrong method on
    `search`, never the person called "search".
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path.split("/")[1:]:
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment.encode(), _Node())
        if route.method in node.methods:
            raise ValueError(f"two routes answer {route.name}")
        node.methods[route.method] = route

    def match(self, method: str, path: bytes) -> Route:
        """The route for exactly these bytes; raises `DomainError` `path-malformed`, `not-found` or `method-not-allowed`."""
        check_path(path)
        node: _Node | None = self._root
        for segment in path.split(b"/")[1:]:
            assert node is not None
            following = node.literals.get(segment)
            if following is None and segment and len(segment) <= _LONGEST_PARAMETER:
                following = node.parameter
            if following is None:
                raise DomainError("not-found")
            node = following
        assert node is not None
        route = node.methods.get(method)
        if route is not None:
            return route
        if not node.methods:
            raise DomainError("not-found")
        raise method_not_allowed(node.methods)


def check_path(path: bytes) -> None:
    """Raise `DomainError('path-malformed')` for a path that two parsers could understand differently."""
    if path.translate(None, _PLAIN_BYTES) or path[:1] != b"/" or b"//" in path:
        raise DomainError("path-malformed")
    if b"/." in path and not {b".", b".."}.isdisjoint(path.split(b"/")):
        raise DomainError("path-malformed")


def method_not_allowed(allowed: Iterable[str]) -> DomainError:
    """The error of a known path under another method, naming the methods it has."""
    return DomainError("method-not-allowed", extra={"allow": sorted(allowed)})


def load_routes(path: Path = ROUTES_FILE) -> tuple[Route, ...]:
    """The routes of the table; raises `ValueError` when the file does not make sense."""
    content = tomllib.loads(path.read_text("utf-8"))
    return tuple(
        _route(service, entry, tuple(section.get("field_scopes", ())))
        for service, section in content.items()
        for entry in section["routes"]
    )


def known_scopes(routes: Iterable[Route]) -> frozenset[str]:
    """Every scope a client can hold."""
    return frozenset(scope for route in routes for scope in (route.scope, *route.field_scopes)) | {SANDBOX_CLOCK_SCOPE}


def _route(service: str, entry: dict[str, Any], field_scopes: tuple[str, ...]) -> Route:
    route = Route(service=service, **entry, field_scopes=field_scopes)
    segments = route.path.split("/")
    if route.method not in _METHODS or segments[0] != "" or len(segments) < 2:
        raise ValueError(f"route {entry} has no proper method or path")
    if not all(_LITERAL.fullmatch(part) or _PARAMETER.fullmatch(part) for part in segments[1:]):
        raise ValueError(f"route {route.path}: a segment is neither a plain word nor a {{parameter}}")
    if (
        not all(map(_SCOPE.fullmatch, (route.scope, *field_scopes)))
        or type(route.purpose) is not bool
        or type(route.actor) is not bool
    ):
        raise ValueError(f"route {route.path}: scope or flags are malformed")
    return route
