"""Class sizes: bands, plans, and transfers by vacancy."""

from datetime import date

import pytest

from services.chassis.parameters import NotInForceError
from services.education.actions.shipped import class_sizes
from services.education.rules.class_sizes import SizeBand

ON = date(2025, 9, 1)
LAW = class_sizes()


@pytest.mark.parametrize(
    ("pupils", "band"),
    [
        (45, SizeBand.NORMAL),
        (46, SizeBand.SOMEWHAT_LARGE),
        (55, SizeBand.SOMEWHAT_LARGE),
        (56, SizeBand.LARGE),
        (65, SizeBand.LARGE),
        (66, SizeBand.VERY_LARGE),
    ],
)
def test_bands(pupils: int, band: SizeBand) -> None:
    """EDU-16."""
    assert LAW.band(pupils, ON) is band


def test_plans() -> None:
    """EDU-17."""
    assert [LAW.planned_places(grade, 2, ON) for grade in (1, 6, 7, 9)] == [90, 90, 100, 100]
    assert LAW.most_places(3, ON) == 165


@pytest.mark.parametrize(
    ("grade", "of_grade", "of_school", "codes"),
    [
        (3, [44, 45], [44, 45, 65], []),
        (3, [45, 50], [45, 50], ["no_vacancy"]),
        (8, [50, 49], [50, 49], []),
        (8, [50, 51], [50, 51], ["no_vacancy"]),
        (3, [30], [30, 66], ["very_large_classes"]),
        (3, [], [70], ["very_large_classes", "no_vacancy"]),
    ],
)
def test_transfers_are_by_vacancy(grade: int, of_grade: list[int], of_school: list[int], codes: list[str]) -> None:
    """EDU-18."""
    found = list(LAW.against_transfer(grade, of_grade, of_school, ON))
    assert [each.code for each in found] == codes
    assert all(each.message_zh and each.message_en and each.rule for each in found)


def test_before_the_law_nothing_is_told() -> None:
    with pytest.raises(NotInForceError):
        LAW.band(40, date(2010, 1, 1))
