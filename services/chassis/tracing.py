"""W3C trace context: enough to follow one call through gateway, services and events."""

import os
import re

from services.chassis.ids import new_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:-]{1,64}")
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


def request_id(given: str | None) -> str:
    """The caller's own id of this request when it is well-formed, else a fresh one."""
    return given if given and _REQUEST_ID.fullmatch(given) else str(new_id())


def child(traceparent: str | None) -> str:
    """A new span in the caller's trace, or in a new trace when the header is absent or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    trace, flags = match.groups() if match else (os.urandom(16).hex(), "01")
    return f"00-{trace}-{os.urandom(8).hex()}-{flags}"


def trace_id(traceparent: str) -> str:
    """The 32 hexadecimal digits that all spans of a trace share."""
    return traceparent[3:35]
