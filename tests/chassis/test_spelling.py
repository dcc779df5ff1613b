"""One spelling per value, one meaning per body, and time that grows with the length of the input and no faster."""

import json
import re
import time
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError, create_model

from services.chassis.errors import DomainError
from services.chassis.parsing import parse_body, parse_parameters, parse_query
from services.chassis.schemas import Command, Parameters, PlainText
from tests.chassis.test_routing import NOTES, problem, written
from tests.running import Caller

SOME_ID = "0189d1b6-0000-7000-8000-000000000000"


class Leaf(Command):
    """A nested command."""

    day: date | None = None


class Form(Command):
    """Every kind of value."""

    day: Annotated[date, Field(ge=date(1900, 1, 1))] | None = None
    at: AwareDatetime | None = None
    who: UUID | None = None
    ratio: float | None = None
    leaves: tuple[Leaf, ...] = ()
    type: str = "date"


def body_errors(raw: str) -> list[tuple[str, str]]:
    with pytest.raises(DomainError) as caught:
        parse_body(Form, raw.encode(), 32)
    return [(error.pointer, error.code) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("raw", "pointer", "code"),
    [
        ('{"day": "1704067200"}', "/day", "date_parsing"),
        ('{"day": "0"}', "/day", "date_parsing"),
        ('{"day": "2024-02-30"}', "/day", "date_parsing"),
        ('{"day": "2024-01-01T00:00:00"}', "/day", "date_parsing"),
        ('{"day": 1704067200}', "/day", "date_type"),
        ('{"day": "1899-12-31"}', "/day", "greater_than_equal"),
        ('{"leaves": [{}, {"day": "86400"}]}', "/leaves/1/day", "date_parsing"),
        ('{"at": "1704067200"}', "/at", "datetime_parsing"),
        ('{"at": 1704067200}', "/at", "datetime_type"),
        ('{"at": "2024-01-01 00:00:00Z"}', "/at", "datetime_parsing"),
        ('{"at": "2024-01-01T00:00:00"}', "/at", "timezone_aware"),
        ('{"who": "{0189d1b6-0000-7000-8000-000000000000}"}', "/who", "uuid_parsing"),
        ('{"who": "urn:uuid:0189d1b6-0000-7000-8000-000000000000"}', "/who", "uuid_parsing"),
        ('{"who": "0189d1b6000070008000000000000000"}', "/who", "uuid_parsing"),
        ('{"ratio": NaN}', "/ratio", "finite_number"),
        ('{"ratio": -Infinity}', "/ratio", "finite_number"),
        ('{"ratio": 1e999}', "/ratio", "finite_number"),
    ],
)
def test_a_second_spelling_in_a_body_is_an_error(raw: str, pointer: str, code: str) -> None:
    assert body_errors(raw) == [(pointer, code)]


def test_the_one_spelling_is_understood() -> None:
    given = {
        "day": "2024-02-29",
        "at": "2024-02-29T12:00:00.5+08:00",
        "who": SOME_ID.upper(),
        "leaves": [{"day": "2024-01-31"}],
    }
    form = parse_body(Form, json.dumps(given).encode(), 32)
    assert form == Form(
        day=date(2024, 2, 29),
        at=datetime(2024, 2, 29, 4, 0, 0, 500_000, tzinfo=UTC),
        who=UUID(SOME_ID),
        leaves=(Leaf(day=date(2024, 1, 31)),),
    )
    assert parse_body(Form, b'{"at": "2024-02-29T12:00:00z"}', 32) == Form(at=datetime(2024, 2, 29, 12, tzinfo=UTC))


