"""`docs/asyncapi.json` says what is published, no more and no less."""

from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import jsonschema  # type: ignore[import-untyped]
import pytest

from services.chassis.asyncapi import asyncapi_document
from services.chassis.clock import utc_now
from services.chassis.cloudevents import headers_of
from services.chassis.events import Envelope, EventData
from services.contracts import education, health, points_hukou, registry
from services.suite.publish_contract import contract

DOCUMENT = Path(__file__).parents[2] / "docs" / "asyncapi.json"
PRODUCERS = {
    "registry": registry.EVENTS,
    "points_hukou": points_hukou.EVENTS,
    "health": health.EVENTS,
    "education": education.EVENTS,
}


def written() -> str:
    """The document as `make asyncapi` writes it."""
    return contract()


def resolve(document: dict[str, Any], reference: str) -> Any:
    """Follow a `#/…` reference."""
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(node: Any) -> list[str]:
    """Every `$ref` below `node`."""
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for item in node.values() for found in references(item)]
    return []


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text() == written(), "write it anew: make asyncapi"


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi_document(PRODUCERS)
    assert references(document)
    for reference in references(document):
        assert resolve(document, reference)


def test_every_event_has_channel_operation_and_message() -> None:
    document = asyncapi_document(PRODUCERS)
    types = {event.event_type for events in PRODUCERS.values() for event in events}
    for part in (document["channels"], document["operations"], document["components"]["messages"]):
        assert set(part) == types | {f"{producer}.snapshot" for producer in PRODUCERS}


def test_the_headers_we_send_fit_their_schema() -> None:
    schema = asyncapi_document(PRODUCERS)["components"]["schemas"]["CloudEventHeaders"]
    envelope = Envelope(UUID(int=1), "registry.person.registered.v1", "/xinshimin/registry/1", utc_now(), UUID(int=2), 3)
    jsonschema.validate(headers_of(envelope), schema)
    for name in schema["required"]:
        wrong = {header: value for header, value in headers_of(envelope).items() if header != name}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_an_event_in_the_wrong_place_is_refused() -> None:
    class Stray(EventData):
        event_type: ClassVar[str] = "points_hukou.file.opened.v1"

    with pytest.raises(ValueError, match="misplaced"):
        asyncapi_document({"registry": [Stray]})
    with pytest.raises(ValueError, match="declared twice"):
        asyncapi_document({"points_hukou": [Stray, Stray]})
