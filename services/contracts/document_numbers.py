"""What document tokens are computed over: part of the published language, since whoever receives an identity number in a file
finds its person by the same token (architecture §1).

The same card typed with full-width digits, a lower-case `x`, spaces, or in its old 15-digit form gives the same text (C-04,
C-05).
"""

import re
import unicodedata
from operator import mul
from string import ascii_lowercase, ascii_uppercase

_CITIZEN_ID = "citizen_id"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_OLD = re.compile("[0-9]{15}")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
"""Unicode categories dropped from a typed number: every space, line break, control and invisible character."""


def normalised_number(document_type: str, text: str) -> str:
    """The text a token of this document is computed over. Never fails: a malformed number gives its cleaned text."""
    visible = (char for char in text.translate(_FULL_WIDTH) if unicodedata.category(char) not in _UNSEEN)
    typed = unicodedata.normalize("NFC", "".join(visible)).translate(_UPPER)
    if document_type != _CITIZEN_ID or not _OLD.fullmatch(typed):
        return typed
    first_17 = f"{typed[:6]}19{typed[6:]}"
    return first_17 + _CHECK_CHARACTERS[sum(map(mul, _WEIGHTS, map(int, first_17))) % 11]
