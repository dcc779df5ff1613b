"""Columns of a coordinator's day of visits, one visit to a row."""

from dataclasses import replace

from services.chassis.long_work.tables.columns import Column
from services.registry.schemas.rosters.column import DOCUMENT_NUMBER, DOCUMENT_TYPE, NAME

FIELD_VISITS = (
    Column("subject", ("走访对象",), ("subject",), "人员", ("/subject",)),
    replace(NAME, needed_by=""),
    DOCUMENT_TYPE,
    replace(DOCUMENT_NUMBER, needed_by=""),
    Column(
        "division_code", ("走访地代码", "居住地代码", "区划代码"), ("division_code",), "330282107", ("/division_code",), "RR-75"
    ),
    Column("address", ("房屋地址", "登记地址"), ("address", "premises_address"), "", ("/address",)),
    Column("outcome", ("走访结果", "结果"), ("outcome",), "属实", ("/outcome",), "RR-75"),
    Column("visited_at", ("走访时间",), ("visited_at",), "2026-05-20 10:00", ("/visited_at",), "RR-75"),
    Column("data_matches", ("主要信息是否一致", "信息一致"), ("data_matches",), "是", ("/data_matches",)),
    Column("found_address", ("实际地址", "现居住地址"), ("found_address",), "", ("/found_address",)),
    Column("seen_version", ("登记版本",), ("seen_version",), "", ("/seen_version",)),
)
"""A person is told by number and name, a home by its registered address; what is not registered by neither."""
