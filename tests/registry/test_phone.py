"""Telephone numbers: one stored form per number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from services.registry.schemas.phone import masked_phone, normalise_phone


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("138 0574 0001", "13805740001"),
        ("+86 138-0574-0001", "13805740001"),
        ("008613805740001", "13805740001"),
        ("１３８０５７４０００１", "13805740001"),
        ("(0574) 6380 1234", "057463801234"),
        ("+8657463801234", "057463801234"),
        ("010-8888 8888", "01088888888"),
        ("+852 1234 5678", "+85212345678"),
        ("0085212345678", "+85212345678"),
        ("+1 (415) 555-0100", "+14155550100"),
    ],
)
def test_typed_and_stored(typed: str, stored: str) -> None:
    assert normalise_phone(typed) == stored
    assert normalise_phone(stored) == stored


@pytest.mark.parametrize(
    "typed", ["12345", "23805740001", "1380574000", "138057400011", "+0123456789", "一二三四五六七", "63801234", ""]
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(PydanticCustomError):
        normalise_phone(typed)


@given(st.text(max_size=30))
def test_anything_is_either_stored_in_one_form_or_refused(typed: str) -> None:
    try:
        stored = normalise_phone(typed)
    except PydanticCustomError:
        return
    assert normalise_phone(stored) == stored
    assert stored.isascii()
    assert stored not in masked_phone(stored)
