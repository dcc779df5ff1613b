"""schemathesis over every operation of a running suite, with a look at why well-formed requests were refused."""

import re
import tomllib
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER, HookContext
from schemathesis.schemas import BaseSchema

from services.chassis.parsing import MESSAGES
from tests.journeys.suite import citizen_number

_CONFIGURATION = Path(__file__).with_name("conformance.toml")
_BORN = date(1950, 1, 1)
CURSOR_PROBLEM = "urn:xinshimin:problem:cursor-invalid"
# `format` is a note in JSON Schema, not a rule; and 83.0 is an integer to it, to us a second spelling of one.
_FORMATS = frozenset({"date_parsing", "datetime_parsing", "uuid_parsing", "timezone_aware", "int_type", "int_from_float"})
# JSON Schema has bounds for numbers only.
_BOUND_IN_TIME = re.compile(r"\d{4}-\d{2}-\d{2}")


@schemathesis.check
def refused_by_a_rule(_: CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]) -> bool | None:
    """Data that fit the published schema are refused only by a rule no schema can state."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in {400, 422}:
        return None
    if case.operation.path == "/oauth/token":
        return None
    content = response.json()
    errors = content.get("errors", [])
    if response.status_code == 400:
        if content["type"] != CURSOR_PROBLEM:
            raise Failure(operation=case.operation.label, title="400 to well-formed data", message=response.text)
    elif not errors or any(_is_of_the_schema(error) for error in errors):
        raise Failure(operation=case.operation.label, title="The published schema does not tell this", message=response.text)
    return None


def _is_of_the_schema(error: Mapping[str, str]) -> bool:
    """Whether this is parsing's own message, so that the schema should have told; rules have words of their own."""
    code = error["code"]
    own = code in MESSAGES and error["message_en"].startswith(MESSAGES[code][1].partition("{")[0])
    return own and code not in _FORMATS and not _BOUND_IN_TIME.search(error["message_en"])


@dataclass(slots=True)
class Report:
    """What a run did and found."""

    calls: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self.calls.total()

    def text(self) -> str:
        """One failure of each kind and operation, with the call that shows it."""
        return "\n\n".join(f"{operation} – {kind}\n{example}" for (operation, kind), example in sorted(self.failures.items()))


def configuration(token: str, *, examples: int) -> SchemathesisConfig:
    """The data file's settings, with a token and so many examples per operation and phase."""
    content = tomllib.loads(_CONFIGURATION.read_text("utf-8"))
    content["generation"]["max-examples"] = examples
    content["auth"] = {"openapi": {"oauth": {"bearer": token}}}
    return SchemathesisConfig.from_dict(content)


def run(schema: BaseSchema, known: Mapping[str, str]) -> Report:
    """Every phase over every operation; half of the well-meant calls speak of real people."""
    report = Report()
    with _speaking_of_real_people(known):
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                _read(event, report)
            elif isinstance(event, events.NonFatalError | events.FatalError):
                error = event.value if isinstance(event, events.NonFatalError) else event.exception
                report.failures["schemathesis", type(error).__name__] = repr(error)
    return report


def _read(event: events.ScenarioFinished, report: Report) -> None:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        report.calls[recorder.cases[case_id].value.operation.label] += 1
        if interaction.response is not None:
            report.statuses[interaction.response.status_code] += 1
    for checks in recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                key = (failure.operation or "any", f"{check.name}: {failure.title}")
                report.failures.setdefault(key, f"{failure.message[:2000]}\n{check.failure_info.code_sample[:2000]}")


@contextmanager
def _speaking_of_real_people(known: Mapping[str, str]) -> Iterator[None]:
    """Random ids only ever meet 404 and random numbers a wrong check digit: put real ones into every second good call.

    Which ones is decided by their content, so that hypothesis sees the same when it repeats a case.
    """

    def before_call(context: HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
        if case.meta is None or not case.meta.generation.mode.is_positive:
            return
        if "Idempotency-Key" in (case.headers or {}):
            case.headers["Idempotency-Key"] = str(uuid.uuid4())  # the document's one example would be a reused key
        seed = zlib.crc32(repr((case.path_parameters, case.body)).encode("utf-8", "replace"))
        if seed % 2:
            return
        if case.path_parameters:
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        if isinstance(case.body, dict):
            case.body = _with_real_people(case.body, known, seed)

    schemathesis.hook(before_call)
    try:
        yield
    finally:
        GLOBAL_HOOK_DISPATCHER.unregister(before_call)


def _with_real_people(value: Any, known: Mapping[str, str], seed: int) -> Any:
    if isinstance(value, list):
        return [_with_real_people(item, known, seed + number) for number, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    made = {name: known.get(name, _with_real_people(member, known, seed)) for name, member in value.items()}
    if made.get("type") == "citizen_id" and "number" in made:
        born = _BORN + timedelta(days=seed % 20_000)
        made["number"] = citizen_number("341204", f"{born:%Y%m%d}", seed % 1000)
    return made
