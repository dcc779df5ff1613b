"""Dated parameters: what was in force on a day, and what is wrong with a file told so that it can be put right."""

from datetime import date
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.parameters import (
    Confidence,
    Dated,
    Document,
    Fields,
    History,
    NotInForceError,
    ParameterError,
    flag,
    list_of,
    one_of,
    read_folder,
    text,
    whole_number,
)

CHANGED = """
[term_days_max]
meaning_zh = "期限"
meaning_en = "term"
unit = "days"
source = "Decree, Art 9"
confidence = "S"
[[term_days_max.values]]
value = 20
valid_from = 2010-01-01
valid_until = 2015-01-01
[[term_days_max.values]]
value = 15
valid_from = 2016-07-01
confidence = "G-low"
note = "to be confirmed"
[[term_days_max.values]]
value = 10
valid_from = 2020-01-01
"""
DAYS = whole_number(1, 365)


class Colour(StrEnum):
    """Something to choose from."""

    RED = "red"
    BLUE = "blue"


def parse(content: str) -> Document:
    return Document.parse("rules.toml", content)


def entry(**changes: str) -> str:
    """A parameter `n` with one entry; a key set to the empty text is left out."""
    lines = {"value": "1", "valid_from": "2010-01-01", "source": '"S"', "confidence": '"S"', **changes}
    return "[n]\n[[n.values]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items() if value)


@pytest.mark.parametrize(
    ("day", "value"),
    [
        (date(2010, 1, 1), 20),
        (date(2014, 12, 31), 20),
        (date(2016, 7, 1), 15),
        (date(2019, 12, 31), 15),
        (date(2020, 1, 1), 10),
        (date(2100, 1, 1), 10),
    ],
)
def test_the_value_in_force_on_a_day(day: date, value: int) -> None:
    assert parse(CHANGED).history("term_days_max", DAYS).on(day) == value


@pytest.mark.parametrize("day", [date(2009, 12, 31), date(2015, 1, 1), date(2016, 6, 30)])
def test_no_value_in_force_is_an_error_and_never_a_guess(day: date) -> None:
    with pytest.raises(NotInForceError, match=f"term_days_max has no value in force on {day}"):
        parse(CHANGED).history("term_days_max", DAYS).on(day)


def test_an_entry_carries_its_source_and_confidence() -> None:
    history = parse(CHANGED).history("term_days_max", DAYS)
    first, second = history.entry_on(date(2010, 1, 1)), history.entry_on(date(2017, 1, 1))

    assert (first.source, first.confidence, first.confidence.is_visible_default) == (
        "Decree, Art 9",
        Confidence.TEXT_SEEN,
        False,
    )
    assert (second.confidence, second.confidence.is_visible_default) == (Confidence.GENERAL_LOW, True)
    assert second.note == "to be confirmed"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = ", r"rules.toml: not TOML"),
        ("", r"rules.toml: 'n' is missing"),
        ("n = 3", r"rules.toml: 'n' must be a table"),
        ("[n]\nvalues = []", r"rules.toml, n: 'values' must be a list of one or more tables"),
        ("[n]\n[[n.rows]]\nvalue = 1", r"rules.toml, n: 'values' is missing"),
        (entry(value=""), r"rules.toml, n, entry 1: 'value' is missing"),
        (entry(value="0"), r"rules.toml, n, entry 1: 'value' must be a whole number from 1 to 365"),
        (entry(value="366"), r"'value' must be a whole number from 1 to 365"),
        (entry(value="true"), r"'value' must be a whole number from 1 to 365"),
        (entry(value="1.5"), r"'value' must be a whole number from 1 to 365"),
        (entry(valid_from=""), r"rules.toml, n, entry 1: 'valid_from' is missing"),
        (entry(valid_from="2010-01-01T00:00:00"), r"'valid_from' must be a date such as 2016-07-01"),
        (entry(valid_from='"2010-01-01"'), r"'valid_from' must be a date such as 2016-07-01"),
        (entry(valid_until="2010-01-01"), r"'valid_until' must be later than 'valid_from'"),
        (entry(source=""), r"'source' is missing"),
        (entry(source='" "'), r"'source' must be a text that is not blank"),
        (entry(confidence='"sure"'), r"'confidence' must be one of S, S2, D, G-high, G-low, design"),
        (entry(vaild_from="2011-01-01"), r"rules.toml, n, entry 1: unknown 'vaild_from'"),
        ("[n]\ncolour = 1\n" + entry().removeprefix("[n]\n"), r"rules.toml, n: unknown 'colour'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(content: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        parse(content).history("n", DAYS)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("valid_from = 2016-01-01", "valid_from = 2010-01-01"),
        ("valid_from = 2016-01-01", "valid_from = 2016-01-01"),
        ("valid_from = 2016-01-01\nvalid_until = 2017-01-02", "valid_from = 2017-01-01"),
    ],
)
def test_entries_come_oldest_first_and_never_overlap(first: str, second: str) -> None:
    entries = "".join(f"[[n.values]]\nvalue = 1\n{when}\n" for when in (first, second))

    with pytest.raises(ParameterError, match="n, entry 2: must begin after the entry before it, without overlap"):
        parse(f'[n]\nsource = "S"\nconfidence = "S"\n{entries}').history("n", DAYS)


