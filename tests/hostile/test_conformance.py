"""Every published operation under generated requests: good ones, bad ones, and chains of them (reliability.md 24 and §10)."""

import time
from collections.abc import Callable

import pytest
import schemathesis

from tests.hostile.conformance import Report, configuration, run
from tests.hostile.forging import Forge
from tests.hostile.people import City

RunAll = Callable[[int], Report]


@pytest.fixture
def run_all(city: City, forge: Forge) -> RunAll:
    """`run_all(examples)`: all phases over the running suite; the law clock is back afterwards."""

    def go(examples: int) -> Report:
        token = forge.access_token(exp=int(time.time()) + 7200)
        url = f"{city.running['base_url']}/openapi.json"
        try:
            return run(schemathesis.openapi.from_url(url, config=configuration(token, examples=examples)), city.known)
        finally:
            city.suite.demo().set_clock(None)

    return go


def _expect_conformance(report: Report, city: City, *, requests: int) -> None:
    assert not report.failures, report.text()
    assert report.calls.keys() >= city.operations.keys()
    assert report.requests >= requests, report.calls
    assert report.statuses[200] + report.statuses[201] > report.requests / 25, report.statuses
    assert not any(status >= 500 for status in report.statuses), report.statuses


@pytest.mark.timeout(600)  # a minute on a quiet machine; a busy one is no defect
def test_every_operation_keeps_its_promises(city: City, run_all: RunAll) -> None:
    _expect_conformance(run_all(2), city, requests=2000)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_operation_keeps_its_promises_for_long(city: City, run_all: RunAll) -> None:
    _expect_conformance(run_all(60), city, requests=10_000)


def test_a_broken_promise_is_found(city: City, forge: Forge) -> None:
    """The planted defects: a member that answers lack, and a page size the service does not offer."""
    document = city.suite.http.get("/openapi.json").json()
    document["paths"] = {path: item for path, item in document["paths"].items() if path == "/v1/persons/search"}
    schemas = document["components"]["schemas"]
    found = next(schema for name, schema in schemas.items() if name.startswith("Page") and "FoundPerson" in name)
    found["required"] = [*found.get("required", []), "promised"]
    schemas["PersonSearch"]["properties"]["limit"] = {"type": "integer", "minimum": 201, "maximum": 400}
    schemas["PersonSearch"]["required"] = ["limit"]
    schemas["PersonSearch"].pop("examples")
    config = configuration(forge.access_token(), examples=1)
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.config.update(base_url=city.running["base_url"])
    kinds = {kind for _, kind in run(schema, city.known).failures}
    assert any("response_schema_conformance" in kind for kind in kinds), kinds
    assert any("refused_by_a_rule" in kind for kind in kinds), kinds
