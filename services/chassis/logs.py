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
from typing import Any, TextIO

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
        fields = getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            fields = {**fields, "error": describe(record.exc_info[1])}
        return self.line(record.levelname.lower(), record.name, _message(record), fields)

    def line(self, level: str, logger_name: str, message: str, fields: Mapping[str, Any]) -> str:
        """The same of what is no record."""
        content = {
            "at": utc_now().isoformat(timespec="milliseconds"),
            "level": level,
            "process": self._process,
            "logger": logger_name,
            "message": message,
            **(request_context.get() or {}),
            **fields,
        }
        line = _line(content)
        return line if line.isascii() and "\x7f" not in line else line.translate(_UNSAFE)


class _Output:
    """Where this process logs to, once `configure` was called."""

    formatter: JsonFormatter | None = None
    handler: "logging.StreamHandler[TextIO]"


def info(logger: logging.Logger, message: str, fields: Mapping[str, Any]) -> None:
    """`logger.info` for the line of each request: a `LogRecord` and its way to the handler cost more than the line itself.

    Where that cannot be written the standard library has its way with a record, as always.
    """
    if not logger.isEnabledFor(logging.INFO):
        return
    formatter = _Output.formatter
    if formatter is not None:
        try:
            _write(_Output.handler, formatter.line("info", logger.name, message, fields))
        except (OSError, ValueError):
            pass
        else:
            return
    logger.info(message, extra={"fields": fields})


def _write(handler: "logging.StreamHandler[TextIO]", line: str) -> None:
    handler.acquire()
    try:
        handler.stream.write(line + handler.terminator)
        handler.flush()
    finally:
        handler.release()


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
    _Output.formatter, _Output.handler = formatter, handler = JsonFormatter(process), logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "asyncio", "httpx", "aiohttp.access", "alembic.runtime.plugins"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