def test_a_parameter_nobody_reads_is_an_error() -> None:
    document = parse(CHANGED + entry())
    document.history("n", DAYS)

    with pytest.raises(ParameterError, match="unknown 'term_days_max'"):
        document.finish()


def test_a_value_may_be_known_to_be_not_set() -> None:
    history = parse(entry(value="", not_set="true")).optional_history("n", DAYS)

    assert history.on(date(2010, 1, 1)) is None
    assert parse(entry()).optional_history("n", DAYS).on(date(2010, 1, 1)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (entry(not_set="true"), "give either 'value' or 'not_set = true'"),
        (entry(value=""), "give either 'value' or 'not_set = true'"),
        (entry(value="", not_set="false"), "'not_set' can only be true"),
    ],
)
def test_not_set_is_said_in_one_way_only(content: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        parse(content).optional_history("n", DAYS)


def test_rows_of_a_register_come_and_go_and_take_from_the_header_what_they_do_not_say() -> None:
    content = """
    [towns]
    source = "list of 2024"
    confidence = "S2"
    rows = [
      { name = "甲", valid_until = 2016-01-01 },
      { name = "乙" },
      { name = "丙", valid_from = 2016-01-01, source = "notice", rule = "C-23" },
    ]
    """
    register = parse(content).register("towns", lambda fields: fields.take("name", text))

    assert register.on(date(2015, 12, 31)) == ("甲", "乙")
    assert register.on(date(2016, 1, 1)) == ("乙", "丙")
    assert [row.source for row in register.rows] == ["list of 2024", "list of 2024", "notice"]


def test_a_row_may_use_its_own_rule_in_its_value() -> None:
    content = '[[t.rows]]\nname = "甲"\nrule = "R-1"\nsource = "S"\nconfidence = "S"\n'
    register = parse(content).register("t", lambda fields: (fields.take("name", text), fields.peek("rule", text)))

    assert register.rows == (Dated(("甲", "R-1"), None, None, "S", Confidence.TEXT_SEEN, "R-1"),)


def test_readers_of_values() -> None:
    fields = Fields("here", {"flag": False, "one": "red", "many": ["blue", "red"], "none": []})

    assert fields.take("flag", flag) is False
    assert fields.take("one", one_of(Colour)) is Colour.RED
    assert fields.take("many", list_of(one_of(Colour))) == (Colour.BLUE, Colour.RED)
    assert fields.take("none", list_of(text)) == ()
    assert fields.take_optional("absent", text) is None
    fields.finish()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"n": "green"}, "'n' must be one of red, blue"),
        ({"n": ["red", "red"]}, "'n' must be a list without repetitions"),
        ({"n": "red, blue"}, "'n' must be a list"),
        ({"n": ["red", 3]}, "'n' must be one of red, blue"),
    ],
)
def test_readers_say_what_they_expected(raw: dict[str, object], message: str) -> None:
    read = list_of(one_of(Colour)) if "list" in message or isinstance(raw["n"], list) else one_of(Colour)

    with pytest.raises(ParameterError, match=message):
        Fields("here", raw).take("n", read)


def test_a_folder_is_read_by_file_name(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(CHANGED, encoding="utf-8")
    (tmp_path / "two.toml").write_text(entry(), encoding="utf-8")
    (tmp_path / "notes.md").write_text("no parameters", encoding="utf-8")

    documents = read_folder(tmp_path)

    assert list(documents) == ["one", "two"]
    assert documents["two"].history("n", DAYS).on(date(2026, 1, 1)) == 1


def test_a_supposition_holds_for_all_time() -> None:
    supposed = History.constant(12)

    assert supposed.on(date.min) == supposed.on(date.max) == 12
    assert supposed.entry_on(date.max).confidence.is_visible_default


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dates(date(1950, 1, 1), date(2050, 1, 1)), min_size=1, max_size=6, unique=True).map(sorted), st.dates())
def test_a_later_entry_never_changes_what_was_in_force_before_it(starts: list[date], day: date) -> None:
    def history(days: list[date]) -> History[int]:
        entries = "".join(f"[[n.values]]\nvalue = {number + 1}\nvalid_from = {start}\n" for number, start in enumerate(days))
        return parse(f'[n]\nsource = "S"\nconfidence = "S"\n{entries}').history("n", DAYS)

    begun = [number for number, start in enumerate(starts) if start <= day]
    if begun:
        assert history(starts).on(day) == begun[-1] + 1
    else:
        with pytest.raises(NotInForceError):
            history(starts).on(day)
    if len(starts) > 1 and starts[0] <= day < starts[-1]:
        assert history(starts).on(day) == history(starts[:-1]).on(day)
