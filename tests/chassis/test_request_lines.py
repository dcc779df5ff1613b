"""The line of each request is what a log record would have become, and cannot break a request."""

import json
import logging
from collections.abc import Iterator

import pytest

from services.chassis import logs

logger = logging.getLogger("services.chassis.routing")
FIELDS = {"operation": "GET /v1/persons/{person_id}", "status": 200, "problem": None, "client": "客户\u202eabc\x85"}


@pytest.fixture(autouse=True)
def root_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `configure` does to the process is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(logs._Output, "formatter", None)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_it_is_what_a_record_would_have_become(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("registry", "INFO")
    context = logs.request_context.set({"request_id": "r-1", "trace_id": "t-1"})
    try:
        logs.info(logger, "answered", FIELDS)
        logger.info("answered", extra={"fields": FIELDS})
    finally:
        logs.request_context.reset(context)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first | {"at": ""} == second | {"at": ""}
    assert (first["level"], first["request_id"], first["client"]) == ("info", "r-1", FIELDS["client"])


def test_a_level_above_it_silences_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("registry", "WARNING")
    logs.info(logger, "answered", FIELDS)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_a_stream_that_is_gone_breaks_no_request(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure("registry", "INFO")

    class Gone:
        def write(self, _: str) -> None:
            raise error

        def flush(self) -> None:
            raise error

    monkeypatch.setattr(logs._Output.handler, "stream", Gone())
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logs.info(logger, "answered", FIELDS)
