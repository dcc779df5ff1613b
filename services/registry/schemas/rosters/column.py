"""Columns by which a person is told, whatever the roster is about."""

from services.chassis.long_work.tables.columns import Column

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
