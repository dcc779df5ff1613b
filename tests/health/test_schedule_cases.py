"""Every case of the immunisation schedule holds, and no figure of it can change unnoticed."""

import pytest

from services.health.actions.schedules import programme
from tests.health.schedule_cases import Case, cases, expected, outcome


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases()])
def test_case(case: Case) -> None:
    assert outcome(programme(), case) == expected(case)


def test_there_are_cases_enough_and_none_twice() -> None:
    assert len(cases()) >= 150
    assert len({case.name for case in cases()}) == len(cases())
