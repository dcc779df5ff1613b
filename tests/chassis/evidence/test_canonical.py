"""Canonical JSON (RFC 8785) for what audit lines hold: fixed bytes, so that no version of anything tells another digest."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.work import canonical_json

# (value, the exact text). The digests below were computed with sha256sum over the texts, not with this code.
VECTORS: list[tuple[dict[str, Any], str]] = [
    ({"b": "2", "a": "1"}, '{"a":"1","b":"2"}'),
    ({"operation": "人员登记", "purpose": None}, '{"operation":"人员登记","purpose":null}'),
    ({"name": "e\u0301 ≠ \u00e9"}, '{"name":"e\u0301 ≠ \u00e9"}'),  # combining: never normalised
    ({"name": "𠮷野家 😀"}, '{"name":"𠮷野家 😀"}'),  # astral: itself, not a pair of escapes
    ({"a": '\u0000\b\t\n\u000b\f\r\u001f"\\/\u007f\u2028'}, '{"a":"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\"\\\\/\u007f\u2028"}'),
    ({"fields": ["身份证号", "phone"], "n": 9007199254740991}, '{"fields":["身份证号","phone"],"n":9007199254740991}'),
    ({"text": "\u202e\u200f عربي"}, '{"text":"\u202e\u200f عربي"}'),
    ({"A": "1", "a": "2", "_": "3", "a_b": "4", "ab": "5"}, '{"A":"1","_":"3","a":"2","a_b":"4","ab":"5"}'),
]
DIGESTS = [
    "21f76dfbfe6dfe21f762080ef484112cf2952974cef30741fd1931e1c6d92112",
    "3adf185fbbb2cbabd79161776657957b869131c4e283b310211fa8e592b6dd18",
    "9f4542b8bdfc2580509b9d5dfd12c2a3c2e863303827e9339a07e145d023c007",
    "879add1d8e0a90ffecdb52e4c6c8f05abb81f1c0741526b691a1bb74b449fda9",
    "0e32d8805e2a557a237225d69ed5c8087457ed003aded5ba1dacf4fea75d56fd",
    "2d4e907daaf5a2155e0fc2c1af3aa7b7f88d5aa1ba6a37927bbc60caef83f8fd",
    "16569bfab849e5308f26dad47ae6bd53b752fe2c797e2439d6b2d07932c5ba79",
    "1baae0d558e46d1f5b71a01e2d68be230d1897d7a6fc9de7725baed0d00efcf7",
]


@pytest.mark.parametrize(("value", "text"), VECTORS)
def test_fixed_texts(value: dict[str, Any], text: str) -> None:
    assert canonical_json(value) == text


def test_fixed_digests() -> None:
    found = [hashlib.sha256(canonical_json(value).encode()).hexdigest() for value, _ in VECTORS]
    assert found == DIGESTS


def test_a_lone_surrogate_has_no_bytes() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        canonical_json({"a": "\ud800"}).encode()


# The first draw of text builds a table of all characters, which takes seconds on a busy machine.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(st.characters(codec="ascii")), st.none() | st.text() | st.integers() | st.lists(st.text())))
def test_what_was_written_is_read_back_and_written_the_same(value: dict[str, Any]) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text
