"""Unified social credit codes (统一社会信用代码, GB 32100-2015): form and check character (C-16 to C-19).

The inner check digit of the organisation code (GB 11714) is not looked at: old codes were given without it (C-18).
"""

import re

from services.registry.rules.findings import Finding

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_FORM = re.compile(f"[{_ALPHABET}]{{2}}[0-9]{{6}}[{_ALPHABET}]{{10}}")

CREDIT_CODE_FORM = Finding(
    "credit_code_form",
    "C-16, C-17",
    "应为18位统一社会信用代码(不含字母I、O、Z、S、V)。",
    "18 characters of a unified social credit code are expected, none of them I, O, Z, S or V.",
)
CREDIT_CODE_CHECK = Finding(
    "credit_code_check",
    "C-17",
    "统一社会信用代码的校验码不符,请核对。",
    "The check character of the social credit code does not fit; check the code.",
)


def check_character(first_17: str) -> str:
    """The last character over the 17 before it (C-17). Raises ValueError on anything else."""
    if len(first_17) != len(_WEIGHTS):
        raise ValueError("17 characters are expected")
    total = sum(weight * _ALPHABET.index(character) for weight, character in zip(_WEIGHTS, first_17, strict=True))
    return _ALPHABET[-total % len(_ALPHABET)]


def credit_code_problem(code: str) -> Finding | None:
    """What is wrong with a code, typed in capitals and without spaces; `None` when nothing is."""
    if not _FORM.fullmatch(code):
        return CREDIT_CODE_FORM
    return None if check_character(code[:17]) == code[17] else CREDIT_CODE_CHECK
