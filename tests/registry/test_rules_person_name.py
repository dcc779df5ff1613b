"""Names of persons: what is kept, what is refused, how they are compared and masked."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.rules.person_name import (
    MIDDLE_DOT,
    NAME_CODE_POINTS_MAX,
    PersonName,
    RefusedName,
    masked_name,
    name_key,
    normalise_name,
    parse_name,
)
from tests.registry.case_files import Case, cases

QUICK = settings(max_examples=80, deadline=None)
NAME_CHARACTERS = st.sampled_from(
    [*"张伟古丽买提王李阿不都ABé", "𠮷", "䶮", "\uf9d1", "\ue001", *"·.\u2022\u30fb", " ", "\u3000", "e\u0301", "\ufe00"]
)


@pytest.mark.parametrize("case", cases("person_names", "name"))
def test_name(case: Case) -> None:
    parsed = parse_name(case["text"])

    assert told(parsed, case["expected"]) == case["expected"]


def told(parsed: PersonName | RefusedName, asked: dict[str, Any]) -> dict[str, Any]:
    if isinstance(parsed, RefusedName):
        return {"problems": [problem.code for problem in parsed.problems]}
    found: dict[str, Any] = {"stored": parsed.text, "masked": masked_name(parsed.text)}
    found = {key: value for key, value in found.items() if key in asked}
    return found | ({"warnings": [warning.code for warning in parsed.warnings]} if parsed.warnings else {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("古丽·买买提", "古丽买买提"),
        ("古丽·买买提", "古丽\u30fb买买提"),
        ("古丽·买买提", "古丽 · 买买提"),
        ("张\u3000伟", "张伟"),
        ("JOSÉ NUÑEZ", "Jose\u0301 Nun\u0303ez"),
        ("\uf9d1伟", "六伟"),
        ("葛\U000e0100城", "葛城"),
    ],
)
def test_names_that_are_the_same_for_comparison(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(("one", "other"), [("张伟", "张玮"), ("王𬭎", "王宏"), ("Ａｎｎ", "张"), ("𠮷野", "吉野")])
def test_names_that_are_not_the_same(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


def test_repr_of_a_name_does_not_show_it() -> None:
    assert "张" not in repr(parse_name("张伟"))


@QUICK
@given(st.text(max_size=60))
def test_any_text_is_either_a_name_or_refused_with_reasons(text: str) -> None:
    parsed = parse_name(text)

    if isinstance(parsed, RefusedName):
        assert parsed.problems
    else:
        assert parsed.text == normalise_name(text)
        assert 1 <= len(parsed.text) <= NAME_CODE_POINTS_MAX


@QUICK
@given(st.lists(NAME_CHARACTERS, max_size=20).map("".join))
def test_normalising_and_keying_twice_change_nothing(text: str) -> None:
    assert normalise_name(normalise_name(text)) == normalise_name(text)
    assert name_key(name_key(text)) == name_key(text)
    assert name_key(normalise_name(text)) == name_key(text)


@QUICK
@given(st.lists(NAME_CHARACTERS, min_size=1, max_size=20).map("".join))
def test_mask_is_stable_and_shows_only_the_first_character_or_the_part_before_the_dot(text: str) -> None:
    name, masked = normalise_name(text), masked_name(text)
    before_dot = name.partition(MIDDLE_DOT)[0] if MIDDLE_DOT in name else ""

    assert masked == masked_name(name)
    assert masked.removesuffix("**") in {"", name[:1], before_dot + MIDDLE_DOT}
    assert len(name) > 1 or masked == "**"
