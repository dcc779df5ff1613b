"""Columns of a landlord's list of guests: who checked in to which room, who checked out; the home is registered."""

from services.chassis.long_work.tables.columns import Column
from services.registry.schemas.rosters.column import DOCUMENT_NUMBER, DOCUMENT_TYPE, NAME

STAYS = (
    NAME,
    DOCUMENT_TYPE,
    DOCUMENT_NUMBER,
    Column(
        "division_code",
        ("房屋所在地代码", "居住地代码", "区划代码"),
        ("division_code",),
        "330282107",
        ("/division_code",),
        "RR-15",
    ),
    Column("address", ("房屋地址", "地址"), ("address",), "陈家村东路12号", ("/address", "/premises_id"), "RR-15"),
    Column("room", ("房间", "房间号", "房号"), ("room",), "201", ("/room_id",), "RR-72"),
    Column("bed", ("床位", "床位号"), ("bed",), "1", ("/bed",)),
    Column("started_at", ("入住时间", "入住日期"), ("started_at", "checked_in_at"), "2026-05-01 09:30", ("/started_at",)),
    Column("ended_at", ("退房时间", "离开时间"), ("ended_at", "checked_out_at"), "", ("/ended_at",)),
    Column("manager_name", ("管家", "登记人"), ("manager_name",), "", ("/manager_name",)),
)
