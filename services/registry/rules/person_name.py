"""Names of persons (C-31 to C-37): every character that may be somebody's name is kept; nothing that only confuses is let
in.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from services.registry.rules.findings import Finding

NAME_CODE_POINTS_MAX = 50
"""C-35; code points, not UTF-16 units or bytes (C-32)."""

MIDDLE_DOT = "\u00b7"


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name that can be stored, in the document's form but for the middle dot (C-34)."""

    text: str = field(repr=False)
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedName:
    """A text that cannot be a name: every problem at once."""

    problems: tuple[Finding, ...]


def parse_name(text: str) -> PersonName | RefusedName:
    """Normalise and check a name: 1–50 code points, no control, bidirectional or invisible characters; private use is a
    warning.

    Characters Python's Unicode tables do not know are let in: the Han extensions grow faster than they do (C-31).
    """
    name = normalise_name(text)
    if _PLAIN_HAN.fullmatch(name) and len(name) <= NAME_CODE_POINTS_MAX:  # most names; nothing below finds anything in them
        return PersonName(name)
    problems = [problem for problem, is_broken in _PROBLEMS if is_broken(name)]
    if problems:
        return RefusedName(tuple(problems))
    return PersonName(name, (_PRIVATE_USE_WARNING,) if any(map(_is_private_use, name)) else ())


def normalise_name(text: str) -> str:
    """Trimmed, composed, the middle dot between Han characters as U+00B7 (C-34). Idempotent.

    Composed means NFC – never NFKC (C-36) – and not even NFC for compatibility ideographs, which it would replace although
    they may be the very form on somebody's document; `name_key` makes them equal for comparison.
    """
    if _PLAIN_HAN.fullmatch(text):  # neither trimmed nor composed nor dotted
        return text
    runs = _COMPATIBILITY_IDEOGRAPHS.split(text.strip(" \u3000"))
    composed = "".join(run if position % 2 else unicodedata.normalize("NFC", run) for position, run in enumerate(runs))
    return "".join(
        MIDDLE_DOT if char in _DOTS and _is_between_han(composed, position) else char for position, char in enumerate(composed)
    )


def name_key(name: str) -> str:
    """For comparing names only: the same with and without the dot, with and without spaces, in any case. Never identity
    (C-37).
    """
    if _PLAIN_HAN.fullmatch(name):  # the same in any case, and nothing to leave out
        return name
    composed = unicodedata.normalize("NFC", normalise_name(name))
    kept = (char for char in composed if char not in _IGNORED_IN_KEY and not _is_variation_selector(char))
    return unicodedata.normalize("NFC", "".join(kept).casefold())


def masked_name(name: str) -> str:
    """The name as others may see it (privacy §9): its first character, or its part before the first dot.

    Three and more characters also keep the first only, so that the same person is always written the same way; a name of
    one character shows nothing; the width of the mask tells nothing about the length (V-60).
    """
    whole = normalise_name(name)
    before_dot, dot, _ = whole.partition(MIDDLE_DOT)
    if dot and before_dot:
        return f"{before_dot}{MIDDLE_DOT}{_MASK}"
    return (whole[0] if len(whole) > 1 else "") + _MASK


def is_han(char: str) -> bool:
    """Whether a character is a Han ideograph of any extension, assigned yet or not."""
    return any(first <= char <= last for first, last in _HAN)


_MASK = "**"
_PLAIN_HAN = re.compile("[\u4e00-\u9fff]+")
_HAN = (("\u3007", "\u3007"), ("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"))
_COMPATIBILITY_IDEOGRAPHS = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f]+)")
_DOTS = frozenset("\u00b7\u2022\u2027\u30fb\uff0e\uff65.")
_IGNORED_IN_KEY = _DOTS | frozenset(" \u3000\u00a0")
_PRIVATE_USE = (("\ue000", "\uf8ff"), ("\U000f0000", "\U000ffffd"), ("\U00100000", "\U0010fffd"))
_INVISIBLE = frozenset("\u00ad\u180e\u200b\u2060\ufeff")
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _is_private_use(char: str) -> bool:
    return any(first <= char <= last for first, last in _PRIVATE_USE)


def _is_variation_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _is_between_han(text: str, position: int) -> bool:
    """A private-use character counts as Han here: old systems put rare ones there (C-33). Variation selectors are looked
    through.
    """
    before = next((char for char in reversed(text[:position]) if not _is_variation_selector(char)), "")
    after = text[position + 1 : position + 2]
    return all(char and (is_han(char) or _is_private_use(char)) for char in (before, after))


def _has_forbidden(name: str) -> bool:
    """Controls (NUL, tab, line breaks), lone surrogates and noncharacters."""
    return any(
        unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or ord(char) & 0xFFFE == 0xFFFE or "\ufdd0" <= char <= "\ufdef"
        for char in name
    )


def _has_no_letter(name: str) -> bool:
    return bool(name) and not any(
        unicodedata.category(char)[0] == "L" or is_han(char) or _is_private_use(char) for char in name
    )


_PROBLEMS = (
    (Finding("empty", "C-35", "姓名不能为空。", "A name is needed."), lambda name: not name),
    (
        Finding(
            "too_long",
            "C-35",
            f"姓名不得超过{NAME_CODE_POINTS_MAX}个字。",
            f"A name has at most {NAME_CODE_POINTS_MAX} characters.",
        ),
        lambda name: len(name) > NAME_CODE_POINTS_MAX,
    ),
    (
        Finding("control_character", "C-32", "姓名含有控制字符。", "The name has control characters in it."),
        _has_forbidden,
    ),
    (
        Finding(
            "invisible_character",
            "C-32",
            "姓名含有不可见字符或改变书写方向的字符。",
            "The name has invisible characters in it, or ones that change the direction of writing.",
        ),
        lambda name: bool((_INVISIBLE | _BIDIRECTIONAL) & set(name)),
    ),
    (Finding("no_letter", "C-35", "姓名中没有文字。", "The name has no letter in it."), _has_no_letter),
)
_PRIVATE_USE_WARNING = Finding(
    "private_use_character",
    "C-33",
    "姓名含有自造字,请核对原件;比对时以证件号码为准。",
    "The name has a private-use character; check it on the document, and match by number, never by name.",
)
