"""Columns of a roster of residents: persons with where they live."""

from services.chassis.long_work.tables.columns import Column
from services.registry.schemas.rosters.column import DOCUMENT_NUMBER, DOCUMENT_TYPE, NAME

RESIDENTS = (
    NAME,
    DOCUMENT_TYPE,
    DOCUMENT_NUMBER,
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
        "RR-03",
    ),
    Column("address", ("居住地址", "现住址", "住址", "地址"), ("address",), "陈家村东路12号201室", ("/address",), "RR-12"),
    Column("residence_kind", ("居住方式", "居所类型"), ("residence_kind",), "员工宿舍", ("/residence_kind",)),
    Column("started_on", ("入住日期", "居住开始日期"), ("started_on",), "2026-03-01", ("/started_on",), "RR-09"),
    Column("expected_end_on", ("预计离开日期",), ("expected_end_on",), "", ("/expected_end_on",)),
    Column("reported_by", ("申报人", "申报方式"), ("reported_by",), "用人单位", ("/reported_by",)),
)
