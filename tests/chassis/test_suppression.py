"""Small numbers: hidden, and not to be computed from what is shown – checked by trying every table that fits."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis import suppression
from services.chassis.suppression import Row, Shown, shown_of

SMALLEST = 3
TABLES = st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=3)


def test_nothing_is_hidden_where_nothing_is_small() -> None:
    assert shown_of([(10, 0, 7), (5, 9, 6)], 5) == Shown((17, 20), ((10, 0, 7), (5, 9, 6)))


def test_one_small_number_takes_three_others_with_it() -> None:
    shown = shown_of([(3, 50, 60), (40, 20, 60), (70, 80, 90)], 5)
    assert shown.people == (113, 120, 240)
    assert shown.cells == ((None, None, 60), (None, None, 60), (70, 80, 90))


def test_a_small_group_is_withheld_with_another_one() -> None:
    shown = shown_of([(1, 1, 0), (9, 9, 9), (30, 30, 30), (0, 0, 0)], 5)
    assert shown.people == (None, None, 90, 0)
    assert shown.cells == ((None, None, None), (None, None, None), (30, 30, 30), (0, 0, 0))


def tables_that_fit(shown: Shown, sums: Sequence[int]) -> Iterator[tuple[Row, ...]]:
    """Every table anybody could think of, who knows what is shown and the city's figures."""
    yield from _rows(shown, 0, tuple(sums))


def _rows(shown: Shown, at: int, left: tuple[int, ...]) -> Iterator[tuple[Row, ...]]:
    if at == len(shown.cells):
        if not any(left):
            yield ()
        return
    for row in _cells(shown.cells[at], left):
        if shown.people[at] in {None, sum(row)}:
            for rest in _rows(shown, at + 1, tuple(one - other for one, other in zip(left, row, strict=True))):
                yield (row, *rest)


def _cells(cells: Sequence[int | None], left: Sequence[int]) -> Iterator[Row]:
    if not cells:
        yield ()
        return
    for cell in [cells[0]] if cells[0] is not None else range(left[0] + 1):
        if cell <= left[0]:
            for rest in _cells(cells[1:], left[1:]):
                yield (cell, *rest)


def check(table: list[Row]) -> None:
    shown = shown_of(table, SMALLEST)
    sums = [sum(column) for column in zip(*table, strict=True)]
    fitting = list(tables_that_fit(shown, sums))
    assert tuple(table) in fitting
    for at, row in enumerate(table):
        assert shown.people[at] in {None, sum(row)}
        for column, cell in enumerate(row):
            assert shown.cells[at][column] in {None, cell}
            if 0 < cell < SMALLEST:
                assert shown.cells[at][column] is None
                # Nothing helps where the city's own figure says it, or every number of the table is hidden.
                if any(each is not None for each in shown.cells[at]) or any(each[column] is not None for each in shown.cells):
                    assert len({each[at][column] for each in fitting}) > 1, (table, shown)


@settings(max_examples=300, deadline=None)
@given(TABLES)
def test_no_small_number_can_be_computed_from_what_is_shown(table: list[Row]) -> None:
    check(table)


@pytest.mark.parametrize("bug", ["_tells", "_withheld"])
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if bug == "_tells":
        monkeypatch.setattr(suppression._Hiding, "complete", lambda self: None)
    else:
        monkeypatch.setattr(suppression, "_withheld", lambda people, smallest: set())

    @settings(max_examples=500, deadline=None, database=None)
    @given(TABLES)
    def checked(table: list[Row]) -> None:
        check(table)
        assert all(each is None or each == 0 or each >= SMALLEST for each in shown_of(table, SMALLEST).people)

    with pytest.raises(AssertionError):
        checked()
