"""The route table: what exists, what does not, and what is refused before anybody looks."""

from pathlib import Path

import pytest

from gateway.routes import Route, RouteTable, load_routes
from services.chassis.errors import DomainError

TABLE = RouteTable(load_routes())
ID = "0192f0c1-0000-7000-8000-000000000001"


def filled(path: str) -> bytes:
    return "/".join(ID if part.startswith("{") else part for part in path.split("/")).encode()


@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: route.name)
def test_every_route_is_found_by_its_own_path(route: Route) -> None:
    assert TABLE.match(route.method, filled(route.path)) is route


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/v1",
        b"/v1/",
        b"/v1/person",
        b"/v1/persons/",
        b"/V1/persons",
        b"/v1/Persons",
        b"/v2/persons",
        b"/v1/persons/x/y",
        b"/v1/persons/search/history",
        b"/internal/sandbox/clock",
        b"/openapi",
        b"/v1/persons/" + b"a" * 129,
    ],
)
def test_unknown_paths_are_not_found(path: bytes) -> None:
    with pytest.raises(DomainError, match="not-found"):
        TABLE.match("GET", path)


def test_a_known_path_under_another_method_names_the_methods_it_has() -> None:
    with pytest.raises(DomainError) as caught:
        TABLE.match("DELETE", filled("/v1/persons/{person_id}"))
    assert caught.value.code == "method-not-allowed"
    assert caught.value.extra == {"allow": ["GET", "PATCH"]}


def test_a_literal_segment_is_never_taken_for_an_id() -> None:
    with pytest.raises(DomainError) as caught:
        TABLE.match("GET", b"/v1/persons/search")
    assert caught.value.extra == {"allow": ["POST"]}


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"v1/persons",
        b"*",
        b"//v1/persons",
        b"/v1//persons",
        b"/v1/./persons",
        b"/v1/../v1/persons",
        b"/v1/persons/..",
        b"/v1/persons/.",
        b"/v1/persons%2Fsearch",
        b"/v1/persons/%2e%2e",
        b"/v1/%70ersons",
        b"/v1/persons/%00",
        b"/v1/persons/\x00",
        b"/v1/persons;a=b",
        b"/v1\\persons",
        b"/v1/persons/\xe5\xbc\xa0",
        b"/v1/persons/a b",
        b"/v1/persons/a\tb",
        b"/v1/persons/a#b",
    ],
)
def test_paths_that_two_parsers_could_read_differently_are_refused(path: bytes) -> None:
    with pytest.raises(DomainError, match="path-malformed"):
        TABLE.match("GET", path)


@pytest.mark.parametrize(
    "line",
    [
        '{ method = "FETCH", path = "/v1/a", scope = "a.b" }',
        '{ method = "GET", path = "v1/a", scope = "a.b" }',
        '{ method = "GET", path = "/v1//a", scope = "a.b" }',
        '{ method = "GET", path = "/v1/A", scope = "a.b" }',
        '{ method = "GET", path = "/v1/a", scope = "" }',
        '{ method = "GET", path = "/v1/a", scope = "a.b", actor = "yes" }',
        '{ method = "GET", path = "/v1/a", scope = "a.b", colour = "red" }',
    ],
)
def test_a_table_that_makes_no_sense_is_refused(line: str, tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_text(f"[registry]\nroutes = [{line}]\n")
    with pytest.raises((ValueError, TypeError)):
        load_routes(file)


def test_two_routes_for_one_address_are_refused() -> None:
    routes = load_routes()
    with pytest.raises(ValueError, match="two routes"):
        RouteTable([*routes, routes[0]])
