"""The merged description and the page that shows it."""

import json
import re
import socket
from typing import Any

import httpx
import pytest

from gateway.openapi import merge
from gateway.routes import load_routes
from tests.gateway.conftest import RunGateway, Services
from tests.gateway.service_documents import POINTS, REGISTRY


def merged(**overrides: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"missing": [], "sandbox": True, **overrides}
    return merge(load_routes(), {"registry": REGISTRY, "points_hukou": POINTS}, **given)


def references(document: dict[str, Any]) -> set[str]:
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))


def test_only_routes_of_the_table_appear() -> None:
    paths = merged()["paths"]
    assert set(paths) == {
        "/v1/persons",
        "/v1/persons/{person_id}",
        "/v1/residence-permits/{permit_id}/issue",
        "/v1/points/files/{person_id}",
        "/oauth/token",
        "/v1/sandbox/clock",
    }
    assert set(paths["/v1/persons/{person_id}"]) == {"get"}
    assert "/v1/sandbox/clock" not in merged(sandbox=False)["paths"]


def test_schemas_are_shared_when_equal_and_told_apart_when_not() -> None:
    document = merged()
    schemas = document["components"]["schemas"]
    assert set(schemas) == {"Problem", "View", "Nested", "PointsHukouView", "PointsHukouNested"}
    assert references(document) == set(schemas)
    points = document["paths"]["/v1/points/files/{person_id}"]["get"]
    assert points["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/PointsHukouView")
    assert schemas["PointsHukouView"]["properties"]["points"]["$ref"].endswith("/PointsHukouNested")
    assert schemas["View"]["properties"]["person"]["$ref"].endswith("/Nested")


def test_a_schema_that_differs_only_in_what_it_refers_to_is_told_apart_too() -> None:
    """`View` of both services reads the same, but leads to different things."""
    wrapper = {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/Nested"}}}
    documents = {}
    for name, document in (("registry", REGISTRY), ("points_hukou", POINTS)):
        schemas = {**document["components"]["schemas"], "View": wrapper}
        documents[name] = {**document, "components": {"schemas": schemas}}
    document = merge(load_routes(), documents, missing=[], sandbox=False)

    def innermost(path: str) -> dict[str, Any]:
        answer = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        view = document["components"]["schemas"][answer["$ref"].rpartition("/")[2]]
        nested = document["components"]["schemas"][view["properties"]["inner"]["$ref"].rpartition("/")[2]]
        return dict(nested["properties"])

    assert innermost("/v1/points/files/{person_id}") == {"points": {"type": "integer"}}
    assert innermost("/v1/persons/{person_id}") == {"name": {"type": "string"}}


def test_operation_ids_are_unique_and_every_operation_says_what_it_needs() -> None:
    document = merged()
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    read = document["paths"]["/v1/persons/{person_id}"]["get"]
    assert read["security"] == [{"oauth": ["registry.person.read"]}]
    assert {parameter["name"] for parameter in read["parameters"]} == {"X-Purpose", "X-Request-Id"}
    issue = document["paths"]["/v1/residence-permits/{permit_id}/issue"]["post"]
    required = {parameter["name"]: parameter["required"] for parameter in issue["parameters"]}
    assert required == {"X-Actor": False, "X-Purpose": True, "X-Actor-Assertion": False, "X-Request-Id": False}
    assert document["paths"]["/oauth/token"]["post"]["security"] == []
    flow = document["components"]["securitySchemes"]["oauth"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "/oauth/token"
    assert "registry.person.read" in flow["scopes"]


def test_merging_leaves_the_services_documents_alone() -> None:
    before = json.dumps([REGISTRY, POINTS], sort_keys=True)
    merged()
    assert json.dumps([REGISTRY, POINTS], sort_keys=True) == before


async def test_the_description_is_served_with_an_etag_and_remembered(
    http: httpx.AsyncClient, gateway: str, services: Services
) -> None:
    first = await http.get(f"{gateway}/openapi.json")
    assert first.json()["openapi"] == "3.1.0"
    assert first.json()["info"]["x-missing-services"] == []
    fetched = services.registry.openapi_fetches
    again = await http.get(f"{gateway}/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert services.registry.openapi_fetches == fetched


async def test_a_service_that_is_down_is_named_in_the_description(
    http: httpx.AsyncClient, run_gateway: RunGateway, services: Services
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with run_gateway(upstreams={**services.urls, "points_hukou": dead}) as url:
            document = (await http.get(f"{url}/openapi.json")).json()
    assert document["info"]["x-missing-services"] == ["points_hukou"]
    assert "points_hukou" in document["info"]["description"]
    assert "/v1/points/files/{person_id}" not in document["paths"]
    assert "/v1/persons" in document["paths"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/docs", "text/html"),
        ("/docs/documentation.css", "text/css"),
        ("/docs/documentation.js", "text/javascript"),
        ("/docs/swagger-ui.css", "text/css"),
        ("/docs/swagger-ui-bundle.js", "text/javascript"),
    ],
)
async def test_the_page_and_its_parts_come_from_here(http: httpx.AsyncClient, gateway: str, path: str, kind: str) -> None:
    answer = await http.get(gateway + path)
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert (await http.get(gateway + path, headers={"if-none-match": answer.headers["etag"]})).status_code == 304
    assert (await http.post(gateway + path)).status_code == 405


async def test_the_page_names_no_other_host_and_runs_no_inline_script(http: httpx.AsyncClient, gateway: str) -> None:
    page = (await http.get(f"{gateway}/docs")).text
    assert not re.findall(r"(?:src|href)=\"(?!/|data:,)", page)
    assert not re.findall(r"<script>|<style|\son\w+=|style=", page)
    for source in re.findall(r"(?:src|href)=\"(/[^\"]+)\"", page):
        assert (await http.get(gateway + source)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/docs/", "/docs/../settings.py", "/docs/swagger-ui/LICENSE", "/static/documentation.html", "/redoc"]
)
async def test_nothing_else_is_served(http: httpx.AsyncClient, gateway: str, path: str) -> None:
    assert (await http.get(gateway + path)).status_code in (400, 404)
