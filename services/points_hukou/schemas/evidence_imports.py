"""Files of evidence as they come in: which file, what is the same in all its rows, and the columns it may have."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.long_work.tables.columns import Column
from services.chassis.schemas import Command, PlainText
from services.points_hukou.schemas.evidence import FactName, Given, RuleSetName

_MAPPINGS_MAX = 60

Header = Annotated[PlainText, Field(max_length=100)]

COLUMNS = (
    Column(
        "document_type", ("证件类型", "证件种类"), ("document_type", "id_type"), "居民身份证", ("/document/type", "/document")
    ),
    Column(
        "document_number",
        ("证件号码", "身份证号", "身份证号码", "公民身份号码"),
        ("document_number", "id_number"),
        "341204198808080050",
        ("/document/number",),
        "P-10",
    ),
    Column("rule_set", ("规则",), ("rule_set",), "ningbo-2022", ("/rule_set",)),
    Column("fact", ("事实",), ("fact",), "insurance_in_province", ("/fact",)),
    Column("value", ("值", "内容"), ("value",), "2022-01/2024-06", ("/value",), "P-10"),
    Column("as_of", ("数据截止日", "截止日期"), ("as_of",), "2026-11-01", ("/as_of",)),
    Column("valid_from", ("生效日",), ("valid_from",), "", ("/valid_from",)),
    Column("valid_until", ("失效日",), ("valid_until",), "", ("/valid_until",)),
)
"""One fact of one person to a row."""


class EvidenceImport(Command):
    """A file of evidence. What is the same in all rows may be said here once; a row that says otherwise goes first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "attachment_id": "019ab0c2-1111-7000-8000-000000000003",
                    "rule_set": "ningbo-2022",
                    "fact": "insurance_in_province",
                    "as_of": "2026-11-01",
                    "dry_run": True,
                    "mapping": {"缴费月份": "value"},
                }
            ]
        }
    )

    attachment_id: UUID = Field(description="A CSV or XLSX file uploaded with the purpose `import`.")
    rule_set: RuleSetName | None = Field(None, description="Of every row that names none.")
    fact: FactName | None = Field(None, description="As above.")
    as_of: date | None = Field(None, description="As above.")
    reliability: Given = Field("office", description="Of every row.")
    dry_run: bool = Field(default=False, description="Only tell what would be refused; nothing is changed.")
    mapping: dict[Header, Header] = Field(
        default_factory=dict, max_length=_MAPPINGS_MAX, description="Header in the file → field."
    )
