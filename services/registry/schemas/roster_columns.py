"""The columns a roster may have: what they are called in Chinese and English, and which field of the single door each one is.

Headers are compared without case, spaces and the marks offices put around them (`*姓名`, `证件号码（必填）`).
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class RosterKind(StrEnum):
    """What a roster is about."""

    RESIDENTS = "residents"
    """persons with where they live"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `pointers`: where the single door's problems point when they mean this column."""

    field: str
    zh: tuple[str, ...]
    en: tuple[str, ...]
    example: str
    pointers: tuple[str, ...]


RESIDENTS = (
    Column("name", ("姓名",), ("name",), "王小明", ("/name",)),
    Column(
        "document_type",
        ("证件类型", "证件种类"),
        ("document_type", "id_type"),
        "居民身份证",
        ("/identity_documents/0/type", "/identity_documents"),
    ),
    Column(
        "document_number",
        ("证件号码", "身份证号", "身份证号码", "公民身份号码"),
        ("document_number", "id_number"),
        "341204198808080050",
        ("/identity_documents/0/number",),
    ),
    Column("sex_code", ("性别",), ("sex", "sex_code"), "男", ("/sex_code",)),
    Column("birth_date", ("出生日期", "出生年月日"), ("birth_date",), "1988-08-08", ("/birth_date",)),
    Column("ethnicity_code", ("民族",), ("ethnicity", "ethnicity_code"), "汉族", ("/ethnicity_code",)),
    Column("education_code", ("学历", "文化程度"), ("education", "education_code"), "初中", ("/education_code",)),
    Column(
        "hukou_division_code",
        ("户籍地代码", "户籍地区划代码", "户籍地行政区划代码"),
        ("hukou_division_code",),
        "341204",
        ("/hukou_division_code",),
    ),
    Column("phone", ("联系电话", "手机号", "手机号码", "电话"), ("phone", "mobile"), "13805740001", ("/phone",)),
    Column(
        "division_code",
        ("居住地代码", "居住地区划代码", "居住地行政区划代码"),
        ("division_code",),
        "330282107",
        ("/division_code",),
    ),
    Column("address", ("居住地址", "现住址", "住址", "地址"), ("address",), "陈家村东路12号201室", ("/address",)),
    Column("residence_kind", ("居住方式", "居所类型"), ("residence_kind",), "员工宿舍", ("/residence_kind",)),
    Column("started_on", ("入住日期", "居住开始日期"), ("started_on",), "2026-03-01", ("/started_on",)),
    Column("expected_end_on", ("预计离开日期",), ("expected_end_on",), "", ("/expected_end_on",)),
    Column("reported_by", ("申报人", "申报方式"), ("reported_by",), "用人单位", ("/reported_by",)),
)
NEEDED = frozenset({"name", "document_number", "division_code", "address", "started_on"})
"""Fields a roster cannot do without."""

COLUMNS: Mapping[RosterKind, tuple[Column, ...]] = {RosterKind.RESIDENTS: RESIDENTS}

NOTES = (
    Column("row", ("原行号",), ("row",), "", ()),
    Column("column", ("错误列",), ("column",), "", ()),
    Column("code", ("错误代码",), ("code",), "", ()),
    Column("reason_zh", ("错误原因",), ("reason_zh",), "", ()),
    Column("reason_en", ("错误原因英文",), ("reason_en",), "", ()),
)
"""What the file of refused rows has in front of each row. When it is sent in again they are passed over."""

_BRACKETED = re.compile(r"[(\[（【].*?[)\]）】]")


def header_key(text: str) -> str:
    """For comparing headers only."""
    plain = _BRACKETED.sub("", unicodedata.normalize("NFKC", text)).lower()
    return "".join(char for char in plain if char.isalnum())


def known_headers(kind: RosterKind) -> dict[str, Column]:
    """Every name of every column, by its key; those of the notes too."""
    return {header_key(name): column for column in (*COLUMNS[kind], *NOTES) for name in (*column.zh, *column.en)}


def template(kind: RosterKind) -> str:
    """A file to begin with: Chinese headers and one example, as CSV."""
    columns = COLUMNS[kind]
    heads = [f"{column.zh[0]}{'（必填）' if column.field in NEEDED else ''}" for column in columns]
    return "\r\n".join((",".join(heads), ",".join(column.example for column in columns), ""))
