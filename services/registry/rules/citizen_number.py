"""The citizen number (公民身份号码), GB 11643-1999: form, check character, birth date, the old 15 digits (C-01 to C-08).

The pieces other card numbers share with it (check character, birth date, cleaning of what was typed) are here too. Two
persons may share one number in old records (重号, C-08): the number is no primary key.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from operator import mul
from string import ascii_lowercase, ascii_uppercase, digits

from services.registry.rules.division import is_division_code
from services.registry.rules.division_tree import DIVISION_CODE_UNKNOWN, Divisions
from services.registry.rules.findings import Finding


@dataclass(frozen=True, slots=True)
class CitizenNumber:
    """A citizen number that stands (18 characters, upper-case `X`), and what it says of its holder.

    `sex_code` is GB/T 2261.1 (`1` male, `2` female). Neither sex nor birth date may silently overwrite what a person
    states: cross-check.
    """

    number: str = field(repr=False)
    division_code: str
    birth_date: date = field(repr=False)
    sex_code: str
    was_15_digits: bool
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedNumber:
    """A number that cannot be one of its type: every problem at once."""

    problems: tuple[Finding, ...]


def normalise(text: str) -> str:
    """ASCII upper case without spaces and invisible characters; full-width forms become ordinary ones (C-04). Idempotent."""
    if text.isascii() and text.isalnum():
        return text.upper()
    visible = (char for char in text.translate(_FULL_WIDTH) if unicodedata.category(char) not in _UNSEEN)
    return unicodedata.normalize("NFC", "".join(visible)).translate(_UPPER)


def check_character(first_17_digits: str) -> str:
    """The check character of ISO 7064 MOD 11-2 over 17 digits (C-03). Raises ValueError on anything else."""
    if len(first_17_digits) != 17 or not _DIGITS.fullmatch(first_17_digits):
        raise ValueError("17 digits are expected")
    return _CHECK_CHARACTERS[sum(map(mul, _WEIGHTS, map(int, first_17_digits))) % 11]


def parse_citizen_number(text: str, *, today: date, divisions: Divisions | None = None) -> CitizenNumber | RefusedNumber:
    """Check a citizen number of 18 or 15 characters (C-01 to C-07); what is wrong with it is told at once.

    With `divisions`, doubtful division codes become warnings.
    """
    typed = normalise(text)
    body, last = (typed[:17], typed[17:]) if len(typed) == 18 else (typed, "")
    problems: list[Finding] = []
    if len(typed) not in {15, 18}:
        problems.append(_LENGTH)
    if not (_DIGITS.fullmatch(body) and last in _LAST):
        problems.append(_CHARACTERS)
    birth_digits = typed[6:14] if len(typed) == 18 else f"19{typed[6:12]}"
    birth_date = None
    if _LENGTH not in problems and _DIGITS.fullmatch(birth_digits):
        birth_date, date_problems = birth_date_in(birth_digits, today)
        problems.extend(date_problems)
    if last and _CHARACTERS not in problems and check_character(body) != last:
        problems.append(CHECK_CHARACTER_WRONG)
    if problems or birth_date is None:
        return RefusedNumber(tuple(problems))
    number = upgraded(typed)
    return CitizenNumber(
        number=number,
        division_code=number[:6],
        birth_date=birth_date,
        sex_code="1" if int(number[16]) % 2 else "2",
        was_15_digits=len(typed) == 15,
        warnings=(*birth_date_warnings(birth_date), *division_code_warnings(number[:6], birth_date, today, divisions)),
    )


def upgraded(typed: str) -> str:
    """The 18-character form of 15 digits (C-05): the century inserted, the check character appended. Other texts are left
    alone.
    """
    if len(typed) != 15 or not _DIGITS.fullmatch(typed):
        return typed
    first_17 = f"{typed[:6]}19{typed[6:]}"
    return first_17 + check_character(first_17)


def birth_date_in(eight_digits: str, today: date) -> tuple[date | None, tuple[Finding, ...]]:
    """The date YYYYMMDD stands for and the problems with it: it must exist and not lie in the future (C-06)."""
    try:
        birth_date = date(int(eight_digits[:4]), int(eight_digits[4:6]), int(eight_digits[6:]))
    except ValueError:
        return None, (_NO_SUCH_DATE,)
    return birth_date, (_FUTURE,) if birth_date > today else ()


def birth_date_warnings(birth_date: date) -> tuple[Finding, ...]:
    """C-06: a birth before 1900 needs review by an officer."""
    return (_BEFORE_1900,) if birth_date.year < 1900 else ()


def division_code_warnings(code: str, birth_date: date, today: date, divisions: Divisions | None) -> tuple[Finding, ...]:
    """C-07: doubts about the division code inside a number; without `divisions` only about its form. A code is in order that
    was in force on any day of the holder's life: it is that of the first registration (C-01).
    """
    if not is_division_code(code):
        return (DIVISION_CODE_UNKNOWN,)
    return () if divisions is None else divisions.warnings(code, today, since=birth_date)


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_LAST = frozenset({"", "X", *digits})
_DIGITS = re.compile(r"[0-9]+")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
"""Unicode categories dropped from a typed number: every space, line break, control and invisible character."""

_LENGTH = Finding(
    "length", "C-01", "公民身份号码应为18位(旧号码15位)。", "A citizen number has 18 characters (15 in its old form)."
)
_CHARACTERS = Finding(
    "characters",
    "C-01",
    "公民身份号码应为数字,仅第18位可为X。",
    "A citizen number is made of digits; only the 18th character may be X.",
)
CHECK_CHARACTER_WRONG = Finding(
    "check_character", "C-03", "校验码不符,请核对号码。", "The check character does not fit; look at the number again."
)
_NO_SUCH_DATE = Finding(
    "birth_date_does_not_exist", "C-06", "号码中的出生日期不存在。", "The birth date in the number does not exist."
)
_FUTURE = Finding(
    "birth_date_in_future", "C-06", "号码中的出生日期晚于今天。", "The birth date in the number lies in the future."
)
_BEFORE_1900 = Finding(
    "birth_date_needs_review",
    "C-06",
    "出生日期早于1900年,须人工复核。",
    "The birth date lies before 1900 and needs review by an officer.",
)
