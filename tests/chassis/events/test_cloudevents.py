"""Envelope to headers and back, and what becomes of messages nobody can read."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.cloudevents import NIL_KEY, headers_of, read_arrived
from services.chassis.events import Envelope

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
KEY = UUID(int=7)
ENVELOPE = Envelope(UUID(int=1), "origin.item.moved.v1", "/xinshimin/origin/1", NOW, KEY, 3)


@given(
    st.uuids(), st.uuids(), st.integers(1, 10**18 - 1), st.datetimes(timezones=st.just(UTC)), st.none() | st.just("00-ab-cd-01")
)
def test_an_envelope_survives_the_journey(
    event_id: UUID, key: UUID, sequence: int, time: datetime, traceparent: str | None
) -> None:
    envelope = Envelope(event_id, ENVELOPE.type, ENVELOPE.source, time, key, sequence, traceparent)
    read = read_arrived(envelope.type, headers_of(envelope), b'{"a": "\xe6\x96\xb0"}', NOW)
    assert (read.envelope, read.body, read.fault) == (envelope, '{"a": "新"}', None)


@pytest.mark.parametrize(
    ("header", "value", "fault"),
    [
        ("ce-id", "no uuid", "ce-id"),
        ("ce-id", None, "ce-id"),
        ("ce-type", "origin.item.other.v1", "ce-type"),
        ("ce-time", "2026-05-04T03:02:01", "ce-time"),
        ("ce-time", "yesterday", "ce-time"),
        ("ce-specversion", "0.3", "ce-specversion"),
        ("ce-source", None, "ce-source"),
    ],
)
def test_a_malformed_event_keeps_its_place(header: str, value: str | None, fault: str) -> None:
    headers = {name: text for name, text in (headers_of(ENVELOPE) | {header: value}).items() if text is not None}
    read = read_arrived(ENVELOPE.type, headers, b"{}", NOW)
    assert read.fault == f"malformed: {fault}"
    assert (read.envelope.partition_key, read.envelope.sequence) == (KEY, 3)


@pytest.mark.parametrize("sequence", ["0", "-1", "1.5", "١", "1_0", "9" * 19, ""])
def test_an_event_without_a_lawful_sequence_has_no_place(sequence: str) -> None:
    read = read_arrived(ENVELOPE.type, headers_of(ENVELOPE) | {"ce-sequence": sequence}, b"{}", NOW)
    assert read.fault == "malformed: ce-sequence"
    assert (read.envelope.partition_key, read.envelope.sequence) == (NIL_KEY, 0)


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"a": "\x00"}'])
def test_a_body_the_database_cannot_keep_is_malformed(body: bytes) -> None:
    read = read_arrived(ENVELOPE.type, headers_of(ENVELOPE), body, NOW)
    assert read.fault == "malformed: body"
    assert "\0" not in read.body


@given(st.dictionaries(st.sampled_from(list(headers_of(ENVELOPE))), st.text(max_size=30)), st.binary(max_size=50))
def test_reading_never_fails(headers: dict[str, str], body: bytes) -> None:
    assert read_arrived("origin.item.moved.v1", headers, body, NOW).envelope.sequence >= 0