PARAMETERS = create_model(
    "PARAMETERS", __base__=Parameters, limit=(int, 5), day=(date | None, None), open=(bool, False), who=(UUID | None, None)
)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("limit", "1_0", "int_parsing"),
        ("limit", " 5", "int_parsing"),
        ("limit", "+5", "int_parsing"),
        ("limit", "5.0", "int_parsing"),
        ("limit", "9" * 5000, "int_parsing"),
        ("open", "on", "bool_parsing"),
        ("open", "1", "bool_parsing"),
        ("day", "0", "date_parsing"),
        ("day", "1704067200", "date_parsing"),
        ("who", SOME_ID.replace("-", ""), "uuid_parsing"),
    ],
)
def test_a_second_spelling_in_a_parameter_is_an_error(name: str, value: str, code: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_parameters(PARAMETERS, {}, [(name, value)])
    assert [(error.pointer, error.code) for error in caught.value.errors] == [(f"?{name}", code)]


def test_parameters_in_their_one_spelling_are_understood() -> None:
    given = [("limit", "-7"), ("day", "2024-02-29"), ("open", "true"), ("who", SOME_ID)]
    expected = {"limit": -7, "day": date(2024, 2, 29), "open": True, "who": UUID(SOME_ID)}
    assert parse_parameters(PARAMETERS, {}, given) == expected


@pytest.mark.parametrize("raw", ['{"type": "a", "type": "b"}', '{"leaves": [{"day": null, "\\u0064ay": "2024-01-01"}]}'])
def test_a_member_given_twice_is_refused(raw: str) -> None:
    with pytest.raises(DomainError, match="malformed-body"):
        parse_body(Form, raw.encode(), 32)


def test_the_depth_of_a_body_is_measured_in_linear_time() -> None:
    raw = b"[]" * 33 + b'"' + b'\\"' * 500_000  # an unclosed string full of escaped quotes
    started = time.perf_counter()
    with pytest.raises(DomainError, match="malformed-body"):
        parse_body(Form, raw, 32)
    assert time.perf_counter() - started < 2


def test_very_many_errors_are_not_written_out() -> None:
    class Tags(Command):
        tags: tuple[str, ...]

    raw = json.dumps({"tags": [1] * 20_000}).encode()
    with pytest.raises(DomainError) as caught:
        parse_body(Tags, raw, 32)
    assert [error.code for error in caught.value.errors] == ["too_many_errors"]


@pytest.mark.parametrize("raw", [b"&".join(b"a%d=1" % number for number in range(60)), b"cursor=%ff", b"cursor=\xe4"])
async def test_what_is_no_query_is_refused(clerk: Caller, raw: bytes) -> None:
    with pytest.raises(DomainError, match="invalid-request"):
        parse_query(raw)
    if raw.isascii():
        errors = problem(await clerk.get(f"{NOTES}?{raw.decode()}"), 422, "invalid-request")["errors"]
        assert [(error["pointer"], error["code"]) for error in errors] == [("?", "query")]


async def test_a_query_cannot_shadow_the_path(clerk: Caller) -> None:
    note = await written(clerk)
    errors = problem(await clerk.get(f"{NOTES}/{note['note_id']}?note_id={uuid4()}"), 422, "invalid-request")["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [("?note_id", "extra_forbidden")]


async def test_a_control_character_in_the_path_is_found_in_the_path(clerk: Caller) -> None:
    errors = problem(await clerk.get(f"{NOTES}/a%00b"), 422, "invalid-request")["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [("{note_id}", "control_character")]


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\u200f", "\u061c", "\ufeff", "\uffff", "\x85"])
def test_a_line_of_text_holds_no_second_line_and_no_invisible_turn(character: str) -> None:
    with pytest.raises(ValidationError, match="control characters"):
        TypeAdapter(PlainText).validate_python(f"张{character}三")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 201),
        ('Application/JSON;charset="UTF-8"', 201),
        ("application/json; charset=gbk", 415),
        ("application/merge-patch+json", 415),
        ("application/json, text/plain", 415),
        ("", 201),
    ],
)
async def test_a_body_is_json_in_utf_8(clerk: Caller, content_type: str, status: int) -> None:
    raw = json.dumps({"content": f"x {uuid4()}"}).encode()
    response = await clerk.call("POST", NOTES, content=raw, headers={"content-type": content_type})
    assert response.status_code == status
    if status == 415:
        problem(response, 415, "unsupported-media-type")


# What `\s` takes in ECMA-262, by which a schema's patterns are read: not what it takes in Python.
_SPACES = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_ODD_SPACES = "\t\n\x0b\x0c\r\x1c\x1f \x85\xa0\u1680\u2000\u2028\u202f\u3000\ufeff\u200b"


@example("\x85")
@given(st.text(st.one_of(st.sampled_from(_ODD_SPACES), st.characters(codec="utf-8")), max_size=5))
def test_that_a_text_is_not_blank_is_told_by_its_schema(text: str) -> None:
    """A text without its pattern is refused, and one refused for being too short has not got it (long conformance run)."""
    plain = TypeAdapter(PlainText)
    pattern = plain.json_schema()["pattern"].replace(r"\S", r"[^\s]").replace(r"\s", _SPACES)
    try:
        plain.validate_python(text)
    except ValidationError as error:
        if error.errors()[0]["type"] == "string_too_short":
            assert not re.search(pattern, text)
    else:
        assert re.search(pattern, text)
