"""Plain rows are made ready without a model each: what models and rules would make of them, byte for byte."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis import person_keys
from services.chassis.forms import form_of
from services.chassis.ids import new_ids
from services.chassis.keyring import Keyring, KeySet, make_key, make_key_file
from services.chassis.long_work.tables.layout import Layout
from services.chassis.principal import Principal
from services.chassis.sealing import Suite
from services.chassis.work import history_context
from services.registry.imports.plain.remembered import Remembered
from services.registry.imports.plain.rows import plain_rows
from services.registry.imports.prepared import Preparation, PreparedRow
from services.registry.imports.preparing import made_ready
from services.registry.imports.rows import Bringer, examine
from services.registry.rules.citizen_number import check_character
from services.registry.schemas.rosters.kinds import COLUMNS, RosterKind
from services.registry.store.sealing import sealed_in

_COLUMNS = COLUMNS[RosterKind.RESIDENTS]
_LAYOUT = Layout.of(_COLUMNS, [column.field for column in _COLUMNS], {})
_TODAYS = (date(2026, 6, 1), date(2016, 7, 2), date(2028, 2, 29))
_NOW = datetime(2026, 6, 1, 4, 5, 6, 7, UTC)


def keyring_of(suite: Suite) -> Keyring:
    tokens = KeySet(current="d1", keys={"d1": make_key(), "a0": make_key()})
    made = Keyring(make_key_file(tokens), suite)
    made.use_data_keys([("k1", suite, os.urandom(suite.key_bytes))], "k1")
    return made


KEYRINGS = [keyring_of(suite) for suite in Suite]
PRINCIPALS = [
    Principal("office", "bureau", "330282", frozenset({"registry.imports.write"}), "officer 7", "import"),
    Principal("town", 'a "town"', "330282107", frozenset(), None, None),
]


def a_number(home: str, born: date, sequence: int) -> str:
    first_17 = f"{home}{born:%Y%m%d}{sequence:03d}"
    return first_17 + check_character(first_17)


numbers = st.builds(
    a_number,
    st.sampled_from(("341525", "330282", "330227", "500112", "512301", "820000", "999999", "110101")),
    st.dates(date(1895, 1, 1), date(2030, 1, 1)),
    st.integers(1, 998),
)
odd = st.text(max_size=12)
dates = st.one_of(
    st.dates(date(1949, 1, 1), date(2029, 1, 1)).map(date.isoformat),
    st.sampled_from(("2026/3/1", "2016年7月1日", "20260301", "2026.3.1 08:00", "never", "2026-02-30")),
)
CELLS: dict[str, st.SearchStrategy[str]] = {
    "name": st.one_of(
        st.sampled_from(("王小明", "欧阳娜娜", "单", "阿不都·热合曼", "Anna", " 李四", "乐乐", "甲样", "ab**", "\U00020bb7野")),
        st.text("王李张单乐一丁甲样", min_size=1, max_size=4),
        odd,
    ),
    "document_type": st.sampled_from(("", "", "身份证", "citizen_id", "护照", "港澳台居民居住证", "CITIZEN_ID", "?")),
    "document_number": st.one_of(numbers, numbers, numbers, numbers.map(str.lower), odd, numbers.map(lambda it: it[:-1] + "0")),
    "sex_code": st.sampled_from(("", "", "男", "女", "1", "2", "0", "9", "未知", "5")),
    "birth_date": st.one_of(st.just(""), st.just("="), dates),
    "ethnicity_code": st.sampled_from(("", "汉族", "汉", "01", "壮族", "99", "x", "火星族")),
    "education_code": st.sampled_from(("", "初中", "70", "大学", "没上过", "'70")),
    "hukou_division_code": st.sampled_from(("", "341525", "330282", "33", "512301", "330227", "12345", "341525000000", "浙江")),
    "phone": st.sampled_from(("", "13805740001", "13000000000", "138 0574 0001", "0574-63812345", "+8613805740001", "110")),
    "division_code": st.sampled_from(
        ("330282107", "330282107001", "330282", "330282999", "330281001", "33028", "", "３３０２８２")
    ),
    "address": st.one_of(
        st.sampled_from(
            ("东路1号", "样街零号", "A-1幢(东)2室", "东路 1号", "%(name)s", "100%号", '"', "a\\b", "**", "长" * 201)
        ),
        st.text(" 样街Az09#()（）·：:&+@/_.-—～~", max_size=9),
        st.integers(198, 202).map("长".__mul__),
        odd,
    ),
    "residence_kind": st.sampled_from(("", "租赁", "员工宿舍", "rented", "城堡")),
    "started_on": dates,
    "expected_end_on": st.one_of(st.just(""), dates),
    "reported_by": st.sampled_from(("", "用人单位", "本人", "监护人", "self", "谁")),
}
GOOD = {
    "name": "王小明",
    "document_type": "",
    "document_number": a_number("341525", date(1988, 8, 8), 5),
    "started_on": "2015-03-01",
    "division_code": "330282107",
    "address": "东路1号",
}


@st.composite
def rows(draw: st.DrawFn) -> dict[str, str]:
    """A row that is in order but for some cells, which may be anything."""
    row = dict.fromkeys(CELLS, "") | GOOD
    row |= {name: draw(CELLS[name]) for name in draw(st.sets(st.sampled_from(sorted(CELLS)), max_size=5))}
    if row["birth_date"] == "=":
        row["birth_date"] = row["document_number"][6:14]
    return row


def both(keyring: Keyring, desk: Bringer, row: Mapping[str, str]) -> tuple[PreparedRow | None, PreparedRow]:
    """The row made ready as a plain one, if it is one, and by the models."""
    cells = [row[column.field] for column in _COLUMNS]
    plain = plain_rows(keyring, "registry", "request 9", desk.principal, desk.today)
    (made,) = plain.made(desk.now, _LAYOUT, [(7, cells)])
    judged = Preparation(desk, keyring, "registry", "request 9").prepare(examine(desk, _LAYOUT, 7, cells))
    return made, judged


def opened(keyring: Keyring, row: PreparedRow) -> Any:
    """All there is in a row, everything opened, ids under names."""
    resident, trail = row.resident, row.trail
    assert resident is not None
    assert trail is not None
    names = {resident.person_id: "person", resident.document_id: "document", resident.registration_id: "registration"}
    assert len({UUID(text).version for text in names} | {7}) == 1

    def bare(text: str) -> str:
        for own, name in names.items():
            text = text.replace(own, name)
        return text

    places = {
        "sealed_person": sealed_in("person", resident.person_id),
        "sealed_document": sealed_in("identity_document", resident.document_id),
        "sealed_registration": sealed_in("residence_registration", resident.registration_id),
    }
    columns = resident._asdict() | {name: keyring.open(getattr(resident, name), place) for name, place in places.items()}
    about, key_id, suite, wrapped, kek_id = trail.key
    key = person_keys.unwrap(keyring, UUID(about), UUID(key_id), suite, wrapped).key
    fresh = [event[0] for event in trail.events] + [line[0] for line in trail.lines] + [key_id]
    assert len(set(fresh) | set(names)) == len(fresh) + len(names)
    for _, _, line, digest in trail.lines:
        assert digest == hashlib.sha256(line.encode()).digest()
    return (
        row._replace(resident=None, trail=None),
        {name: bare(value) if isinstance(value, str) else value for name, value in columns.items()},
        bare(trail.person_id),
        [tuple(map(bare, event[1:])) for event in trail.events],
        [
            (*map(bare, (resource, resource_id)), version, bare(person), other, changed, bare(_state(key, one)))
            for one in trail.versions
            for resource, resource_id, version, person, other, changed, _ in [one]
        ],
        [(bare(line[1]), bare(line[2])) for line in trail.lines],
        (bare(about), suite, kek_id),
    )


def _state(key: Any, version: Sequence[Any]) -> str:
    resource, resource_id, number, *_, sealed = version
    return str(key.open(sealed, history_context(resource, resource_id, number)).decode())


@settings(max_examples=600)
@given(st.sampled_from(KEYRINGS), st.sampled_from(PRINCIPALS), st.sampled_from(_TODAYS), rows())
def test_a_plain_row_is_what_the_models_make_of_it(
    keyring: Keyring, principal: Principal, today: date, row: dict[str, str]
) -> None:
    made, judged = both(keyring, Bringer(principal, today, _NOW), row)
    if made is not None:
        assert not judged.errors
        assert not judged.errors_if_new
        assert opened(keyring, made) == opened(keyring, judged)


PLAIN: list[dict[str, str]] = [
    {},
    {"phone": "13805740001", "ethnicity_code": "汉", "education_code": "初中", "hukou_division_code": "341525"},
    {"hukou_division_code": "330282", "expected_end_on": "2027-01-01"},
    {"document_number": a_number("512301", date(1970, 1, 1), 8), "hukou_division_code": "512301"},
    {"birth_date": "1988.8.8", "sex_code": "男", "name": "欧阳娜"},
    {"sex_code": "未知", "document_type": "居民身份证", "division_code": "330282107001", "address": "A—1 幢：2室"},
    {"division_code": "330282999", "reported_by": "本人", "residence_kind": "租赁"},
]


@pytest.mark.parametrize("keyring", KEYRINGS, ids=lambda it: it.suite.name)
@pytest.mark.parametrize("given", PLAIN)
@pytest.mark.parametrize("instant", [_NOW, _NOW.replace(microsecond=0)])
def test_ordinary_rows_are_plain(given: dict[str, str], keyring: Keyring, instant: datetime) -> None:
    """A roster is made of such rows; the property above would hold if none were."""
    row = dict.fromkeys(CELLS, "") | GOOD | given
    made, judged = both(keyring, Bringer(PRINCIPALS[0], _TODAYS[0], instant), row)
    assert made is not None
    assert opened(keyring, made) == opened(keyring, judged)


NOT_PLAIN: list[dict[str, str]] = [
    {"name": "阿不都·热合曼"},
    {"name": ""},
    {"document_number": GOOD["document_number"][:-1] + ("1" if GOOD["document_number"][-1] != "1" else "2")},
    {"document_number": a_number("341525", date(2020, 8, 8), 5)},
    {"document_number": a_number("341525", date(2027, 8, 8), 5)},
    {"document_number": a_number("820000", date(1988, 8, 8), 5)},
    {"document_type": "护照"},
    {"birth_date": "1988-08-09"},
    {"sex_code": "女"},
    {"started_on": "1988-08-07"},
    {"started_on": (_TODAYS[0] + timedelta(days=1)).isoformat()},
    {"expected_end_on": "2015-02-28"},
    {"address": "%(name)s"},
    {"division_code": "330281001"},
]


@pytest.mark.parametrize("given", NOT_PLAIN)
def test_others_are_left_to_the_models(given: dict[str, str]) -> None:
    made, _ = both(KEYRINGS[0], Bringer(PRINCIPALS[0], _TODAYS[0], _NOW), dict.fromkeys(CELLS, "") | GOOD | given)
    assert made is None


def test_a_chunk_keeps_the_order_of_its_rows() -> None:
    """Plain rows and others, each in its place."""
    rows = [dict.fromkeys(CELLS, "") | GOOD | given for pair in zip(PLAIN, NOT_PLAIN, strict=False) for given in pair]
    numbered = [(number, [row[column.field] for column in _COLUMNS]) for number, row in enumerate(rows, 2)]
    preparation = Preparation(Bringer(PRINCIPALS[0], _TODAYS[0], _NOW), KEYRINGS[0], "registry", "request")
    assert [(row.number, row.cells) for row in made_ready(preparation, _LAYOUT, numbered)] == numbered


def test_a_form_takes_what_stood_in_the_text_as_it_is() -> None:
    form = form_of('{"share":"100%(a)s","name":"x","again":"x","other":"xx"}', {"name": '"x"', "none": "z"})
    assert form % {"name": '"%(b)s"'} == '{"share":"100%(a)s","name":"%(b)s","again":"%(b)s","other":"xx"}'


def test_what_is_remembered_has_a_bound() -> None:
    """A file of any length leaves no more behind; what is there is not made again."""
    made: list[int] = []

    def remember(value: int) -> int:
        made.append(value)
        return -value

    remembered = Remembered[int, int](remember, 3)
    assert [remembered[value] for value in (1, 2, 1, 3, 2, 4, 1)] == [-1, -2, -1, -3, -2, -4, -1]
    assert made == [1, 2, 3, 4, 1]
    assert len(remembered) <= 3


def test_a_name_of_a_client_is_no_hole() -> None:
    """Whoever is called as the sample is: no line of evidence gets somebody's name into it."""
    client = Principal("甲样", "13000000000", "330282", frozenset(), "甲**", "样街零号")
    made, judged = both(KEYRINGS[0], Bringer(client, _TODAYS[0], _NOW), dict.fromkeys(CELLS, "") | GOOD | PLAIN[1])
    assert made is not None
    assert opened(KEYRINGS[0], made) == opened(KEYRINGS[0], judged)


def test_many_ids_are_as_good_as_single_ones() -> None:
    made = [UUID(text) for text in new_ids(5000)]
    assert len(set(made)) == len(made)
    assert {(one.version, one.variant) for one in made} == {(7, UUID(bytes=b"\x80" * 16).variant)}
    assert {len(set(column)) for column in zip(*(one.hex[17:] for one in made), strict=True)} == {16}
