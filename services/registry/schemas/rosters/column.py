"""One column of a roster: what it is called in Chinese and English, and which field of the single door it is.

Headers are compared without case, spaces and the marks offices put around them (`*姓名`, `证件号码（必填）`).
"""

import re
import unicodedata
from dataclasses import dataclass

_BRACKETED = re.compile(r"[(\[（【].*?[)\]）】]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `pointers`: where the single door's problems point when they mean this column; `needed_by`: the rule for
    whose sake no roster can do without it.
    """

    field: str
    zh: tuple[str, ...]
    en: tuple[str, ...]
    example: str
    pointers: tuple[str, ...]
    needed_by: str = ""


def header_key(text: str) -> str:
    """For comparing headers only."""
    plain = _BRACKETED.sub("", unicodedata.normalize("NFKC", text)).lower()
    return "".join(char for char in plain if char.isalnum())


NAME = Column("name", ("姓名",), ("name",), "王小明", ("/name",), "RR-03")
DOCUMENT_TYPE = Column(
    "document_type",
    ("证件类型", "证件种类"),
    ("document_type", "id_type"),
    "居民身份证",
    ("/identity_documents/0/type", "/identity_documents", "/identity_document/type"),
)
DOCUMENT_NUMBER = Column(
    "document_number",
    ("证件号码", "身份证号", "身份证号码", "公民身份号码"),
    ("document_number", "id_number"),
    "341204198808080050",
    ("/identity_documents/0/number", "/identity_document/number"),
    "RR-03",
)
"""A person is told by complete number and name, whatever the roster is about."""
