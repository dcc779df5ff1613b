"""Structured logs: one JSON object per line on standard error, without personal data.

Lines hold ids, operation names and field names, never values a person filled in (reliability.md 38). An exception is
logged by its class and the places in our code it passed through; its message may quote data and is left out.
"""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from pydantic_core import to_json

from services.chassis.clock import utc_now

request_context: ContextVar[Mapping[str, str] | None] = ContextVar("request_context", default=None)

_UNSAFE = {
    code: f"\\u{code:04x}"
    for code in (
        *range(0x7F, 0xA0),
        0x061C,
        0x200E,
        0x200F,
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    )
}
_FRAMES = 12
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; `extra={"fields": {...}}` adds members."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One line; control and bidirectional characters are escaped."""
        content: dict[str, Any] = {
            "at": utc_now().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": _message(record),
        }
        content.update(request_context.get() or {})
        content.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            content["error"] = describe(record.exc_info[1])
        line = _line(content)
        return line if line.isascii() and "\x7f" not in line else line.translate(_UNSAFE)


def _line(content: dict[str, Any]) -> str:
    """As JSON; what pydantic cannot write, such as half a surrogate pair, the standard library can."""
    try:
        return to_json(content, fallback=str).decode()
    except (ValueError, TypeError):
        return _ENCODER.encode(content)


def _message(record: logging.LogRecord) -> str:
    """What was logged. asyncio adds the repr of the future concerned, and with it the message of its exception: left out."""
    message = record.getMessage()
    return message.partition("\n")[0] if record.name == "asyncio" else message


def describe(error: BaseException) -> dict[str, Any]:
    """An exception without its message: class, our frames, and the same for its cause."""
    frames = [
        f"{frame.filename.rpartition('/site-packages/')[2].rpartition('/services/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    ]
    content: dict[str, Any] = {"class": f"{type(error).__module__}.{type(error).__qualname__}", "frames": frames}
    if sqlstate := getattr(error, "sqlstate", None):
        content["sqlstate"] = sqlstate
        content["constraint"] = getattr(error, "constraint_name", None)
    if error.__cause__ is not None:
        content["cause"] = describe(error.__cause__)
    return content


def configure(process: str, level: str) -> None:
    """Send every log record of this process to standard error as JSON."""
    # What no line shows is not looked up for each: the caller's place in the source, names of thread and process.
    logging._srcfile = None  # noqa: SLF001 - as the standard library's own documentation says
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "asyncio", "httpx", "aiohttp.access", "alembic.runtime.plugins"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
