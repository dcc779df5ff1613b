"""Every parser that meets bytes of the outside: no exception but its own, and time that grows with the length at most.

The short run gives each some hundreds of odd inputs; the long one more than a hundred thousand in all.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import Query
from pydantic import TypeAdapter, ValidationError, create_model

from gateway.keys import SigningKeys, make_signing_key
from gateway.routes import RouteTable, load_routes
from gateway.tokens import OAuthError, basic_credentials, parse_form, unverified_subject
from services.chassis import idempotency, pages, preconditions, problems, tracing
from services.chassis.clock import utc_now
from services.chassis.cloudevents import headers_of, read_arrived
from services.chassis.errors import DomainError
from services.chassis.events import Envelope
from services.chassis.keyring import KeyFileError, Keyring, make_key_file
from services.chassis.parsing import check_media_type, parse_body, parse_parameters, parse_query
from services.chassis.schemas import Command, Parameters
from services.contracts.registry import EVENTS
from services.registry import api
from services.registry.rules.identity_number import DocumentType, masked_number, normalised_number, parse_document_number
from services.registry.rules.person_name import masked_name, name_key, parse_name
from services.registry.schemas.phone import Phone
from tests.hostile.odd_bytes import odd

SEED = 20260722
SHORT, LONG = 300, 6_000
# Of processor time, so that neighbours do not count; a hundred times what the slowest needs here.
LONGEST_S = 1.0
EXAMPLES = Path(__file__).parent.parent / "contracts" / "examples"


@dataclass(frozen=True, slots=True)
class Parser:
    """What is called, good inputs to bend, and the exceptions that are its way to refuse."""

    parse: Callable[[bytes], object]
    good: tuple[bytes, ...]
    refusal: tuple[type[Exception], ...] = ()


def _text(content: bytes) -> str:
    """As a header or a decoded body reaches us: any text."""
    return content.decode("utf-8", "replace") if len(content) % 2 else content.decode("latin-1")


def _commands() -> dict[str, tuple[type[Command], tuple[bytes, ...]]]:
    """Every request body of the registry, with its examples."""
    bodies = {route.signature.body_model for router in api.ROUTERS for route in router.routes}  # type: ignore[attr-defined]
    found = {}
    for model in sorted((each for each in bodies if each is not None), key=lambda each: each.__name__):
        examples = (model.model_config.get("json_schema_extra") or {}).get("examples", [{}])
        found[model.__name__] = (model, tuple(json.dumps(example, ensure_ascii=False).encode() for example in examples))
    return found


def _query_model() -> type[Parameters]:
    fields: dict[str, Any] = {
        "limit": (Annotated[int, Query(ge=1, le=200)], 50),
        "after": (date | None, None),
        "known_at": (datetime | None, None),
        "person_id": (UUID | None, None),
        "open": (bool | None, None),
        "division_code": (Annotated[str | None, Query(max_length=12)], None),
    }
    return create_model("Asked", __base__=Parameters, **fields)


def _file(folder: Path, load: Callable[[Path], object]) -> Callable[[bytes], object]:
    path = folder / "key.json"
    path.touch(mode=0o600)

    def parse(content: bytes) -> object:
        path.write_bytes(content)
        return load(path)

    return parse


def _event(content: bytes) -> object:
    """A message whose header values and body are odd; reading never fails, decoding only as pydantic does."""
    envelope = Envelope(UUID(int=1), EVENTS[0].event_type, "/xinshimin/registry/1", utc_now(), UUID(int=2), 3)
    headers = headers_of(envelope)
    name = list(headers)[len(content) % len(headers)]
    headers[name] = _text(content)
    arrived = read_arrived(EVENTS[0].event_type, headers, content, utc_now())
    assert "\0" not in arrived.body
    return [event.model_validate_json(content) for event in EVENTS]


def _number(content: bytes) -> object:
    kinds = list(DocumentType)
    kind, text = kinds[len(content) % len(kinds)], _text(content)
    tail = masked_number(text)
    assert len(tail) <= 12
    return parse_document_number(kind, text, today=date(2026, 7, 1)), normalised_number(kind, text)


def _route(content: bytes) -> object:
    return RouteTable(_ROUTES).match("GET", content)


_ROUTES = load_routes()
_JSON = (b'{"a": [1, {"b": null}], "c": "\\u674e"}', b"[]", b'{"type": "citizen_id", "number": "341204198808080050"}')


def _parsers(folder: Path) -> Iterator[tuple[str, Parser]]:
    for name, (model, examples) in _commands().items():
        yield f"body {name}", Parser(lambda raw, model=model: parse_body(model, raw, 32), (*examples, *_JSON), (DomainError,))  # type: ignore[misc]
    asked, keyring = _query_model(), Keyring(make_key_file())
    cursor = pages.sign(keyring, "list", utc_now().isoformat(), str(UUID(int=7))).encode()
    query = (
        b"limit=20&after=2026-01-01&open=true",
        b"person_id=019ab0c2-1111-7000-8000-000000000001&known_at=2026-01-01T00:00:00Z",
    )
    phone: TypeAdapter[str] = TypeAdapter(Phone)
    number = (
        b"341204198808080050",
        b"11010519491231002X",
        b"810000199408230021",
        b"H12345678",
        b"E12345678",
        b"522401620927691",
    )
    names = ("欧阳·𠮷娃".encode(), "阿依古丽·买买提".encode(), b"Mary-Ann O'Neil", "李".encode())
    examples = tuple(path.read_bytes() for path in sorted(EXAMPLES.glob("*.json")))
    key_file, signing = make_key_file().encode(), make_signing_key().encode()
    form = (b"grant_type=client_credentials&scope=a.b+c.d", b"client_assertion_type=urn%3Aietf&client_assertion=a.b.c")
    yield "query", Parser(lambda raw: parse_parameters(asked, {}, parse_query(raw)), query, (DomainError,))
    yield "cursor", Parser(lambda raw: pages.after(keyring, "list", _text(raw)), (cursor,), (DomainError,))
    yield (
        "If-Match",
        Parser(
            lambda raw: preconditions.parse_if_match(_text(raw), required=True), (b'"3"', b'W/"3"', b'"1", "2"'), (DomainError,)
        ),
    )
    yield "Idempotency-Key", Parser(lambda raw: idempotency.parse_key(_text(raw)), (b'"abc-1"', b"abc"), (DomainError,))
    yield (
        "Content-Type",
        Parser(lambda raw: check_media_type(_text(raw)), (b"application/json; charset=utf-8",), (DomainError,)),
    )
    yield "Accept-Language", Parser(lambda raw: problems.preferred_language(_text(raw)), (b"en-GB, zh;q=0.8, *;q=0.1",))
    yield "X-Request-Id", Parser(lambda raw: tracing.request_id(_text(raw)), (b"abc:1",))
    yield "traceparent", Parser(lambda raw: tracing.child(_text(raw)), (b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",))
    yield "event", Parser(_event, (*examples, b"3", b"2026-01-01T00:00:00+08:00"), (ValidationError,))
    yield "identity number", Parser(_number, number)
    yield "name", Parser(lambda raw: (parse_name(_text(raw)), name_key(_text(raw)), masked_name(_text(raw))), names)
    yield (
        "phone",
        Parser(
            lambda raw: phone.validate_python(_text(raw)),
            (b"13805740001", b"+852 2345 6789", b"0574-63012345"),
            (ValidationError,),
        ),
    )
    yield "key file", Parser(_file(folder, Keyring.load), (key_file,), (KeyFileError,))
    yield "signing key file", Parser(_file(folder, SigningKeys.load), (signing,), (KeyFileError,))
    yield "token form", Parser(parse_form, form, (OAuthError,))
    yield "Basic", Parser(lambda raw: basic_credentials(_text(raw)), (b"Basic Y2xpZW50OnNlY3JldA==",), (OAuthError,))
    yield (
        "subject of an assertion",
        Parser(lambda raw: unverified_subject(_text(raw)), (b"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjIn0.AAAA",)),
    )
    yield (
        "path",
        Parser(_route, tuple(route.path.replace("{", "").replace("}", "").encode() for route in _ROUTES), (DomainError,)),
    )


@pytest.fixture(scope="module")
def parsers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parser]:
    return dict(_parsers(tmp_path_factory.mktemp("parsers")))


def _feed(name: str, parser: Parser, count: int) -> int:
    """How many of the odd inputs it took; raises for an exception that is not its own, and for one that took too long."""
    rng, taken = random.Random(f"{SEED} {name}"), 0
    for number in range(count):
        content = odd(parser.good, rng, longest=1 << 20 if number % 500 == 499 else 8 << 10)
        started = time.thread_time()
        try:
            parser.parse(content)
            taken += 1
        except parser.refusal:
            pass
        except Exception as error:
            raise AssertionError(f"{name}: {type(error).__name__} {error} for {content[:2000]!r}") from error
        spent = time.thread_time() - started
        assert spent < LONGEST_S, f"{name}: {spent:.2f} s for {len(content)} bytes: {content[:200]!r}"
    return taken


def test_no_parser_is_surprised(parsers: dict[str, Parser]) -> None:
    for name, parser in parsers.items():
        _feed(name, parser, SHORT)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_parser_is_surprised_for_long(parsers: dict[str, Parser]) -> None:
    assert len(parsers) * LONG >= 100_000
    for name, parser in parsers.items():
        _feed(name, parser, LONG)


def test_a_parser_that_is_surprised_is_found() -> None:
    """The planted defects: one that raises something of its own, one whose time explodes."""
    with pytest.raises(AssertionError, match="UnicodeDecodeError"):
        _feed("planted", Parser(lambda raw: raw.decode("ascii"), _JSON, (KeyError,)), SHORT)
    with pytest.raises(AssertionError, match="bytes"):
        _feed("planted", Parser(lambda raw: sum(1 for _ in range(len(raw) ** 2 * 2)), (b"a" * 4000,)), SHORT)
