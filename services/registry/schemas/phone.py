"""Telephone numbers as they are stored: one form per number, so that equal numbers are equal."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from services.chassis.schemas import PlainText, rule_error

_SEPARATORS = str.maketrans("", "", " -()/.\u2010\u2011\u2012\u2013\u2014")
_MAINLAND_PREFIX = re.compile(r"(?:\+|00)86(?=1[3-9]\d{9}$|0?[2-9]\d{7,10}$)")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0[1-9]\d{1,2}[2-9]\d{6,7}")
_INTERNATIONAL = re.compile(r"\+[1-9]\d{6,14}")


def normalise_phone(text: str) -> str:
    """`138 0574 0001` → `13805740001`; a landline keeps its area code; abroad is E.164 with `+`.

    Raises the validation error of a request model when the text is none of the three.
    """
    digits = unicodedata.normalize("NFKC", text).translate(_SEPARATORS)
    if prefix := _MAINLAND_PREFIX.match(digits):
        digits = digits[prefix.end() :]
        if not digits.startswith(("0", "1")):
            digits = f"0{digits}"
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if digits.isascii() and (_MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits) or _INTERNATIONAL.fullmatch(digits)):
        return digits
    raise rule_error(
        "phone",
        zh="应为大陆手机号、带区号的固定电话，或以 + 和国家代码开头的号码",
        en="a mainland mobile number, a landline with area code, or + and a country code is expected",
    )


def masked_phone(phone: str) -> str:
    """First three and last four digits (privacy §9): `138****0001`."""
    return f"{phone[:3]}****{phone[-4:]}"


Phone = Annotated[
    PlainText,
    Field(
        max_length=30,
        description="Mainland mobile, landline with area code, or `+` and country code.",
        examples=["13805740001"],
    ),
    AfterValidator(normalise_phone),
]
