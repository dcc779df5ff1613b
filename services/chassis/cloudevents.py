"""CloudEvents 1.0 in NATS binary mode: an envelope as message headers, and back. Pure.

A message nobody can read must not stop a stream, so reading never fails: what is no lawful event comes back with its `fault`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from services.chassis.events import Envelope

Value = TypeVar("Value")

NIL_KEY = UUID(int=0)
"""Stands in for a partition key or an id that cannot be read."""

_SPEC_VERSION = "1.0"
_TEXT_MAX = 200  # of attributes salvaged from a malformed message
_SEQUENCE_DIGITS_MAX = 18  # fits PostgreSQL's bigint


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event as it came from the stream, its data still JSON text.

    `fault` names what makes it unreadable; such an event is never handed to a handler. Attributes that could not be read are
    then `NIL_KEY`, 0 or empty.
    """

    envelope: Envelope
    body: str
    fault: str | None = None


def source_of(service: str, epoch: int) -> str:
    """CloudEvents `source`: the producer and its epoch, which rises after a restore to the past."""
    return f"/xinshimin/{service}/{epoch}"


def headers_of(envelope: Envelope) -> dict[str, str]:
    """Message headers of an event; `Nats-Msg-Id` lets JetStream drop what it already has."""
    headers = {
        "Nats-Msg-Id": f"{envelope.source}#{envelope.id}",
        "ce-specversion": _SPEC_VERSION,
        "ce-id": str(envelope.id),
        "ce-source": envelope.source,
        "ce-type": envelope.type,
        "ce-time": envelope.time.isoformat(),
        "ce-partitionkey": str(envelope.partition_key),
        "ce-sequence": str(envelope.sequence),
        "ce-datacontenttype": "application/json",
    }
    if envelope.traceparent is not None:
        headers["traceparent"] = envelope.traceparent
    return headers


def read_arrived(subject: str, headers: Mapping[str, str], body: bytes, received_at: datetime) -> Arrived:
    """The event in a message; `received_at` stands in for an unreadable time."""
    try:
        envelope = Envelope(
            id=UUID(headers["ce-id"]),
            type=_equal(headers["ce-type"], subject),
            source=headers["ce-source"],
            time=_instant(headers["ce-time"]),
            partition_key=UUID(headers["ce-partitionkey"]),
            sequence=_sequence(headers["ce-sequence"]),
            traceparent=headers.get("traceparent"),
        )
        _equal(headers["ce-specversion"], _SPEC_VERSION)
        return Arrived(envelope, _text(body))
    except (KeyError, ValueError):
        return _salvage(subject, headers, body, received_at)


def event_id_in(headers: Mapping[str, str]) -> UUID | None:
    """The event's id alone; `None` when there is none that can be read."""
    try:
        return UUID(headers["ce-id"])
    except (KeyError, ValueError):
        return None


def _salvage(subject: str, headers: Mapping[str, str], body: bytes, received_at: datetime) -> Arrived:
    """Keep what can be read; without both key and sequence the event has no place in any order."""
    faults: list[str] = []

    def attribute(name: str, parse: Callable[[str], Value], otherwise: Value) -> Value:
        try:
            return parse(headers[name])
        except (KeyError, ValueError):
            faults.append(name)
            return otherwise

    attribute("ce-specversion", lambda given: _equal(given, _SPEC_VERSION), "")
    attribute("ce-type", lambda given: _equal(given, subject), "")
    event_id = attribute("ce-id", UUID, NIL_KEY)
    source = attribute("ce-source", str, "")
    time = attribute("ce-time", _instant, received_at)
    key = attribute("ce-partitionkey", UUID, NIL_KEY)
    sequence = attribute("ce-sequence", _sequence, 0)
    if key == NIL_KEY or sequence == 0:
        key, sequence = NIL_KEY, 0
    try:
        text = _text(body)
    except ValueError:
        faults.append("body")
        text = body.decode(errors="replace").replace("\0", "\ufffd")
    envelope = Envelope(event_id, _clipped(subject), _clipped(source), time, key, sequence)
    return Arrived(envelope, text, fault=f"malformed: {', '.join(faults)}")


def _equal(given: str, wanted: str) -> str:
    if given != wanted:
        raise ValueError("unexpected value")
    return given


def _instant(given: str) -> datetime:
    instant = datetime.fromisoformat(given)
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return instant


def _sequence(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= _SEQUENCE_DIGITS_MAX and int(given) > 0):
        raise ValueError("a sequence is a positive integer")
    return int(given)


def _text(body: bytes) -> str:
    """JSON text as PostgreSQL can keep it: UTF-8 without zero bytes."""
    if b"\0" in body:
        raise ValueError("zero byte")
    return body.decode()


def _clipped(text: str) -> str:
    return text[:_TEXT_MAX].replace("\0", "\ufffd")
