"""Columns of a list of who was taken on and who left; the persons are registered already."""

from services.chassis.long_work.tables.columns import Column
from services.registry.schemas.rosters.column import DOCUMENT_NUMBER, DOCUMENT_TYPE, NAME

CREDIT_CODE = Column(
    "credit_code",
    ("统一社会信用代码", "用人单位代码", "单位代码"),
    ("credit_code", "employer_code"),
    "91330282MA2A00001K",
    ("/credit_code",),
    "RR-14",
)
OCCUPATION = Column("occupation_code", ("职业代码", "职业"), ("occupation_code", "occupation"), "6", ("/occupation_code",))
POSITION = Column("position", ("岗位", "工种", "职务"), ("position", "job_title"), "注塑工", ("/position",))

EMPLOYMENTS = (
    NAME,
    DOCUMENT_TYPE,
    DOCUMENT_NUMBER,
    CREDIT_CODE,
    OCCUPATION,
    POSITION,
    Column("started_on", ("入职日期", "就业日期"), ("started_on", "hired_on"), "2026-03-02", ("/started_on",)),
    Column("ended_on", ("离职日期",), ("ended_on", "left_on"), "", ("/ended_on",)),
    Column("end_reason", ("离职原因",), ("end_reason",), "", ("/reason",)),
)
