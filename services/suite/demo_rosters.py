"""Four rosters of nobody, the same each time: a factory's workers, a landlord's guests of the day, a boarding school's pupils,
and a coordinator's visits to those guests. Workers are also employed, guests checked in: their files are brought as two kinds.

The numbers are well-formed and made up: birth dates and sequences run through a pattern. Some rows are wrong on purpose.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from xml.sax.saxutils import escape

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FACTORY_WORKERS = 20_000
EMPLOYER = "91330282MA2DEM001F"
GUESTS = 24
HOME, HOME_DIVISION = "新浦村南路66号", "330282108"
ROOMS = tuple(str(201 + place) for place in range(12))

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_HOMES = ("341204", "360426", "411521", "500101", "520203", "530621")
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静秀丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲建国红"
_ETHNICITIES = ("汉族", "汉族", "汉族", "苗族", "布依族", "彝族")
_WRONG_EVERY = 1_700

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class DemoRoster:
    """One roster: its file's name, how it is written, its rows with the header, and as which kinds it is brought."""

    name: str
    title: str
    media_type: str
    encode: Callable[[Sequence[Row]], bytes]
    rows: Callable[[date], Iterator[Row]]
    size: int
    kinds: tuple[str, ...] = ("residents",)

    def content(self, today: date, size: int | None = None) -> bytes:
        """The file as of that day; the first `size` persons of it."""
        return self.encode(list(islice(self.rows(today), 1 + (self.size if size is None else size))))


def citizen_number(home: str, born: date, sequence: int) -> str:
    """A well-formed number (GB 11643, codes.md C-01 to C-03) of nobody."""
    body = f"{home}{born:%Y%m%d}{sequence % 1000:03d}"
    return body + _CHECKS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True)) % 11]


def _factory(today: date) -> Iterator[Row]:
    yield (
        "工号",
        "姓名",
        "身份证号",
        "性别",
        "民族",
        "文化程度",
        "户籍地代码",
        "手机号",
        "居住地代码",
        "现住址",
        "居住方式",
        "入住日期",
        "申报方式",
        "统一社会信用代码",
        "职业",
        "入职日期",
    )
    for count in range(FACTORY_WORKERS):
        home = _HOMES[count % len(_HOMES)]
        sequence = 100 + count % 600
        number = citizen_number(home, date(1966, 1, 1) + timedelta(days=count % 13_000), sequence)
        if count % _WRONG_EVERY == _WRONG_EVERY - 1:
            number = number[:-1] + ("0" if number[-1] != "0" else "1")
        yield (
            f"G{count + 1:05d}",
            _name(count),
            number,
            "男" if sequence % 2 else "女",
            _ETHNICITIES[count % 6],
            ("初中", "高中", "中专", "大专")[count % 4],
            home,
            f"138{count:08d}",
            "330282107",
            f"工业大道{1 + count % 9}号员工公寓{1 + count // 9 % 60}幢{101 + count % 500}室",
            "员工宿舍",
            f"{today - timedelta(days=count % 400):%Y/%m/%d}",
            "用人单位",
            EMPLOYER,
            "6",
            f"{today - timedelta(days=count % 400):%Y/%m/%d}",
        )


def _guests(today: date) -> Iterator[Row]:
    yield (
        "姓名",
        "证件类型",
        "证件号码",
        "出生日期",
        "性别",
        "居住地代码",
        "居住地址",
        "居住方式",
        "入住日期",
        "预计离开日期",
        "申报人",
        "房屋地址",
        "房间",
    )
    for count in range(GUESTS):
        name, kind, number = _guest(count)
        is_abroad = kind == "护照"
        yield (
            name,
            kind,
            number,
            _guest_born(count).isoformat() if is_abroad else "",
            "男" if is_abroad else "",
            HOME_DIVISION,
            f"{HOME}{ROOMS[count % len(ROOMS)]}室",
            "出租房",
            today.isoformat(),
            (today + timedelta(days=30)).isoformat(),
            "房东",
            HOME,
            ROOMS[count % len(ROOMS)],
        )


def _visits(today: date) -> Iterator[Row]:
    yield ("姓名", "证件类型", "证件号码", "走访地代码", "走访结果", "走访时间", "信息一致")
    for count in range(GUESTS):
        is_missed = count == 5  # the coordinator's list was old: the register knows this guest
        result = ("未登记", "") if is_missed else ("属实", "是")
        yield (*_guest(count), HOME_DIVISION, result[0], f"{today.isoformat()} 00:00", result[1])


def _guest(count: int) -> tuple[str, str, str]:
    home = _HOMES[count % len(_HOMES)]
    if count % 12 == 11:
        return _name(50_000 + count), "护照", f"E{81_000_000 + count}"
    return _name(50_000 + count), "居民身份证", citizen_number(home, _guest_born(count), 701 + count)


def _guest_born(count: int) -> date:
    return date(1975, 3, 1) + timedelta(days=311 * count)


def _pupils(today: date) -> Iterator[Row]:
    yield ("班级", "姓名", "身份证号", "民族", "户籍地代码", "居住地代码", "居住地址", "居住方式", "入住日期", "申报人")
    for count in range(360):
        home = _HOMES[count % len(_HOMES)]
        born = today - timedelta(days=365 * 7 + (count * 7) % 2000)
        yield (
            f"{1 + count // 40 % 9}班",
            "" if count == 77 else _name(70_000 + count),
            citizen_number(home, born, 800 + count % 199),
            _ETHNICITIES[count % 6],
            home,
            "330282110",
            f"学府路66号学生公寓{1 + count // 120}幢{101 + count % 40}室",
            "学校宿舍",
            f"{today.year - (today.month < 9)}年9月1日",
            "学校",
        )


def _name(count: int) -> str:
    return _SURNAMES[count % 20] + _GIVEN[count % 29] + (_GIVEN[count // 29 % 29] if count % 5 else "")


def _as_csv(rows: Sequence[Row], *, encoding: str, delimiter: str) -> bytes:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode(encoding)


def _cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def _as_xlsx(rows: Sequence[Row]) -> bytes:
    """A workbook with one sheet and nothing else."""
    lines = (f'<row r="{number}">{"".join(map(_cell, row))}</row>' for number, row in enumerate(rows, start=1))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="名册" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1"'
        f' Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData></worksheet>',
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{content}')
    return written.getvalue()


ROSTERS = (
    DemoRoster(
        "factory.csv",
        "工厂职工名册 · a factory's workers, CSV in GB 18030",
        CSV,
        lambda rows: _as_csv(rows, encoding="gb18030", delimiter=","),
        _factory,
        FACTORY_WORKERS,
        ("residents", "employments"),
    ),
    DemoRoster(
        "guests.csv",
        "房东当日入住名单 · a landlord's guests of the day, CSV in UTF-8",
        CSV,
        lambda rows: _as_csv(rows, encoding="utf-8-sig", delimiter=";"),
        _guests,
        GUESTS,
        ("residents", "stays"),
    ),
    DemoRoster("school.xlsx", "寄宿学校名册 · a boarding school's pupils, XLSX", XLSX, _as_xlsx, _pupils, 360),
    DemoRoster(
        "visits.csv",
        "综管员当日走访 · a coordinator's visits to the guests, CSV in UTF-8",
        CSV,
        lambda rows: _as_csv(rows, encoding="utf-8-sig", delimiter=","),
        _visits,
        GUESTS,
        ("field_visits",),
    ),
)
