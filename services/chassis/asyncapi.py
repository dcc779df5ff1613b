"""The events of the suite as an AsyncAPI 3.0 document, generated from the contract models into `docs/asyncapi.json`.

Channels are subjects, one per event type. Messages are CloudEvents 1.0 in binary mode: the headers are the envelope, the
payload is the event's data.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from services.chassis.events import EventData, producer_of
from services.chassis.snapshots import Snapshot

_HEADERS: dict[str, Any] = {
    "type": "object",
    "required": [
        "ce-specversion",
        "ce-id",
        "ce-source",
        "ce-type",
        "ce-time",
        "ce-partitionkey",
        "ce-sequence",
        "ce-datacontenttype",
        "Nats-Msg-Id",
    ],
    "properties": {
        "ce-specversion": {"const": "1.0"},
        "ce-id": {"type": "string", "format": "uuid"},
        "ce-source": {
            "type": "string",
            "pattern": "^/xinshimin/[a-z_]+/[0-9]+$",
            "description": "Producer and epoch; unique together with ce-id.",
        },
        "ce-type": {"type": "string", "description": "Equal to the subject."},
        "ce-time": {"type": "string", "format": "date-time"},
        "ce-partitionkey": {
            "type": "string",
            "format": "uuid",
            "description": "Events with the same key keep their order; the person's id for events about a person.",
        },
        "ce-sequence": {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "Dense per producer and key, from 1."},
        "ce-datacontenttype": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "Nats-Msg-Id": {"type": "string", "description": "ce-source, #, ce-id: a second copy within ten minutes is dropped."},
    },
}
_SCHEMA_REF = "#/components/schemas/{model}"


def asyncapi_document(producers: Mapping[str, Sequence[type[EventData]]], *, version: str = "1") -> dict[str, Any]:
    """The document for each producer's published events.

    Raises `ValueError` for an event type that does not belong to its producer or is declared twice.
    """
    models = [model for events in producers.values() for model in events]
    _refuse_misplaced(producers)
    references, schemas = models_json_schema(
        [*((model, "serialization") for model in models), (Snapshot, "serialization")], ref_template=_SCHEMA_REF
    )
    channels = {model.event_type: _channel(model.event_type, model.event_type) for model in models}
    messages = {
        model.event_type: _message(model.event_type, references[model, "serialization"], _summary(model)) for model in models
    }
    for producer in producers:
        name, subject = f"{producer}.snapshot", f"{producer}.snapshot.{{consumer}}.v1"
        parameters = {"parameters": {"consumer": {"description": "The service that asked for it."}}}
        channels[name] = _channel(name, subject) | parameters
        messages[name] = _message(
            subject, references[Snapshot, "serialization"], "Present state of one partition key, for one consumer."
        )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "新市民服务 · Xinshimin events",
            "version": version,
            "description": "One NATS JetStream stream per producer, named like it, with subjects `<producer>.>`.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {name: _send(name) for name in channels},
        "components": {"messages": messages, "schemas": {**schemas["$defs"], "CloudEventHeaders": _HEADERS}},
    }


def _refuse_misplaced(producers: Mapping[str, Sequence[type[EventData]]]) -> None:
    seen: set[str] = set()
    for producer, events in producers.items():
        for model in events:
            if producer_of(model.event_type) != producer or model.event_type in seen:
                raise ValueError(f"{model.event_type} is misplaced or declared twice")
            seen.add(model.event_type)


def _summary(model: type[EventData]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


# A "/" or "~" would need escaping in the references below; event types hold neither.
def _channel(name: str, subject: str) -> dict[str, Any]:
    return {"address": subject, "messages": {name: {"$ref": f"#/components/messages/{name}"}}}


def _message(event_type: str, payload: Mapping[str, Any], summary: str) -> dict[str, Any]:
    return {
        "name": event_type,
        "summary": summary,
        "contentType": "application/json",
        "headers": {"$ref": _SCHEMA_REF.format(model="CloudEventHeaders")},
        "payload": dict(payload),
    }


def _send(name: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
    }
